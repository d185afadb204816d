package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/consent"
	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/quota"
	"github.com/noised/noised/analytics/record"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/policy"
	"github.com/noised/noised/privacy/translog"
)

// harness is a server over a real control store, with doubles for the two
// services that touch data. Every answer that passes through it is checked
// against the document.
type harness struct {
	t        *testing.T
	dbPath   string
	db       *controldb.DB
	ledger   *ledger.Ledger
	keys     *authn.Keys
	clock    *clock
	policies *policy.Service
	audit    *audit.Recorder
	queries  *fakeQueries
	loads    *fakeLoads
	log      *syncBuffer
	metrics  *prometheus.Registry
	url      string
	stop     func() // waits for every request to end
	router   routers.Router
	secret   map[privacy.Role]string // of tenant a, where the role has one
	foreign  map[privacy.Role]string // of tenant b
	id       map[privacy.Role]string
}

// syncBuffer is a log that can be read while it is written.
type syncBuffer struct {
	mu    sync.Mutex
	b     bytes.Buffer
	lines sync.Cond
}

func newSyncBuffer() *syncBuffer {
	s := &syncBuffer{}
	s.lines.L = &s.mu
	return s
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines.Broadcast()
	return s.b.Write(p)
}

// find waits for a match: a line about an answer may be written after it left.
func (s *syncBuffer) find(pattern string) []string {
	re := regexp.MustCompile(pattern)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if m := re.FindStringSubmatch(s.b.String()); m != nil {
			return m
		}
		s.lines.Wait()
	}
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// clock stands still unless it is told to move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newHarness(t *testing.T, change ...func(*Options)) *harness {
	t.Helper()
	h := &harness{
		t: t, dbPath: filepath.Join(t.TempDir(), "control.db"), clock: &clock{now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)},
		queries: &fakeQueries{}, loads: &fakeLoads{}, log: newSyncBuffer(), metrics: prometheus.NewRegistry(),
		secret: map[privacy.Role]string{}, foreign: map[privacy.Role]string{}, id: map[privacy.Role]string{},
	}
	h.db = controltest.Open(t, h.dbPath)
	cat := catalog.New(h.db, h.clock.Now)
	h.ledger, h.keys = ledger.New(h.db, h.clock.Now), authn.New(h.db, h.clock.Now)
	for _, tenant := range []string{"a", "b"} {
		if _, err := cat.CreateTenant(t.Context(), tenant, "", authn.System()); err != nil {
			t.Fatal(err)
		}
	}
	for _, role := range privacy.Roles() {
		h.secret[role], h.id[role] = h.key(role, "a")
		h.foreign[role], _ = h.key(role, "b")
	}
	schema, err := PolicySchema()
	if err != nil {
		t.Fatal(err)
	}
	h.policies, err = policy.Open(t.Context(), policy.Options{DB: h.db, Schema: schema, Log: slog.New(slog.DiscardHandler), Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	quotas, err := quota.New(h.db, h.clock.Now, quota.None())
	if err != nil {
		t.Fatal(err)
	}
	h.audit = audit.New(audit.Options{DB: h.db, Log: slog.New(slog.DiscardHandler), Now: h.clock.Now})
	file, _, err := translog.NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := translog.ParseKey(file)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Record:  record.New(h.db, release.New(h.db), signer),
		Consent: consent.New(h.db, cat, h.ledger, h.clock.Now), Policies: h.policies, Audit: h.audit, Lineage: lineage.New(h.db), Quotas: quotas, DB: h.db, Queries: h.queries, Loads: h.loads, Erasures: fakeErasures{}, Catalog: cat, Ledger: h.ledger, Callers: &authn.Gate{Keys: h.keys}, Keys: h.keys,
		Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: h.clock.Now, Metrics: h.metrics,
	}
	for _, f := range change {
		f(&o)
	}
	handler, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	h.url, h.stop = server.URL, server.Close
	doc, _, err := loadDocument(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	doc.OpenAPI = "3.0.3"
	if h.router, err = gorillamux.NewRouter(doc); err != nil {
		t.Fatal(err)
	}
	return h
}

// key creates a key of a role; of a tenant unless the role must not have one.
func (h *harness) key(role privacy.Role, tenant string) (secret, id string) {
	h.t.Helper()
	if role == privacy.RoleOperator {
		tenant = ""
	}
	k, secret, err := h.keys.Create(h.t.Context(), authn.KeyRequest{Role: role, Tenant: tenant}, authn.System())
	if err != nil {
		h.t.Fatal(err)
	}
	return secret, k.ID
}

// ask is one request. Fields that are empty are left out.
type ask struct {
	method, path, key, body string
	header                  map[string]string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (h *harness) do(a ask) answer {
	h.t.Helper()
	req, err := http.NewRequest(a.method, h.url+a.path, strings.NewReader(a.body))
	if err != nil {
		h.t.Fatal(err)
	}
	if a.key != "" {
		req.Header.Set("Authorization", "Bearer "+a.key)
	}
	if a.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range a.header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	h.check(req, res, body)
	return answer{res.StatusCode, res.Header, body}
}

// check holds an answer against the document.
func (h *harness) check(req *http.Request, res *http.Response, body []byte) {
	h.t.Helper()
	route, params, err := h.router.FindRoute(req)
	if err != nil || req.Method == http.MethodHead {
		return // the document says nothing of it
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)),
	}
	if err := openapi3filter.ValidateResponse(h.t.Context(), in); err != nil {
		h.t.Errorf("%s %s answered %d outside the document: %v\n%s", req.Method, req.URL.Path, res.StatusCode, err, body)
	}
}

