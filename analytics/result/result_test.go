package result

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/plan"
)

// sample has one column of every type, an interval, and a NULL.
func sample() *Table {
	date, ts, dec := plan.Of(plan.KindDate), plan.Of(plan.KindTimestamp), plan.Type{Kind: plan.KindDecimal, Precision: 18, Scale: 2}
	big, dbl := plan.Of(plan.KindBigint), plan.Of(plan.KindDouble)
	i := func(t plan.Type, a, b int64) []plan.Value {
		return []plan.Value{plan.IntValue(t, a), plan.IntValue(t, b)}
	}
	return &Table{
		Meta: []Pair{{"noised.release", "rel_1"}, {"noised.epsilon", "0.5"}},
		Columns: []Column{
			{Name: "name", Type: plan.Of(plan.KindVarchar), Values: []plan.Value{plan.StringValue(`a "b", c`), plan.Null(plan.Of(plan.KindVarchar))}, Mechanism: PartitionSelection},
			{Name: "flag", Type: plan.Of(plan.KindBoolean), Values: []plan.Value{plan.BoolValue(true), plan.BoolValue(false)}, Mechanism: Public},
			{Name: "tiny", Type: plan.Of(plan.KindTinyint), Values: i(plan.Of(plan.KindTinyint), -5, 7), Mechanism: Public},
			{Name: "small", Type: plan.Of(plan.KindSmallint), Values: i(plan.Of(plan.KindSmallint), -500, 700), Mechanism: Public},
			{Name: "int", Type: plan.Of(plan.KindInteger), Values: i(plan.Of(plan.KindInteger), -50000, 70000), Mechanism: Public},
			{Name: "n", Type: big, Values: i(big, -3, 1<<60), Low: i(big, -9, 1), High: i(big, 3, 1<<61), Mechanism: Gaussian, Stddev: "3", Bounds: "[0, 1]", Quantum: "1", Confidence: "0.95"},
			{Name: "total", Type: dec, Values: i(dec, -105, 7), Low: i(dec, -205, 0), High: i(dec, 5, 14), Mechanism: Laplace, Confidence: "0.95"},
			{Name: "mean", Type: dbl, Values: []plan.Value{plan.FloatValue(1.5), plan.Null(dbl)}, Mechanism: Gaussian},
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
	none := []plan.Value{}
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
