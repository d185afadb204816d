// Package data makes the benchmark's rows and their contracts. Rows follow from
// their number alone, through DuckDB's hash, so that every run with one version
// of DuckDB has the same; TPC-H comes from DuckDB's own generator.
package data

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/bench/internal/plain"
	"github.com/noised/noised/cmd/noised/bench/internal/site"
)

// Dataset is the name of every generated dataset of one table.
const Dataset = "visits"

// Keys is the number of declared keys k.
const Keys = 50

// Visits says what rows to make: of person, the measure m from 0 to 1000, half
// (0 or 1, undeclared) and one of Keys declared texts k. A contract declares a
// million values at most, so cell stands instead of k.
type Visits struct {
	Rows, Units int64
	Mids        int64  // values of the declared integer mid; no such column when 0
	Secrets     int64  // values of the undeclared text secret; no such column when 0
	Cells       int64  // values of the declared integer cell; no such column when 0
	Tenants     int    // rows are spread over them
	Scope       string // "person", where each unit may have rows in every tenant, or "tenant"
	OneRow      bool   // one row per unit, and a contract that says so
}

// Spec says how a site of these rows is made.
func (v Visits) Spec() site.Spec {
	tenants := make([]string, v.Tenants)
	for i := range tenants {
		tenants[i] = fmt.Sprintf("tenant-%04d", i)
	}
	return site.Spec{
		Name: fmt.Sprintf("visits-%d-%d-%d", v.Rows, v.Units, v.Tenants), Contract: v.contract(), Tenants: tenants,
		Recipe: v.relation(0),
		Files: func(ctx context.Context, dir string) ([]site.File, error) {
			return v.write(ctx, dir, tenants)
		},
	}
}

func (v Visits) contract() []byte {
	contribution := "{max_partitions: 5, max_rows_per_partition: 10}"
	if v.OneRow {
		contribution = "{max_rows: 1}"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `dataset: %s
version: 1
privacy_unit: {column: person, scope: %s}
tenant_dimension: public
contribution: %s
%scolumns:
  person: {type: bigint, role: unit}
  m:      {type: integer, role: measure, bounds: [0, 1000]}
  half:   {type: integer, role: dimension, domain: private}
`, Dataset, v.Scope, contribution, v.index())
	for _, c := range v.keys() {
		fmt.Fprintf(&b, "  %s: {type: %s, role: dimension, domain: %s}\n", c.name, c.kind, c.domain)
	}
	return []byte(b.String())
}

// index names the groupings whose ranks are stored, where it is not the declared
// keys alone: secret ones are indexed only when they are named.
func (v Visits) index() string {
	if v.Secrets == 0 {
		return ""
	}
	var names []string
	for _, c := range v.keys() {
		names = append(names, "["+c.name+"]")
	}
	return "bounding_index: [" + strings.Join(names, ", ") + "]\n"
}

// column is a key: how it is declared and computed.
type column struct{ name, kind, domain, sql string }

func (v Visits) keys() (out []column) {
	texts := make([]string, Keys)
	for i := range texts {
		texts[i] = fmt.Sprintf("key %02d", i)
	}
	upTo := func(n int64) string { return fmt.Sprintf("{range: [0, %d]}", n-1) }
	if v.Cells > 0 {
		out = append(out, column{"cell", "integer", upTo(v.Cells), fmt.Sprintf("(hash(i, 6) %% %d)::INTEGER", v.Cells)})
	} else {
		out = append(out, column{"k", "varchar", "{values: [" + strings.Join(texts, ", ") + "]}", fmt.Sprintf("format('key {:02d}', hash(i, 2) %% %d)", Keys)})
	}
	if v.Mids > 0 {
		out = append(out, column{"mid", "integer", upTo(v.Mids), fmt.Sprintf("(hash(i, 5) %% %d)::INTEGER", v.Mids)})
	}
	if v.Secrets > 0 {
		out = append(out, column{"secret", "varchar", "private", fmt.Sprintf("format('secret {:06d}', hash(i, 7) %% %d)", v.Secrets)})
	}
	return out
}

// relation is the SELECT of one tenant's rows. Each column has a seed of its
// own.
func (v Visits) relation(tenant int) string {
	per := v.Rows / int64(v.Tenants)
	person := fmt.Sprintf("hash(i, 1) %% %d", v.Units)
	switch {
	case v.OneRow:
		person = "i"
	case v.Scope == "tenant":
		units := v.Units / int64(v.Tenants)
		person = fmt.Sprintf("%d + hash(i, 1) %% %d", int64(tenant)*units, units)
	}
	columns := "(" + person + ")::BIGINT AS person, (hash(i, 3) % 1001)::INTEGER AS m, (hash(i, 4) % 2)::INTEGER AS half"
	for _, c := range v.keys() {
		columns += ", " + c.sql + " AS " + c.name
	}
	return fmt.Sprintf("SELECT %s FROM range(%d, %d) AS t(i)", columns, int64(tenant)*per, int64(tenant+1)*per)
}

func (v Visits) write(ctx context.Context, dir string, tenants []string) (files []site.File, err error) {
	db, err := plain.Open(ctx, "", dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for i, tenant := range tenants {
		path := filepath.Join(dir, tenant+".parquet")
		if err := db.CopyTo(ctx, v.relation(i), path); err != nil {
			return nil, err
		}
		files = append(files, site.File{Tenant: tenant, Path: path, ContentType: wire.TypeParquet, Rows: v.Rows / int64(v.Tenants)})
	}
	return files, nil
}
