package e2e

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// byService is a question with a key, counts, a sum and a ratio.
var byService = wire.QueryRequest{
	SQL:     "SELECT service, COUNT(*) AS n, SUM(rating) AS points, AVG(rating) AS mean FROM insteval GROUP BY service",
	Epsilon: ptr(1.0), Intervals: ptr(true),
}

// TestArrowStreamDescribesItself reads the stream with the Arrow library and
// finds all that a reader must know in its metadata.
func TestArrowStreamDescribesItself(t *testing.T) {
	s := newSite(t)
	s.budget(generous)
	x := s.explain(byService)
	a := s.ask(byService)
	got := readArrow(t, a.body)

	meta := got.schema.Metadata()
	values := map[string]string{}
	for i, key := range meta.Keys() {
		values[key] = meta.Values()[i]
	}
	tenants, err := json.Marshal(slices.Sorted(slices.Values(s.Tenants)))
	check(t, err)
	want := map[string]string{
		"noised.release": a.header.Get(wire.HeaderRelease), "noised.epsilon": a.header.Get(wire.HeaderEpsilon), "noised.delta": a.header.Get(wire.HeaderDelta),
		"noised.rho": strconv.FormatFloat(x.Charges[0].Rho, 'g', -1, 64), "noised.dataset": "insteval", "noised.contract_version": "1",
		"noised.privacy_unit": `{"column":"student","scope":"person"}`, "noised.tenants": string(tenants),
		"noised.bounding": `{"strategy":"stream","max_partitions":2,"max_rows_per_partition":12}`,
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("schema metadata:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"service", "n", "n_low", "n_high", "points", "points_low", "points_high", "mean", "mean_low", "mean_high"}, got.names()); diff != "" {
		t.Errorf("columns:\n%s", diff)
	}
	for name, keys := range map[string][]string{
		"service": {"noised.mechanism"},
		"n":       {"noised.mechanism", "noised.stddev", "noised.bounds", "noised.quantum"},
		"points":  {"noised.mechanism", "noised.stddev", "noised.bounds", "noised.quantum"},
		"mean":    {"noised.mechanism", "noised.bounds"},
		"n_low":   {"noised.confidence"}, "mean_high": {"noised.confidence"},
	} {
		f, _ := got.schema.FieldsByName(name)
		for _, key := range keys {
			if f[0].Metadata.FindKey(key) < 0 {
				t.Errorf("column %s has no %s: %v", name, key, f[0].Metadata)
			}
		}
	}
	n, _ := got.schema.FieldsByName("n")
	if stddev, _ := n[0].Metadata.GetValue("noised.stddev"); stddev != strconv.FormatFloat(*x.Columns[1].Stddev, 'g', 10, 64) {
		t.Errorf("the stream says σ = %s, EXPLAIN %g", stddev, *x.Columns[1].Stddev)
	}
	for name, want := range map[string]arrow.DataType{"service": arrow.BinaryTypes.String, "n": arrow.PrimitiveTypes.Int64, "points": arrow.PrimitiveTypes.Int64, "mean": arrow.PrimitiveTypes.Float64} {
		if f, _ := got.schema.FieldsByName(name); !arrow.TypeEqual(f[0].Type, want) {
			t.Errorf("column %s is %s, want %s", name, f[0].Type, want)
		}
	}
	if len(got.text) != 2 {
		t.Errorf("%d rows for two declared services", len(got.text))
	}
}

// TestOneReleaseInEveryForm asks for the same release in all forms and by all
// ways to it: the values are the same and only the first answer costs.
func TestOneReleaseInEveryForm(t *testing.T) {
	s := newSite(t)
	s.budget(generous)
	first := s.ask(byService)
	spent := s.spent()
	id := first.header.Get(wire.HeaderRelease)
	byURL := "/v1/query?" + url.Values{"sql": {byService.SQL}, "epsilon": {"1"}, "intervals": {"true"}}.Encode()
	for _, way := range []request{s.query(byService), {method: http.MethodGet, path: byURL}, {method: http.MethodGet, path: "/v1/releases/" + id + "?intervals=true"}} {
		way.key = s.Analyst
		forms := map[string]answer{}
		for _, form := range []string{wire.TypeArrow, wire.TypeCSV, wire.TypeJSON} {
			way.header = map[string]string{"Accept": form}
			a := s.call(way)
			if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), form) || a.header.Get(wire.HeaderRelease) != id || a.header.Get(wire.HeaderCached) != "true" {
				t.Fatalf("%s %s as %s: %d %v", way.method, way.path, form, a.status, a.header)
			}
			forms[form] = a
		}
		if !bytes.Equal(forms[wire.TypeArrow].body, first.body) {
			t.Errorf("%s %s: other bytes than the first answer's", way.method, way.path)
		}
		sameValues(t, forms)
	}
	if diff := cmp.Diff(spent, s.spent()); diff != "" {
		t.Errorf("reading again cost something:\n%s", diff)
	}
}

