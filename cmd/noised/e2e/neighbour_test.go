package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
	"github.com/noised/noised/cmd/noised/internal/sample"
)

// trace is what an observer may compare between two servers beside values.
type trace struct {
	Request string
	Status  int
	Header  http.Header
	Body    string // of what holds no noise
	Shape   []string
}

// observe makes a request and keeps all of its answer but noise and names.
func (s *site) observe(r request) trace {
	s.t.Helper()
	a := s.call(r)
	h := stable(a.header)
	noised := h.Get(wire.HeaderRelease) != ""
	h.Del(wire.HeaderRelease)
	out := trace{Request: r.method + " " + r.path, Status: a.status, Header: h}
	if q, ok := r.body.(wire.QueryRequest); ok {
		out.Request += " " + q.SQL
	}
	switch {
	case !noised && a.status == http.StatusInternalServerError:
		out.Body = "internal"
		h.Del("Content-Length")
	case !noised:
		out.Body = string(a.body)
	case h.Get("Content-Type") == wire.TypeArrow:
		out.Shape = describe(readArrow(s.t, a.body))
	default:
		h.Del("Content-Length") // digits of noised values
	}
	return out
}

// describe lists the metadata, types and row count of a stream.
func describe(t table) []string {
	out := []string{fmt.Sprint("rows ", len(t.text))}
	meta := t.schema.Metadata()
	for i, key := range meta.Keys() {
		if key != "noised.release" {
			out = append(out, key+"="+meta.Values()[i])
		}
	}
	for _, f := range t.schema.Fields() {
		out = append(out, fmt.Sprint(f))
	}
	return out
}

// TestOneStudentChangesNothingButValues runs the same history on the sample with
// and without its busiest student. Statuses, headers, sizes, metadata, prices,
// budgets and refusals must be identical.
func TestOneStudentChangesNothingButValues(t *testing.T) {
	rows := theSample(t)
	busiest, most := int64(0), 0
	perStudent := map[int64]int{}
	for _, r := range rows {
		if perStudent[r.Student]++; perStudent[r.Student] > most {
			busiest, most = r.Student, perStudent[r.Student]
		}
	}
	without, err := newTemplate("without-one", rows.Without(busiest))
	check(t, err)
	with := newSite(t).history()
	if diff := cmp.Diff(with, siteOf(t, without).history()); diff != "" {
		t.Errorf("the busiest student (%d ratings) shows:\n%s", most, diff)
	}
}

// history is one of questions in every shape, refused ones, prices and budgets.
func (s *site) history() []trace {
	s.t.Helper()
	s.budget(wire.Loss{Epsilon: 10, Delta: 1e-4})
	var out []trace
	for _, q := range []wire.QueryRequest{
		{SQL: "SELECT COUNT(*) AS n, COUNT(DISTINCT student) AS students FROM insteval", Intervals: ptr(true)},
		{SQL: "SELECT tenant, SUM(rating) AS s, AVG(verdict) AS m FROM insteval GROUP BY tenant", Intervals: ptr(true)},
		{SQL: "SELECT service, studage, lectage, AVG(rating) AS m FROM insteval WHERE rating < 5 GROUP BY service, studage, lectage"},
		{SQL: "SELECT COUNT(*) FILTER (WHERE lecturer = 1) AS n FROM insteval WHERE verdict IS NULL"},
		{SQL: "SELECT lecturer, COUNT(*) AS n FROM insteval GROUP BY lecturer HAVING COUNT(*) > 100000"},
		{SQL: "SELECT AVG(rating / (rating - rating)) AS m FROM insteval"},
		{SQL: "SELECT student FROM insteval"},
		{SQL: "SELECT COUNT(*) AS n FROM insteval", Epsilon: ptr(90.0)},
	} {
		out = append(out, s.observe(s.query(q)), s.observe(s.query(q)))
		x := s.query(q)
		x.path = "/v1/explain"
		out = append(out, s.observe(x))
		x = s.query(q)
		x.header = map[string]string{"Accept": wire.TypeJSON}
		out = append(out, s.observe(x))
	}
	get := func(key, path string) trace { return s.observe(request{key: key, method: http.MethodGet, path: path}) }
	out = append(out, get(s.Analyst, "/v1/datasets/insteval"), get(s.Operator, "/v1/admin/datasets/insteval/budget"))
	for _, tenant := range s.Tenants {
		out = append(out, get(s.Budget[tenant], "/v1/admin/tenants/"+tenant+"/budget"))
		for _, c := range s.allCharges(tenant) {
			out = append(out, trace{Request: "charge", Body: fmt.Sprint(c.Rho, c.Epsilon, c.Delta, c.State)})
		}
	}
	return out
}

// reading is one row of the awkward kind.
type reading struct {
	person, ward, note string
	days               int32 // since 1970
	value              *float64
	count              int64
}

// poison is one person with everything that could make a computation fail.
func poison() []reading {
	var out []reading
	for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1), 1e308} {
		counts := []int64{math.MinInt64, math.MaxInt64, 0, -1}
		notes := []string{"", "not a number", "99999999999999999999", "1e999", "\u0301\u0000x", strings.Repeat("ß", 5000), "2024-02-30", "'; DROP"}
		days := []int32{0, -719162, 2932896, 19000, -1} // 1970, year 1, year 9999
		out = append(out, reading{"poison", []string{"a", "b", "c"}[i%3], notes[i%len(notes)], days[i%len(days)], &v, counts[i%len(counts)]})
	}
	return append(out, reading{"poison", "a", "", 0, nil, 0})
}

