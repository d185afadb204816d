package attached

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/noised/noised/analytics/sqlexpr"
)

// Settings say how instances are opened, and how many stay open.
type Settings struct {
	MemoryLimitMB int
	Threads       int // of an instance that computes sums
	MaxInstances  int
	TempDir       string // empty forbids spilling
	Extension     string // the file of DuckDB's extension httpfs; empty for none
	// Key returns the key of the segment at a path, nil for one that is plain. It
	// may be nil if all are.
	Key func(ctx context.Context, path string) ([]byte, error)
}

// Purpose is what an instance is opened for.
type Purpose byte

const (
	// Streaming delivers rows in their order. It has one DuckDB thread: a run is
	// parallel over parts, each driven by its own goroutine, and then no
	// scheduling inside DuckDB can touch the order of rows.
	Streaming Purpose = iota
	// Aggregating computes sums, whose rows may come in any order. It has all
	// threads, and what DuckDB knows of columns' values: on extreme ones planning
	// may fail for that.
	Aggregating
	// Carefully is for what has failed while aggregating. It knows nothing, and so
	// no value makes planning fail. What is computed is the same.
	Carefully
)

// config is what an instance is opened with.
func (o Settings) config(p Purpose) map[string]string {
	threads := 1
	if p != Streaming {
		threads = o.Threads
	}
	return map[string]string{
		"threads":                      strconv.Itoa(threads),
		"memory_limit":                 strconv.Itoa(o.MemoryLimitMB) + "MB",
		"temp_directory":               o.TempDir,
		"preserve_insertion_order":     strconv.FormatBool(p == Streaming),
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
func (o Settings) encrypting() ([]string, error) {
	if o.Extension == "" {
		return nil, nil
	}
	file, err := sqlexpr.QuoteText(o.Extension)
	return []string{"LOAD " + file, "SET temp_file_encryption = true"}, err
}

// attach returns the statement that attaches a segment. Nothing shows its text: it
// may have the key.
func (o Settings) attach(ctx context.Context, path, catalog string) (string, error) {
	file, err := sqlexpr.QuoteText(path)
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
func lockdown(p Purpose) []string {
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
func (p Purpose) without() []string {
	switch p {
	case Aggregating:
		return nil
	case Carefully:
		return []string{"statistics_propagation"}
	case Streaming:
	}
	return []string{"in_clause", "statistics_propagation", "join_order"}
}
