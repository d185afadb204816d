package main

import "github.com/noised/noised/cmd/noised/bench/internal/data"

// sizes say how much is generated.
type sizes struct {
	csvRows int   // of the file that is loaded
	scale   int   // of TPC-H; 0 stands for a hundredth
	total   int64 // rows of most figures
	units   int64
	cells   int64
	secrets int64
	few     int   // tenants of scope person
	many    int   // tenants of scope tenant
	step    int64 // rows of the middle point of every curve
}

// choose sets the sizes that no flag has set: those of the goals, or small ones.
func (s *sizes) choose(quick bool) {
	full := sizes{csvRows: 60_000_000, scale: 1, total: 20_000_000, units: 2_000_000, cells: 1_000_000, secrets: 100_000, few: 14, many: 1000, step: 5_000_000}
	if quick {
		full = sizes{csvRows: 500_000, total: 1_000_000, units: 100_000, cells: 20_000, secrets: 5000, few: 14, many: 40, step: 200_000}
	}
	if s.csvRows > 0 {
		full.csvRows = s.csvRows
	}
	if s.scale > 0 {
		full.scale = s.scale
	}
	*s = full
}

// wide are the rows that most figures are measured on.
func (s *sizes) wide() data.Visits {
	return data.Visits{Rows: s.total, Units: s.units, Cells: s.cells, Secrets: s.secrets, Tenants: 1, Scope: "person"}
}

// narrow are as many rows with fewer columns, spread over tenants.
func (s *sizes) narrow(tenants int, scope string) data.Visits {
	return data.Visits{Rows: s.total, Units: s.units, Tenants: tenants, Scope: scope, Narrow: true}
}
