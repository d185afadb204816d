package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/authn/certs"
	"github.com/noised/noised/api/authn/oidc"
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
		return nil, usagef("%s: oidc: keys and values must be text", path)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var issuers []oidc.Config
	if err := dec.Decode(&issuers); err != nil {
		return nil, usagef("%s: oidc: %s", path, strings.TrimPrefix(err.Error(), "json: "))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file: %w", err)
	}
	if len(issuers) > 0 && info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("refusing the configuration file %s: others may write it (mode %#o), and with its issuers decide who is let in. Run: chmod go-w %s",
			path, info.Mode().Perm(), quote(path))
	}
	return issuers, nil
}

// checkIdentity refuses settings that let in more than they say.
func (c Config) checkIdentity() error {
	switch {
	case c.ClientCA != "" && c.TLSCert == "":
		return fmt.Errorf("refusing --client-ca without TLS: only a connection of this server's own proves that a certificate is its sender's. Give --tls-cert and --tls-key")
	case c.ClientCA == "" && (c.ClientCRL != "" || c.ClientCAOperator):
		return usagef("--client-crl and --client-ca-operator belong to --client-ca")
	case c.AuthFailures < 1:
		return usagef("--auth-failures must be at least 1")
	}
	if err := oidc.Check(c.OIDC); err != nil {
		return fmt.Errorf("refusing to start: %w", err)
	}
	return nil
}

// gate builds what tells who a caller is.
func (m *Main) gate(p *parts, keys *authn.Keys) (*authn.Gate, error) {
	g := &authn.Gate{Keys: keys}
	if len(m.Config.OIDC) > 0 {
		tokens, err := oidc.New(m.Config.OIDC, oidc.Options{Log: m.Log, Now: time.Now})
		if err != nil {
			return nil, err
		}
		p.tokens, g.Tokens = tokens, tokens
	}
	if m.Config.ClientCA != "" {
		authority, err := certs.New(certs.Options{
			CAFile: m.Config.ClientCA, CRLFile: m.Config.ClientCRL, AllowOperator: m.Config.ClientCAOperator, Log: m.Log, Now: time.Now,
		})
		if err != nil {
			return nil, err
		}
		p.authority, g.Certificates = authority, authority
	}
	return g, nil
}
