package verify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/noised/noised/privacy"
)

// loss is a loss as leaves write it.
type loss struct {
	Epsilon string `json:"epsilon"`
	Delta   string `json:"delta"`
}

// budgetLeaf is the body of a leaf of a budget. One of its first three members says
// what it is about.
type budgetLeaf struct {
	Account    string `json:"account"`
	Parent     string `json:"periods_of"`
	DefaultFor string `json:"default_for"`

	Accounts []string       `json:"accounts"`
	Tenant   string         `json:"tenant"`
	Window   privacy.Window `json:"window"`
	Cap      *loss          `json:"cap"`
	CapLimit privacy.Cost   `json:"cap_limit"`
	Life     *loss          `json:"lifetime"`
	Lifetime privacy.Cost   `json:"lifetime_limit"`
}

// budget opens or moves accounts.
func (v *run) budget(l *reading) {
	var b budgetLeaf
	if !v.decode(l, &b) {
		return
	}
	switch {
	case b.DefaultFor != "":
		v.defaults[b.DefaultFor+":"+b.Tenant] = b.Cap
	case b.Parent != "":
		v.openPeriods(l.idx, b)
	case b.Cap == nil || b.Life == nil:
		v.problem(l.idx, "leaf %d cannot be read: a budget without a cap", l.idx)
	case v.accounts[b.Account] == nil:
		v.accounts[b.Account] = &account{
			name: b.Account, window: b.Window, cap: *b.Cap, life: *b.Life, limit: b.CapLimit, lifetime: b.Lifetime, seen: v.now,
		}
	default:
		a := v.accounts[b.Account]
		if a.life != *b.Life || a.lifetime != b.Lifetime {
			v.problem(l.idx, "leaf %d moves the lifetime ceiling of %s, which never changes", l.idx, b.Account)
		}
		a.move(b, v.now)
	}
}

// openPeriods opens accounts per period with the setting of their parent.
func (v *run) openPeriods(idx int64, b budgetLeaf) {
	parent := v.accounts[b.Parent]
	if parent == nil {
		v.problem(idx, "leaf %d opens periods of %s, which no leaf has opened", idx, b.Parent)
		return
	}
	if parent.window != b.Window || parent.limit != b.CapLimit || parent.lifetime != b.Lifetime {
		v.problem(idx, "leaf %d opens periods of %s with another budget", idx, b.Parent)
	}
	for _, name := range b.Accounts {
		if v.accounts[name] != nil {
			v.problem(idx, "leaf %d opens %s again", idx, name)
			continue
		}
		a := &account{
			name: name, window: b.Window, cap: parent.cap, life: parent.life, limit: b.CapLimit, lifetime: b.Lifetime,
			seen: max(v.now, parent.seen),
		}
		v.accounts[name] = a
		parent.children = append(parent.children, a)
	}
}

// readNames reads which account has which number.
func (v *run) readNames(ctx context.Context) error {
	rows, err := v.r.QueryContext(ctx, `SELECT id, name FROM accounts`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		v.names[id] = name
	}
	return rows.Err()
}

// compareAccounts holds the accounts of the ledger against those of the leaves.
func (v *run) compareAccounts(ctx context.Context) error {
	rows, err := v.r.QueryContext(ctx, `SELECT name, window, cap_epsilon, cap_delta, cap_mu2, cap_delta_units, life_epsilon, life_delta, life_mu2, life_delta_units,
		spent_mu2, spent_delta_units, total_mu2, total_delta_units, seen FROM accounts ORDER BY name`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s account
		var cap, life privacy.Loss
		if err := rows.Scan(&s.name, &s.window, &cap.Epsilon, &cap.Delta, &s.limit.Mu2, &s.limit.Delta, &life.Epsilon, &life.Delta,
			&s.lifetime.Mu2, &s.lifetime.Delta, &s.spent.Mu2, &s.spent.Delta, &s.total.Mu2, &s.total.Delta, &s.seen); err != nil {
			return err
		}
		s.cap, s.life = lossOf(cap), lossOf(life)
		v.Accounts++
		v.compareAccount(&s)
	}
	for name := range v.accounts { // those that were found are taken out
		v.problem(-1, "the log has opened the account %s, and the ledger has none", name)
	}
	return rows.Err()
}

