// Package receipt is the proof that a release and the charge for it are on a log:
// both leaves, how each is hashed into a state of the log, and that state signed
// with the log's key. Whoever has the key's public half checks it with nothing else,
// years later, without a server and without trusting one.
//
// Leaves name nobody: they commit to whom a charge debited and what for. A receipt
// opens of that what its holder may see, and shows how many others there are. A leaf
// from before there were commitments that names others is not shown; its hash is
// proved all the same.
package receipt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// Format is what a receipt says that it is.
const Format = "noised receipt, format 1"

// Limits of what is read.
const (
	maxBytes  = 16 << 20
	maxProof  = 64
	maxOpened = 16 << 10
)

// Receipt is the document.
type Receipt struct {
	Format     string  `json:"format"`
	Release    string  `json:"release"`
	Charge     string  `json:"charge"`
	Checkpoint string  `json:"checkpoint"` // a signed note
	Entries    []Entry `json:"entries"`    // the charge, then the release
}

// Entry is one leaf of the log, and its way to the root.
type Entry struct {
	Index    int64       `json:"index"`
	Leaf     string      `json:"leaf,omitempty"`      // as it was hashed; empty where it names others
	LeafHash *tlog.Hash  `json:"leaf_hash,omitempty"` // in its place
	Proof    []tlog.Hash `json:"proof"`
	Opened   []Opened    `json:"opened,omitempty"`
}

// Opened is one part of what a leaf commits to: the text, and the nonce that it is
// hashed behind. If the leaf has the root of a tree over parties, and the part is one
// of them, it has its place in that tree and the hashes on the way to the root.
type Opened struct {
	Part  string      `json:"part"`
	Nonce string      `json:"nonce"`
	Text  string      `json:"text"`
	Place *int64      `json:"place,omitempty"`
	Path  []tlog.Hash `json:"path,omitempty"`
}

// Open opens one part of a leaf, by the nonce of that part.
func Open(part, text string, nonce translog.Nonce) Opened {
	return Opened{Part: part, Nonce: hex.EncodeToString(nonce[:]), Text: text}
}

// Claims are what a receipt proves, all of it.
type Claims struct {
	Log        string    `json:"log"` // its name
	Size       int64     `json:"size"`
	Root       string    `json:"root"`
	Release    string    `json:"release"`
	Charge     string    `json:"charge"`
	Dataset    string    `json:"dataset,omitempty"` // empty where the leaf is not shown
	ChargedAt  time.Time `json:"charged_at,omitzero"`
	ReleasedAt time.Time `json:"released_at,omitzero"`

	Cost     *privacy.Cost   `json:"cost,omitempty"`     // what each account was debited
	Parties  int             `json:"parties,omitempty"`  // whose accounts were debited: tenants, and the dataset
	Debited  []string        `json:"debited,omitempty"`  // accounts, of those parties that are shown
	For      json.RawMessage `json:"for,omitempty"`      // who asked what of whom, where that is shown
	Result   json.RawMessage `json:"result,omitempty"`   // what was released, likewise
	Purpose  string          `json:"purpose,omitempty"`  // likewise
	Withheld []string        `json:"withheld,omitempty"` // leaves that are proved and not shown
}

// Parse reads a receipt, and fails for what none of this form can be.
func Parse(data []byte) (*Receipt, error) {
	if len(data) > maxBytes {
		return nil, errors.New("it is too large for a receipt")
	}
	r := &Receipt{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(r); err != nil {
		return nil, fmt.Errorf("it is not a receipt: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows on the receipt")
	}
	if r.Format != Format {
		return nil, fmt.Errorf("it says that it is %q, and this program reads %q", r.Format, Format)
	}
	if r.Release == "" || r.Charge == "" || len(r.Entries) != 2 {
		return nil, errors.New("it does not have a charge and a release")
	}
	for _, e := range r.Entries {
		if e.Index < 0 || len(e.Proof) > maxProof || (e.Leaf == "") == (e.LeafHash == nil) || e.Leaf == "" && len(e.Opened) > 0 || len(e.Opened) > maxOpened {
			return nil, errors.New("one of its entries is not one")
		}
	}
	return r, nil
}

// Verify checks a receipt with the public half of the log's key. When it returns
// nil, everything in the claims is on the log that the key signed.
func Verify(data []byte, key note.Verifier) (Claims, error) {
	r, err := Parse(data)
	if err != nil {
		return Claims{}, err
	}
	state, err := translog.OpenCheckpoint([]byte(r.Checkpoint), key)
	if err != nil {
		return Claims{}, err
	}
	c := Claims{Log: state.Origin, Size: state.Size, Root: state.Root.String(), Release: r.Release, Charge: r.Charge}
	for i, kind := range []string{translog.KindCharge, translog.KindRelease} {
		e := r.Entries[i]
		hash := tlog.RecordHash([]byte(e.Leaf))
		if e.LeafHash != nil {
			hash = *e.LeafHash
			c.Withheld = append(c.Withheld, kind)
		}
		if err := check(e, hash, state); err != nil {
			return Claims{}, fmt.Errorf("the %s is not on the log: %w", kind, err)
		}
		if e.LeafHash == nil {
			if err := c.read(kind, e); err != nil {
				return Claims{}, err
			}
		}
	}
	// A hash in the place of a leaf could be that of any leaf: which release it is, and of
	// which charge, the leaf of the release alone can say.
	if r.Entries[1].LeafHash != nil {
		return Claims{}, errors.New("it does not show the release, and any other would do as well")
	}
	return c, nil
}

// check holds an entry against the signed state.
func check(e Entry, hash tlog.Hash, state translog.Checkpoint) error {
	if e.Index >= state.Size {
		return fmt.Errorf("entry %d is beyond the %d of the checkpoint", e.Index, state.Size)
	}
	return tlog.CheckRecord(e.Proof, state.Size, state.Root, e.Index, hash)
}
