package duckdb

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"

	"github.com/dchest/siphash"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
)

// The reference computes bounded partials in plain SQL over one table of all
// tenants' rows, from a description of the query in SQL that was written beside
// the plan and shares no code with the engine. Only SipHash is computed outside
// SQL, over text that SQL builds.

// refKey is a key with, in SQL, its canonical text and its domain test.
type refKey struct {
	key  plan.Key
	text string // over a row; never NULL
	in   string // condition that the value is declared; "true" when secret
}

// refDraw is a draw with, in SQL, its condition and its centred steps.
type refDraw struct {
	draw  plan.Draw
	mask  string
	value string // sums only; NULL rows do not count
}

// refQuery is a plan and its description in SQL.
type refQuery struct {
	plan   plan.Bound
	filter string
	keys   []refKey
	draws  []refDraw
}

// partials maps the canonical text of each group's key to its draws.
type partials map[string][]string

// reference runs the query over the writer's table.
func (w *writer) reference(q refQuery, table string, salt [16]byte) partials {
	unit, keep, text := "_unit, ''", []string{"coalesce(" + q.filter + ", false)"}, []string{"''"}
	if q.plan.Scope == plan.ScopeTenant {
		unit = "_unit, tenant"
	}
	for _, k := range q.keys {
		keep, text = append(keep, "coalesce("+k.in+", false)"), append(text, k.text)
	}
	var sums []string
	for i, d := range q.draws {
		counted, value := "coalesce("+d.mask+", false)", "0"
		if d.draw.Kind == plan.DrawSum {
			counted, value = counted+" AND ("+d.value+") IS NOT NULL", d.value
		}
		sums = append(sums, fmt.Sprintf("count(*) FILTER (WHERE %s) AS n%d, coalesce(sum((%s)::HUGEINT) FILTER (WHERE %s), 0)::HUGEINT AS s%d",
			counted, i, value, counted, i))
	}
	w.exec(fmt.Sprintf("CREATE OR REPLACE TABLE per AS SELECT %s AS owner, %s AS k, %s FROM %s WHERE %s GROUP BY ALL",
		strings.Replace(unit, ", ", " AS u, ", 1), strings.Join(text, " || "), strings.Join(sums, ", "), table, strings.Join(keep, " AND ")))
	w.hashes(salt)

	c := q.plan.Limits.MaxRowsPerPartition
	var out []string
	for i, d := range q.draws {
		part := fmt.Sprintf("least(n%d, %d)", i, c)
		switch d.draw.Kind {
		case plan.DrawUnits:
			part = fmt.Sprintf("least(n%d, 1)", i)
		case plan.DrawSum:
			part = fmt.Sprintf("CASE WHEN n%d <= %d THEN s%d ELSE s%d * %d // n%d END", i, c, i, i, c, i)
		}
		out = append(out, "sum(("+part+")::HUGEINT)::VARCHAR")
	}
	return w.fetch(fmt.Sprintf(`SELECT p.k, %s FROM per p JOIN hashes h ON h.u = p.u AND h.k = p.k
		WHERE (SELECT count(*) FROM per o JOIN hashes g ON g.u = o.u AND g.k = o.k
			WHERE o.u = p.u AND o.owner = p.owner AND (g.h < h.h OR (g.h = h.h AND g.k < h.k))) < %d
		GROUP BY p.k`, strings.Join(out, ", "), q.plan.Limits.MaxPartitions), len(q.draws))
}

// hashes fills a table with the rank of every (unit, key).
func (w *writer) hashes(salt [16]byte) {
	w.exec("CREATE OR REPLACE TABLE hashes (u UBIGINT, k VARCHAR, h UBIGINT)")
	rows, err := w.db.Query("SELECT DISTINCT u, k FROM per")
	if err != nil {
		w.t.Fatal(err)
	}
	var values []string
	for rows.Next() {
		var u uint64
		var k string
		if err := rows.Scan(&u, &k); err != nil {
			w.t.Fatal(err)
		}
		hash := siphash.New(salt[:])
		_ = binary.Write(hash, binary.LittleEndian, u)
		_, _ = hash.Write([]byte(k))
		values = append(values, fmt.Sprintf("(%d, '%s', %d)", u, strings.ReplaceAll(k, "'", "''"), hash.Sum64()))
	}
	rows.Close()
	if len(values) > 0 {
		w.exec("INSERT INTO hashes VALUES " + strings.Join(values, ", "))
	}
}

func (w *writer) fetch(query string, draws int) partials {
	rows, err := w.db.Query(query)
	if err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	got := make(partials)
	for rows.Next() {
		key, values := "", make([]string, draws)
		into := []any{&key}
		for i := range values {
			into = append(into, &values[i])
		}
		if err := rows.Scan(into...); err != nil {
			w.t.Fatal(err)
		}
		got[key] = values
	}
	return got
}

// partialsOf writes the engine's result in the same form. Declared groups to
// which nothing was added are left out when the reference, which knows only
// keys that occur, has none either.
func partialsOf(q refQuery, p *engine.Partials, want partials) partials {
	got := make(partials)
	for group, key := range p.Keys {
		var text strings.Builder
		for i, v := range key {
			fmt.Fprintf(&text, "%q=%s,", q.plan.Keys[i].Column, v.Canonical())
		}
		values, zero := make([]string, len(p.Draws)), true
		for d := range p.Draws {
			exact := p.Draws[d][group].Big()
			values[d], zero = exact.String(), zero && exact.Cmp(new(big.Int)) == 0
		}
		if _, known := want[text.String()]; known || !zero || q.plan.Secret() {
			got[text.String()] = values
		}
	}
	return got
}
