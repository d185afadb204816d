package ledger

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// The leaf of a charge names nobody. It commits to the names of the accounts that
// were debited, by a tree over the parties that they are of, the tenants and the
// dataset; and to what was charged for. The nonce of the charge opens both, part by
// part, so that each tenant is shown its own and nobody who else paid.

// partDetail is the part of a charge's leaf that says what was charged for.
const partDetail = "charge"

// detailOf is what a charge was made for, as canonical JSON; tenants is that of its
// tenants.
func detailOf(c Charge, tenants []byte) ([]byte, error) {
	text, err := json.Marshal(struct {
		Dataset   string `json:"dataset"`
		Delta     string `json:"delta"`
		Epsilon   string `json:"epsilon"`
		Key       string `json:"key"`
		Principal string `json:"principal"`
	}{c.Dataset, decimal(c.Loss.Delta), decimal(c.Loss.Epsilon), c.Key, c.Principal})
	if err != nil {
		return nil, privacy.Internal(err, "storing a charge")
	}
	text = append(slices.Grow(text[:len(text)-1], len(tenants)+16), `,"tenants":`...)
	return append(append(text, tenants...), '}'), nil
}

// tenantsText returns names as json.Marshal does. Names are plain, and for those a
// loop takes a tenth of its time.
func tenantsText(names []string) ([]byte, error) {
	size := 2
	plain := names != nil
	for _, name := range names {
		for _, c := range []byte(name) {
			plain = plain && c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
		}
		size += len(name) + 3
	}
	if !plain {
		text, err := json.Marshal(names)
		if err != nil {
			return nil, privacy.Internal(err, "naming tenants")
		}
		return text, nil
	}
	text := append(make([]byte, 0, size), '[')
	for i, name := range names {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '"'), name...), '"')
	}
	return append(text, ']'), nil
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// shares are the accounts that a charge debits, by party, in the order of the
// parties' names: that of their places in the leaf's tree.
type shares struct {
	parts []string // "debit:tenant:a" or "debit:dataset:visits"
	texts [][]byte // the names of the accounts of each, sorted, as JSON
}

func sharesOf(accounts []*row) (*shares, error) {
	names := map[string][]string{}
	for _, a := range accounts {
		part := partOf(a.account)
		names[part] = append(names[part], a.name)
	}
	s := &shares{parts: slices.Sorted(maps.Keys(names))}
	for _, part := range s.parts {
		slices.Sort(names[part])
		text, err := json.Marshal(names[part])
		if err != nil {
			return nil, privacy.Internal(err, "naming accounts")
		}
		s.texts = append(s.texts, text)
	}
	return s, nil
}

// partOf names the part of a leaf that tells of an account.
func partOf(a privacy.Account) string {
	if t, ok := a.Tenant(); ok {
		return "debit:" + privacy.TenantAccount(t).String()
	}
	return "debit:" + privacy.DatasetAccount(a.Owner).String()
}

// same reports whether the shares are of the same accounts.
func (s *shares) same(other *shares) bool {
	return s == other || s != nil && other != nil && slices.EqualFunc(s.texts, other.texts, bytes.Equal)
}

// committed is what a leaf commits to, behind the nonce of a charge or of a join.
type committed struct {
	nonce  translog.Nonce
	detail string // the commitment to it; none of a join
	likely *shares
	root   string // over the likely shares
}

// commit takes a fresh nonce, and prepares what it can before the transaction that
// the charge is made in: the tree of a hundred tenants takes longer than the rest of
// their charge. What it is made for is likely only.
func commit(detail []byte, likely *shares) committed {
	c := committed{nonce: translog.NewNonce(), likely: likely}
	if detail != nil {
		c.detail = c.nonce.Parts()(partDetail).Commit(detail)
	}
	if likely != nil {
		c.root = translog.PartiesRoot(c.nonce, likely.texts)
	}
	return c
}

// leaf returns the body of the leaf of a charge, or of a join, which has no detail:
// what it was for stands in the leaf of its charge. The accounts are the same for
// many charges.
func (t *touched) leaf(id string, cost privacy.Cost, c committed) (json.RawMessage, error) {
	if t.shares == nil {
		var err error
		if t.shares, err = sharesOf(t.accounts); err != nil {
			return nil, err
		}
	}
	root := c.root
	if !t.shares.same(c.likely) {
		root = translog.PartiesRoot(c.nonce, t.shares.texts)
	}
	body := append(append(make([]byte, 0, 320), `{"charge":"`...), id...)
	if c.detail != "" {
		body = append(append(body, `","commitment":"`...), c.detail...)
	}
	body = strconv.AppendInt(append(body, `","cost":{"delta":`...), cost.Delta, 10)
	body = strconv.AppendInt(append(body, `,"mu2":`...), cost.Mu2, 10)
	body = strconv.AppendInt(append(body, `},"parties":`...), int64(len(t.shares.texts)), 10)
	return append(append(append(body, `,"root":"`...), root...), `"}`...), nil
}
