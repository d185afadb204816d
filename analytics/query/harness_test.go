package query_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/contractparse"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/analytics/sqlparse"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/policy"
)

const visits = `
dataset: visits
version: 1
privacy_unit: {column: person, scope: person}
tenant_dimension: public
contribution: {max_partitions: 2, max_rows_per_partition: 3}
columns:
  person: {type: bigint, role: unit}
  ward:   {type: varchar, role: dimension, domain: {values: ["a", "b"]}}
  doctor: {type: varchar, role: dimension, domain: private}
  days:   {type: integer, role: measure, bounds: [0, 30]}
budget_defaults: {epsilon_per_query: 0.5, delta_per_query: 1e-9}
`

var (
	operator = privacy.Principal{ID: "system", Role: privacy.RoleOperator}
	analyst  = privacy.Principal{ID: "key_analyst", Role: privacy.RoleAnalyst}
	other    = privacy.Principal{ID: "key_other", Role: privacy.RoleAnalyst}
)

// scripted is an engine that returns the same exact count for every group, and
// lets a test look or fail at the moment when rows would be read.
type scripted struct {
	mu     sync.Mutex
	runs   int
	before func(engine.Input) error
	count  int64
	limit  time.Time // by when the last run had to end
}

func (s *scripted) Run(ctx context.Context, in engine.Input) (*engine.Partials, error) {
	s.mu.Lock()
	s.runs++
	before := s.before
	s.limit, _ = ctx.Deadline()
	s.mu.Unlock()
	if before != nil {
		if err := before(in); err != nil {
			return nil, err
		}
	}
	keys := [][]plan.Value{{plan.StringValue("only")}}
	if !in.Plan.Secret() {
		keys = in.Plan.DeclaredKeys()
	}
	out := &engine.Partials{Keys: keys}
	for range in.Plan.Draws {
		row := make([]privacy.Int128, len(keys))
		for g := range row {
			row[g] = privacy.Int128From(s.count)
		}
		out.Draws = append(out.Draws, row)
	}
	return out, ctx.Err()
}

// Permits permits everything.
func (s *scripted) Permits(context.Context, engine.Input) error { return nil }

func (s *scripted) ran() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs
}

// house is a service over a real control store with two tenants.
type house struct {
	*query.Service
	t        testing.TB
	db       *controldb.DB
	catalog  *catalog.Catalog
	ledger   *ledger.Ledger
	policies *policy.Service
	engine   *scripted // nil with another one
	dir      string    // of segments
	log      *bytes.Buffer
	options  query.Options // of the service
}

func newHouse(t *testing.T) *house {
	t.Helper()
	scripted := &scripted{count: 1000}
	h := newHouseOf(t, visits, scripted, 3, time.Minute)
	h.engine = scripted
	return h
}

// newHouseOf is newHouse for another contract and engine, with budgets of
// another ε.
func newHouseOf(t testing.TB, text string, e query.Engine, epsilon float64, timeout time.Duration) *house {
	t.Helper()
	ctx := t.Context()
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	parser, err := sqlparse.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parser.Close() })
	h := &house{t: t, db: db, catalog: catalog.New(db, time.Now), ledger: ledger.New(db, time.Now), dir: t.TempDir(), log: &bytes.Buffer{}}
	schema, err := policy.NewSchema([]policy.Operation{
		{ID: "query", Roles: []privacy.Role{privacy.RoleAnalyst}, Resource: policy.TypeDataset, Question: true},
		{ID: "explain", Roles: []privacy.Role{privacy.RoleAnalyst}, Resource: policy.TypeDataset, Question: true},
		{ID: "rest", Roles: privacy.Roles(), Resource: policy.TypeSystem},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.policies, err = policy.Open(ctx, policy.Options{DB: db, Schema: schema, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	h.open(query.Options{
		DB: db, Catalog: h.catalog, Ledger: h.ledger, Store: release.New(db), Parser: parser, Engine: e, Policies: h.policies, Containment: containment.New(db, time.Now),
		DataDir: h.dir, Log: slog.New(slog.NewTextHandler(h.log, nil)), Now: time.Now, Timeout: timeout,
	})
	c := h.put(text)
	for _, name := range []string{"north", "south"} {
		if _, err := h.catalog.CreateTenant(ctx, name, "", operator); err != nil {
			t.Fatal(err)
		}
		h.must(h.catalog.Accept(ctx, c.Dataset, name, 1, operator))
		h.budget(privacy.TenantAccount(name), epsilon)
	}
	h.budget(privacy.DatasetAccount(c.Dataset), epsilon)
	return h
}

// open has the house serve with options.
func (h *house) open(o query.Options) { h.options, h.Service = o, query.New(o) }

// put adds a contract that nobody has accepted.
func (h *house) put(text string) *contract.Contract {
	h.t.Helper()
	c, err := contractparse.Parse([]byte(text))
	h.must(err)
	h.must(h.catalog.PutDataset(h.t.Context(), c, []byte(text), operator))
	return c
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) budget(a privacy.Account, epsilon float64) {
	h.t.Helper()
	h.must(h.ledger.SetBudget(h.t.Context(), a, ledger.Budget{Cap: privacy.Loss{Epsilon: epsilon, Delta: 1e-6}}, operator))
}

// publish gives the tenant north new data.
func (h *house) publish(generation string) {
	h.t.Helper()
	h.must(h.db.InTx(h.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		g := catalog.Generation{ID: generation, Dataset: "visits", Tenant: "north", Version: 1, FormatVersion: 1, Load: "load_1", At: time.Now()}
		return h.catalog.Publish(ctx, tx, g, "")
	}))
}

// spent returns what an account has lost in units of μ².
func (h *house) spent(a privacy.Account) int64 {
	h.t.Helper()
	st, err := h.ledger.State(h.t.Context(), a)
	h.must(err)
	return st.SpentLifetime.Mu2
}

func (h *house) ask(sql string, change ...func(*question.Request)) (*showing.Answer, error) {
	r := question.Request{SQL: sql}
	for _, c := range change {
		c(&r)
	}
	return h.Query(h.t.Context(), analyst, r)
}

func (h *house) mustAsk(sql string, change ...func(*question.Request)) *showing.Answer {
	h.t.Helper()
	a, err := h.ask(sql, change...)
	h.must(err)
	return a
}

func arrowOf(t *testing.T, a *showing.Answer) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := a.Table.WriteArrow(&b, true); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const byWard = "SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward"
