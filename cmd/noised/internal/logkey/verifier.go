package logkey

import (
	"fmt"
	"os"
	"strings"

	"github.com/noised/noised/privacy/translog"
)

// ReadVerifier reads the public half of a log's key, given as it is or in a file.
func ReadVerifier(given string) (string, error) {
	if _, err := translog.ParseVerifier(given); err == nil {
		return strings.TrimSpace(given), nil
	}
	data, err := ReadSmall(given, MaxFile)
	if err != nil {
		return "", fmt.Errorf("--verifier is neither a verifier key nor a file with one: %w", err)
	}
	text := strings.TrimSpace(string(data))
	if _, err := translog.ParseVerifier(text); err != nil {
		return "", fmt.Errorf("%s: %w", given, err)
	}
	return text, nil
}

// ReadSmall reads a file of no more than so many bytes.
func ReadSmall(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s is too large", path)
	}
	return os.ReadFile(path)
}

// SignedBy finds the checkpoint's key among some.
func SignedBy(signed []byte, verifiers []string) (c translog.Checkpoint, err error) {
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
