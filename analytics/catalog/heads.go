package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"time"

	"github.com/noised/noised/privacy"
)

// maxKept bounds what is kept in memory of all datasets: tenants and segments
// together, and members. One takes some hundred bytes.
const maxKept = 1 << 16

// known has the latest generations of tenants of one dataset, all as they were
// after the same change; nil for a tenant without one. It is never changed, so
// that queries can share it.
type known map[string]*Generation

// weight counts what is known, for maxKept.
func (k known) weight() int {
	n := len(k)
	for _, g := range k {
		if g != nil {
			n += len(g.Segments)
		}
	}
	return n
}

// without returns what is left when some tenants have changed.
func (k known) without(changed []string) known {
	if len(changed) == 0 {
		return k
	}
	left := maps.Clone(k)
	for _, tenant := range changed {
		delete(left, tenant)
	}
	return left
}

// with returns what is known together with what was found.
func (k known) with(found known) known {
	all := make(known, len(k)+len(found))
	maps.Copy(all, k)
	maps.Copy(all, found)
	return all
}

// lacks returns the tenants of which nothing is known.
func (k known) lacks(tenants []string) (missing []string) {
	for _, tenant := range tenants {
		if _, ok := k[tenant]; !ok {
			missing = append(missing, tenant)
		}
	}
	return missing
}

// copied returns generations by tenant, with lists of segments that are the
// caller's own.
func copied(some []*Generation) map[string]Generation {
	n := 0
	for _, g := range some {
		n += len(g.Segments)
	}
	out, segments := make(map[string]Generation, len(some)), make([]Segment, 0, n)
	for _, g := range some {
		own := *g
		if from := len(segments); len(g.Segments) > 0 {
			segments = append(segments, g.Segments...)
			own.Segments = segments[from:len(segments):len(segments)]
		}
		out[g.Tenant] = own
	}
	return out
}

// latest returns the heads of at least the given tenants, as they are at one
// moment of the call. What is kept of earlier calls counts as far as nothing has
// changed since, which one look at an index tells; the rest is read.
func (c *Catalog) latest(ctx context.Context, dataset string, tenants []string) (known, error) {
	kept, change, ok := c.heads.Get(dataset)
	if ok {
		changed, last, err := headsChanged(ctx, c.db, dataset, change)
		if err != nil {
			return nil, err
		}
		kept, change = kept.without(changed), last
		if len(changed) == 0 && len(kept.lacks(tenants)) == 0 {
			return kept, nil
		}
	}
	if missing := kept.lacks(tenants); len(missing) > 0 {
		found, at, err := readHeads(ctx, c.db, dataset, missing)
		if err == nil && ok && at != change {
			// A change came between the two statements. What is read by one is of
			// one moment.
			kept = nil
			found, at, err = readHeads(ctx, c.db, dataset, tenants)
		}
		if err != nil {
			return nil, err
		}
		kept, change = kept.with(found), at
	}
	c.heads.Put(dataset, change, kept, kept.weight())
	return kept, nil
}

// headsChanged returns the tenants whose heads have changed since a change, and
// the number of the last one.
func headsChanged(ctx context.Context, r reader, dataset string, since int64) (tenants []string, last int64, err error) {
	const doing = "reading what has changed"
	rows, err := r.QueryContext(ctx, `SELECT tenant, change FROM head_changes WHERE dataset = ? AND change > ? ORDER BY change`, dataset, since)
	if err != nil {
		return nil, 0, privacy.Internal(err, doing)
	}
	defer rows.Close()
	last = since
	for rows.Next() {
		var tenant string
		if err := rows.Scan(&tenant, &last); err != nil {
			return nil, 0, privacy.Internal(err, doing)
		}
		tenants = append(tenants, tenant)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, privacy.Internal(err, doing)
	}
	return tenants, last, nil
}

// readHeads reads the latest generations of tenants with their segments in one
// statement, so that they are of one moment: after the change that it returns.
// LEFT JOIN keeps the order of the tables, so that each tenant is looked up; left
// to itself SQLite would go through the list once for each generation.
func readHeads(ctx context.Context, r reader, dataset string, tenants []string) (known, int64, error) {
	const doing = "reading generations"
	list, err := json.Marshal(tenants)
	if err != nil {
		return nil, 0, privacy.Internal(err, doing)
	}
	rows, err := r.QueryContext(ctx, `SELECT (SELECT coalesce(max(change), 0) FROM head_changes WHERE dataset = ?1),
			wanted.tenant, g.id, g.version, g.format_version, g.load, g.at,
			s.id, s.table_name, s.path, s.rows, s.bytes, s.sha256, s.ranks, s.appended, s.codes
		FROM (SELECT DISTINCT value AS tenant FROM json_each(?2)) AS wanted
		LEFT JOIN generations g ON g.dataset = ?1 AND g.tenant = wanted.tenant AND g.superseded_at IS NULL
		LEFT JOIN generation_segments gs ON gs.generation = g.id
		LEFT JOIN segments s ON s.id = gs.segment
		ORDER BY wanted.tenant, gs.ordinal`, dataset, string(list))
	if err != nil {
		return nil, 0, privacy.Internal(err, doing)
	}
	defer rows.Close()
	found, texts := make(known, len(tenants)), newTexts()
	var change int64
	for rows.Next() {
		var h headRow
		if err := h.scan(rows, &change); err != nil {
			return nil, 0, privacy.Internal(err, doing)
		}
		if err := h.addTo(found, dataset, texts); err != nil {
			return nil, 0, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, 0, privacy.Internal(err, doing)
	}
	return found, change, nil
}

// headRow is a tenant with a segment of its generation, as far as there are any.
type headRow struct {
	tenant                   string
	generation, load         sql.NullString
	version, format, at      sql.NullInt64
	segment, table, path     sql.NullString
	sum, ranks, codes        sql.NullString
	count, bytes, appendedOf sql.NullInt64
}

func (h *headRow) scan(rows *sql.Rows, change *int64) error {
	return rows.Scan(change, &h.tenant, &h.generation, &h.version, &h.format, &h.load, &h.at,
		&h.segment, &h.table, &h.path, &h.count, &h.bytes, &h.sum, &h.ranks, &h.appendedOf, &h.codes)
}

func (h *headRow) addTo(found known, dataset string, texts texts) error {
	g := found[h.tenant]
	if g == nil && h.generation.Valid {
		g = &Generation{
			ID: h.generation.String, Dataset: dataset, Tenant: h.tenant, Version: int(h.version.Int64),
			FormatVersion: int(h.format.Int64), Load: h.load.String, At: time.UnixMicro(h.at.Int64).UTC(),
		}
	}
	found[h.tenant] = g
	if !h.segment.Valid {
		return nil
	}
	seg := Segment{
		ID: h.segment.String, Table: h.table.String, Path: h.path.String, Rows: h.count.Int64, Bytes: h.bytes.Int64,
		SHA256: h.sum.String, Appended: int(h.appendedOf.Int64),
	}
	var err error
	if seg.Ranks, err = texts.ranks(h.ranks); err != nil {
		return err
	}
	if seg.Codes, err = texts.codes(h.codes); err != nil {
		return err
	}
	g.Segments = append(g.Segments, seg)
	return nil
}
