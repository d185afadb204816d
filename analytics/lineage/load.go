package lineage

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noised/noised/privacy"
)

// loadColumns are what scanLoad reads, of loads l and of the tenants t of their
// names. The last says whether the load is of the tenant that has the name now.
const loadColumns = `l.id, l.tenant, l.dataset, l.table_name, l.write_mode, l.format, l.created_by, l.created_at, coalesce(l.generation, ''),
	l.load_id, l.sha256, l.bytes, l.rows_read, l.rows_loaded, l.rows_rejected, l.tenant = '' OR coalesce(t.created_at = l.tenant_since, FALSE)`

func scanLoad(scan func(...any) error, owner string, before ...any) (Load, error) {
	var l Load
	var own Own
	var at int64
	var present bool
	err := scan(append(before, &l.ID, &l.Tenant, &l.Dataset, &l.Table, &l.Write, &l.Format, &l.By, &at, &l.Generation,
		&own.LoadID, &own.SHA256, &own.Bytes, &own.RowsRead, &own.RowsLoaded, &own.RowsRejected, &present)...)
	l.At = time.UnixMicro(at).UTC().Truncate(time.Second)
	if present && l.Tenant == owner {
		l.Own = &own
	}
	return l, err
}

// FromLoad returns every release that a load fed, to the tenant that owns the
// load; the empty tenant is the operator, who owns the loads of public tables. Any
// other id, known or not, is the same CodeNotFound error.
func (s *Store) FromLoad(ctx context.Context, tenant, load string) (Fed, error) {
	row := s.db.QueryRowContext(ctx, `SELECT `+loadColumns+` FROM loads l LEFT JOIN tenants t ON t.name = l.tenant WHERE l.id = ?`, load)
	l, err := scanLoad(row.Scan, tenant)
	if errors.Is(err, sql.ErrNoRows) || err == nil && l.Own == nil {
		return Fed{}, privacy.Errorf(privacy.CodeNotFound, "there is no such load")
	}
	if err != nil {
		return Fed{}, privacy.Internal(err, "reading lineage")
	}
	f := Fed{Load: l, Complete: true}
	return f, s.uses(ctx, &f)
}

// uses follows the generations that were built on a load's, as long as they have
// its rows, to the releases that read them.
func (s *Store) uses(ctx context.Context, f *Fed) error {
	rows, err := s.db.QueryContext(ctx, `WITH RECURSIVE fed (gen, noted) AS (
			SELECT g.id, g.tables IS NOT NULL FROM generations g
			WHERE g.id = ? AND (g.tables IS NULL OR EXISTS (SELECT 1 FROM json_each(g.tables) h WHERE h.value = ?))
			UNION ALL
			SELECT g.id, g.tables IS NOT NULL FROM fed JOIN generations g ON g.base = fed.gen AND g.base <> '' LEFT JOIN loads l ON l.id = g.load
			WHERE NOT coalesce(l.table_name = ? AND l.write_mode = 'replace', FALSE)
				AND (g.tables IS NULL OR EXISTS (SELECT 1 FROM json_each(g.tables) h WHERE h.value = ?)))
		SELECT r.id, r.contract_version, coalesce(c.at, r.created_at), fed.gen, fed.noted AND n.tables IS NOT NULL
		FROM releases r CROSS JOIN release_reads a ON a.release = r.id AND a.tenant = ? JOIN fed ON fed.gen = a.generation
			JOIN release_lineage n ON n.release = r.id LEFT JOIN charges c ON c.id = r.charge
		WHERE r.dataset = ? AND (n.tables IS NULL OR EXISTS (SELECT 1 FROM json_each(n.tables) h WHERE h.value = ?))
		ORDER BY 3, 1 LIMIT ?`,
		f.Load.Generation, f.Load.Table, f.Load.Table, f.Load.Table, f.Load.Tenant, f.Load.Dataset, f.Load.Table, MaxReleases+1)
	if err != nil {
		return privacy.Internal(err, "reading lineage")
	}
	defer rows.Close()
	for rows.Next() {
		var u Use
		var at int64
		var noted bool
		if err := rows.Scan(&u.Release, &u.Version, &at, &u.Generation, &noted); err != nil {
			return privacy.Internal(err, "reading lineage")
		}
		if len(f.Releases) == MaxReleases {
			f.More = true
			break
		}
		u.At = time.UnixMicro(at).UTC()
		f.Complete = f.Complete && noted
		f.Releases = append(f.Releases, u)
	}
	if err := rows.Err(); err != nil {
		return privacy.Internal(err, "reading lineage")
	}
	return nil
}
