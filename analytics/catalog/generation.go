package catalog

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog"
)

// Public is the tenant of the generations of public tables, which the operator
// loads. No tenant can have this name.
const Public = ""

// Segment is one immutable file of rows.
type Segment struct {
	ID     string
	Table  string // whose rows they are; empty in a dataset of one table
	Path   string // relative to the data directory
	Rows   int64
	Bytes  int64
	SHA256 string
	// Ranks has the groupings whose ranks are stored with the rows, each sorted;
	// nil where not even the rank within the unit is.
	Ranks [][]string
	// Appended is the number of loads among its rows whose ranks go on from those
	// of loads before them; 0 where all of its rows were ranked at once.
	Appended int
	// Codes has the dimensions whose codes are stored with the rows, each with
	// plan.CodesOf the values that were declared; nil where there are none.
	Codes map[string]string
	// Region is where its rows belong: that of its tenant when it was written. Only
	// Superseded and Replaced tell; elsewhere the tenant does.
	Region string
}

// Generation is a published, immutable state of one tenant's data in one
// dataset, all its tables together; that of the tenant Public has the public
// tables. It may have no segments: a load that accepted no row publishes too.
// Its rows never change; which files they lie in may.
type Generation struct {
	ID            string // gen_…, chosen by the load
	Dataset       string
	Tenant        string
	Version       int // of the contract that it was loaded under
	FormatVersion int
	Segments      []Segment // in the order of their loads, whatever their table
	Load          string
	At            time.Time
}

// Of returns the segments of one table.
func (g Generation) Of(table string) []Segment {
	var of []Segment
	for _, s := range g.Segments {
		if s.Table == table {
			of = append(of, s)
		}
	}
	return of
}

// Current returns the generations of the given tenants that can be read under
// the dataset's version in force. A tenant without one has loaded nothing, or
// nothing since a version that needs its data loaded again.
func (c *Catalog) Current(ctx context.Context, dataset string, tenants []string) (map[string]Generation, error) {
	d, err := c.Dataset(ctx, dataset)
	if err != nil {
		return nil, err
	}
	return c.CurrentUnder(ctx, d.Contract, tenants)
}

// CurrentUnder is Current for a given version of the contract. A query that
// was planned under one version reads its generations by it, whatever has come
// into force since. What segments have by reference, their ranks and codes, is
// shared and not to be changed.
func (c *Catalog) CurrentUnder(ctx context.Context, under *contract.Contract, tenants []string) (map[string]Generation, error) {
	now, err := c.latest(ctx, under.Dataset, tenants)
	if err != nil {
		return nil, err
	}
	readable := map[int]bool{} // by version that was loaded under
	wanted := make([]*Generation, 0, len(tenants))
	for _, tenant := range tenants {
		g := now[tenant]
		if g == nil {
			continue
		}
		reads, checked := readable[g.Version]
		if !checked {
			if reads, err = c.readsUnder(ctx, c.db, under, g.Version); err != nil {
				return nil, err
			}
			readable[g.Version] = reads
		}
		if reads {
			wanted = append(wanted, g)
		}
	}
	return copied(wanted), nil
}

// Head returns the generation that a tenant published last, whether or not the
// version in force can read it. Loads build on it.
func (c *Catalog) Head(ctx context.Context, dataset, tenant string) (Generation, bool, error) {
	return head(ctx, c.db, dataset, tenant)
}

func head(ctx context.Context, r reader, dataset, tenant string) (Generation, bool, error) {
	found, _, err := readHeads(ctx, r, dataset, []string{tenant})
	if g := found[tenant]; g != nil {
		return *g, true, err
	}
	return Generation{}, false, err
}

// Publish makes g the current generation of its tenant, in the caller's
// transaction. It was built on the generation with the id expected, or on
// nothing; when another one has been published since, Publish fails with
// CodeConflict and changes nothing. A generation that g's own version cannot
// read counts as nothing.
//
// The tenant must be a member under a version that reads what g's version
// loaded, and must not be suspended: a load that was overtaken by either does
// not become visible.
func (c *Catalog) Publish(ctx context.Context, tx *sql.Tx, g Generation, expected string) error {
	if err := c.mayPublish(ctx, tx, g); err != nil {
		return err
	}
	head, exists, err := head(ctx, tx, g.Dataset, g.Tenant)
	if err != nil {
		return err
	}
	if exists {
		if err := c.mayReplace(ctx, tx, head, g, expected); err != nil {
			return err
		}
	} else if expected != "" {
		return overtaken()
	}
	if exists {
		if _, err := exec(ctx, tx, "superseding a generation",
			`UPDATE generations SET superseded_at = ? WHERE id = ? AND superseded_at IS NULL`, c.now().UnixMicro(), head.ID); err != nil {
			return err
		}
	}
	if err := insertGeneration(ctx, tx, g, expected); err != nil {
		return err
	}
	return c.log(ctx, tx, translog.KindGeneration, act{
		Act: "publish", Dataset: g.Dataset, Tenant: g.Tenant, Version: g.Version, Generation: g.ID, Load: g.Load, FormatVersion: g.FormatVersion,
	})
}

