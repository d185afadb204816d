package build

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/noised/noised/ingest/cell"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/upload"
)

// reject records a record that does not have the form of its format. There is
// no row in the scratch table for it.
func (t *task) reject(line int64, reason string) {
	t.malformed++
	if len(t.rejects) < MaxRejects {
		t.rejects = append(t.rejects, Reject{Line: line, Reason: reason})
	}
}

// lineExpr is the line of a staged row, or what stands for it.
func lineExpr(src *upload.Source) string {
	switch {
	case src.Line != "":
		return lineColumn
	case src.Rewrite == nil:
		return "rowid + 1"
	default:
		return "NULL" // every row was good: what is listed is excess
	}
}

// collectRejects lists the staged rows that are bad: in themselves, or because
// their key leads to no unit.
func (t *task) collectRejects(ctx context.Context, d *duck.DB, src *upload.Source) error {
	line, wanted := lineExpr(src), t.wanted()
	if err := t.list(ctx, d, fmt.Sprintf("SELECT coalesce(%s, 0), %s FROM %s WHERE %s IS NOT NULL ORDER BY rowid LIMIT %d",
		line, badColumn, stageTable, badColumn, MaxRejects), func(line int64, bad string) Reject {
		i, rule, value := cell.Parse(bad)
		return Reject{Line: line, Column: wanted[i].Name, Reason: cell.Reason(rule, wanted[i].Type), Value: value}
	}); err != nil {
		return err
	}
	if t.spec.Parent == nil {
		return nil
	}
	return t.list(ctx, d, t.orphansSQL(line), func(line int64, key string) Reject {
		return Reject{Line: line, Column: t.spec.Unit.Name, Reason: "no row of " + t.spec.Parent.Table + " has this key", Value: key}
	})
}

// collectExcess lists the rows that no unit keeps. Nothing is wrong with them,
// and they do not count as bad.
func (t *task) collectExcess(ctx context.Context, d *duck.DB, src *upload.Source) error {
	if t.excess == 0 {
		return nil
	}
	return t.list(ctx, d, fmt.Sprintf("SELECT coalesce(%s, 0), '' FROM %s WHERE rowid IN (SELECT id FROM %s) ORDER BY rowid LIMIT %d",
		lineExpr(src), stageTable, droppedTable, MaxRejects), func(line int64, _ string) Reject {
		return Reject{Line: line, Column: t.spec.Unit.Name, Reason: fmt.Sprintf("the unit has more than %d rows: this one was left out", t.unitCap())}
	})
}

// list adds the rows of a query to the rejects, in the order of lines.
func (t *task) list(ctx context.Context, d *duck.DB, query string, make func(int64, string) Reject) error {
	rows, err := d.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var line int64
		var bad string
		if err := rows.Scan(&line, &bad); err != nil {
			return err
		}
		t.rejects = append(t.rejects, make(line, bad))
	}
	slices.SortStableFunc(t.rejects, func(a, b Reject) int { return cmp.Compare(a.Line, b.Line) })
	t.rejects = t.rejects[:min(len(t.rejects), MaxRejects)]
	return rows.Err()
}

// writeRejects writes the reject file; it exists after every load that got
// that far, and is empty when all rows were good. It is sealed if the upload was.
func (t *task) writeRejects() error {
	f, err := os.OpenFile(filepath.Join(t.spec.Dir, RejectsFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if len(t.rejects) > 0 && t.spec.Sealed != nil {
		sealed, err := t.spec.Sealed.Rejects.Seal(f)
		if err != nil {
			return err
		}
		if err := errors.Join(t.listTo(sealed), sealed.Close()); err != nil {
			return err
		}
	} else if err := t.listTo(f); err != nil {
		return err
	}
	return f.Sync()
}

// listTo writes the rejected rows, a line of JSON each.
func (t *task) listTo(to io.Writer) error {
	w := bufio.NewWriter(to)
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for _, r := range t.rejects {
		if err := lines.Encode(r); err != nil {
			return err
		}
	}
	return w.Flush()
}
