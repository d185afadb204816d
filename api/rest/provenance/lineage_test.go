package provenance

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/api/wire"
)

func someLoad(own *lineage.Own) lineage.Load {
	return lineage.Load{
		ID: "load_1", Tenant: "a", Dataset: "visits", Table: "person", Write: "append", Format: "csv", By: "key_1",
		At: time.Unix(1, 0).UTC(), Generation: "gen_1", Own: own,
	}
}

func someRelease(own *lineage.Own) lineage.Release {
	return lineage.Release{
		ID: "rel_1", Dataset: "visits", Version: 2, Epsilon: 1, Delta: 1e-9, At: time.Unix(2, 0).UTC(), Complete: true,
		Inputs: []lineage.Input{{Tenant: "a", Table: "person", Generation: "gen_1", Version: 1, Loads: []string{"load_1"}}, {Tenant: "b"}, {Tenant: "", Table: "city", Generation: "gen_2", Version: 1}},
		Loads:  []lineage.Load{someLoad(own)},
	}
}

// TestEventsAreOpenLineage holds events to what the core specification 2-0-2
// demands of a RunEvent and of every facet.
func TestEventsAreOpenLineage(t *testing.T) {
	own := &lineage.Own{LoadID: "may", SHA256: "abc", Bytes: 77, RowsRead: 9, RowsLoaded: 8, RowsRejected: 1}
	all := append(releaseLineage(someRelease(own)).Events, loadLineage(lineage.Fed{
		Load: someLoad(own), Releases: []lineage.Use{{Release: "rel_1", Version: 2, At: time.Unix(2, 0).UTC(), Generation: "gen_1"}},
	}).Events...)
	if len(all) != 4 || all[0].Run.RunID != all[3].Run.RunID || all[1].Run.RunID != all[2].Run.RunID || all[0].Run.RunID == all[1].Run.RunID {
		t.Fatalf("the runs are %+v, want one of the query and one of the load, each the same both ways", all)
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, e := range all {
		if !uuid.MatchString(e.Run.RunID) || e.EventType != wire.COMPLETE || e.EventTime.IsZero() || e.SchemaURL != "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent" {
			t.Errorf("%+v is no RunEvent", e)
		}
		if u, err := url.Parse(e.Producer); err != nil || !u.IsAbs() {
			t.Errorf("the producer %q is no URI", e.Producer)
		}
		sets := map[string]wire.LineageFacets{"run": e.Run.Facets, "job": e.Job.Facets}
		for _, d := range append(append([]wire.LineageDataset{}, e.Inputs...), e.Outputs...) {
			if d.Name == "" || d.Namespace == "" {
				t.Errorf("a dataset of %s has no name", e.Job.Name)
			}
			sets[d.Name] = d.Facets
			if d.OutputFacets != nil {
				sets[d.Name+" (output)"] = *d.OutputFacets
			}
		}
		for of, set := range sets {
			if set == nil {
				t.Errorf("%s has null for facets", of)
			}
			for name, f := range set {
				producer, _ := f["_producer"].(string)
				schema, _ := f["_schemaURL"].(string)
				if u, err := url.Parse(schema); producer == "" || err != nil || !u.IsAbs() || u.Fragment == "" {
					t.Errorf("facet %s of %s says %q and %q of itself", name, of, producer, schema)
				}
			}
		}
	}
}

// TestOthersSeeNothingThatTellsOfRows: without the owner's part, an answer is the
// same whatever the file and its rows are.
func TestOthersSeeNothingThatTellsOfRows(t *testing.T) {
	text, err := json.Marshal(releaseLineage(someRelease(nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"sha256", "bytes", "rows", "rowCount", "loadId", "outputFacets", "size"} {
		if strings.Contains(strings.ToLower(string(text)), strings.ToLower(`"`+word)) {
			t.Errorf("a reader sees %s: %s", word, text)
		}
	}
	for _, want := range []string{`"noised://a"`, `"noised:public"`, `"datasetVersion":"gen_1"`, `"uploadedBy":"key_1"`, `"contractVersion":2`, `"name":"tenant:a"`, `"loads":["load_1"]`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("a reader does not see %s: %s", want, text)
		}
	}
}
