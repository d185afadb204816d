package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/noised/noised/api/authn/oidc"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// oidcSetting is the part of the configuration file that lists issuers. It is
// too deep for flags and environment variables.
const oidcSetting = "oidc"

// readIssuers decodes the list of issuers. An unknown setting is an error: one
// that is misspelt would not protect.
func readIssuers(path string, list any) ([]oidc.Config, error) {
	if list == nil {
		return nil, nil
	}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, command.Usagef("%s: oidc: keys and values must be text", path)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var issuers []oidc.Config
	if err := dec.Decode(&issuers); err != nil {
		return nil, command.Usagef("%s: oidc: %s", path, strings.TrimPrefix(err.Error(), "json: "))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file: %w", err)
	}
	if len(issuers) > 0 && info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("refusing the configuration file %s: others may write it (mode %#o), and with its issuers decide who is let in. Run: chmod go-w %s",
			path, info.Mode().Perm(), screen.Quote(path))
	}
	return issuers, nil
}
