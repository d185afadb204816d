package leaves

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/noised/noised/privacy"
)

// Shares are the accounts that a charge debits, by party, in the order of the
// parties' names: that of their places in the leaf's tree.
type Shares struct {
	parts []string // "debit:tenant:a" or "debit:dataset:visits"
	texts [][]byte // the names of the accounts of each, sorted, as JSON
}

// SharesOf returns the shares of some accounts, of any order.
func SharesOf(accounts []privacy.Account) (*Shares, error) {
	names := map[string][]string{}
	for _, a := range accounts {
		part := partOf(a)
		names[part] = append(names[part], a.String())
	}
	s := &Shares{parts: slices.Sorted(maps.Keys(names))}
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
func (s *Shares) same(other *Shares) bool {
	return s == other || s != nil && other != nil && slices.EqualFunc(s.texts, other.texts, bytes.Equal)
}
