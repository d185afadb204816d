package translog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/noised/noised/privacy"
)

// Key signs the states of one log. Whoever has it can sign two pasts, so it lies
// where neither the data nor its backups are.
type Key struct {
	signer   note.Signer
	verifier string
}

// LogName is the name of a store's log, and of the keys that sign it.
func LogName(store string) string { return "noised/log/" + store }

// NewKey makes a key for the log of a store, and returns what its file holds.
func NewKey(store string) (file []byte, verifier string, err error) {
	private, verifier, err := note.GenerateKey(rand.Reader, LogName(store))
	return []byte(private + "\n" + verifier + "\n"), verifier, err
}

// ParseKey reads what NewKey returned.
func ParseKey(file []byte) (*Key, error) {
	private, verifier, ok := strings.Cut(strings.TrimSpace(string(file)), "\n")
	if !ok {
		return nil, errors.New("it is not the key of a log")
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, errors.New("it is not the key of a log") // the cause may quote it
	}
	check, err := note.NewVerifier(verifier)
	if err != nil || check.Name() != signer.Name() || check.KeyHash() != signer.KeyHash() {
		return nil, errors.New("its two halves are of different keys")
	}
	return &Key{signer, verifier}, nil
}

// Name returns the name of the log that the key signs.
func (k *Key) Name() string { return k.signer.Name() }

// Verifier returns what signatures of the key are checked with. It is public.
func (k *Key) Verifier() string { return k.verifier }

// Checkpoint signs the log as a transaction sees it, with all that is committed.
func (k *Key) Checkpoint(ctx context.Context, r Reader) (c Checkpoint, signed []byte, err error) {
	c.Origin = k.Name()
	if c.Size, c.Root, err = Head(ctx, r); err != nil {
		return c, nil, err
	}
	if signed, err = c.Sign(k.signer); err != nil {
		return c, nil, privacy.Internal(err, "signing the log")
	}
	return c, signed, nil
}

// Adopt puts a key on the log's own record, so that when it began to sign is there
// for everybody to see. A key that is on it already changes nothing.
func Adopt(ctx context.Context, tx *sql.Tx, verifier, by string, at time.Time) error {
	known, err := Adopted(ctx, tx, verifier)
	if err != nil || known {
		return err
	}
	leaf, err := Append(ctx, tx, Leaf{Kind: KindKey, At: at, Body: struct {
		Act      string `json:"act"`
		Verifier string `json:"verifier"`
		By       string `json:"by"`
	}{"sign-log", verifier, by}})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO log_keys (leaf, verifier) VALUES (?, ?)`, leaf, verifier); err != nil {
		return privacy.Internal(err, "recording a log key")
	}
	return nil
}

// Adopted reports whether a key is on the log's record.
func Adopted(ctx context.Context, r Reader, verifier string) (known bool, err error) {
	err = r.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM log_keys WHERE verifier = ?)`, verifier).Scan(&known)
	if err != nil {
		return false, privacy.Internal(err, "reading the log's keys")
	}
	return known, nil
}

// Signed reports whether any key is on the log's record.
func Signed(ctx context.Context, r Reader) (signed bool, err error) {
	if err = r.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM log_keys)`).Scan(&signed); err != nil {
		return false, privacy.Internal(err, "reading the log's keys")
	}
	return signed, nil
}

// ParseVerifier reads a verifier.
func ParseVerifier(text string) (note.Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("it is not the verifier key of a log: %w", err)
	}
	return v, nil
}
