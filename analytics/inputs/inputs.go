// Package inputs says what a priced plan is run on: which files of which
// generations it reads, and how a run is bounded there. It follows from the plan and
// from what loads have left behind, generation by generation, and never from whose
// rows there are.
package inputs

import (
	"path/filepath"
	"slices"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/plan"
)

// Inputs is what one run reads.
type Inputs struct {
	Plan        *plan.Bound                   // as it is run on these generations
	Generations map[string]catalog.Generation // by tenant; missing: nothing loaded
	Segments    []engine.Segment              // of the generations, those that the plan reads
}

// Of returns what a plan that was priced reads of generations that were found for
// its owners.
func Of(priced *plan.Bound, generations map[string]catalog.Generation, dataDir string) Inputs {
	segments := segmentsOf(priced, generations, dataDir)
	return Inputs{Plan: adapted(priced, segments), Generations: generations, Segments: segments}
}

// Owners names whose generations a plan reads: its tenants', and the public
// tables' where it joins one.
func Owners(b *plan.Bound) []string {
	if slices.ContainsFunc(b.Sources, func(s plan.Source) bool { return s.Public }) {
		return append(slices.Clone(b.Tenants), catalog.Public)
	}
	return b.Tenants
}

// Input is what an engine is asked to run, but for the salt.
func (in Inputs) Input() engine.Input {
	return engine.Input{Plan: in.Plan, Segments: in.Segments}
}

// Reads is what a run can read: the same generations and tables as Segments has the
// files of, whatever rows are in them.
func (in Inputs) Reads() lineage.Reads {
	r := lineage.Reads{Generations: map[string]string{}}
	for _, owner := range Owners(in.Plan) {
		r.Generations[owner] = in.Generations[owner].ID
	}
	if in.Plan.Sources == nil {
		r.Tables = []string{""}
	}
	for _, s := range in.Plan.Sources {
		if !slices.Contains(r.Tables, s.Table) {
			r.Tables = append(r.Tables, s.Table)
		}
	}
	return r
}

// segmentsOf lists the files that a plan reads: of the generations that were found
// for it, those of the tables that it names.
func segmentsOf(b *plan.Bound, generations map[string]catalog.Generation, dataDir string) []engine.Segment {
	var out []engine.Segment
	for _, owner := range Owners(b) {
		for _, seg := range generations[owner].Segments {
			if readsTable(b, owner, seg.Table) {
				out = append(out, engine.Segment{
					Tenant: owner, Table: seg.Table, Path: filepath.Join(dataDir, seg.Path),
					Ranks: seg.Ranks, GoesOn: seg.Appended > 0, Codes: seg.Codes,
				})
			}
		}
	}
	return out
}

func readsTable(b *plan.Bound, owner, table string) bool {
	if b.Sources == nil {
		return table == ""
	}
	return slices.ContainsFunc(b.Sources, func(s plan.Source) bool {
		return s.Table == table && s.Public == (owner == catalog.Public)
	})
}
