package duckdb

import (
	"runtime"
	"strconv"
)

// Options configure an Engine. The zero value works.
type Options struct {
	// MemoryLimitMB bounds the memory of each instance; 0 means 1024.
	MemoryLimitMB int
	// Threads is the number of segments that one run reads at the same time;
	// 0 means one per core. It never affects a result.
	Threads int
	// MaxInstances is the number of instances that stay open; 0 means 16.
	MaxInstances int
	// TempDir is where an instance may spill; empty forbids spilling.
	TempDir string
}

func (o Options) withDefaults() Options {
	if o.MemoryLimitMB <= 0 {
		o.MemoryLimitMB = 1024
	}
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.MaxInstances <= 0 {
		o.MaxInstances = 16
	}
	return o
}

// settings are what an instance is opened with.
//
// One DuckDB thread: a run is parallel over segments, each driven by its own
// goroutine, and then no scheduling inside DuckDB can touch the order of rows.
func (o Options) settings() map[string]string {
	return map[string]string{
		"threads":                      "1",
		"memory_limit":                 strconv.Itoa(o.MemoryLimitMB) + "MB",
		"temp_directory":               o.TempDir,
		"preserve_insertion_order":     "true",
		"ieee_floating_point_ops":      "true",
		"autoinstall_known_extensions": "false",
		"autoload_known_extensions":    "false",
		"allow_community_extensions":   "false",
		"allow_persistent_secrets":     "false",
		"default_null_order":           "nulls_last",
	}
}

// lockdown is what every instance runs after its files are attached.
//
// in_clause would turn a long IN list into a hash join, which need not keep
// the stored order. statistics_propagation computes functions of a column's
// extreme values while planning, which can fail for them.
func lockdown() []string {
	return []string{
		"SET disabled_optimizers = 'in_clause,statistics_propagation,join_order'",
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	}
}
