//go:build governance

package suite

import (
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
)

// TestLineageOverHTTP makes loads and releases at random and holds what the server
// says of each against which rows were there: from a release to every load that it
// could read and to no other, and from a load to every release that it fed.
func TestLineageOverHTTP(t *testing.T) {
	s := newServer(t, newCA(t))
	l := newLineage(t, s)
	const seed = 5
	choose := rand.New(rand.NewPCG(seed, 0))
	for step := range 72 {
		tenant := l.tenants[choose.IntN(len(l.tenants))]
		switch {
		case step < len(l.tenants):
			l.load(l.tenants[step], wire.Append, step)
		case choose.IntN(2) == 0:
			write := wire.Append
			if choose.IntN(4) == 0 {
				write = wire.Replace
			}
			l.load(tenant, write, step)
		default:
			asked := slices.DeleteFunc(slices.Clone(l.tenants), func(string) bool { return choose.IntN(2) == 0 })
			if len(asked) == 0 {
				asked = []string{tenant}
			}
			l.ask(asked, step)
		}
	}
	complete := l.hold()
	report(t, "lineage_complete", complete)
	report(t, "lineage_real", len(l.owner)+len(l.read))
	if len(l.owner)+len(l.read) < 50 {
		t.Errorf("%d loads and %d releases are too few", len(l.owner), len(l.read))
	}
}

// lineages is a model of what was loaded and read.
type lineages struct {
	*server
	tenants []string
	loader  map[string]*wire.API
	budgets map[string]*wire.API
	analyst *wire.API
	rows    map[string][]string // by tenant, the loads whose rows are there
	owner   map[string]string   // of each load
	read    map[string][]string // by release, the loads that it could read
}

func newLineage(t testing.TB, s *server) *lineages {
	t.Helper()
	ctx := t.Context()
	l := &lineages{server: s, tenants: []string{attacker, victim, suspended}, loader: map[string]*wire.API{}, budgets: map[string]*wire.API{}, rows: map[string][]string{}, owner: map[string]string{}, read: map[string][]string{}}
	op := s.api(s.operator)
	_, err := op.ApplyContract(ctx, []byte(contractOf(shared, 1)))
	check(t, err)
	for _, tenant := range l.tenants {
		_, err := op.CreateTenant(ctx, tenant, "")
		check(t, err)
		as := map[wire.Role]*wire.API{}
		for _, role := range []wire.Role{wire.TenantAdmin, wire.BudgetAdmin, wire.Contributor} {
			k, err := op.CreateKey(ctx, wire.KeyRequest{Role: role, Tenant: &tenant})
			check(t, err)
			as[role] = s.api(k.Key)
		}
		_, err = as[wire.TenantAdmin].AcceptContract(ctx, shared, tenant, 1)
		check(t, err)
		_, err = as[wire.BudgetAdmin].SetTenantBudget(ctx, tenant, wire.TenantBudgetRequest{Epsilon: 1000, Delta: 0.1, Lifetime: &wire.Loss{Epsilon: 1000, Delta: 0.1}})
		check(t, err)
		l.loader[tenant], l.budgets[tenant] = as[wire.Contributor], as[wire.BudgetAdmin]
	}
	k, err := op.CreateKey(ctx, wire.KeyRequest{Role: wire.Analyst})
	check(t, err)
	l.analyst = s.api(k.Key)
	return l
}

func (l *lineages) load(tenant string, write wire.LoadWrite, step int) {
	l.t.Helper()
	u := wire.Upload{Dataset: shared, ContentType: wire.TypeCSV, Write: write}
	made, err := l.loader[tenant].Upload(l.t.Context(), u, strings.NewReader(fmt.Sprintf("person,kind,minutes\np%d,x,1\nq%d,y,2\n", step, step)))
	check(l.t, err)
	done, err := l.loader[tenant].Wait(l.t.Context(), made.ID, nil)
	check(l.t, err)
	if done.State != wire.LoadStateSucceeded {
		l.t.Fatalf("the load of %s %s", tenant, done.State)
	}
	if write == wire.Replace {
		l.rows[tenant] = nil
	}
	l.rows[tenant] = append(slices.Clone(l.rows[tenant]), made.ID)
	l.owner[made.ID] = tenant
}

func (l *lineages) ask(tenants []string, step int) {
	l.t.Helper()
	epsilon := 1 + float64(step)/1000 // another release each time
	r, err := l.analyst.Query(l.t.Context(), wire.QueryRequest{SQL: "SELECT count(*) AS n FROM " + shared, Epsilon: &epsilon, Tenants: tenants}, wire.QueryOptions{Accept: wire.TypeJSON})
	check(l.t, err)
	_, err = io.Copy(io.Discard, r.Body)
	check(l.t, err)
	for _, tenant := range tenants {
		l.read[r.Release] = append(l.read[r.Release], l.rows[tenant]...)
	}
}

// hold compares every answer about lineage with the model.
func (l *lineages) hold() bool {
	whole := true
	same := func(what string, events wire.LineageEvents, pattern *regexp.Regexp, want []string) {
		var got []string
		for _, e := range events.Events {
			got = append(got, pattern.FindAllString(fmt.Sprintf("%+v", e), -1)...)
		}
		slices.Sort(got)
		slices.Sort(want)
		if got = slices.Compact(got); !events.Complete || events.Truncated || !slices.Equal(got, want) {
			l.t.Errorf("%s: %v (complete: %v, truncated: %v), want %v", what, got, events.Complete, events.Truncated, want)
			whole = false
		}
	}
	fed := map[string][]string{}
	for release, loads := range l.read {
		events, err := l.analyst.ReleaseLineage(l.t.Context(), release)
		check(l.t, err)
		same(release, events, regexp.MustCompile(`\bload_[0-9a-z]+`), slices.Clone(loads))
		for _, load := range loads {
			fed[load] = append(fed[load], release)
		}
	}
	for load, tenant := range l.owner {
		events, err := l.loader[tenant].LoadLineage(l.t.Context(), load)
		check(l.t, err)
		same(load, events, regexp.MustCompile(`\brel_[0-9a-z]+`), fed[load])
	}
	return whole
}
