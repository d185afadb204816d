package query

import (
	"slices"

	"github.com/noised/noised/analytics/lineage"
)

// reads is what a run of the plan can read: the same generations and tables as
// segments has the files of, whatever rows are in them.
func (p *prepared) reads() lineage.Reads {
	r := lineage.Reads{Generations: map[string]string{}}
	for _, owner := range readFrom(p.priced.Plan) {
		r.Generations[owner] = p.generations[owner].ID
	}
	if p.priced.Plan.Sources == nil {
		r.Tables = []string{""}
	}
	for _, s := range p.priced.Plan.Sources {
		if !slices.Contains(r.Tables, s.Table) {
			r.Tables = append(r.Tables, s.Table)
		}
	}
	return r
}
