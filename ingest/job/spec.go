package job

import (
	"context"
	"slices"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/privacy"
)

// loadSpec is the order to turn a load's upload into a segment. It notes in the
// load which parent's segments decide whose rows they are.
func (s *Service) loadSpec(ctx context.Context, j *record, c *contract.Contract, dir string) (build.Spec, error) {
	spec, err := s.baseSpec(ctx, *j, c, dir)
	if err != nil {
		return build.Spec{}, err
	}
	spec.Task = build.TaskLoad
	spec.Input, spec.Format, spec.Encoding = s.spoolPath(j.ID), upload.Format(j.Format), upload.Encoding(j.encoding)
	spec.MaxBadRecords, spec.MaxBytes = j.maxBad, 8*s.o.MaxUpload
	table, _ := c.Table(j.Table)
	if table.Public {
		return spec, nil
	}
	unit := c.UnitColumn()
	if table.Via != nil {
		unit, _ = table.Column(table.Via.Column)
		if err := s.addParent(ctx, &spec, j, c, *table.Via); err != nil {
			return build.Spec{}, err
		}
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

// addParent lets the worker read the parent table as it stands: the current
// segments of the same tenant, and no others. Loads of one tenant into one
// dataset take turns, so they stay current until this one is published.
func (s *Service) addParent(ctx context.Context, spec *build.Spec, j *record, c *contract.Contract, via contract.Via) error {
	current, err := s.o.Catalog.CurrentUnder(ctx, c, []string{j.Tenant})
	if err != nil {
		return err
	}
	spec.Parent = &build.Parent{Table: via.Table}
	if !c.IdentifiesUnit(via.Table, via.Key) {
		spec.Parent.Key = via.Key
	}
	j.parent = []string{}
	for _, seg := range current[j.Tenant].Of(via.Table) {
		j.parent = append(j.parent, seg.ID)
		spec.Parent.Segments = append(spec.Parent.Segments, s.absolute(seg.Path))
	}
	return nil
}

// parentStays reports whether a generation still has the segments that decided
// whose the new rows are.
func parentStays(g catalog.Generation, c *contract.Contract, j record) bool {
	table, _ := c.Table(j.Table)
	if table.Via == nil {
		return true
	}
	return slices.EqualFunc(g.Of(table.Via.Table), j.parent, func(seg catalog.Segment, id string) bool { return seg.ID == id })
}

var errParentChanged = privacy.Errorf(privacy.CodeUnavailable, "the table that this one refers to was replaced while the load ran; send the file again")

// mergeSpec is the order to write segments as one.
func (s *Service) mergeSpec(ctx context.Context, j record, c *contract.Contract, dir string, segments []catalog.Segment) (build.Spec, error) {
	spec, err := s.baseSpec(ctx, j, c, dir)
	spec.Task = build.TaskMerge
	for _, seg := range segments {
		spec.Segments = append(spec.Segments, s.absolute(seg.Path))
	}
	return spec, err
}

// baseSpec is what loads and merges have in common.
func (s *Service) baseSpec(ctx context.Context, j record, c *contract.Contract, dir string) (build.Spec, error) {
	spec := build.Spec{
		Dir:      dir,
		Meta:     segment.Meta{Dataset: j.Dataset, Tenant: j.Tenant, Table: j.Table, Public: j.Tenant == catalog.Public, ContractVersion: c.Version},
		MemoryMB: s.o.MemoryMB, Threads: 2,
	}
	for _, col := range c.Stored(j.Table) {
		spec.Columns = append(spec.Columns, segment.Column{Name: col.Name, Type: col.Type})
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
