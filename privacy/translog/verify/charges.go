package verify

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// spendLeaf is the body of the leaf of a charge or of a join. It says in one of three
// forms whose accounts were debited: by the root of a tree over so many parties; in
// logs from before there were trees by a list of commitments, one for each party; and
// in logs from before there were commitments by the accounts' names.
type spendLeaf struct {
	Charge     string       `json:"charge"`
	Cost       privacy.Cost `json:"cost"`
	Commitment string       `json:"commitment"`
	Root       string       `json:"root"`
	Parties    int          `json:"parties"`
	Debits     []string     `json:"debits"`
	Accounts   []string     `json:"accounts"`
}

// names reports whether the leaf names accounts.
func (l *spendLeaf) names() bool { return l.Accounts != nil }

// readSpend reads the body of such a leaf. One that has two forms could be read in
// two ways, and one that has none says nothing.
func (v *run) readSpend(l *reading, to *spendLeaf) bool {
	if !v.decode(l, to) {
		return false
	}
	forms := 0
	for _, there := range []bool{to.Root != "", to.Debits != nil, to.Accounts != nil} {
		if there {
			forms++
		}
	}
	if forms != 1 || (to.Root != "") != (to.Parties != 0) {
		v.problem(l.idx, "leaf %d does not say in one way whose accounts were debited", l.idx)
		return false
	}
	return true
}

// charge holds a charge against its leaf, and debits what it says.
func (v *run) charge(l *reading) {
	v.Charges++
	var leaf spendLeaf
	if !v.readSpend(l, &leaf) {
		return
	}
	if !l.chargeID.Valid || l.chargeID.String != leaf.Charge {
		v.problem(l.idx, "charge %s is in leaf %d, and the ledger has %q there", leaf.Charge, l.idx, l.chargeID.String)
		return
	}
	if (privacy.Cost{Mu2: l.mu2.Int64, Delta: l.deltaUnits.Int64}) != leaf.Cost {
		v.problem(l.idx, "charge %s costs mu2 %d and delta %d by the log, and %d and %d by the ledger",
			leaf.Charge, leaf.Cost.Mu2, leaf.Cost.Delta, l.mu2.Int64, l.deltaUnits.Int64)
	}
	if l.chargedAt.Int64 != v.now {
		v.problem(l.idx, "charge %s was made at another time than the ledger says", leaf.Charge)
	}
	if !v.opens(l, leaf) {
		v.problem(l.idx, "the ledger's principal, dataset, tenants, key, loss or nonce of charge %s is not what the log commits to", leaf.Charge)
	}
	found, _, err := l.entries(v.names)
	if err != nil {
		v.problem(l.idx, "the debits of charge %s: %s", leaf.Charge, err)
		return
	}
	if leaf.names() { // others than those named are of joins that follow
		rest := maps.Clone(found)
		for _, name := range leaf.Accounts {
			delete(rest, name)
		}
		for name := range rest {
			delete(found, name)
		}
		if len(rest) > 0 {
			v.earlier[leaf.Charge] = rest
		}
	}
	v.paid(l, leaf, found)
	v.spend(l.idx, leaf, l.nonce, found)
}

// paid holds the tenants that a charge is for against the accounts that it debited: each
// pays at least from the account that caps all that is learnt of its rows.
func (v *run) paid(l *reading, leaf spendLeaf, found map[string]entry) {
	var tenants []string
	if json.Unmarshal([]byte(l.tenants.String), &tenants) != nil {
		return // opens has said so, or the leaf does not cover them
	}
	paying := map[string]bool{}
	for _, s := range sharesOf(slices.Collect(maps.Keys(found))) {
		paying[s.party] = true
	}
	for _, tenant := range tenants {
		if !paying[privacy.TenantAccount(tenant).String()] {
			v.problem(l.idx, "charge %s is for tenant %s, and debited nothing of it", leaf.Charge, tenant)
		}
	}
}

