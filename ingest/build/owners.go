package build

import (
	"context"
	"fmt"
	"strings"

	"github.com/noised/noised/ingest/cell"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/privacy"
)

// Whose a row is.
//
// A row of a table with the unit column belongs to the unit that it names. A
// row of any other private table belongs to every unit that has a row with its
// key in the parent table, as that table stands when the load runs: it is
// stored once for each of them, and is rejected where there is none.
//
// So what is stored of one unit is a function of the upload and of that unit's
// own rows in the parent table, and by induction over the chain of parents of
// the uploads and that unit's rows in the table with the unit column. Removing a
// unit from there removes exactly its rows and its copies: the copies of others
// stay, and a row that another unit's key leads to is not rejected. The bound on
// a unit's rows counts that unit's copies only, by a hash of unit and row.
// Nothing else looks across units, but for the number of rejected rows, which
// max_bad_records may make a load's failure, and for a parent without any rows,
// where a load of rows fails: that is told to the tenant only, and whether a load
// is accepted is the tenant's act, outside of the guarantee.

// The tables that say whose rows are: the parent's keys with their units, and
// staged rows with theirs.
const (
	parentsTable = "parents"
	linksTable   = "links"
)

func (t *task) parentPaths() []string {
	if t.spec.Parent == nil {
		return nil
	}
	return duck.Readable(t.spec.Parent.Segments)
}

// attachParent opens the parent's segments, to be read only.
func (t *task) attachParent(ctx context.Context, d *duck.DB) error {
	if t.spec.Parent == nil {
		return nil
	}
	for i, path := range t.spec.Parent.Segments {
		if err := d.Attach(ctx, path, parentDB(i), true); err != nil {
			return err
		}
	}
	return nil
}

// parentIsEmpty reports whether there is a parent table that has no rows. Then
// every row of the upload would be rejected.
func (t *task) parentIsEmpty(ctx context.Context, d *duck.DB) (bool, error) {
	if t.spec.Parent == nil {
		return false, nil
	}
	for i := range t.spec.Parent.Segments {
		var some int64
		if err := d.Ints(ctx, fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s.main.rows LIMIT 1)", parentDB(i)), &some); err != nil {
			return false, err
		}
		if some > 0 {
			return false, nil
		}
	}
	return true, nil
}

// parentFirst says once what would be wrong with every row.
func (t *task) parentFirst() error {
	return privacy.Errorf(privacy.CodeLoadRejected, "load %s first: it has no rows yet, and a row here belongs to whoever has its %s there",
		t.spec.Parent.Table, t.spec.Unit.Name)
}

func parentDB(i int) string { return fmt.Sprintf("parent%d", i) }

// findOwners gives staged rows to the units that their keys lead to, and counts
// the rows that belong to none.
func (t *task) findOwners(ctx context.Context, d *duck.DB) (orphans int64, err error) {
	keys, err := t.parentKeys()
	if err != nil {
		return 0, err
	}
	if err := d.Exec(ctx,
		fmt.Sprintf("CREATE OR REPLACE TEMP TABLE %s AS SELECT DISTINCT key, %s FROM (%s) WHERE key IN (SELECT %s FROM %s)",
			parentsTable, segment.UnitColumn, keys, t.reference(), stageTable),
		fmt.Sprintf("CREATE OR REPLACE TEMP TABLE %s AS SELECT s.rowid AS id, p.%s FROM %s s JOIN %s p ON s.%s = p.key WHERE s.%s IS NULL",
			linksTable, segment.UnitColumn, stageTable, parentsTable, t.reference(), badColumn)); err != nil {
		return 0, err
	}
	err = d.Ints(ctx, fmt.Sprintf("SELECT (SELECT count(*) FROM %s), (SELECT count(*) FROM %s s ANTI JOIN %s p ON s.%s = p.key WHERE s.%s IS NULL)",
		linksTable, stageTable, parentsTable, t.reference(), badColumn), &t.owned, &orphans)
	return orphans, err
}

// parentKeys is the query of the parent's keys and units. It begins with a
// branch without rows, so that a parent that was never loaded has a type.
func (t *task) parentKeys() (string, error) {
	key, sqlType := segment.UnitColumn, "UBIGINT"
	if !t.spec.hasUnitIDs() {
		var err error
		if sqlType, err = segment.SQLType(t.spec.Unit.Type); err != nil {
			return "", err
		}
		key = segment.Quote(t.spec.Parent.Key)
	}
	parts := []string{fmt.Sprintf("SELECT CAST(NULL AS %s) AS key, CAST(NULL AS UBIGINT) AS %s WHERE false", sqlType, segment.UnitColumn)}
	for i := range t.spec.Parent.Segments {
		parts = append(parts, fmt.Sprintf("SELECT %s AS key, %s FROM %s.main.rows", key, segment.UnitColumn, parentDB(i)))
	}
	return strings.Join(parts, " UNION ALL "), nil
}

// reference is the staged column with a row's key. Unit ids have become
// pseudonyms, like those of the parent's rows.
func (t *task) reference() string {
	if t.spec.hasUnitIDs() {
		return segment.UnitColumn
	}
	return fmt.Sprintf("k%d", t.unitAt())
}

// orphansSQL lists the good rows whose key leads to no unit.
func (t *task) orphansSQL(line string) string {
	value := "''" // the id is gone: the line tells
	if !t.spec.hasUnitIDs() {
		value = fmt.Sprintf("left(CAST(s.%s AS VARCHAR), %d)", t.reference(), cell.MaxShown)
	}
	if line == "rowid + 1" {
		line = "s." + line
	}
	return fmt.Sprintf("SELECT coalesce(%s, 0), %s FROM %s s ANTI JOIN %s p ON s.%s = p.key WHERE s.%s IS NULL ORDER BY s.rowid LIMIT %d",
		line, value, stageTable, parentsTable, t.reference(), badColumn, MaxRejects)
}

// good is the query of the good rows: their ids, their units where they have
// one, and the columns to store.
func (t *task) good() string {
	columns := strings.Join(t.kept(), ", ")
	if columns != "" {
		columns = ", " + columns
	}
	if t.spec.Parent != nil {
		return fmt.Sprintf("SELECT l.id, l.%s%s FROM %s l JOIN %s s ON s.rowid = l.id", segment.UnitColumn, columns, linksTable, stageTable)
	}
	return fmt.Sprintf("SELECT rowid AS id, %s%s FROM %s WHERE %s IS NULL", segment.UnitColumn, columns, stageTable, badColumn)
}

// dropped is the query of the ids of rows that no unit keeps.
func (t *task) dropped() string {
	if t.spec.Parent == nil {
		return "SELECT id FROM " + excessTable
	}
	return fmt.Sprintf("SELECT DISTINCT id FROM %[1]s WHERE id NOT IN (SELECT l.id FROM %[2]s l ANTI JOIN %[1]s e ON l.id = e.id AND l.%[3]s = e.%[3]s WHERE l.id IN (SELECT id FROM %[1]s))",
		excessTable, linksTable, segment.UnitColumn)
}
