package result

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
)

// sample has one column of every type, an interval, and a NULL.
func sample() *Table {
	date, ts, dec := plan.Of(plan.KindDate), plan.Of(plan.KindTimestamp), plan.Type{Kind: plan.KindDecimal, Precision: 18, Scale: 2}
	big, dbl := plan.Of(plan.KindBigint), plan.Of(plan.KindDouble)
	i := func(t plan.Type, a, b int64) *Vector { return VectorOf(t, plan.IntValue(t, a), plan.IntValue(t, b)) }
	return &Table{
		Meta: []Pair{{"noised.release", "rel_1"}, {"noised.epsilon", "0.5"}},
		Columns: []Column{
			{Name: "name", Type: plan.Of(plan.KindVarchar), Values: VectorOf(plan.Of(plan.KindVarchar), plan.StringValue(`a "b", c`), plan.Null(plan.Of(plan.KindVarchar))), Mechanism: PartitionSelection},
			{Name: "flag", Type: plan.Of(plan.KindBoolean), Values: VectorOf(plan.Of(plan.KindBoolean), plan.BoolValue(true), plan.BoolValue(false)), Mechanism: Public},
			{Name: "tiny", Type: plan.Of(plan.KindTinyint), Values: i(plan.Of(plan.KindTinyint), -5, 7), Mechanism: Public},
			{Name: "small", Type: plan.Of(plan.KindSmallint), Values: i(plan.Of(plan.KindSmallint), -500, 700), Mechanism: Public},
			{Name: "int", Type: plan.Of(plan.KindInteger), Values: i(plan.Of(plan.KindInteger), -50000, 70000), Mechanism: Public},
			{Name: "n", Type: big, Values: i(big, -3, 1<<60), Low: i(big, -9, 1), High: i(big, 3, 1<<61), Mechanism: Gaussian, Stddev: "3", Bounds: "[0, 1]", Quantum: "1", Confidence: "0.95"},
			{Name: "total", Type: dec, Values: i(dec, -105, 7), Low: i(dec, -205, 0), High: i(dec, 5, 14), Mechanism: Laplace, Confidence: "0.95"},
			{Name: "mean", Type: dbl, Values: VectorOf(dbl, plan.FloatValue(1.5), plan.Null(dbl)), Mechanism: Gaussian},
			{Name: "day", Type: date, Values: i(date, 0, 20000), Mechanism: Public},
			{Name: "at", Type: ts, Values: i(ts, 1, 1_700_000_000_000_000), Mechanism: Public},
		},
	}
}

func TestArrowRoundTrip(t *testing.T) {
	want := sample()
	var buf bytes.Buffer
	if err := want.WriteArrow(&buf, true); err != nil {
		t.Fatal(err)
	}
	got, err := ReadArrow(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("read back differs (-want +got):\n%s", d)
	}
	var again bytes.Buffer
	if err := got.WriteArrow(&again, true); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), again.Bytes()) {
		t.Error("writing what was read gives other bytes")
	}
}

func TestArrowWithoutIntervalsAndRows(t *testing.T) {
	var buf bytes.Buffer
	if err := sample().WriteArrow(&buf, false); err != nil {
		t.Fatal(err)
	}
	got, err := ReadArrow(&buf)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range got.Columns {
		if c.HasInterval() || strings.HasSuffix(c.Name, "_low") {
			t.Errorf("column %s carries an interval that was not asked for", c.Name)
		}
	}
	none := NewVector(plan.Of(plan.KindBigint), 0)
	empty := &Table{Meta: []Pair{}, Columns: []Column{{Name: "n", Type: plan.Of(plan.KindBigint), Values: none, Low: none, High: none, Mechanism: Gaussian, Confidence: "0.95"}}}
	buf.Reset()
	if err := empty.WriteArrow(&buf, true); err != nil {
		t.Fatal(err)
	}
	if got, err = ReadArrow(&buf); err != nil || cmp.Diff(empty, got) != "" {
		t.Errorf("empty table: %v\n%s", err, cmp.Diff(empty, got))
	}
}

func TestCSV(t *testing.T) {
	var buf bytes.Buffer
	if err := sample().WriteCSV(&buf, true); err != nil {
		t.Fatal(err)
	}
	want := `name,flag,tiny,small,int,n,n_low,n_high,total,total_low,total_high,mean,day,at
"a ""b"", c",true,-5,-500,-50000,-3,-9,3,-1.05,-2.05,0.05,1.5,1970-01-01,1970-01-01 00:00:00.000001
,false,7,700,70000,1152921504606846976,1,2305843009213693952,0.07,0.00,0.14,,2024-10-04,2023-11-14 22:13:20
`
	if d := cmp.Diff(want, buf.String()); d != "" {
		t.Errorf("CSV (-want +got):\n%s", d)
	}
}

func TestJSON(t *testing.T) {
	var buf bytes.Buffer
	if err := sample().WriteJSON(&buf, false); err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	d := json.NewDecoder(&buf)
	d.UseNumber()
	if err := d.Decode(&rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0]["name"] != `a "b", c` || rows[0]["flag"] != true || rows[0]["total"] != json.Number("-1.05") ||
		rows[1]["n"] != json.Number("1152921504606846976") || rows[1]["mean"] != nil || rows[0]["day"] != "1970-01-01" {
		t.Errorf("rows = %v", rows)
	}
	buf.Reset()
	if err := (&Table{}).WriteJSON(&buf, false); err != nil || buf.String() != "[]\n" {
		t.Errorf("empty table: %q, %v", buf.String(), err)
	}
}

