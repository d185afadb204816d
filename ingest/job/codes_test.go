package job_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/job"
)

// declare puts a version in force that declares the cities; none of them, when it
// leaves them private.
func (h *house) declare(version int, cities ...string) {
	h.T.Helper()
	domain := "private"
	if cities != nil {
		domain = `{values: ["` + strings.Join(cities, `", "`) + `"]}`
	}
	h.Must(h.Put(strings.Replace(fmt.Sprintf(ratings, version), "domain: private", "domain: "+domain, 1) + "bounding_index: []\n"))
	h.join("a", version)
}

// checkCodes compares what is recorded and stored of the codes of a column with
// the texts that were declared for each segment of a table; nil where there are
// none.
func (h *house) checkCodes(tenant, table, column string, declared ...[]string) {
	h.T.Helper()
	segments := h.Head("ratings", tenant).Of(table)
	if len(segments) != len(declared) {
		h.T.Fatalf("%d segments, want %d", len(segments), len(declared))
	}
	for i, seg := range segments {
		var want map[string]string
		if declared[i] != nil {
			values := make([]plan.Value, len(declared[i]))
			for j, v := range declared[i] {
				values[j] = plan.StringValue(v)
			}
			want = map[string]string{column: plan.CodesOf(values)}
		}
		if diff := cmp.Diff(want, seg.Codes); diff != "" {
			h.T.Errorf("segment %d: %s", i, diff)
		}
		h.checkStored(seg, column, declared[i])
	}
}

func (h *house) checkStored(seg catalog.Segment, column string, declared []string) {
	h.T.Helper()
	db, err := sql.Open("duckdb", filepath.Join(h.Dir, seg.Path)+"?access_mode=read_only")
	h.Must(err)
	defer db.Close()
	var columns int
	h.Must(db.QueryRow("SELECT count(*) FROM (DESCRIBE main.rows) WHERE starts_with(column_name, '_code:')").Scan(&columns))
	if declared == nil {
		if columns > 0 {
			h.T.Error("codes that are not recorded")
		}
		return
	}
	rows, err := db.Query(fmt.Sprintf(`SELECT %s, "%s" FROM main.rows`, column, plan.CodeColumn(column)))
	h.Must(err)
	defer rows.Close()
	n := int64(0)
	for ; rows.Next(); n++ {
		var text sql.NullString
		var code int
		h.Must(rows.Scan(&text, &code))
		want := slices.Index(declared, text.String)
		if !text.Valid || want < 0 {
			want = len(declared)
		}
		if code != want {
			h.T.Errorf("the code of %v among %q is %d", text, declared, code)
		}
	}
	if h.Must(rows.Err()); n != seg.Rows || columns != 1 {
		h.T.Errorf("%d rows and %d columns of codes", n, columns)
	}
}

const cityRows = "person,city,rating\n1,Ulm,3\n1,Bonn,3\n2,\"\",3\n3,,3\n4,it's,3\n5,Zu\u0308rich,3\n6,elsewhere,3\n"

// TestCodesAreThoseOfTheContract: a load has the codes of what its contract
// declares, whatever the segments that it goes on from have, and the load that
// merges finds those of all rows anew.
func TestCodesAreThoseOfTheContract(t *testing.T) {
	h := open(t, t.TempDir())
	h.Start()
	lists := [][]string{{"Ulm", "it's"}, nil, {"Zürich", "", "Ulm"}, {"elsewhere", "Bonn", "Zürich"}}
	for i, cities := range lists {
		h.declare(i+1, cities...)
		h.Load(request(), cityRows)
		h.checkCodes("a", "", "city", lists[:i+1]...)
	}
	for range job.MergeAt - len(lists) - 1 {
		h.Load(request(), "person,city,rating\n1,Bonn,3\n")
		lists = append(lists, lists[3])
	}
	h.checkCodes("a", "", "city", lists...)
	h.Load(request(), "person,city,rating\n1,Bonn,3\n")
	h.checkCodes("a", "", "city", lists[3])
	h.declare(5, "Bonn")
	h.Load(request(replace), cityRows)
	h.checkCodes("a", "", "city", []string{"Bonn"})
	h.declare(6)
	h.Load(request(replace), cityRows)
	h.checkCodes("a", "", "city", nil)
}

// TestCodesOfMergedTables: a merge in the background finds codes by the contract
// of the generation, also of segments that had none, and leaves the rows as they
// are.
func TestCodesOfMergedTables(t *testing.T) {
	h := open(t, t.TempDir())
	stop := h.Start()
	lists := [][]string{nil, {"Bonn", "Ulm"}, {"Zürich", "", "Ulm"}}
	for i, cities := range lists {
		h.declare(i+1, cities...)
		h.Load(request(), cityRows)
	}
	stop()
	h.checkCodes("a", "", "city", lists...)
	h.declare(4, "Ulm") // nothing is loaded under it
	before := h.stored("a", "", "_unit || ':' || _row || ':' || coalesce(city, '-') || ':' || rating")
	h.restart(time.Millisecond)
	stop = h.Start()
	h.merged()
	stop()
	h.checkCodes("a", "", "city", lists[2])
	if diff := cmp.Diff(before, h.stored("a", "", "_unit || ':' || _row || ':' || coalesce(city, '-') || ':' || rating")); diff != "" {
		t.Error(diff)
	}
}

// TestCodesOfPublicTables: the operator's tables have codes, too.
func TestCodesOfPublicTables(t *testing.T) {
	h := open(t, t.TempDir())
	h.Must(h.Put(strings.Replace(shop, "n_name: {type: varchar, role: dimension}", "n_name: {type: varchar, role: dimension, domain: {values: [Peru, Chile]}}", 1)))
	h.Start()
	h.Load(public("nation"), nations)
	h.Load(public("nation"), "n_id,n_name\n3,Chile\n4,\n")
	declared := []string{"Peru", "Chile"}
	h.checkCodes(catalog.Public, "nation", "n_name", declared, declared)
}
