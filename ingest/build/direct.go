package build

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/noised/noised/ingest/cell"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
)

// direct writes the segment straight from the source where every row of it is
// good and belongs to the unit that it names, without staging what is only
// sorted: that takes a third of the time of a load. It reports false, and has
// written nothing, where a row would have to be looked at again.
func (t *task) direct(ctx context.Context, d *duck.DB, src *upload.Source) (done bool, err error) {
	if src.Relation == "" || t.spec.Meta.Public || t.spec.Parent != nil || t.spec.MaxRows > 0 || len(t.spec.Earlier) > 0 {
		return false, nil
	}
	carried, err := t.carry(d)
	if err != nil {
		return false, err
	}
	err = t.straight(ctx, d, src, carried)
	if t.unload() {
		err = t.straight(ctx, d, src, nil)
	}
	if err == nil {
		t.result.RowsRead, t.result.RowsLoaded = t.result.RowsStored, t.result.RowsStored
		return true, t.writeRejects()
	}
	if known := t.environment(ctx, err); known != nil {
		return false, known
	}
	t.seen.Store(0)
	if t.crowded = errors.Is(err, errExcess); !t.crowded && src.Rewrite != nil {
		src.Relation = "" // a row is bad: only the scanner knows its line
	}
	return false, nil
}

// straight writes the segment from a source, of which some columns pass through the
// sort as what a function makes of them.
func (t *task) straight(ctx context.Context, d *duck.DB, src *upload.Source, carried map[int]string) error {
	t.seen.Store(0)
	query, err := t.directSQL(src, carried)
	if err != nil {
		return err
	}
	return t.fill(ctx, d, func() (err error) {
		t.result.RowsStored, err = t.ranked(ctx, d, query, false, func(int64, uint64) error { return errExcess })
		return err
	})
}

// directSQL returns the query of a source's rows as they are to be stored, which
// fails at the first row that is bad. Which rule it breaks is not asked, so that a
// good row costs one condition: a verdict on each took as long as parsing. Like
// judged it works in layers: the values as the file has them (r0…), as the contract
// wants them (k0…), and the pseudonym.
func (t *task) directSQL(src *upload.Source, carried map[int]string) (string, error) {
	var raw, typed, bad []string
	for i, c := range t.wanted() {
		sqlType, err := segment.SQLType(c.Type)
		if err != nil {
			return "", err
		}
		r, k := fmt.Sprintf("r%d", i), fmt.Sprintf("k%d", i)
		raw = append(raw, rawExpr(src.Columns[i], c.Type)+" AS "+r)
		value := cell.MustCast(c.Type, sqlType, r)
		if carry := carried[i-1]; carry != "" { // behind the unit; no such text is too long
			typed = append(typed, carry+"("+value+") AS "+k)
			continue
		}
		typed = append(typed, r, value+" AS "+k)
		if i == t.unitAt() {
			bad = append(bad, cell.Blank(c.Type, r, k))
		}
		if broken := cell.Broken(c.Type, src.Columns[i].Text, r, k, duck.FractionFunction); broken != "" {
			bad = append(bad, broken)
		}
	}
	unit, id := duck.UnitFunction, "CAST(k0 AS VARCHAR)"
	if t.spec.Unit.Type.IsInteger() {
		unit, id = duck.NumberFunction, "k0"
	}
	return fmt.Sprintf("SELECT %s(CASE WHEN (%s) THEN error('a bad row') ELSE %s END) AS %s, %s FROM (SELECT %s FROM (SELECT %s FROM %s))",
		unit, strings.Join(bad, ") OR ("), id, segment.UnitColumn, strings.Join(t.kept(), ", "),
		strings.Join(typed, ", "), strings.Join(raw, ", "), src.Relation), nil
}
