package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// statuses is every error code of the interface and its HTTP status.
var statuses = map[string]int{
	"sql-syntax": 400, "query-not-permitted": 422, "unknown-dataset": 404, "unknown-column": 422,
	"budget-exhausted": 429, "privacy-parameters": 422, "unauthenticated": 401, "forbidden": 403,
	"suspended": 403, "invalid-request": 400, "not-found": 404, "conflict": 409,
	"unsupported-media-type": 415, "not-acceptable": 406, "rate-limited": 429, "contract-invalid": 422,
	"load-rejected": 422, "too-large": 413, "idempotency-mismatch": 422, "unavailable": 503, "internal": 500,
}

// provocation makes the server refuse something and returns the refusal.
type provocation struct {
	name string
	do   func(s *site) wire.Problem
}

// TestEveryErrorCode provokes every error code through HTTP and compares what
// the server keeps, and what it answers to a question that was paid for, before
// and after: an error has no effect.
func TestEveryErrorCode(t *testing.T) {
	s := newSite(t)
	s.budget(wire.Loss{Epsilon: 10, Delta: 1e-6})
	table := map[string][]provocation{}
	for _, part := range []map[string][]provocation{askingErrors(), callingErrors(), keepingErrors(), serverErrors()} {
		for code, list := range part {
			table[code] = list
		}
	}
	s.ask(standing)
	for code, status := range statuses {
		t.Run(code, func(t *testing.T) {
			if len(table[code]) == 0 {
				t.Fatal("nothing provokes it")
			}
			s := &site{Server: s.Server, Parties: s.Parties, dir: s.dir, t: t}
			for _, p := range table[code] {
				before := s.kept()
				got := p.do(s)
				if want := "/problems/" + code; got.Type != want || got.Status != status || got.Title == "" {
					t.Errorf("%s: %s %d %q, want %s %d and a title", p.name, got.Type, got.Status, got.Title, want, status)
				}
				if hasDetail := got.Detail != nil && *got.Detail != ""; hasDetail == (code == "internal") {
					t.Errorf("%s: detail %v", p.name, got.Detail)
				}
				if diff := cmp.Diff(before, s.kept()); diff != "" {
					t.Errorf("%s had an effect:\n%s", p.name, diff)
				}
			}
		})
	}
}

// standing is a question that was paid for before the errors. Its answer stays
// free as long as no load is published.
var standing = wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM insteval", Epsilon: ptr(0.1)}

// kept describes all that an error must not change.
func (s *site) kept() map[string]string {
	s.t.Helper()
	out := map[string]string{}
	get := func(key, path string) []byte {
		a := s.call(request{key: key, method: http.MethodGet, path: path})
		if a.status != http.StatusOK {
			s.t.Fatalf("GET %s: %d %s", path, a.status, a.body)
		}
		return a.body
	}
	for _, t := range s.Tenants {
		out["budget of "+t] = string(get(s.Budget[t], "/v1/admin/tenants/"+t+"/budget"))
		out["charges of "+t] = string(get(s.Budget[t], "/v1/admin/tenants/"+t+"/charges"))
	}
	out["budget of the dataset"] = string(get(s.Operator, "/v1/admin/datasets/insteval/budget"))
	out["dataset"] = string(get(s.Operator, "/v1/datasets/insteval"))
	out["tenants"] = string(get(s.Operator, "/v1/admin/tenants"))
	var releases wire.ReleaseList
	check(s.t, json.Unmarshal(get(s.Analyst, "/v1/releases"), &releases))
	for _, r := range releases.Items {
		out["releases"] += r.ID + " "
	}
	a := s.ask(standing)
	out["standing answer"] = a.header.Get(wire.HeaderRelease) + " cached " + a.header.Get(wire.HeaderCached)
	return out
}

// refusal reads an answer that must be a problem.
func (s *site) refusal(a answer) wire.Problem {
	s.t.Helper()
	var p wire.Problem
	if got := a.header.Get("Content-Type"); got != wire.TypeProblem {
		s.t.Errorf("status %d comes as %q: %s", a.status, got, a.body)
		return p
	}
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.DisallowUnknownFields()
	check(s.t, dec.Decode(&p))
	if p.Status != a.status {
		s.t.Errorf("the problem says status %d, the answer %d", p.Status, a.status)
	}
	for _, name := range []string{wire.HeaderRelease, wire.HeaderEpsilon, wire.HeaderDelta, wire.HeaderCached} {
		if a.header.Get(name) != "" {
			s.t.Errorf("a refusal has the header %s", name)
		}
	}
	return p
}

// refused is the provocation by one request.
func refused(name string, r func(s *site) request) provocation {
	return provocation{name, func(s *site) wire.Problem {
		s.t.Helper()
		return s.refusal(s.call(r(s)))
	}}
}

