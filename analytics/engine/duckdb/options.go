package duckdb

import (
	"context"
	"encoding/hex"
	"runtime"
	"strconv"
	"strings"

	"github.com/noised/noised/analytics/sqlgen"
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

// purpose is what an instance is opened for.
type purpose byte

const (
	// streaming delivers rows in their order. It has one DuckDB thread: a run is
	// parallel over parts, each driven by its own goroutine, and then no
	// scheduling inside DuckDB can touch the order of rows.
	streaming purpose = iota
	// aggregating computes sums, whose rows may come in any order. It has all
	// threads, and what DuckDB knows of columns' values: on extreme ones planning
	// may fail for that.
	aggregating
	// carefully is for what has failed while aggregating. It knows nothing, and so
	// no value makes planning fail. What is computed is the same.
	carefully
)

// settings are what an instance is opened with.
func (o Options) settings(p purpose) map[string]string {
	threads := 1
	if p != streaming {
		threads = o.Threads
	}
	return map[string]string{
		"threads":                      strconv.Itoa(threads),
		"memory_limit":                 strconv.Itoa(o.MemoryLimitMB) + "MB",
		"temp_directory":               o.TempDir,
		"preserve_insertion_order":     strconv.FormatBool(p == streaming),
		"ieee_floating_point_ops":      "true",
		"autoinstall_known_extensions": "false",
		"autoload_known_extensions":    "false",
		"allow_community_extensions":   "false",
		"allow_persistent_secrets":     "false",
		"default_null_order":           "nulls_last",
	}
}

// encrypting is what every instance runs first where there is an extension. DuckDB
// looks for none by itself and keeps to publishers' signatures; and after lockdown it
// loads no other, as that reads a file.
func (o Options) encrypting() ([]string, error) {
	if o.Extension == "" {
		return nil, nil
	}
	file, err := sqlgen.QuoteText(o.Extension)
	return []string{"LOAD " + file, "SET temp_file_encryption = true"}, err
}

// attach returns the statement that attaches a segment. Nothing shows its text: it
// may have the key.
func (o Options) attach(ctx context.Context, path, catalog string) (string, error) {
	file, err := sqlgen.QuoteText(path)
	if err != nil || o.Key == nil {
		return "ATTACH " + file + " AS " + catalog + " (READ_ONLY)", err
	}
	key, err := o.Key(ctx, path)
	if err != nil || key == nil {
		return "ATTACH " + file + " AS " + catalog + " (READ_ONLY)", err
	}
	return "ATTACH " + file + " AS " + catalog + " (READ_ONLY, ENCRYPTION_KEY '" + hex.EncodeToString(key) + "', ENCRYPTION_CIPHER 'GCM')", nil
}

// lockdown is what every instance runs after its files are attached.
func lockdown(p purpose) []string {
	return []string{
		"SET disabled_optimizers = '" + strings.Join(p.without(), ",") + "'",
		"SET allowed_configs = ['streaming_buffer_size']", // each connection sets it
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	}
}

// without lists the optimizer's rules that an instance does without.
//
// statistics_propagation computes functions of a column's extreme values while
// planning, which can fail for them. Where rows must keep their order, in_clause
// would turn a long IN list into a hash join, which need not keep it, and
// join_order might choose the one side of a join whose order is lost.
func (p purpose) without() []string {
	switch p {
	case aggregating:
		return nil
	case carefully:
		return []string{"statistics_propagation"}
	case streaming:
	}
	return []string{"in_clause", "statistics_propagation", "join_order"}
}