func healthy() []reading {
	var out []reading
	for i := range 2000 {
		v := float64(i % 100)
		out = append(out, reading{fmt.Sprint("person ", i/4), []string{"a", "b"}[i%2], fmt.Sprint(i % 3), int32(19000 + i%50), &v, int64(i % 10)})
	}
	return out
}

func readingsParquet(t *testing.T, rows []reading) []byte {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "person", Type: arrow.BinaryTypes.String}, {Name: "ward", Type: arrow.BinaryTypes.String},
		{Name: "note", Type: arrow.BinaryTypes.String}, {Name: "taken", Type: arrow.FixedWidthTypes.Date32},
		{Name: "value", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, {Name: "count", Type: arrow.PrimitiveTypes.Int64},
	}, nil))
	defer b.Release()
	for _, r := range rows {
		for i, text := range []string{r.person, r.ward, r.note} {
			b.Field(i).(*array.StringBuilder).Append(text)
		}
		b.Field(3).(*array.Date32Builder).Append(arrow.Date32(r.days))
		if r.value == nil {
			b.Field(4).AppendNull()
		} else {
			b.Field(4).(*array.Float64Builder).Append(*r.value)
		}
		b.Field(5).(*array.Int64Builder).Append(r.count)
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	file, err := sample.Parquet(rec)
	check(t, err)
	return file
}

// TestPoisonRowsChangeNoStatus asks questions whose computation could fail on
// one person's rows (casts, divisions, overflows, dates out of range, text that
// is no text), with that person present and absent.
func TestPoisonRowsChangeNoStatus(t *testing.T) {
	contract, err := os.ReadFile(filepath.FromSlash("testdata/readings.yaml"))
	check(t, err)
	clean := readingsHistory(t, contract, healthy())
	if diff := cmp.Diff(clean, readingsHistory(t, contract, slices.Concat(healthy(), poison()))); diff != "" {
		t.Errorf("poison shows:\n%s", diff)
	}
}

func readingsHistory(t *testing.T, contract []byte, rows []reading) []trace {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "data")}
	operator, err := program.Init(t.Context(), s.dir)
	check(t, err)
	s.start()
	s.Parties, err = blackbox.SetUp(t.Context(), s.Server, operator, contract, []string{"lab"})
	check(t, err)
	s.budget(generous)
	loaded, err := s.Load(t.Context(), s.Server, map[string][]byte{"lab": readingsParquet(t, rows)})
	check(t, err)
	if loaded != int64(len(rows)) {
		t.Fatalf("%d of %d rows were loaded", loaded, len(rows))
	}
	var out []trace
	for _, expr := range []string{
		"SUM(value)", "AVG(value)", "SUM(count)", "AVG(count)", "SUM(value) FILTER (WHERE 1 / value > 0)",
		"COUNT(*) FILTER (WHERE CAST(note AS INTEGER) > 0)", "COUNT(*) FILTER (WHERE CAST(note AS DOUBLE) > 0)",
		"COUNT(*) FILTER (WHERE CAST(note AS DATE) > DATE '2020-01-01')", "COUNT(*) FILTER (WHERE CAST(value AS TINYINT) = 1)",
		"COUNT(*) FILTER (WHERE CAST(count AS SMALLINT) = 1)", "COUNT(*) FILTER (WHERE value * 1e308 * 1e308 > 1)",
		"COUNT(*) FILTER (WHERE count * count + count > 1)", "COUNT(*) FILTER (WHERE abs(count) = 1)", "COUNT(*) FILTER (WHERE -count = 1)",
		"COUNT(*) FILTER (WHERE count % 7 = 1)", "COUNT(*) FILTER (WHERE count // 7 = 1)", "COUNT(*) FILTER (WHERE round(value, 2) = 1)",
		"COUNT(*) FILTER (WHERE floor(value) = ceil(value))", "COUNT(*) FILTER (WHERE sign(value) = 1)",
		"COUNT(*) FILTER (WHERE year(taken) = 2022)", "COUNT(*) FILTER (WHERE date_trunc('month', taken) = DATE '2022-01-01')",
		"COUNT(*) FILTER (WHERE dayofweek(taken) = 1)", "COUNT(*) FILTER (WHERE CAST(taken AS TIMESTAMP) > TIMESTAMP '2020-01-01')",
		"COUNT(*) FILTER (WHERE substring(note, 2, 3) = 'x')", "COUNT(*) FILTER (WHERE length(note) > 3)", "COUNT(*) FILTER (WHERE note LIKE '%_%')",
		"COUNT(*) FILTER (WHERE upper(lower(note)) = 'X')", "COUNT(*) FILTER (WHERE note || note > 'x')", "COUNT(*) FILTER (WHERE contains(note, 'x'))",
		"COUNT(*) FILTER (WHERE greatest(value, 1.5) > least(value, 1.5))", "COUNT(*) FILTER (WHERE coalesce(value, 0.0) = nullif(value, 0.0))",
	} {
		q := wire.QueryRequest{SQL: "SELECT ward, " + expr + " AS x FROM readings GROUP BY ward", Intervals: ptr(true)}
		a := s.call(s.query(q))
		if a.status != http.StatusOK && a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s\n%s", expr, a.status, a.body, s.Log())
		}
		if a.status == http.StatusOK {
			wantFinite(t, expr, a.body)
		} else {
			var p wire.Problem
			check(t, json.Unmarshal(a.body, &p))
			t.Errorf("%s is not permitted: %s", expr, *p.Detail)
		}
		out = append(out, s.observe(s.query(q)))
	}
	return out
}

func wantFinite(t *testing.T, expr string, stream []byte) {
	t.Helper()
	for _, row := range readArrow(t, stream).number {
		for name, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s: %s is %g", expr, name, v)
			}
		}
	}
}