// asked is the provocation by one query; POST, GET and EXPLAIN must agree.
func asked(q wire.QueryRequest) provocation {
	return provocation{q.SQL, func(s *site) wire.Problem {
		s.t.Helper()
		p := s.refusal(s.call(s.query(q)))
		x, err := s.api(s.Analyst).Explain(s.t.Context(), q)
		check(s.t, err)
		if diff := cmp.Diff(&p, x.Problem); diff != "" || x.Permitted {
			s.t.Errorf("%s: EXPLAIN says otherwise (permitted %t):\n%s", q.SQL, x.Permitted, diff)
		}
		return p
	}}
}

// pointing is asked, of a problem that points at a character of the text.
func pointing(sql string, position int) provocation {
	p := asked(wire.QueryRequest{SQL: sql})
	do := p.do
	p.do = func(s *site) wire.Problem {
		got := do(s)
		if got.Position == nil || *got.Position != position {
			s.t.Errorf("%s: position %v, want %d", sql, got.Position, position)
		}
		return got
	}
	return p
}

func loss(epsilon, delta float64) wire.QueryRequest {
	return wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM insteval WHERE service = '1'", Epsilon: &epsilon, Delta: &delta}
}

// askingErrors are about the question.
func askingErrors() map[string][]provocation {
	return map[string][]provocation{
		"sql-syntax": {
			pointing("SELECT COUNT(* FROM insteval", 16),
			asked(wire.QueryRequest{SQL: "SELEC 1"}),
		},
		"query-not-permitted": {
			pointing("SELECT student FROM insteval", 8),
			asked(wire.QueryRequest{SQL: "SELECT MODE(rating) FROM insteval"}),
			asked(wire.QueryRequest{SQL: "SELECT * FROM read_text('/etc/passwd')"}),
			asked(wire.QueryRequest{SQL: "SELECT COUNT(*) FROM insteval; SELECT COUNT(*) FROM insteval"}),
			asked(wire.QueryRequest{SQL: "DROP TABLE insteval"}),
		},
		"unknown-dataset":  {pointing("SELECT COUNT(*) FROM elsewhere", 22)},
		"unknown-column":   {pointing("SELECT COUNT(*) FROM insteval WHERE grade > 1", 37)},
		"budget-exhausted": {asked(loss(50, 1e-9))},
		"privacy-parameters": {
			asked(loss(0, 1e-9)), asked(loss(-1, 1e-9)), asked(loss(1e-320, 1e-9)), asked(loss(800, 1e-9)),
			asked(loss(0.1, 0)), asked(loss(0.1, 1)), asked(loss(0.1, -1)),
			asked(wire.QueryRequest{SQL: standing.SQL, Bounds: &wire.QueryBounds{MaxPartitions: ptr(int64(1) << 62), MaxRowsPerPartition: ptr(int64(1) << 62)}}),
			asked(wire.QueryRequest{SQL: standing.SQL, Bounds: &wire.QueryBounds{MaxPartitions: ptr(int64(0))}}),
			asked(wire.QueryRequest{SQL: standing.SQL, Bounds: &wire.QueryBounds{AdditionalProperties: map[string]wire.Interval{"rating": {0, 1e308}}}}),
			refused("a budget without end", func(s *site) request {
				return request{key: s.Budget["dept_1"], method: http.MethodPut, path: "/v1/admin/tenants/dept_1/budget", body: wire.TenantBudgetRequest{Epsilon: 1e300, Delta: 1e-6}}
			}),
		},
	}
}