func lossOf(l privacy.Loss) loss { return loss{decimal(l.Epsilon), decimal(l.Delta)} }

// compareAccount holds one account of the ledger against that of the leaves.
func (v *run) compareAccount(s *account) {
	a := v.accounts[s.name]
	if a == nil {
		v.problem(-1, "the ledger has the account %s, which no leaf has opened", s.name)
		return
	}
	delete(v.accounts, s.name)
	if a.total != s.total {
		v.problem(-1, "%s has spent mu2 %d and delta %d by the log, and %d and %d by the ledger", s.name, a.total.Mu2, a.total.Delta, s.total.Mu2, s.total.Delta)
	}
	if a.spent != s.spent {
		v.problem(-1, "%s has spent mu2 %d and delta %d in its window by the log, and %d and %d by the ledger", s.name, a.spent.Mu2, a.spent.Delta, s.spent.Mu2, s.spent.Delta)
	}
	if a.window != s.window || a.limit != s.limit || a.lifetime != s.lifetime || a.cap != s.cap || a.life != s.life {
		v.problem(-1, "the cap, window or ceiling of %s in the ledger is not that of the log", s.name)
	}
	if a.seen != s.seen {
		v.problem(-1, "the time of %s in the ledger is not that of the log", s.name)
	}
}

// compareDefaults holds the caps of accounts that charges open against the leaves.
func (v *run) compareDefaults(ctx context.Context) error {
	rows, err := v.r.QueryContext(ctx, `SELECT kind || ':' || tenant, epsilon, delta FROM account_defaults`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var l privacy.Loss
		if err := rows.Scan(&name, &l.Epsilon, &l.Delta); err != nil {
			return err
		}
		if d := v.defaults[name]; d == nil || *d != lossOf(l) {
			v.problem(-1, "the default budget %s of the ledger is not that of the log", name)
		}
		delete(v.defaults, name)
	}
	for name, d := range v.defaults {
		if d != nil {
			v.problem(-1, "the log has the default budget %s, and the ledger has none", name)
		}
	}
	return rows.Err()
}

// strays looks for rows that no leaf leads to.
func (v *run) strays(ctx context.Context) error {
	for query, says := range map[string]string{
		`SELECT id FROM charges WHERE leaf NOT IN (SELECT idx FROM log_leaves)`:                                                                   "charge %s has no leaf",
		`SELECT DISTINCT charge FROM charge_debits WHERE charge NOT IN (SELECT seq FROM charges)`:                                                 "debits belong to charge number %s, which is not there",
		`SELECT leaf FROM charge_joins WHERE leaf NOT IN (SELECT idx FROM log_leaves)`:                                                            "a join has no leaf: %s",
		`SELECT r.id FROM releases r LEFT JOIN release_leaves l ON l.release = r.id LEFT JOIN log_leaves e ON e.idx = l.leaf WHERE e.idx IS NULL`: "release %s has no leaf",
		`SELECT l.release FROM release_leaves l LEFT JOIN releases r ON r.id = l.release WHERE r.id IS NULL`:                                      "release %s is in the log, and not stored",
		`SELECT r.id FROM releases r LEFT JOIN charges c ON c.id = r.charge WHERE c.release IS NOT r.id`:                                          "release %s is not what its charge was redeemed for",
		`SELECT r.id FROM releases r JOIN charges c ON c.id = r.charge WHERE c.key <> r.key`:                                                      "release %s is found by another question than was charged",
		`SELECT c.id FROM charges c LEFT JOIN releases r ON r.id = c.release WHERE c.state = 'released' AND r.charge IS NOT c.id`:                 "charge %s was redeemed for a release that is not its own",
	} {
		if err := v.stray(ctx, query, says); err != nil {
			return err
		}
	}
	return nil
}

func (v *run) stray(ctx context.Context, query, says string) error {
	rows, err := v.r.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		v.problem(-1, says, id)
	}
	return rows.Err()
}

// earlierCommitment is that of leaves which name accounts: to the key alone.
func earlierCommitment(nonce []byte, key string) string {
	mac := hmac.New(sha256.New, nonce)
	mac.Write([]byte(key))
	return hex.EncodeToString(mac.Sum(nil))
}
