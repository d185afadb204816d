package receipt

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

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

		// Whose accounts were debited, in one of three forms: the root of a tree over so
		// many parties; before there were trees a commitment for each; before that, names.
		Root     string   `json:"root"`
		Parties  int64    `json:"parties"`
		Debits   []string `json:"debits"`
		Accounts []string `json:"accounts"`
	} `json:"body"`
}

// maxParties is more than one charge can debit.
const maxParties = 1 << 20

// parties returns how many parties a charge's leaf tells of; 0 where it names
// accounts. A leaf of two forms, or none, could be read in two ways.
func (l *leaf) parties() (int, error) {
	b, forms := &l.Body, 0
	for _, there := range []bool{b.Root != "", b.Debits != nil, b.Accounts != nil} {
		if there {
			forms++
		}
	}
	if forms != 1 || (b.Root != "") != (b.Parties != 0) || b.Parties < 0 || b.Parties > maxParties {
		return 0, errors.New("it does not say in one way who was debited")
	}
	return max(len(b.Debits), int(b.Parties)), nil
}

// reader takes what one entry says into the claims.
type reader struct {
	*Claims
	kind string
	leaf leaf
	last *Opened // of the parties in a tree
}

// read takes what a leaf and what was opened of it say.
func (c *Claims) read(kind string, e Entry) error {
	r := reader{Claims: c, kind: kind}
	l := &r.leaf
	if err := json.Unmarshal([]byte(e.Leaf), l); err != nil || l.Kind != kind {
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
		var err error
		if c.Parties, err = l.parties(); err != nil {
			return fmt.Errorf("entry %d: %w", e.Index, err)
		}
		c.ChargedAt, c.Cost, c.Debited = l.At, l.Body.Cost, l.Body.Accounts
	}
	seen := map[string]bool{}
	for i := range e.Opened {
		nonce := strings.ToLower(e.Opened[i].Nonce)
		if seen[nonce] {
			return fmt.Errorf("entry %d opens a part twice", e.Index)
		}
		seen[nonce] = true
		if err := r.open(&e.Opened[i]); err != nil {
			return fmt.Errorf("entry %d: %w", e.Index, err)
		}
	}
	if err := r.paid(); err != nil {
		return fmt.Errorf("entry %d: %w", e.Index, err)
	}
	return nil
}

// paid refuses a charge that was for more tenants than paid: each is a party.
func (r *reader) paid() error {
	if r.kind != translog.KindCharge || r.For == nil || r.Parties == 0 {
		return nil
	}
	var what struct {
		Tenants []string `json:"tenants"`
	}
	if err := json.Unmarshal(r.For, &what); err != nil {
		return errors.New("what it was for cannot be read")
	}
	slices.Sort(what.Tenants)
	what.Tenants = slices.Compact(what.Tenants)
	if len(what.Tenants) > r.Parties {
		return fmt.Errorf("it was for %d tenants, and %d parties paid", len(what.Tenants), r.Parties)
	}
	paid := map[string]bool{}
	for _, name := range r.Debited {
		a, err := privacy.ParseAccount(name)
		if err != nil {
			return nil // of an earlier form
		}
		party := privacy.DatasetAccount(a.Owner)
		if tenant, ok := a.Tenant(); ok {
			party = privacy.TenantAccount(tenant)
		}
		paid[party.String()] = true
	}
	if len(paid) < r.Parties {
		return nil // not all are shown
	}
	for _, tenant := range what.Tenants {
		if !paid[privacy.TenantAccount(tenant).String()] {
			return fmt.Errorf("it was for tenant %s, of which nothing was debited", tenant)
		}
	}
	return nil
}

// open checks what was opened, and takes it.
func (r *reader) open(o *Opened) error {
	nonce, err := hex.DecodeString(o.Nonce)
	if err != nil || len(nonce) != len(translog.Nonce{}) {
		return fmt.Errorf("the nonce of %s is not one", o.Part)
	}
	body := &r.leaf.Body
	if r.kind == translog.KindCharge && o.Part != "charge" && body.Root != "" {
		return r.place(o, nonce)
	}
	said := translog.Nonce(nonce).Commit([]byte(o.Text))
	wrong := fmt.Errorf("the leaf does not commit to what is said of %s", o.Part)
	if o.Place != nil || o.Path != nil {
		return fmt.Errorf("%s has no place in a tree", o.Part)
	}
	switch {
	case r.kind == translog.KindCharge && o.Part == "charge":
		if said != body.Commitment || !json.Valid([]byte(o.Text)) {
			return wrong
		}
		r.For = json.RawMessage(o.Text)
	case r.kind == translog.KindCharge:
		var names []string
		if !slices.Contains(body.Debits, said) || json.Unmarshal([]byte(o.Text), &names) != nil {
			return wrong
		}
		r.Debited = append(r.Debited, names...)
	case o.Part == "result":
		if said != body.Commitment || !json.Valid([]byte(o.Text)) {
			return wrong
		}
		r.Result = json.RawMessage(o.Text)
	case o.Part == "purpose":
		if said != body.Purpose {
			return wrong
		}
		r.Purpose = o.Text
	default:
		return fmt.Errorf("a %s has no part %q", r.kind, o.Part)
	}
	return nil
}

// place checks a party's part against the root of the tree that it has a place in,
// and takes it. Parts come in the order of their places, which is that of the
// parties' names: no place is taken twice, and no party has two.
func (r *reader) place(o *Opened, nonce []byte) error {
	root, err := hex.DecodeString(r.leaf.Body.Root)
	if err != nil || len(root) != tlog.HashSize {
		return errors.New("the root over its parties is not one")
	}
	if o.Place == nil || *o.Place < 0 || *o.Place >= r.leaf.Body.Parties {
		return fmt.Errorf("%s has no place among its %d parties", o.Part, r.leaf.Body.Parties)
	}
	hash := tlog.RecordHash(append(nonce, o.Text...))
	if tlog.CheckRecord(o.Path, r.leaf.Body.Parties, tlog.Hash(root), *o.Place, hash) != nil {
		return fmt.Errorf("the leaf does not commit to what is said of %s", o.Part)
	}
	if r.last != nil && (*r.last.Place >= *o.Place || r.last.Part >= o.Part) {
		return fmt.Errorf("%s and %s are not in the order of their places", r.last.Part, o.Part)
	}
	r.last = o
	names, err := accountsOf(o)
	if err != nil {
		return err
	}
	r.Debited = append(r.Debited, names...)
	return nil
}

// accountsOf returns the accounts that a part names. All of them are the party's.
func accountsOf(o *Opened) (names []string, err error) {
	if json.Unmarshal([]byte(o.Text), &names) != nil || len(names) == 0 {
		return nil, fmt.Errorf("%s names no account", o.Part)
	}
	for _, name := range names {
		a, err := privacy.ParseAccount(name)
		party := privacy.DatasetAccount(a.Owner)
		if tenant, ok := a.Tenant(); ok {
			party = privacy.TenantAccount(tenant)
		}
		if err != nil || o.Part != "debit:"+party.String() {
			return nil, fmt.Errorf("%s names an account of another party", o.Part)
		}
	}
	return names, nil
}