// callingErrors are about the request.
func callingErrors() map[string][]provocation {
	post := func(body string, header map[string]string) func(s *site) request {
		return func(s *site) request {
			h := map[string]string{"Content-Type": wire.TypeJSON}
			for name, value := range header {
				h[name] = value
			}
			return request{key: s.Analyst, method: http.MethodPost, path: "/v1/query", header: h, body: body}
		}
	}
	question := `{"sql": "SELECT COUNT(*) AS n FROM insteval WHERE service = '1'"}`
	get := func(key func(s *site) string, path string) func(s *site) request {
		return func(s *site) request { return request{key: key(s), method: http.MethodGet, path: path} }
	}
	analyst := func(s *site) string { return s.Analyst }
	operator := func(s *site) string { return s.Operator }
	return map[string][]provocation{
		"unauthenticated": {
			refused("no key", get(func(*site) string { return "" }, "/v1/releases")),
			refused("a wrong key", get(func(s *site) string { return s.Analyst + "x" }, "/v1/releases")),
			refused("a wrong key with a query", func(s *site) request { r := post(question, nil)(s); r.key = "noised_wrong"; return r }),
		},
		"forbidden": {
			refused("the operator asks", func(s *site) request { r := post(question, nil)(s); r.key = s.Operator; return r }),
			refused("an analyst administers", get(analyst, "/v1/admin/tenants")),
			refused("another tenant's budget", get(func(s *site) string { return s.Budget["dept_1"] }, "/v1/admin/tenants/dept_2/budget")),
			refused("a budget of no tenant", get(func(s *site) string { return s.Budget["dept_1"] }, "/v1/admin/tenants/nobody/budget")),
			refused("the operator reads rejects", get(operator, "/v1/loads/load_1/rejects")),
			refused("a file for another tenant", func(s *site) request {
				return request{key: s.Loader["dept_1"], method: http.MethodPost, path: "/v1/datasets/insteval/loads?tenant=dept_2",
					header: map[string]string{"Content-Type": wire.TypeCSV}, body: "student\n1\n"}
			}),
		},
		"invalid-request": {
			refused("an unknown member", post(`{"sql": "SELECT 1", "epsilonn": 1}`, nil)),
			refused("no JSON", post(`{"sql": `, nil)),
			refused("two documents", post(question+question, nil)),
			refused("a text for a number", post(`{"sql": "SELECT 1", "epsilon": "1"}`, nil)),
			refused("an unknown parameter", get(analyst, "/v1/query?sql=SELECT+1&epsilonn=1")),
			refused("a number that is none", get(analyst, "/v1/query?sql=SELECT+1&epsilon=one")),
		},
		"not-found": {
			refused("a release", get(analyst, "/v1/releases/rel_0")),
			refused("a load", get(func(s *site) string { return s.Loader["dept_1"] }, "/v1/loads/load_0")),
			refused("a path", get(analyst, "/v1/nothing")),
			refused("a tenant", func(s *site) request {
				return request{key: s.Operator, method: http.MethodDelete, path: "/v1/admin/tenants/nobody"}
			}),
		},
		"unsupported-media-type": {
			refused("a query as text", post(question, map[string]string{"Content-Type": "text/plain"})),
			refused("a query that is compressed", post(question, map[string]string{"Content-Encoding": "gzip"})),
			refused("a spreadsheet", func(s *site) request {
				return request{key: s.Loader["dept_1"], method: http.MethodPost, path: "/v1/datasets/insteval/loads",
					header: map[string]string{"Content-Type": "application/vnd.ms-excel"}, body: "x"}
			}),
		},
		"not-acceptable": {refused("an answer as PDF", post(question, map[string]string{"Accept": "application/pdf"}))},
		"idempotency-mismatch": {{"the same key with another body", func(s *site) wire.Problem {
			r := request{key: s.Analyst, method: http.MethodPost, path: "/v1/explain", header: map[string]string{wire.HeaderIdempotencyKey: "one"}, body: standing}
			s.call(r)
			r.body = loss(0.2, 1e-9)
			return s.refusal(s.call(r))
		}}},
		"too-large": {
			refused("a long question", post(`{"sql": "`+strings.Repeat(" ", 2<<20)+`"}`, nil)),
			{"a large file", func(s *site) wire.Problem {
				small := s.another("--max-upload", "1000")
				return s.refusal(callOn(s.t, small, request{key: s.Loader["dept_1"], method: http.MethodPost, path: "/v1/datasets/insteval/loads",
					header: map[string]string{"Content-Type": wire.TypeCSV}, body: "student\n" + strings.Repeat("1\n", 1000)}))
			}},
		},
	}
}

// keepingErrors are about what the server keeps.
func keepingErrors() map[string][]provocation {
	declare := func(contract string) func(s *site) request {
		return func(s *site) request {
			return request{key: s.Operator, method: http.MethodPost, path: "/v1/admin/datasets", header: map[string]string{"Content-Type": wire.TypeYAML}, body: contract}
		}
	}
	return map[string][]provocation{
		"conflict": {
			refused("a tenant of that name", func(s *site) request {
				return request{key: s.Operator, method: http.MethodPost, path: "/v1/admin/tenants", body: wire.TenantRequest{Name: "dept_1"}}
			}),
			refused("a version that skips one", declare("dataset: insteval\nversion: 3\nprivacy_unit: {column: u, scope: person}\ncontribution: {max_rows: 1}\ncolumns: {u: {type: bigint, role: unit}, r: {type: tinyint, role: measure, bounds: [0, 1]}}\n")),
			refused("a budget beyond its lifetime", func(s *site) request {
				return request{key: s.Budget["dept_1"], method: http.MethodPut, path: "/v1/admin/tenants/dept_1/budget", body: wire.TenantBudgetRequest{Epsilon: 11, Delta: 1e-6}}
			}),
		},
		"contract-invalid": {{"a contract with three faults", func(s *site) wire.Problem {
			p := s.refusal(s.call(declare("dataset: other\nversion: 1\nprivacy_unit: {column: u, scope: household}\ncontribution: {max_rows: 1}\ncolumns:\n  u: {type: bigint, role: unit}\n  r: {type: tinyint, role: measure}\n  s: {type: tinyint, role: measure, bounds: [1, 5], color: red}\n")(s)))
			var lines []int
			for _, e := range p.Errors {
				if e.Line != nil {
					lines = append(lines, *e.Line)
				}
			}
			if !slices.Equal(lines, []int{3, 7, 8}) {
				s.t.Errorf("the problems are on lines %v, want 3, 7, 8: %+v", lines, p.Errors)
			}
			return p
		}}},
		"suspended": {{"a contributor of a suspended tenant", func(s *site) wire.Problem {
			operator := s.api(s.Operator)
			_, err := operator.SetSuspended(s.t.Context(), "dept_3", true)
			check(s.t, err)
			p := s.refusal(s.call(request{key: s.Loader["dept_3"], method: http.MethodGet, path: "/v1/loads"}))
			_, err = operator.SetSuspended(s.t.Context(), "dept_3", false)
			check(s.t, err)
			return p
		}}},
		"load-rejected": {
			rejectedLoad("a rating that is no number", "student,lecturer,studage,lectage,service,rating,verdict\n1,1,2,1,0,good,1\n"),
			rejectedLoad("a column that is missing", "student,lecturer\n1,1\n"),
		},
	}
}

