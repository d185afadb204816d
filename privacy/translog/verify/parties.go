package verify

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// share is what a leaf commits to of one party: its name, and those of its accounts.
type share struct {
	party string
	text  []byte
}

// commitsTo reports whether a leaf commits to accounts, sorted, and to no others.
func (l *spendLeaf) commitsTo(accounts []string, nonce translog.Nonce) bool {
	shares := sharesOf(accounts)
	if l.Debits != nil {
		open := nonce.Parts()
		return slices.EqualFunc(shares, l.Debits, func(s share, said string) bool { return open("debit:"+s.party).Commit(s.text) == said })
	}
	if len(shares) == 0 || len(shares) != l.Parties {
		return false
	}
	hashes := make([]tlog.Hash, len(shares))
	for i, n := range nonce.Places(len(shares)) {
		hashes[i] = tlog.RecordHash(append(n[:], shares[i].text...))
	}
	root := rootOver(hashes)
	return hex.EncodeToString(root[:]) == l.Root
}

// rootOver is the root of RFC 6962 over hashes of which there is at least one.
func rootOver(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	left := 1
	for 2*left < len(hashes) {
		left *= 2
	}
	return tlog.NodeHash(rootOver(hashes[:left]), rootOver(hashes[left:]))
}

// sharesOf returns the accounts by party, in the order of a leaf.
func sharesOf(accounts []string) []share {
	parties := map[string][]string{}
	for _, name := range accounts {
		party := name
		if a, err := privacy.ParseAccount(name); err == nil {
			party = privacy.DatasetAccount(a.Owner).String()
			if t, ok := a.Tenant(); ok {
				party = privacy.TenantAccount(t).String()
			}
		}
		parties[party] = append(parties[party], name)
	}
	out := make([]share, 0, len(parties))
	for _, party := range slices.Sorted(maps.Keys(parties)) {
		text, err := json.Marshal(parties[party])
		if err != nil {
			return nil
		}
		out = append(out, share{party, text})
	}
	return out
}