// sameValues compares the cells of the three forms.
func sameValues(t *testing.T, forms map[string]answer) {
	t.Helper()
	arrowed := readArrow(t, forms[wire.TypeArrow].body)
	rows, err := csv.NewReader(bytes.NewReader(forms[wire.TypeCSV].body)).ReadAll()
	check(t, err)
	var objects []map[string]json.RawMessage
	check(t, json.Unmarshal(forms[wire.TypeJSON].body, &objects))
	if !slices.Equal(rows[0], arrowed.names()) || len(rows) != len(arrowed.text)+1 || len(objects) != len(arrowed.text) {
		t.Fatalf("CSV has %d lines under %v, JSON %d objects, Arrow %d rows", len(rows), rows[0], len(objects), len(arrowed.text))
	}
	for i, texts := range arrowed.text {
		for j, name := range arrowed.names() {
			inJSON := strings.Trim(string(objects[i][name]), `"`)
			if want, ok := arrowed.number[i][name]; ok {
				fromCSV, err1 := strconv.ParseFloat(rows[i+1][j], 64)
				fromJSON, err2 := strconv.ParseFloat(inJSON, 64)
				if err1 != nil || err2 != nil || fromCSV != want || fromJSON != want {
					t.Errorf("row %d, %s: Arrow %v, CSV %s, JSON %s", i, name, want, rows[i+1][j], inJSON)
				}
			} else if texts[j] != rows[i+1][j] || texts[j] != inJSON {
				t.Errorf("row %d, %s: Arrow %s, CSV %s, JSON %s", i, name, texts[j], rows[i+1][j], inJSON)
			}
		}
	}
}

// TestSpellingVariantsAreOneRelease: what changes nothing costs nothing.
func TestSpellingVariantsAreOneRelease(t *testing.T) {
	s := newSite(t)
	s.budget(generous)
	where := func(sql string) wire.QueryRequest { return wire.QueryRequest{SQL: sql, Epsilon: ptr(1.0)} }
	first := s.ask(where("SELECT service, COUNT(*) AS n FROM insteval WHERE studage = '2' AND lectage = '1' GROUP BY service"))
	for _, sql := range []string{
		"select  SERVICE , count(*) as N from InstEval\nwhere lectage = '1' and studage = '2' group by Service",
		"SELECT service AS s, COUNT(*) AS total FROM insteval WHERE studage = '2' AND lectage = '1' AND 1 = 1 GROUP BY service",
		"SELECT service, COUNT(*) AS n FROM insteval WHERE studage = '2' AND lectage = '1' GROUP BY service HAVING COUNT(*) > 0 ORDER BY n DESC LIMIT 1",
		"/* again */ SELECT service, COUNT(*) FROM insteval AS i WHERE i.lectage = '1' AND i.studage = '2' GROUP BY 1 -- the end",
	} {
		if a := s.ask(where(sql)); a.header.Get(wire.HeaderRelease) != first.header.Get(wire.HeaderRelease) || a.header.Get(wire.HeaderCached) != "true" {
			t.Errorf("%s\nis release %s, want %s", sql, a.header.Get(wire.HeaderRelease), first.header.Get(wire.HeaderRelease))
		}
	}
}

// TestIdempotencyKeyGivesTheSameAnswer repeats a query under its key: the same
// bytes and headers, in any form the same release, and one charge.
func TestIdempotencyKeyGivesTheSameAnswer(t *testing.T) {
	s := newSite(t)
	s.budget(generous)
	r := s.query(byService)
	r.header = map[string]string{wire.HeaderIdempotencyKey: "retry-1"}
	first := s.call(r)
	spent := s.spent()
	for range 3 {
		again := s.call(r)
		if again.status != http.StatusOK || !bytes.Equal(again.body, first.body) {
			t.Fatalf("%d, %d bytes, want the %d of the first answer", again.status, len(again.body), len(first.body))
		}
		if diff := cmp.Diff(stable(first.header), stable(again.header)); diff != "" {
			t.Errorf("other headers:\n%s", diff)
		}
	}
	r.header["Accept"] = wire.TypeCSV
	if a := s.call(r); a.status != http.StatusOK || a.header.Get(wire.HeaderRelease) != first.header.Get(wire.HeaderRelease) {
		t.Errorf("as CSV: %d, release %s", a.status, a.header.Get(wire.HeaderRelease))
	}
	if diff := cmp.Diff(spent, s.spent()); diff != "" {
		t.Errorf("a retry cost something:\n%s", diff)
	}
}

