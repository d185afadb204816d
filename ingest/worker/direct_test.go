package worker_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/noised/noised/ingest/upload"
)

// TestClosedEyesSeeTheSame: what is read without asking what is wrong with a row
// is what is read when every row gets a verdict. Each value comes alone, so that no
// other sends its file the careful way, and again with a row that does.
func TestClosedEyesSeeTheSame(t *testing.T) {
	long := strings.Repeat("é", 32<<10)
	for typ, values := range map[string][]string{
		"tinyint":      {"5", "05", "+5", " 5 ", "-0", "5.0", "5e0", "5E0", "50e-1", "5.", ".0", "5.5", "5e-1", "1e400", "128", "-128", "-129", "x", "", `""`, " ", "0x1", "1_0"},
		"bigint":       {"9223372036854775807", "9223372036854775808", "9007199254740993", "9007199254740993.0", "1e18", "1.5e0", "0.1e1", "1e"},
		"double":       {"1", "-0.0", "nan", "inf", "1e400", "1,5", "", `""`},
		"decimal(4,1)": {"1", "1.25", "999.9", "999.95", "1000", "1e2", "", `""`, "x"},
		"boolean":      {"true", "T", "1", "yes", "2", "", `""`},
		"date":         {"2024-02-29", "2023-02-29", "0001-01-01", "0000-12-31", "9999-12-31", "10000-01-01", "infinity", "2024-1-1", "2024-01-01 12:00", "epoch", "", `""`},
		"timestamp":    {"2024-02-29 01:02:03.456", "9999-12-31 23:59:59.999999", "10000-01-01 00:00:00", "-infinity", "2024-01-01", "2024-01-01 00:00:00+02", "", `""`},
		"varchar":      {"a", "", `""`, "e\u0301", long, long + "x", " a "},
	} {
		for _, value := range values {
			t.Run(fmt.Sprintf("%s %.20q", typ, value), func(t *testing.T) {
				if strings.Contains(value, ",") {
					value = `"` + value + `"`
				}
				body, bad := "person,v\n1,"+value+"\n2,\n", "x,\n"
				alone := order(t, upload.FormatCSV, []byte(body), column("v", typ))
				beside := order(t, upload.FormatCSV, []byte(body+bad), column("v", typ))
				alone.MaxBadRecords, beside.MaxBadRecords = 1, 2
				a, b := run(t, alone), run(t, beside)
				wantOK(t, a)
				wantOK(t, b)
				if a.RowsRejected+1 != b.RowsRejected || a.RowsLoaded != b.RowsLoaded || a.RowsRead != 2 {
					t.Errorf("alone %+v, beside a bad row %+v", a, b)
				}
				if diff := cmp.Diff(rowsOf(t, alone), rowsOf(t, beside)); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(rejectsOf(t, alone), rejectsOf(t, beside)[:a.RowsRejected], cmpopts.EquateEmpty()); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// TestClosedEyesSeeUnits: ids that are no numbers, missing or blank, alone.
func TestClosedEyesSeeUnits(t *testing.T) {
	for typ, ids := range map[string]map[string]int64{
		"bigint":  {"7": 0, "007": 0, "7.0": 0, "7.5": 1, `""`: 1, " ": 1, "x": 1, "99999999999999999999": 1},
		"varchar": {"a": 0, " a": 0, "é": 0, `""`: 1, " \t": 1, "\u00a0": 1, "\u200b\u00a0": 1, "\u200ba": 0, strings.Repeat("x", 70_000): 1},
	} {
		for id, rejected := range ids {
			spec := order(t, upload.FormatCSV, []byte("person,rating\n"+id+",1\n8,2\n"), column("rating", "tinyint"))
			spec.Unit, spec.MaxBadRecords = column("person", typ), 1
			r := run(t, spec)
			wantOK(t, r)
			if r.RowsRejected != rejected || r.RowsRead != 2 {
				t.Errorf("%s %.20q: %+v", typ, id, r)
			}
		}
	}
}