// code returns the code of a problem.
func (a answer) code() privacy.Code {
	var p wire.Problem
	if a.header.Get("Content-Type") != wire.TypeProblem || json.Unmarshal(a.body, &p) != nil {
		return ""
	}
	return privacy.Code(strings.TrimPrefix(p.Type, "/problems/"))
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// into decodes a JSON answer.
func into[T any](t *testing.T, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v: %s", err, a)
	}
	return v
}

// contractText is a contract that holds.
func contractText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../testdata/insteval.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fakeQueries answers every question with one release.
// Try finds nothing wrong with a template.
func (f *fakeQueries) Try(context.Context, string, template.Template) error { return nil }

type fakeQueries struct {
	mu    sync.Mutex
	asked []question.Request
	err   error
	run   func(context.Context) // called while a query runs
	rows  int                   // of the answer; 1 when 0
}

func (f *fakeQueries) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fakeQueries) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)
}

func (f *fakeQueries) last() question.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[len(f.asked)-1]
}

func (f *fakeQueries) answer() *showing.Answer {
	values := result.NewVector(plan.Of(plan.KindBigint), max(f.rows, 1))
	for i := range values.Len() {
		values.Set(i, plan.IntValue(plan.Of(plan.KindBigint), int64(41+i)))
	}
	return &showing.Answer{
		Release: release.Release{ID: "rel_1", Dataset: "insteval", SQL: "SELECT 1", Epsilon: 0.5, Delta: 1e-9, CreatedAt: time.Unix(0, 0).UTC(), Policy: 1},
		Table: &result.Table{Columns: []result.Column{{
			Name: "n", Type: plan.Type{Kind: plan.KindBigint}, Values: values, Mechanism: result.Gaussian,
		}}},
	}
}

func (f *fakeQueries) Query(ctx context.Context, _ privacy.Principal, r question.Request) (*showing.Answer, error) {
	if f.run != nil {
		f.run(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r)
	if f.err != nil {
		return nil, f.err
	}
	return f.answer(), nil
}

func (f *fakeQueries) Explain(_ context.Context, _ privacy.Principal, r question.Request) (*query.Explanation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r)
	if f.err != nil {
		return nil, f.err
	}
	return &query.Explanation{Permitted: true, Strategy: "stream", Charges: []query.ExplainedCharge{{Account: "tenant:a", Rho: 0.1, Epsilon: 0.5, Delta: 1e-9}}}, nil
}

func (f *fakeQueries) Releases(context.Context, privacy.Principal, string, int) ([]release.Release, string, error) {
	return []release.Release{f.answer().Release}, "", nil
}

func (f *fakeQueries) Release(_ context.Context, _ privacy.Principal, id string) (*showing.Answer, error) {
	if id != "rel_1" {
		return nil, privacy.Errorf(privacy.CodeNotFound, "there is no such release")
	}
	a := f.answer()
	a.Cached = true
	return a, nil
}

// fakeLoads takes uploads and forgets them.
type fakeLoads struct {
	mu      sync.Mutex
	created []job.Request
	begun   int
	bytes   int64
	err     error
}

// reached waits until so many uploads have begun.
func (f *fakeLoads) reached(n int) {
	for {
		f.mu.Lock()
		begun := f.begun
		f.mu.Unlock()
		if begun >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (f *fakeLoads) load(tenant string) job.Load {
	return job.Load{
		ID: "load_1", LoadID: "x", Tenant: tenant, Dataset: "insteval", State: job.StateFailed, Write: job.WriteAppend, Format: "csv",
		CreatedAt: time.Unix(0, 0).UTC(), Error: &job.Failure{Code: privacy.CodeLoadRejected, Message: "3 rows were rejected"},
	}
}

func (f *fakeLoads) Create(_ context.Context, r job.Request, body io.Reader) (job.Load, error) {
	f.mu.Lock()
	f.begun++
	f.mu.Unlock()
	n, err := io.Copy(io.Discard, body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.created, f.bytes = append(f.created, r), n
	if err != nil {
		return job.Load{}, privacy.Internal(err, "spool")
	}
	if f.err != nil {
		return job.Load{}, f.err
	}
	return f.load(r.Tenant), nil
}

func (f *fakeLoads) find(tenant, id string) (job.Load, error) {
	if id != "load_1" || tenant != "a" {
		return job.Load{}, privacy.Errorf(privacy.CodeNotFound, "there is no such load")
	}
	return f.load(tenant), nil
}

func (f *fakeLoads) Get(_ context.Context, tenant, id string) (job.Load, error) {
	return f.find(tenant, id)
}

func (f *fakeLoads) List(_ context.Context, tenant, _ string, _ int) ([]job.Load, string, error) {
	return []job.Load{f.load(tenant)}, "more", nil
}

func (f *fakeLoads) Cancel(_ context.Context, tenant, id string) (job.Load, error) {
	return f.find(tenant, id)
}

func (f *fakeLoads) Rejects(_ context.Context, tenant, id string) (io.ReadCloser, error) {
	if _, err := f.find(tenant, id); err != nil {
		return nil, err
	}
	return io.NopCloser(strings.NewReader(`{"line": 3, "reason": "student is not a bigint"}` + "\n")), nil
}
