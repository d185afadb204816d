package build

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/noised/noised/ingest/cell"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/upload"
)

// listed is a reject with what sorts and explains it.
type listed struct {
	Reject
	excess bool // left out for its unit's sake; nothing is wrong with it
}

// reject records a record that does not have the form of its format. There is
// no row in the scratch table for it.
func (t *task) reject(line int64, reason string) {
	t.malformed++
	if len(t.rejects) < MaxRejects {
		t.rejects = append(t.rejects, listed{Reject: Reject{Line: line, Reason: reason}})
	}
}

// collectRejects adds the rejected rows of the scratch table to the list.
func (t *task) collectRejects(ctx context.Context, d *duck.DB, src *upload.Source) error {
	line := lineColumn
	if src.Line == "" {
		line = "NULL" // every row was good: what is listed now is excess
		if src.Rewrite == nil {
			line = "rowid + 1"
		}
	}
	wanted := t.wanted()
	if err := t.list(ctx, d, fmt.Sprintf("SELECT coalesce(%s, 0), %s FROM %s WHERE %s IS NOT NULL ORDER BY rowid LIMIT %d",
		line, badColumn, stageTable, badColumn, MaxRejects), func(line int64, bad string) listed {
		i, rule, value := cell.Parse(bad)
		return listed{Reject: Reject{Line: line, Column: wanted[i].Name, Reason: cell.Reason(rule, wanted[i].Type), Value: value}}
	}); err != nil {
		return err
	}
	if err := t.collectOwnerless(ctx, d, line); err != nil {
		return err
	}
	slices.SortStableFunc(t.rejects, func(a, b listed) int { return cmp.Compare(a.Line, b.Line) })
	t.rejects = t.rejects[:min(len(t.rejects), MaxRejects)]
	return nil
}

// collectOwnerless adds the rows that are good in themselves and that no unit
// has: their key leads to none, or those that it leads to have too many.
func (t *task) collectOwnerless(ctx context.Context, d *duck.DB, line string) error {
	if t.spec.Parent != nil {
		if err := t.list(ctx, d, t.orphansSQL(line), func(line int64, key string) listed {
			return listed{Reject: Reject{Line: line, Column: t.spec.Unit.Name, Reason: "no row of " + t.spec.Parent.Table + " has this key", Value: key}}
		}); err != nil {
			return err
		}
	}
	if t.excess == 0 {
		return nil
	}
	return t.list(ctx, d, fmt.Sprintf("SELECT coalesce(%s, 0), '' FROM %s WHERE rowid IN (SELECT id FROM %s) ORDER BY rowid LIMIT %d",
		line, stageTable, droppedTable, MaxRejects), func(line int64, _ string) listed {
		return listed{excess: true, Reject: Reject{Line: line, Column: t.spec.Unit.Name,
			Reason: fmt.Sprintf("the unit has more than %d rows: this one was left out", t.unitCap())}}
	})
}

func (t *task) list(ctx context.Context, d *duck.DB, query string, make func(int64, string) listed) error {
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
	return rows.Err()
}

// writeRejects writes the reject file; it exists after every load that got
// that far, and is empty when all rows were good.
func (t *task) writeRejects() error {
	f, err := os.OpenFile(filepath.Join(t.spec.Dir, RejectsFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	w := bufio.NewWriter(f)
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for _, r := range t.rejects {
		if err := lines.Encode(r.Reject); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}
