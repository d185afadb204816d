package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// The leaf of a charge names nobody. For each tenant whose accounts were debited,
// and for the dataset, it has a commitment to the names of those accounts, and one
// to what was charged for. The nonce of the charge opens them, part by part, so
// that each tenant is shown its own and nobody who else paid.

// partDetail is the part of a charge's leaf that says what was charged for.
const partDetail = "charge"

// detail is what a charge was made for, in the order of canonical JSON.
type detail struct {
	Dataset   string   `json:"dataset"`
	Delta     string   `json:"delta"`
	Epsilon   string   `json:"epsilon"`
	Key       string   `json:"key"`
	Principal string   `json:"principal"`
	Tenants   []string `json:"tenants"`
}

func detailOf(c Charge) ([]byte, error) {
	text, err := json.Marshal(detail{c.Dataset, decimal(c.Loss.Delta), decimal(c.Loss.Epsilon), c.Key, c.Principal, c.Tenants})
	if err != nil {
		return nil, privacy.Internal(err, "storing a charge")
	}
	return text, nil
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// share is one party's accounts among those that a charge debits.
type share struct {
	part string // "debit:tenant:a" or "debit:dataset:visits"
	text []byte // the names of the accounts, sorted, as JSON
}

// sharesOf returns the accounts by party, sorted.
func sharesOf(accounts []*row) ([]share, error) {
	names := map[string][]string{}
	for _, a := range accounts {
		part := partOf(a.account)
		names[part] = append(names[part], a.name)
	}
	out := make([]share, 0, len(names))
	for part, list := range names {
		slices.Sort(list)
		text, err := json.Marshal(list)
		if err != nil {
			return nil, privacy.Internal(err, "naming accounts")
		}
		out = append(out, share{part, text})
	}
	slices.SortFunc(out, func(a, b share) int { return strings.Compare(a.part, b.part) })
	return out, nil
}

// partOf names the part of a leaf that tells of an account.
func partOf(a privacy.Account) string {
	if t, ok := a.Tenant(); ok {
		return "debit:" + privacy.TenantAccount(t).String()
	}
	return "debit:" + privacy.DatasetAccount(a.Owner).String()
}

// leaf returns the body of the leaf of a charge, or of a join, which has no
// detail: what it was for stands in the leaf of its charge. The accounts are the
// same for many charges.
func (t *touched) leaf(c Charge, cost privacy.Cost, detail []byte, nonce translog.Nonce) (json.RawMessage, error) {
	if t.shares == nil {
		var err error
		if t.shares, err = sharesOf(t.accounts); err != nil {
			return nil, err
		}
	}
	parts := nonce.Parts()
	body := fmt.Appendf(make([]byte, 0, 67*len(t.shares)+256), `{"charge":"%s"`, c.ID)
	if detail != nil {
		body = fmt.Appendf(body, `,"commitment":"%s"`, parts(partDetail).Commit(detail))
	}
	body = fmt.Appendf(body, `,"cost":{"delta":%d,"mu2":%d},"debits":[`, cost.Delta, cost.Mu2)
	for i, s := range t.shares {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(append(append(body, '"'), parts(s.part).Commit(s.text)...), '"')
	}
	return append(body, "]}"...), nil
}
