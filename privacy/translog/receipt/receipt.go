// Package receipt is the proof that a release and the charge for it are on a log:
// both leaves, how each is hashed into a state of the log, and that state signed
// with the log's key. Whoever has the key's public half checks it with nothing else,
// years later, without a server and without trusting one.
//
// Leaves name nobody: they commit to whom a charge debited and what for. A receipt
// opens those of the commitments that its holder may see, and shows that the others
// are there. A leaf from before there were commitments that names others is not
// shown; its hash is proved all the same.
package receipt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
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
	maxBytes   = 16 << 20
	maxEntries = 16
	maxProof   = 64
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

// Opened is one commitment in a leaf: the text, and the nonce that it is hashed
// behind.
type Opened struct {
	Part  string `json:"part"`
	Nonce string `json:"nonce"`
	Text  string `json:"text"`
}

// Open opens one part of a leaf.
func Open(nonce translog.Nonce, part, text string) Opened {
	n := nonce.Parts()(part)
	return Opened{part, hex.EncodeToString(n[:]), text}
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
		if e.Index < 0 || len(e.Proof) > maxProof || (e.Leaf == "") == (e.LeafHash == nil) || e.Leaf == "" && len(e.Opened) > 0 || len(e.Opened) > maxEntries<<10 {
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

// leaf is what a receipt reads of both kinds.
type leaf struct {
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
	Body struct {
		Charge     string        `json:"charge"`
		Release    string        `json:"release"`
		Dataset    string        `json:"dataset"`
		Cost       *privacy.Cost `json:"cost"`
		Commitment string        `json:"commitment"`
		Purpose    string        `json:"purpose"`
		Debits     []string      `json:"debits"`
		Accounts   []string      `json:"accounts"`
	} `json:"body"`
}

// read takes what a leaf and what was opened of it say.
func (c *Claims) read(kind string, e Entry) error {
	var l leaf
	if err := json.Unmarshal([]byte(e.Leaf), &l); err != nil || l.Kind != kind {
		return fmt.Errorf("entry %d is not a %s", e.Index, kind)
	}
	if l.Body.Charge != c.Charge {
		return fmt.Errorf("entry %d is of another charge", e.Index)
	}
	if kind == translog.KindRelease {
		if l.Body.Release != c.Release {
			return fmt.Errorf("entry %d is of another release", e.Index)
		}
		c.Dataset, c.ReleasedAt = l.Body.Dataset, l.At
		if l.Body.Commitment == "" { // from before there were any
			c.Purpose = l.Body.Purpose
		}
	} else {
		c.ChargedAt, c.Cost, c.Parties, c.Debited = l.At, l.Body.Cost, len(l.Body.Debits), l.Body.Accounts
	}
	seen := map[string]bool{}
	for _, o := range e.Opened {
		if seen[strings.ToLower(o.Nonce)] {
			return fmt.Errorf("entry %d opens a part twice", e.Index)
		}
		seen[strings.ToLower(o.Nonce)] = true
		if err := c.open(kind, &l, o); err != nil {
			return fmt.Errorf("entry %d: %w", e.Index, err)
		}
	}
	return nil
}

// open checks what was opened, and takes it.
func (c *Claims) open(kind string, l *leaf, o Opened) error {
	nonce, err := hex.DecodeString(o.Nonce)
	if err != nil || len(nonce) != len(translog.Nonce{}) {
		return fmt.Errorf("the nonce of %s is not one", o.Part)
	}
	said := translog.Nonce(nonce).Commit([]byte(o.Text))
	wrong := fmt.Errorf("the leaf does not commit to what is said of %s", o.Part)
	switch {
	case kind == translog.KindCharge && o.Part == "charge":
		if said != l.Body.Commitment || !json.Valid([]byte(o.Text)) {
			return wrong
		}
		c.For = json.RawMessage(o.Text)
	case kind == translog.KindCharge:
		var names []string
		if !slices.Contains(l.Body.Debits, said) || json.Unmarshal([]byte(o.Text), &names) != nil {
			return wrong
		}
		c.Debited = append(c.Debited, names...)
	case o.Part == "result":
		if said != l.Body.Commitment || !json.Valid([]byte(o.Text)) {
			return wrong
		}
		c.Result = json.RawMessage(o.Text)
	case o.Part == "purpose":
		if said != l.Body.Purpose {
			return wrong
		}
		c.Purpose = o.Text
	default:
		return fmt.Errorf("a %s has no part %q", kind, o.Part)
	}
	return nil
}
