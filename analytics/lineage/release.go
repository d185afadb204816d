package lineage

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
)

// ForReader returns the lineage of a release to a principal that was served it:
// all loads, without what is their owners'. Any other id, known or not, is the
// same CodeNotFound error.
func (s *Store) ForReader(ctx context.Context, principal, release string) (Release, error) {
	return s.release(ctx, release, viewer{loads: everybodys, owns: nobody},
		`EXISTS (SELECT 1 FROM release_readers a WHERE a.release = r.id AND a.principal = ?)`, principal)
}

// ForTenant returns the lineage of a release to a tenant whose rows it may have
// read: its own loads, with all that it may know of them; of the other tenants
// which generations were read. Any other id, known or not, is the same
// CodeNotFound error, also to a tenant that got the name of another one.
func (s *Store) ForTenant(ctx context.Context, tenant, release string) (Release, error) {
	return s.release(ctx, release, viewer{loads: tenant, owns: tenant},
		`EXISTS (SELECT 1 FROM release_reads a JOIN generations g ON g.id = a.generation JOIN tenants t ON t.name = a.tenant
			LEFT JOIN loads l ON l.id = g.load LEFT JOIN erasures e ON e.id = g.load
			WHERE a.release = r.id AND a.tenant = ? AND coalesce(l.tenant_since, e.tenant_since) = t.created_at)`, tenant)
}

// ForOperator returns the lineage of any release: all loads, without what is their
// owners'. Public tables are the operator's own.
func (s *Store) ForOperator(ctx context.Context, release string) (Release, error) {
	return s.release(ctx, release, viewer{loads: everybodys, owns: ""}, `TRUE`)
}

// ForAuditor returns the lineage of any release: all loads, without what is their
// owners'.
func (s *Store) ForAuditor(ctx context.Context, release string) (Release, error) {
	return s.release(ctx, release, viewer{loads: everybodys, owns: nobody}, `TRUE`)
}

// viewer is who asks. No tenant can have the names that stand for all and none.
type viewer struct {
	loads string // whose loads are named
	owns  string // whose loads are shown as to their owner
}

const (
	everybodys = "*"
	nobody     = "-"
)

func notFound() error { return privacy.Errorf(privacy.CodeNotFound, "there is no such release") }

// release reads a release that a condition selects, as somebody may see it.
func (s *Store) release(ctx context.Context, id string, who viewer, condition string, args ...any) (Release, error) {
	var r Release
	var at int64
	var tables sql.NullString
	err := s.db.QueryRowContext(ctx, `SELECT r.id, r.dataset, r.contract_version, r.epsilon, r.delta, coalesce(c.at, r.created_at), n.tables
		FROM releases r LEFT JOIN charges c ON c.id = r.charge LEFT JOIN release_lineage n ON n.release = r.id
		WHERE r.id = ? AND `+condition, append([]any{id}, args...)...).
		Scan(&r.ID, &r.Dataset, &r.Version, &r.Epsilon, &r.Delta, &at, &tables)
	if errors.Is(err, sql.ErrNoRows) {
		return Release{}, notFound()
	}
	if err != nil {
		return Release{}, privacy.Internal(err, "reading lineage")
	}
	r.At, r.Complete = time.UnixMicro(at).UTC(), tables.Valid
	if err := s.inputs(ctx, &r); err != nil {
		return Release{}, err
	}
	return r, s.loads(ctx, &r, who)
}

// wanted are the tables that a release read, of those generations that have them.
// Where nobody noted the tables, they are all that loads have been for.
const wanted = `wanted (tenant, tbl, gen, noted) AS (
	SELECT a.tenant, t.value, g.id, g.tables IS NOT NULL
	FROM release_reads a JOIN release_lineage n ON n.release = a.release JOIN generations g ON g.id = a.generation,
		json_each(coalesce(n.tables, g.tables, (SELECT json_group_array(DISTINCT l.table_name) FROM loads l WHERE l.tenant = g.tenant AND l.dataset = g.dataset))) t
	WHERE a.release = ? AND (g.tables IS NULL OR EXISTS (SELECT 1 FROM json_each(g.tables) h WHERE h.value = t.value)))`

// inputs reads the generations behind a release, with their tables.
func (s *Store) inputs(ctx context.Context, r *Release) error {
	rows, err := s.db.QueryContext(ctx, `WITH `+wanted+`
		SELECT w.tenant, w.tbl, w.gen, g.version FROM wanted w JOIN generations g ON g.id = w.gen
		UNION ALL SELECT a.tenant, '', '', 0 FROM release_reads a WHERE a.release = ? AND a.generation = '' AND a.tenant <> ''
		ORDER BY 1, 2`, r.ID, r.ID)
	if err != nil {
		return privacy.Internal(err, "reading lineage")
	}
	defer rows.Close()
	for rows.Next() {
		var in Input
		if err := rows.Scan(&in.Tenant, &in.Table, &in.Generation, &in.Version); err != nil {
			return privacy.Internal(err, "reading lineage")
		}
		r.Inputs = append(r.Inputs, in)
	}
	if err := rows.Err(); err != nil {
		return privacy.Internal(err, "reading lineage")
	}
	return nil
}

// loads follows every table of a release down to the load that replaced it.
func (s *Store) loads(ctx context.Context, r *Release, who viewer) error {
	rows, err := s.db.QueryContext(ctx, `WITH RECURSIVE `+wanted+`,
		chain (tenant, tbl, gen, noted) AS (
			SELECT tenant, tbl, gen, noted FROM wanted
			UNION ALL
			SELECT c.tenant, c.tbl, b.id, b.tables IS NOT NULL FROM chain c
				JOIN generations g ON g.id = c.gen JOIN generations b ON b.id = g.base LEFT JOIN loads l ON l.id = g.load
			WHERE NOT coalesce(l.table_name = c.tbl AND l.write_mode = 'replace', FALSE)
				AND (b.tables IS NULL OR EXISTS (SELECT 1 FROM json_each(b.tables) h WHERE h.value = c.tbl)))
		SELECT c.noted, `+loadColumns+` FROM chain c JOIN generations g ON g.id = c.gen JOIN loads l ON l.id = g.load AND l.table_name = c.tbl
		LEFT JOIN tenants t ON t.name = l.tenant
		WHERE ? IN ('`+everybodys+`', l.tenant) ORDER BY c.tenant, c.tbl, l.seq LIMIT ?`,
		r.ID, who.loads, MaxLoads+1)
	if err != nil {
		return privacy.Internal(err, "reading lineage")
	}
	defer rows.Close()
	at := 0 // the input that the load belongs to
	for rows.Next() {
		var noted bool
		l, err := scanLoad(rows.Scan, who.owns, &noted)
		if err != nil {
			return privacy.Internal(err, "reading lineage")
		}
		if len(r.Loads) == MaxLoads {
			r.More = true
			break
		}
		r.Complete = r.Complete && noted
		r.Loads = append(r.Loads, l)
		for r.Inputs[at].Tenant != l.Tenant || r.Inputs[at].Table != l.Table {
			at++ // both are in the same order, and every chain begins at an input
		}
		r.Inputs[at].Loads = append(r.Inputs[at].Loads, l.ID)
	}
	if err := rows.Err(); err != nil {
		return privacy.Internal(err, "reading lineage")
	}
	return nil
}