// rejectedLoad uploads a file whose job fails. The upload itself is accepted:
// the problem is in the load.
func rejectedLoad(name, csv string) provocation {
	return provocation{name, func(s *site) wire.Problem {
		api := s.api(s.Loader["dept_4"])
		load, err := api.Upload(s.t.Context(), wire.Upload{Dataset: "insteval", ContentType: wire.TypeCSV, Write: wire.Replace}, strings.NewReader(csv))
		check(s.t, err)
		load, err = api.Wait(s.t.Context(), load.ID, nil)
		check(s.t, err)
		if load.State != wire.LoadStateFailed || load.Error == nil || load.RowsLoaded != 0 || load.Generation != nil {
			s.t.Fatalf("%s: the load %s: %+v", name, load.State, load)
		}
		return *load.Error
	}}
}

// serverErrors are about the server.
func serverErrors() map[string][]provocation {
	return map[string][]provocation{
		"rate-limited": {{"a second request at once", func(s *site) wire.Problem {
			slow := s.another("--request-rate", "0.001", "--request-burst", "1")
			list := request{key: s.Analyst, method: http.MethodGet, path: "/v1/releases"}
			if a := callOn(s.t, slow, list); a.status != http.StatusOK {
				s.t.Fatalf("the first request: %d", a.status)
			}
			a := callOn(s.t, slow, s.query(loss(0.1, 1e-9)))
			s.wantRetryAfter(a)
			return s.refusal(a)
		}}},
		"unavailable": {{"a server whose only slot is taken", func(s *site) wire.Problem {
			narrow := s.another("--max-requests", "1")
			leave, ended := s.occupy(narrow)
			// The slot is taken once the server has read the headers; if one of these
			// calls had it then, the other was refused, and comes again.
			a := eventually(s.t, func() (answer, bool) {
				select {
				case <-ended:
					leave, ended = s.occupy(narrow)
				default:
				}
				a := callOn(s.t, narrow, request{key: s.Analyst, method: http.MethodGet, path: "/v1/releases"})
				return a, a.status != http.StatusOK
			})
			s.wantRetryAfter(a)
			leave()
			<-ended
			return s.refusal(a)
		}}},
		"internal": {{"a segment that cannot be read", func(s *site) wire.Problem { return brokenSegment(s.t) }}},
	}
}

// occupy sends a question whose body does not end before leave is called.
func (s *site) occupy(on *blackbox.Server) (leave func(), ended <-chan error) {
	s.t.Helper()
	body, unfinished := io.Pipe()
	slow, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, on.URL+"/v1/query", body)
	check(s.t, err)
	slow.Header.Set("Authorization", "Bearer "+s.Analyst)
	slow.Header.Set("Content-Type", wire.TypeJSON)
	done := make(chan error, 1)
	go func() {
		res, err := (&http.Client{Transport: on.Trans}).Do(slow)
		if err == nil {
			_ = res.Body.Close()
		}
		_ = unfinished.CloseWithError(io.ErrUnexpectedEOF) // nobody reads it any more
		done <- err
	}()
	_, _ = unfinished.Write([]byte(`{"sql": "`)) // fails if the call was refused
	return func() { _ = unfinished.CloseWithError(io.ErrUnexpectedEOF) }, done
}

func (s *site) wantRetryAfter(a answer) {
	s.t.Helper()
	if a.header.Get("Retry-After") == "" {
		s.t.Errorf("%d does not say when to come back", a.status)
	}
}
