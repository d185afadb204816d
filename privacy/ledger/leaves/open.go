package leaves

import (
	"encoding/json"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// PartShown is one part of what a leaf commits to, the tenant that it is of, and what
// opens it.
type PartShown struct {
	Part, Text string
	Tenant     string // empty for what the charge was for, and for accounts of the dataset
	Nonce      translog.Nonce
	Place      *int64      // in the leaf's tree; nil for what has a commitment of its own in the leaf
	Path       []tlog.Hash // from there
}

// Open returns what opens a leaf of some form: what was charged for, unless it is the
// leaf of a join, and the parts of those who paid.
func Open(n translog.Nonce, as Form, detail []byte, s *Shares) []PartShown {
	var out []PartShown
	if detail != nil {
		out = append(out, PartShown{Part: partDetail, Text: string(detail), Nonce: n.Parts()(partDetail)})
	}
	return append(out, s.opened(n, as)...)
}

func (s *Shares) opened(n translog.Nonce, as Form) []PartShown {
	out := make([]PartShown, len(s.parts))
	parts := n.Parts()
	for i, part := range s.parts {
		out[i] = PartShown{Part: part, Text: string(s.texts[i]), Nonce: parts(part)}
		if tenant, ok := strings.CutPrefix(part, "debit:"+string(privacy.AccountTenant)+":"); ok {
			out[i].Tenant = tenant
		}
	}
	if as != FormTree || len(out) == 0 {
		return out
	}
	tree := translog.NewParties(n, s.texts)
	for i := range out {
		place := int64(i)
		out[i].Place = &place
		out[i].Nonce, out[i].Path = tree.Open(i)
	}
	return out
}

// Form is how the leaf of a charge tells of accounts. Leaves are never rewritten, so
// that those of every form that there was are read for ever.
type Form int

// Forms of leaves.
const (
	FormTree  Form = iota // by the root of a tree over parties; the form that is written
	FormList              // by a list of commitments, one for each party
	FormNames             // by their names
)

// FormOf returns the form of a leaf.
func FormOf(leaf []byte) (Form, error) {
	var said struct {
		Body struct {
			Accounts []string `json:"accounts"`
			Debits   []string `json:"debits"`
		} `json:"body"`
	}
	if err := json.Unmarshal(leaf, &said); err != nil {
		return 0, privacy.Internal(err, "opening a charge")
	}
	switch {
	case said.Body.Accounts != nil:
		return FormNames, nil
	case said.Body.Debits != nil:
		return FormList, nil
	default:
		return FormTree, nil
	}
}