// opens reports whether the ledger's nonce opens what the leaf of a charge commits
// to, as what the ledger has.
func (v *run) opens(l *reading, leaf spendLeaf) bool {
	if len(l.nonce) != len(translog.Nonce{}) {
		return false
	}
	if leaf.names() {
		return earlierCommitment(l.nonce, l.key.String) == leaf.Commitment
	}
	var tenants []string
	if err := json.Unmarshal([]byte(l.tenants.String), &tenants); err != nil {
		return false
	}
	text, err := json.Marshal(struct {
		Dataset   string   `json:"dataset"`
		Delta     string   `json:"delta"`
		Epsilon   string   `json:"epsilon"`
		Key       string   `json:"key"`
		Principal string   `json:"principal"`
		Tenants   []string `json:"tenants"`
	}{l.dataset.String, decimal(l.delta.Float64), decimal(l.epsilon.Float64), l.key.String, l.principal.String, tenants})
	return err == nil && translog.Nonce(l.nonce).Parts()("charge").Commit(text) == leaf.Commitment
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// join holds a join against its leaf, and debits what it says.
func (v *run) join(l *reading) {
	var leaf spendLeaf
	if !v.readSpend(l, &leaf) {
		return
	}
	if leaf.names() {
		found := map[string]entry{}
		for _, name := range leaf.Accounts {
			if e, ok := v.earlier[leaf.Charge][name]; ok {
				found[name] = e
				delete(v.earlier[leaf.Charge], name)
			}
		}
		v.spend(l.idx, leaf, nil, found)
		return
	}
	if !l.joined.Valid || l.joinedCharge.String != leaf.Charge || len(l.joinNonce) != len(translog.Nonce{}) {
		v.problem(l.idx, "leaf %d joins charge %s, and the ledger has %q there", l.idx, leaf.Charge, l.joinedCharge.String)
		return
	}
	found, rows, err := l.entries(v.names)
	if err != nil || rows != l.joinParts.Int64 {
		v.problem(l.idx, "the debits of a join of charge %s are not all there, or cannot be read", leaf.Charge)
		return
	}
	v.spend(l.idx, leaf, l.joinNonce, found)
}

// spend debits the accounts that a leaf commits to, or names, once the debits in
// the ledger are found to be those.
func (v *run) spend(idx int64, leaf spendLeaf, nonce []byte, found map[string]entry) {
	var said []string
	if leaf.names() {
		said = slices.Sorted(slices.Values(leaf.Accounts))
		if !slices.Equal(said, slices.Sorted(maps.Keys(found))) {
			v.problem(idx, "charge %s debited %v by the log, and %v by the ledger", leaf.Charge, said, slices.Sorted(maps.Keys(found)))
		}
	} else {
		said = slices.Sorted(maps.Keys(found))
		if len(nonce) != len(translog.Nonce{}) || !leaf.commitsTo(said, translog.Nonce(nonce)) {
			v.problem(idx, "the accounts that charge %s debited by the ledger are not those that the log commits to", leaf.Charge)
			return
		}
	}
	for _, name := range said {
		a := v.accounts[name]
		if a == nil {
			v.problem(idx, "charge %s debited %s, which no leaf has opened", leaf.Charge, name)
			continue
		}
		a.at(v.now)
		if e, ok := found[name]; ok && (e.cost != leaf.Cost || e.seen != a.seen) {
			v.problem(idx, "charge %s debited %s another amount, or at another time, by the ledger than by the log", leaf.Charge, name)
		}
		if !a.debit(leaf.Cost) {
			v.problem(idx, "charge %s debited %s beyond its cap", leaf.Charge, name)
		}
	}
}

// decode reads a leaf's body.
func (v *run) decode(l *reading, to any) bool {
	if err := json.Unmarshal(l.body, to); err != nil {
		v.problem(l.idx, "leaf %d cannot be read: %s", l.idx, err)
		return false
	}
	return true
}