func overtaken() error {
	return privacy.Errorf(privacy.CodeConflict, "another load of this tenant was published first")
}

// mayReplace is the comparison of Publish's compare-and-swap. It also keeps
// segments that g's version cannot read from being carried over.
func (c *Catalog) mayReplace(ctx context.Context, tx *sql.Tx, head, g Generation, expected string) error {
	if expected != "" && expected != head.ID {
		return overtaken()
	}
	readable, err := c.reads(ctx, tx, g.Dataset, g.Version, head.Version)
	if err != nil || readable && expected == head.ID {
		return err
	}
	if readable { // and the load believes that there is nothing
		return overtaken()
	}
	old := map[string]bool{}
	for _, s := range head.Segments {
		old[s.ID] = true
	}
	for _, s := range g.Segments {
		if old[s.ID] {
			return privacy.Errorf(privacy.CodeConflict, "data of version %d cannot be read under version %d: replace it", head.Version, g.Version)
		}
	}
	return nil
}

func (c *Catalog) mayPublish(ctx context.Context, tx *sql.Tx, g Generation) error {
	if err := c.ownTables(ctx, tx, g); err != nil {
		return err
	}
	under, err := c.publishesUnder(ctx, tx, g)
	if err != nil {
		return err
	}
	reads, err := c.reads(ctx, tx, g.Dataset, under, g.Version)
	switch {
	case err != nil || reads:
		return err
	case g.Tenant == Public:
		return privacy.Errorf(privacy.CodeConflict, "a version has come into force that cannot read what was loaded: load again")
	default:
		return privacy.Errorf(privacy.CodeConflict, "the tenant has accepted a version that cannot read what was loaded: load again")
	}
}

// publishesUnder returns the version that a generation's tenant has accepted, or
// that is in force for public tables. It looks at no other member, so that a load
// takes no longer for many of them.
func (c *Catalog) publishesUnder(ctx context.Context, tx *sql.Tx, g Generation) (version int, err error) {
	if g.Tenant == Public {
		d, _, err := c.datasetIn(ctx, tx, g.Dataset)
		if err != nil {
			return 0, err
		}
		return d.Contract.Version, nil
	}
	var suspended bool
	err = tx.QueryRowContext(ctx, `SELECT m.version, t.suspended OR t.paused FROM members m JOIN tenants t ON t.name = m.tenant
		WHERE m.dataset = ? AND m.tenant = ?`, g.Dataset, g.Tenant).Scan(&version, &suspended)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, privacy.Errorf(privacy.CodeConflict, "the tenant is no longer a member of the dataset")
	case err != nil:
		return 0, privacy.Internal(err, "reading a member")
	case suspended:
		return 0, privacy.Errorf(privacy.CodeSuspended, "the tenant is suspended")
	}
	return version, nil
}

// ownTables keeps a generation to the tables that its version declares, and
// the public ones apart from the tenants': what is read without a unit must
// never have been some unit's.
func (c *Catalog) ownTables(ctx context.Context, tx *sql.Tx, g Generation) error {
	under, err := c.contractIn(ctx, tx, g.Dataset, g.Version)
	if err != nil {
		return err
	}
	if g.Tenant == Public && under.Tables == nil {
		return privacy.Errorf(privacy.CodeConflict, "the dataset has no public tables")
	}
	for _, s := range g.Segments {
		if table, ok := under.Table(s.Table); !ok || table.Public != (g.Tenant == Public) {
			return privacy.Errorf(privacy.CodeConflict, "table %q of dataset %q is not this tenant's", clip(s.Table), g.Dataset)
		}
	}
	return nil
}

// reads reports whether one version of a contract reads what another loaded.
func (c *Catalog) reads(ctx context.Context, r reader, dataset string, version, loaded int) (bool, error) {
	under, err := c.contractIn(ctx, r, dataset, version)
	if err != nil {
		return false, err
	}
	return c.readsUnder(ctx, r, under, loaded)
}

func (c *Catalog) readsUnder(ctx context.Context, r reader, under *contract.Contract, loaded int) (bool, error) {
	old, err := c.contractIn(ctx, r, under.Dataset, loaded)
	if err != nil {
		return false, err
	}
	return under.ReadsFrom(old), nil
}

func insertGeneration(ctx context.Context, tx *sql.Tx, g Generation, base string) error {
	const doing = "publishing a generation"
	tables, err := tablesOf(g)
	if err != nil {
		return err
	}
	if _, err := exec(ctx, tx, doing, `INSERT INTO generations (id, dataset, tenant, version, format_version, load, at, base, tables) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		g.ID, g.Dataset, g.Tenant, g.Version, g.FormatVersion, g.Load, g.At.UnixMicro(), base, tables); err != nil {
		return err
	}
	for i, s := range g.Segments {
		// Segments of the generation before are known and stay as they are.
		if err := insertSegment(ctx, tx, g.Tenant, s); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, doing, `INSERT INTO generation_segments (generation, ordinal, segment) VALUES (?, ?, ?)`, g.ID, i, s.ID); err != nil {
			return err
		}
	}
	return nil
}