// stable returns the headers that are the same for the same answer.
func stable(h http.Header) http.Header {
	h = maps.Clone(h)
	for _, name := range []string{"Date", "X-Request-Id"} {
		h.Del(name)
	}
	return h
}

// TestHangUpIsRetriedForFree breaks the connection right after the request and
// asks again: one charge, and from then on the same bytes.
func TestHangUpIsRetriedForFree(t *testing.T) {
	s := newSite(t)
	s.budget(generous)
	r := s.query(byService)
	r.header = map[string]string{wire.HeaderIdempotencyKey: "hang-up"}
	for range 20 {
		hangUp(t, s.Server, r)
	}
	first := eventually(t, func() (answer, bool) {
		a := s.call(r)
		return a, a.status == http.StatusOK
	})
	again := s.call(request{key: s.Analyst, method: http.MethodGet, path: "/v1/releases/" + first.header.Get(wire.HeaderRelease) + "?intervals=true"})
	if !bytes.Equal(again.body, first.body) {
		t.Error("the release has other bytes than the answer")
	}
	s.wantSpent(s.explain(byService).Charges[0].Rho, wire.ChargeStateReleased)
}

// hangUp sends a request and closes the connection without reading.
func hangUp(t *testing.T, server *blackbox.Server, r request) {
	t.Helper()
	body, err := json.Marshal(r.body)
	check(t, err)
	req, err := http.NewRequestWithContext(t.Context(), r.method, server.URL+r.path, bytes.NewReader(body))
	check(t, err)
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Content-Type", wire.TypeJSON)
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	check(t, err)
	check(t, req.Write(conn))
	check(t, conn.Close())
}

// TestNewDataMakesANewRelease: a load of any tenant that a query touches makes
// it a new question, and one of another tenant does not.
func TestNewDataMakesANewRelease(t *testing.T) {
	s := newSite(t)
	s.budget(generous)
	only := func(tenant string) wire.QueryRequest {
		q := byService
		q.Tenants = []string{tenant}
		return q
	}
	first, other := s.ask(only("dept_1")), s.ask(only("dept_2"))
	api := s.api(s.Loader["dept_1"])
	load, err := api.Upload(t.Context(), wire.Upload{Dataset: "insteval", ContentType: wire.TypeCSV},
		strings.NewReader("student,lecturer,studage,lectage,service,rating,verdict\n999999,1,2,1,0,5,\n"))
	check(t, err)
	load, err = api.Wait(t.Context(), load.ID, nil)
	check(t, err)
	if load.State != wire.LoadStateSucceeded {
		t.Fatalf("%+v", load.Error)
	}
	if a := s.ask(only("dept_1")); a.header.Get(wire.HeaderCached) != "false" || a.header.Get(wire.HeaderRelease) == first.header.Get(wire.HeaderRelease) {
		t.Error("after a load the old release came back")
	}
	if a := s.ask(only("dept_2")); a.header.Get(wire.HeaderCached) != "true" || a.header.Get(wire.HeaderRelease) != other.header.Get(wire.HeaderRelease) {
		t.Error("another tenant's load made a new release")
	}
	if a := s.call(request{key: s.Analyst, method: http.MethodGet, path: "/v1/releases/" + first.header.Get(wire.HeaderRelease) + "?intervals=true"}); !bytes.Equal(a.body, first.body) {
		t.Error("the first release is not as it was")
	}
}

// TestReleasesBelongToWhoAsked: another analyst finds nothing by the id, and the
// same question is one release for both.
func TestReleasesBelongToWhoAsked(t *testing.T) {
	s := newSite(t)
	s.budget(generous)
	id := s.ask(byService).header.Get(wire.HeaderRelease)
	stranger, err := blackbox.NewKey(t.Context(), s.api(s.Operator), wire.Analyst, "")
	check(t, err)
	a := s.call(request{key: stranger, method: http.MethodGet, path: "/v1/releases/" + id})
	if p := s.refusal(a); p.Type != "/problems/not-found" {
		t.Errorf("a stranger gets %s", p.Type)
	}
}
