// Package order writes the orders of load workers: what is to be made of which files,
// by which contract, with which keys.
//
// A worker knows nothing but its order. So what an order names is all that a worker can
// reach, and an order names no file, key or secret but those of the tenant, the dataset
// and the table that it is for: the current segments of the table, those of the table
// that rows reach their unit through, and of the secrets those that the rows need (no
// key of pseudonyms where a file has no unit ids). Orders follow from contracts and
// from the catalog; nothing here looks at rows.
package order

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
)

// Maker writes orders for the files of a data directory.
type Maker struct {
	Catalog *catalog.Catalog
	Keys    *keyring.Ring // of what is encrypted; nothing is when nil
	// CryptoExtension is the file of DuckDB's extension that encrypts segments; without
	// it new ones are plain.
	CryptoExtension string
	Dir             string // the data directory, absolute
	MemoryMB        int    // that an order is granted
}

// Table is what an order is for: a table of a tenant, catalog.Public for a public one.
type Table struct{ Tenant, Dataset, Name string }

// Load is the order to turn an upload into a segment; what it lacks is the upload. The
// new segment takes the place of what there is, or is added to it.
func (m *Maker) Load(ctx context.Context, t Table, replace bool, c *contract.Contract, dir string) (build.Spec, Basis, error) {
	spec, err := m.base(ctx, t, c, dir)
	if err != nil {
		return build.Spec{}, Basis{}, err
	}
	spec.Task = build.TaskLoad
	basis := Basis{Codes: spec.Meta.Digests()}
	table, _ := c.Table(t.Name)
	if table.Public {
		return spec, basis, nil
	}
	current, err := m.Catalog.CurrentUnder(ctx, c, []string{t.Tenant})
	if err != nil {
		return build.Spec{}, Basis{}, err
	}
	base := current[t.Tenant] // the zero value when there is none
	if !replace {
		m.addEarlier(&spec, &basis, base.Of(t.Name))
	}
	basis.Ranks = spec.Meta.Ranks
	unit := c.UnitColumn()
	if table.Via != nil {
		unit, _ = table.Column(table.Via.Column)
		m.addParent(&spec, &basis, c, *table.Via, base)
	}
	spec.Unit = segment.Column{Name: unit.Name, Type: unit.Type}
	if c.IdentifiesUnit(t.Name, unit.Name) {
		secrets, err := m.Catalog.SecretsFor(ctx, t.Dataset, t.Tenant, c.Unit.Scope)
		if err != nil {
			return build.Spec{}, Basis{}, err
		}
		spec.Key = secrets.PseudonymKey[:]
	}
	return spec, basis, nil
}

// addEarlier lets an appending load go on from the ranks of the current segments
// of its table. Loads of one tenant into one dataset take turns, and merges with
// them, so these stay current until this one is published.
func (m *Maker) addEarlier(spec *build.Spec, basis *Basis, own []catalog.Segment) {
	basis.Earlier = ids(own)
	spec.Meta.Ranks = goOn(spec.Meta.Ranks, own)
	if spec.Meta.Ranks != nil {
		spec.Earlier = m.paths(own)
	}
}

// addParent lets the worker read the parent table as it stands: the current
// segments of the same tenant, and no others.
func (m *Maker) addParent(spec *build.Spec, basis *Basis, c *contract.Contract, via contract.Via, base catalog.Generation) {
	spec.Parent = &build.Parent{Table: via.Table}
	if !c.IdentifiesUnit(via.Table, via.Key) {
		spec.Parent.Key = via.Key
	}
	parent := base.Of(via.Table)
	basis.Parent, spec.Parent.Segments = ids(parent), m.paths(parent)
}

// Anew is the order to write segments and a file that is to follow them as one, ranked
// anew. That changes what bounds keep, and so only a load may do it.
func (m *Maker) Anew(ctx context.Context, t Table, c *contract.Contract, dir string, segments []catalog.Segment, file string) (build.Spec, error) {
	spec, err := m.base(ctx, t, c, dir)
	spec.Task, spec.Segments = build.TaskMerge, append(m.paths(segments), file)
	return spec, err
}

// Merge is the order to write segments as one, in which every row keeps its ranks.
func (m *Maker) Merge(ctx context.Context, t Table, c *contract.Contract, dir string, segments []catalog.Segment) (build.Spec, error) {
	spec, err := m.base(ctx, t, c, dir)
	if err != nil {
		return build.Spec{}, err
	}
	spec.Task, spec.Segments, spec.Keep = build.TaskMerge, m.paths(segments), true
	if spec.Meta.Ranks = goOn(segments[0].Ranks, segments); spec.Meta.Ranks == nil {
		return build.Spec{}, privacy.Internal(errors.New("not all segments have ranks"), "merging a table")
	}
	return spec, nil
}

// Without is the order to copy a segment without the rows of some units.
func (m *Maker) Without(t Table, dir string, seg catalog.Segment, units []uint64) build.Spec {
	return build.Spec{
		Task: build.TaskErase, Dir: dir, Meta: segment.Meta{Dataset: t.Dataset, Tenant: t.Tenant, Table: t.Name}, MemoryMB: m.MemoryMB, Threads: 2,
		Segments: []string{m.absolute(seg.Path)}, Without: units,
	}
}

// Name is the order to turn ids, as a tenant wrote them, into pseudonyms.
func (m *Maker) Name(ctx context.Context, tenant string, c *contract.Contract, dir string, ids []string) (build.Spec, error) {
	secrets, err := m.Catalog.SecretsFor(ctx, c.Dataset, tenant, c.Unit.Scope)
	unit := c.UnitColumn()
	return build.Spec{
		Task: build.TaskName, Dir: dir, Meta: segment.Meta{Dataset: c.Dataset, Tenant: tenant}, MemoryMB: m.MemoryMB, Threads: 1,
		Unit: segment.Column{Name: unit.Name, Type: unit.Type}, Key: secrets.PseudonymKey[:], Units: ids,
	}, err
}

// base is what loads and merges have in common. Both find the codes of all
// their rows anew, by what their contract declares.
func (m *Maker) base(ctx context.Context, t Table, c *contract.Contract, dir string) (build.Spec, error) {
	spec := build.Spec{
		Dir:      dir,
		Meta:     segment.Meta{Dataset: t.Dataset, Tenant: t.Tenant, Table: t.Name, Public: t.Tenant == catalog.Public, ContractVersion: c.Version},
		MemoryMB: m.MemoryMB, Threads: 2,
	}
	codes := c.Codes(t.Name)
	for _, col := range c.Stored(t.Name) {
		spec.Columns = append(spec.Columns, segment.Column{Name: col.Name, Type: col.Type})
		if declared := codes[col.Name]; declared != nil {
			spec.Meta.Codes = append(spec.Meta.Codes, coded(col.Name, declared))
		}
	}
	if spec.Meta.Public {
		return spec, nil
	}
	secrets, err := m.Catalog.SecretsFor(ctx, t.Dataset, t.Tenant, c.Unit.Scope)
	if err != nil {
		return build.Spec{}, err
	}
	spec.Salt, spec.Meta.Ranks = secrets.Salt[:], c.Ranks(t.Name)
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

func (m *Maker) paths(segments []catalog.Segment) []string {
	var out []string
	for _, seg := range segments {
		out = append(out, m.absolute(seg.Path))
	}
	return out
}

func (m *Maker) absolute(path string) string { return filepath.Join(m.Dir, filepath.FromSlash(path)) }
