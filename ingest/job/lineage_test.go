package job_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

// read stores a release of what is current.
func (h *house) read() string {
	h.T.Helper()
	id := privacy.NewID("rel")
	h.Must(h.DB.InTx(h.T.Context(), func(ctx context.Context, tx *sql.Tx) error {
		core := release.Core{Key: id, Charge: id, Noised: []byte("core"), Release: release.Release{ID: id, Dataset: "ratings", ContractVersion: 1, CreatedAt: time.Now()}}
		if err := release.New(h.DB).Put(ctx, tx, core); err != nil {
			return err
		}
		return lineage.Note(ctx, tx, id, lineage.Reads{Tables: []string{""}, Generations: map[string]string{"a": h.head().ID}})
	}))
	return id
}

// TestLineageNamesTheLoadsWhoseRowsAreInTheFiles holds lineage to the files: each
// load writes a city of its own, so that the rows tell which loads are there,
// through appends, a replacement, the merge that a load makes, and one in the
// background.
func TestLineageNamesTheLoadsWhoseRowsAreInTheFiles(t *testing.T) {
	h := newHouse(t)
	store := lineage.New(h.DB)
	city := map[string]string{}    // by load
	reads := map[string][]string{} // by release: the cities in the files then
	add := func(write job.Write) {
		t.Helper()
		r := request()
		r.Write = write
		name := fmt.Sprintf("c%d", len(city))
		city[h.Load(r, "person,city,rating\n1,"+name+",3\n").ID] = name
		in := h.rows()
		for i := range in {
			in[i] = in[i][:len(in[i])-len("/3")]
		}
		slices.Sort(in)
		reads[h.read()] = in
	}
	stop := h.Start()
	add(job.WriteAppend)
	add(job.WriteAppend)
	add(job.WriteReplace)
	for range job.MergeAt {
		add(job.WriteAppend)
	}
	stop()
	h.restart(time.Millisecond)
	stop = h.Start()
	h.merged()
	stop()
	h.restart(-1)
	h.Now = func() time.Time { return time.Now().Add(2 * job.SupersededFor) }
	h.runOnce() // sweeps
	for id, want := range reads {
		got, err := store.ForAuditor(t.Context(), id)
		h.Must(err)
		var cities []string
		for _, l := range got.Loads {
			cities = append(cities, city[l.ID])
		}
		slices.Sort(cities)
		if d := cmp.Diff(want, cities); d != "" || !got.Complete {
			t.Errorf("release %s (-in the files +in its lineage):\n%s", id, d)
		}
	}
	for load, name := range city {
		got, err := store.FromLoad(t.Context(), "a", load)
		h.Must(err)
		var want, fed []string
		for id, in := range reads {
			if slices.Contains(in, name) {
				want = append(want, id)
			}
		}
		for _, u := range got.Releases {
			fed = append(fed, u.Release)
		}
		slices.Sort(want)
		slices.Sort(fed)
		if d := cmp.Diff(want, fed); d != "" {
			t.Errorf("load %s (-had its rows +in its lineage):\n%s", name, d)
		}
	}
}
