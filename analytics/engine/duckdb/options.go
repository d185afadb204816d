package duckdb

import (
	"context"
	"runtime"

	"github.com/noised/noised/analytics/engine/duckdb/attached"
)

// Options configure an Engine. The zero value works.
type Options struct {
	// MemoryLimitMB bounds the memory of each instance; 0 means 1024.
	MemoryLimitMB int
	// Threads is the number of parts that one run bounds at the same time;
	// 0 means one per core. It never affects a result.
	Threads int
	// MaxInstances is the number of instances that stay open; 0 means 16.
	MaxInstances int
	// TempDir is where an instance may spill; empty forbids spilling.
	TempDir string
	// Extension is the file of DuckDB's extension httpfs, which CheckExtension has
	// passed; with it what instances spill is encrypted. Empty for none.
	Extension string
	// Key returns the key of the segment at a path, nil for one that is plain. It
	// may be nil if all are.
	Key func(ctx context.Context, path string) ([]byte, error)

	// For tests; 0 means the constant of that name.
	partRows   int64
	maxStreams int
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
	if o.partRows <= 0 {
		o.partRows = partRows
	}
	if o.maxStreams <= 0 {
		o.maxStreams = maxStreams
	}
	return o
}

// settings are those of the instances.
func (o Options) settings() attached.Settings {
	return attached.Settings{MemoryLimitMB: o.MemoryLimitMB, Threads: o.Threads, MaxInstances: o.MaxInstances, TempDir: o.TempDir, Extension: o.Extension, Key: o.Key}
}
