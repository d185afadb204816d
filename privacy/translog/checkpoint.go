package translog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a state of a log: the root hash over so many leaves.
type Checkpoint struct {
	Origin string // name of the log, which is that of its key
	Size   int64
	Root   tlog.Hash
}

// maxNote bounds what is read as a checkpoint.
const maxNote = 8 << 10

// text is the signed part of a note (c2sp.org/tlog-checkpoint).
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// Sign returns the checkpoint as a signed note.
func (c Checkpoint) Sign(by note.Signer) ([]byte, error) {
	c.Origin = by.Name()
	return note.Sign(&note.Note{Text: c.text()}, by)
}

var errNotCheckpoint = errors.New("it is not a checkpoint of a log")

// OpenCheckpoint reads a signed note. It fails unless the key of the verifier has
// signed it and the log bears that key's name; signatures of others are ignored.
func OpenCheckpoint(signed []byte, by note.Verifier) (Checkpoint, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, errNotCheckpoint
	}
	n, err := note.Open(signed, note.VerifierList(by))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the signature of the checkpoint does not hold: %w", err)
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != by.Name() {
		return Checkpoint{}, fmt.Errorf("the checkpoint is one of the log %q, and the key one of %q", c.Origin, by.Name())
	}
	return c, nil
}

// parseCheckpoint reads exactly what text writes.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] == "" {
		return Checkpoint{}, errNotCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, errNotCheckpoint
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, errNotCheckpoint
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if c.text() != text {
		return Checkpoint{}, errNotCheckpoint
	}
	return c, nil
}
