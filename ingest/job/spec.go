package job

import (
	"context"
	"slices"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/privacy"
)

// loadSpec is the order to turn a load's upload into a segment. It notes in the
// load which segments decide what becomes of its rows.
func (s *Service) loadSpec(ctx context.Context, j *record, c *contract.Contract, dir string) (build.Spec, error) {
	spec, err := s.baseSpec(ctx, *j, c, dir)
	if err != nil {
		return build.Spec{}, err
	}
	j.codes = spec.Meta.Digests()
	spec.Task = build.TaskLoad
	spec.Input, spec.Format, spec.Encoding = s.spoolPath(j.ID), upload.Format(j.Format), upload.Encoding(j.encoding)
	spec.MaxBadRecords, spec.MaxBytes = j.maxBad, 8*s.o.MaxUpload
	if spec.Sealed, err = s.sealed(ctx, *j); err != nil {
		return build.Spec{}, err
	}
	table, _ := c.Table(j.Table)
	if table.Public {
		return spec, nil
	}
	current, err := s.o.Catalog.CurrentUnder(ctx, c, []string{j.Tenant})
	if err != nil {
		return build.Spec{}, err
	}
	base := current[j.Tenant] // the zero value when there is none
	s.addEarlier(&spec, j, base)
	unit := c.UnitColumn()
	if table.Via != nil {
		unit, _ = table.Column(table.Via.Column)
		s.addParent(&spec, j, c, *table.Via, base)
	}
	spec.Unit = segment.Column{Name: unit.Name, Type: unit.Type}
	if c.IdentifiesUnit(j.Table, unit.Name) {
		secrets, err := s.o.Catalog.SecretsFor(ctx, j.Dataset, j.Tenant, c.Unit.Scope)
		if err != nil {
			return build.Spec{}, err
		}
		spec.Key = secrets.PseudonymKey[:]
	}
	return spec, nil
}

// addEarlier lets an appending load go on from the ranks of the current segments
// of its table. Loads of one tenant into one dataset take turns, and merges with
// them, so these stay current until this one is published.
func (s *Service) addEarlier(spec *build.Spec, j *record, base catalog.Generation) {
	j.earlier = nil
	if j.Write != WriteReplace {
		own := base.Of(j.Table)
		j.earlier = ids(own)
		spec.Meta.Ranks = goOn(spec.Meta.Ranks, own)
		if spec.Meta.Ranks != nil {
			spec.Earlier = s.paths(own)
		}
	}
	j.ranks = spec.Meta.Ranks
}

// goOn returns the groupings whose ranks can be stored behind segments: those of
// the contract that each of them has too; nil where one has no ranks at all, since
// then it is unknown what new rows would have to be ranked behind. So segments
// have ranks by the contracts and loads that there were, whatever was loaded.
func goOn(wanted [][]string, segments []catalog.Segment) [][]string {
	for _, seg := range segments {
		if seg.Ranks == nil {
			return nil
		}
		wanted = common(wanted, seg.Ranks)
	}
	return wanted
}

// common returns the groupings that two lists have; it is nil if the first is.
func common(a, b [][]string) [][]string {
	return slices.DeleteFunc(slices.Clone(a), func(g []string) bool {
		return !slices.ContainsFunc(b, func(o []string) bool { return slices.Equal(o, g) })
	})
}

// addParent lets the worker read the parent table as it stands: the current
// segments of the same tenant, and no others.
func (s *Service) addParent(spec *build.Spec, j *record, c *contract.Contract, via contract.Via, base catalog.Generation) {
	spec.Parent = &build.Parent{Table: via.Table}
	if !c.IdentifiesUnit(via.Table, via.Key) {
		spec.Parent.Key = via.Key
	}
	parent := base.Of(via.Table)
	j.parent, spec.Parent.Segments = ids(parent), s.paths(parent)
}

// basisStays reports whether a generation still has the segments that decided
// what became of the new rows.
func basisStays(g catalog.Generation, c *contract.Contract, j record) bool {
	table, _ := c.Table(j.Table)
	if table.Via != nil && !slices.Equal(ids(g.Of(table.Via.Table)), j.parent) {
		return false
	}
	return table.Public || j.Write == WriteReplace || slices.Equal(ids(g.Of(j.Table)), j.earlier)
}

var errBasisChanged = privacy.Errorf(privacy.CodeUnavailable, "the rows that this load goes on from were replaced while it ran; send the file again")

func ids(segments []catalog.Segment) []string {
	var out []string
	for _, seg := range segments {
		out = append(out, seg.ID)
	}
	return out
}

func (s *Service) paths(segments []catalog.Segment) []string {
	var out []string
	for _, seg := range segments {
		out = append(out, s.absolute(seg.Path))
	}
	return out
}

// mergeSpec is the order to write segments as one, ranked anew. That changes what
// bounds keep, and so only a load may do it.
func (s *Service) mergeSpec(ctx context.Context, j record, c *contract.Contract, dir string, segments []catalog.Segment) (build.Spec, error) {
	spec, err := s.baseSpec(ctx, j, c, dir)
	spec.Task, spec.Segments = build.TaskMerge, s.paths(segments)
	return spec, err
}

// baseSpec is what loads and merges have in common. Both find the codes of all
// their rows anew, by what their contract declares.
func (s *Service) baseSpec(ctx context.Context, j record, c *contract.Contract, dir string) (build.Spec, error) {
	spec := build.Spec{
		Dir:      dir,
		Meta:     segment.Meta{Dataset: j.Dataset, Tenant: j.Tenant, Table: j.Table, Public: j.Tenant == catalog.Public, ContractVersion: c.Version},
		MemoryMB: s.o.Workers.MemoryMB(), Threads: 2,
	}
	codes := c.Codes(j.Table)
	for _, col := range c.Stored(j.Table) {
		spec.Columns = append(spec.Columns, segment.Column{Name: col.Name, Type: col.Type})
		if declared := codes[col.Name]; declared != nil {
			spec.Meta.Codes = append(spec.Meta.Codes, coded(col.Name, declared))
		}
	}
	if spec.Meta.Public {
		return spec, nil
	}
	secrets, err := s.o.Catalog.SecretsFor(ctx, j.Dataset, j.Tenant, c.Unit.Scope)
	if err != nil {
		return build.Spec{}, err
	}
	spec.Salt, spec.Meta.Ranks = secrets.Salt[:], c.Ranks(j.Table)
	if c.MaxRowsOnly {
		spec.MaxRows = c.Limits.MaxRows
	}
	return spec, nil
}

// coded tells the worker what is declared for a column whose codes it stores.
func coded(column string, declared []plan.Value) segment.Coded {
	c := segment.Coded{Column: column, Values: make([]string, len(declared))}
	for i, v := range declared {
		c.Values[i] = v.Str
	}
	return c
}
