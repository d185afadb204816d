package duckdb

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/bounding/boundingtest"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// The reference evaluates a query in plain SQL over one table of all tenants'
// rows, from a description in SQL that was written beside the plan, and bounds
// the rows with boundingtest. It shares no code with the engine.

// refKey is a key with, in SQL, its canonical text and its domain test.
type refKey struct {
	key  plan.Key
	text string // over a row; never NULL
	in   string // condition that the value is declared; "true" when secret
}

// refDraw is a draw with, in SQL, its condition and what a row adds: centred
// steps, squares, leaves, or the value that is counted once.
type refDraw struct {
	draw  plan.Draw
	mask  string
	value string // rows where it is NULL do not count
}

// refQuery is a plan and its description in SQL.
type refQuery struct {
	plan   plan.Bound
	filter string
	keys   []refKey
	draws  []refDraw
}

// reference runs the query over the writer's table.
func (w *writer) reference(q refQuery, table string, salt [16]byte) boundingtest.Draws {
	keep, text := []string{"coalesce(" + q.filter + ", false)"}, []string{"''"}
	for _, k := range q.keys {
		keep, text = append(keep, "coalesce("+k.in+", false)"), append(text, k.text)
	}
	values := ""
	for _, d := range q.draws {
		values += fmt.Sprintf(", CASE WHEN coalesce(%s, false) THEN %s END", d.mask, d.value)
	}
	rows, err := w.db.Query(fmt.Sprintf("SELECT tenant, _unit, %s%s FROM %s WHERE %s",
		strings.Join(text, " || "), values, table, strings.Join(keep, " AND ")))
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var all []boundingtest.Row
	for rows.Next() {
		row, raw := boundingtest.Row{}, make([]any, len(q.draws))
		into := []any{&row.Tenant, &row.Unit, &row.Key}
		for i := range raw {
			into = append(into, &raw[i])
		}
		if err := rows.Scan(into...); err != nil {
			w.t.Fatal(err)
		}
		for i, v := range raw {
			row.Values = append(row.Values, addedBy(q.draws[i].draw, salt, v))
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return boundingtest.Bound(&q.plan, salt, all)
}

// addedBy returns what a row's value, as the writer returned it, adds to a draw.
func addedBy(d plan.Draw, salt [16]byte, value any) int64 {
	switch {
	case value == nil:
		return boundingtest.Absent
	case d.Kind == plan.DrawDistinct:
		return boundingtest.ValueHash(salt, value)
	default:
		return value.(int64)
	}
}

// drawsOf writes the engine's result in the same form. Declared groups to which
// nothing was added are left out when the reference, which knows only keys that
// occur, has none either.
func drawsOf(q refQuery, p *engine.Partials, want boundingtest.Draws) boundingtest.Draws {
	got := boundingtest.Draws{}
	for group, key := range p.Keys {
		var text strings.Builder
		for i, v := range key {
			fmt.Fprintf(&text, "%q=%s,", q.plan.Keys[i].Column, v.Canonical())
		}
		var values []string
		zero := true
		for d, draw := range q.plan.Draws {
			for _, n := range p.Of(d, draw.Width(), []int{group}) {
				values, zero = append(values, n.String()), zero && n == privacy.Int128{}
			}
		}
		if _, known := want[text.String()]; known || !zero || q.plan.Secret() {
			got[text.String()] = values
		}
	}
	return got
}
