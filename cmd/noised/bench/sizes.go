package main

import (
	"cmp"
	"time"

	"github.com/noised/noised/cmd/noised/bench/internal/data"
)

// sizes say how much is generated, and how often it is measured.
type sizes struct {
	csvRows int // of the file that is loaded
	scale   int // of TPC-H; 0 stands for a hundredth
	total   int64
	units   int64
	cells   int64
	secrets int64
	few     int   // tenants of scope person
	many    int   // tenants of scope tenant
	step    int64 // rows of the middle point of every curve

	runs        int           // of each side of a ratio
	queries     int           // per question of latencies
	repetitions int           // of every answer whose error is measured
	duration    time.Duration // of each measurement of throughput
}

// The sizes of the goals, and small ones for a smoke run.
var (
	full = sizes{
		csvRows: 60_000_000, scale: 1, total: 20_000_000, units: 2_000_000, cells: 1_000_000, secrets: 100_000, few: 14, many: 1000, step: 5_000_000,
		runs: 7, queries: 400, repetitions: 1000, duration: 5 * time.Second,
	}
	small = sizes{
		csvRows: 500_000, total: 1_000_000, units: 100_000, cells: 20_000, secrets: 5000, few: 14, many: 40, step: 200_000,
		runs: 3, queries: 50, repetitions: 50, duration: time.Second,
	}
)

// choose sets the sizes that no flag has set.
func (s *sizes) choose(quick bool) {
	from := full
	if quick {
		from = small
	}
	from.csvRows, from.scale = cmp.Or(s.csvRows, from.csvRows), cmp.Or(s.scale, from.scale)
	from.runs, from.queries = cmp.Or(s.runs, from.runs), cmp.Or(s.queries, from.queries)
	from.repetitions, from.duration = cmp.Or(s.repetitions, from.repetitions), cmp.Or(s.duration, from.duration)
	*s = from
}

// wide are the rows that most figures are measured on.
func (s *sizes) wide() data.Visits {
	return data.Visits{Rows: s.total, Units: s.units, Mids: s.mids(), Secrets: s.secrets, Tenants: 1, Scope: "person"}
}

// celled are as many, with the most declared keys.
func (s *sizes) celled() data.Visits {
	return data.Visits{Rows: s.total, Units: s.units, Cells: s.cells, Tenants: 1, Scope: "person"}
}

// mids lie between the numbers of the other keys.
func (s *sizes) mids() int64 { return s.cells / 100 }

// narrow are as many rows with fewer columns, spread over tenants.
func (s *sizes) narrow(tenants int, scope string) data.Visits {
	return data.Visits{Rows: s.total, Units: s.units, Tenants: tenants, Scope: scope}
}