// TestStoredTables read back as they were, those of the first version too.
func TestStoredTables(t *testing.T) {
	var first bytes.Buffer
	if err := sample().WriteArrow(&first, true); err != nil {
		t.Fatal(err)
	}
	data, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range [][]byte{data, first.Bytes()} {
		if got, err := Decode(stored); err != nil || cmp.Diff(sample(), got) != "" {
			t.Errorf("%v\n%s", err, cmp.Diff(sample(), got))
		}
	}
	for n := range data {
		if _, err := Decode(data[:n]); err == nil {
			t.Errorf("%d of %d bytes were read", n, len(data))
		}
	}
	if _, err := Decode(append(data, 0)); err == nil {
		t.Error("a byte too many was read")
	}
	rapid.Check(t, func(t *rapid.T) {
		column := func(kind plan.Kind) *Vector {
			v := NewVector(plan.Of(kind), 5)
			for i := range v.Len() {
				if rapid.Bool().Draw(t, "valid") {
					v.Set(i, plan.Value{Int: rapid.Int64().Draw(t, "int"), Float: rapid.Float64().Draw(t, "float"), Str: rapid.String().Draw(t, "text")})
				}
			}
			return v
		}
		want := &Table{Meta: []Pair{{"k", rapid.String().Draw(t, "meta")}}}
		for range rapid.IntRange(1, 3).Draw(t, "columns") {
			kind := rapid.SampledFrom([]plan.Kind{plan.KindBigint, plan.KindDouble, plan.KindVarchar}).Draw(t, "kind")
			c := Column{Name: "c", Type: plan.Of(kind), Values: column(kind)}
			if rapid.Bool().Draw(t, "interval") {
				c.Low, c.High, c.Confidence = column(kind), column(kind), "0.9"
			}
			want.Columns = append(want.Columns, c)
		}
		data, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(data); err != nil || cmp.Diff(want, got) != "" {
			t.Fatalf("%v\n%s", err, cmp.Diff(want, got))
		}
	})
}

// TestStoredCountsAreSmall: a count, with its key and its interval, takes a few
// bytes.
func TestStoredCountsAreSmall(t *testing.T) {
	big := plan.Of(plan.KindBigint)
	k, n, low, high := NewVector(big, 10_000), NewVector(big, 10_000), NewVector(big, 10_000), NewVector(big, 10_000)
	for i := range 10_000 {
		x := int64(i * 7919 % 1009)
		k.Set(i, plan.IntValue(big, int64(i)))
		n.Set(i, plan.IntValue(big, x))
		low.Set(i, plan.IntValue(big, x-50))
		high.Set(i, plan.IntValue(big, x+50))
	}
	table := &Table{Columns: []Column{{Type: big, Values: k}, {Type: big, Values: n, Low: low, High: high}}}
	data, err := table.Encode()
	if err != nil || len(data) > 60_000 {
		t.Errorf("10,000 counts take %d bytes, %v", len(data), err)
	}
}

// FuzzDecode feeds rubbish to the reader of stored tables.
func FuzzDecode(f *testing.F) {
	data, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if table, err := Decode(data); err == nil && data[0] == formatPacked {
			for _, c := range table.Columns {
				if c.Values.Len() != table.Rows() || c.HasInterval() && (c.Low.Len() != table.Rows() || c.High.Len() != table.Rows()) {
					t.Errorf("%q has columns of several lengths", data)
				}
			}
		}
	})
}

// FuzzReadArrow feeds rubbish to the reader: it may fail, not panic.
func FuzzReadArrow(f *testing.F) {
	var buf bytes.Buffer
	if err := sample().WriteArrow(&buf, true); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add([]byte("ARROW1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := ReadArrow(bytes.NewReader(data))
		if (table == nil) == (err == nil) {
			t.Errorf("table %v, error %v", table, err)
		}
	})
}

// TestCSVQuotes holds that texts are quoted as encoding/csv quotes them.
func TestCSVQuotes(t *testing.T) {
	fields := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune("\\.,\"\r\n a\u2003")), 0, 4, -1))
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOfN(fields, 1, 3).Draw(t, "row")
		table, header := &Table{}, []string{}
		for i, s := range row {
			header = append(header, fields.Draw(t, "name"))
			table.Columns = append(table.Columns, Column{Name: header[i], Type: plan.Of(plan.KindVarchar), Values: VectorOf(plan.Of(plan.KindVarchar), plan.StringValue(s))})
		}
		var want, got bytes.Buffer
		w := csv.NewWriter(&want)
		if err := w.WriteAll([][]string{header, row}); err != nil {
			t.Fatal(err)
		}
		if err := table.WriteCSV(&got, true); err != nil || got.String() != want.String() {
			t.Fatalf("got %q, want %q: %v", got.String(), want.String(), err)
		}
	})
}

// TestVectors holds every type against what was set, however often.
func TestVectors(t *testing.T) {
	for _, c := range sample().Columns {
		v := NewVector(c.Type, 2)
		v.Set(0, c.Values.At(1))
		for i := range 2 {
			v.Set(i, c.Values.At(i))
		}
		if !v.Equal(c.Values) || v.Len() != 2 || !VectorOf(c.Type, v.At(0), v.At(1)).Equal(v) || v.Equal(nil) {
			t.Errorf("%s: %v and %v", c.Name, v.At(0), v.At(1))
		}
		v.Set(0, plan.Null(c.Type))
		if at := v.At(0); at != plan.Null(c.Type) || v.Equal(c.Values) {
			t.Errorf("%s: NULL reads back as %+v", c.Name, at)
		}
	}
	if (*Vector)(nil).Len() != 0 || !(*Vector)(nil).Equal(nil) {
		t.Error("no vector has values")
	}
}
