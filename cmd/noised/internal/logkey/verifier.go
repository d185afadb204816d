package logkey

import (
	"errors"
	"fmt"
	"strings"

	"github.com/noised/noised/cmd/noised/internal/namedfile"
	"github.com/noised/noised/privacy/translog"
)

// ReadVerifier reads the public half of a log's key, given as it is or in a file.
func ReadVerifier(given string) (string, error) {
	if _, err := translog.ParseVerifier(given); err == nil {
		return strings.TrimSpace(given), nil
	}
	data, err := namedfile.Read(given, MaxFile)
	if err != nil {
		return "", fmt.Errorf("--verifier is neither a verifier key nor a file with one: %w", err)
	}
	text := strings.TrimSpace(string(data))
	if _, err := translog.ParseVerifier(text); err != nil {
		return "", fmt.Errorf("%s: %w", given, err)
	}
	return text, nil
}

// SignedBy reads a checkpoint that one of some keys has signed.
func SignedBy(signed []byte, verifiers []string) (c translog.Checkpoint, err error) {
	err = errors.New("no key is named to check its signature with")
	for _, text := range verifiers {
		key, perr := translog.ParseVerifier(text)
		if perr != nil {
			return c, perr
		}
		if c, err = translog.OpenCheckpoint(signed, key); err == nil {
			return c, nil
		}
	}
	return c, err
}
