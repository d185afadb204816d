package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/sample"
	"github.com/noised/noised/privacy"
)

func TestFlagsBeatTheEnvironmentThatBeatsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "noised.yaml")
	if err := os.WriteFile(path, []byte("data_dir: from-file\nlisten: 127.0.0.1:1\nquery_timeout: 5s\nmax_upload: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func() []string {
		return []string{"NOISED_LISTEN=127.0.0.1:2", "NOISED_MAX_UPLOAD=8", "NOISED_KEY=secret", "NOISED_URL=http://elsewhere", "OTHER=1"}
	}
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	configFlags(fs)
	if err := fs.Parse([]string{"--max-upload", "9"}); err != nil {
		t.Fatal(err)
	}
	got, err := loadConfig(path, env, fs)
	if err != nil {
		t.Fatal(err)
	}
	want := defaultConfig()
	want.DataDir, want.Listen, want.QueryTimeout, want.MaxUpload = "from-file", "127.0.0.1:2", 5*time.Second, 9
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestEverySettingHasAFlagAndADefault(t *testing.T) {
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	configFlags(fs)
	if err := fs.Parse([]string{"--data-dir", "d"}); err != nil {
		t.Fatal(err)
	}
	got, err := loadConfig("", func() []string { return nil }, fs)
	if err != nil {
		t.Fatal(err)
	}
	want := defaultConfig()
	want.DataDir = "d"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	fs.VisitAll(func(f *pflag.Flag) {
		t.Setenv("NOISED_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")), f.DefValue)
	})
	if _, err := loadConfig("", os.Environ, fs); err != nil {
		t.Errorf("the defaults as environment variables: %v", err)
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		reason string
	}{
		"no directory":          {func(c *Config) { c.DataDir = "" }, "missing --data-dir"},
		"a name without TLS":    {func(c *Config) { c.Listen = "example.org:80" }, "without TLS"},
		"all addresses, no TLS": {func(c *Config) { c.Listen = ":80" }, "without TLS"},
		"half of TLS":           {func(c *Config) { c.TLSKey = "k" }, "belong together"},
		"no loads":              {func(c *Config) { c.LoadConcurrency = 0 }, "--load-concurrency"},
		"too little memory":     {func(c *Config) { c.QueryMemoryMB = 1 }, "--query-memory-mb"},
		"negative threads":      {func(c *Config) { c.QueryThreads = -1 }, "--query-threads"},
		"a time without a unit": {func(c *Config) { c.QueryTimeout = 30 }, "--query-timeout is 30ns and must be at least 100ms"},
		"loads without time":    {func(c *Config) { c.LoadTimeout = 0 }, "--load-timeout"},
		"a slot within jitter":  {func(c *Config) { c.ResponseSlot = time.Millisecond }, "--response-slot is 1ms and must be 0 or between 10ms and 10s"},
		"a slot without end":    {func(c *Config) { c.ResponseSlot = time.Minute }, "--response-slot"},
		"a slot before now":     {func(c *Config) { c.ResponseSlot = -time.Second }, "--response-slot"},
		"no time to end":        {func(c *Config) { c.ShutdownTimeout = -time.Second }, "--shutdown-timeout"},
		"no log level":          {func(c *Config) { c.LogLevel = "x" }, "--log-level"},
		"no log format":         {func(c *Config) { c.LogFormat = "x" }, "--log-format"},
	} {
		config := defaultConfig()
		config.DataDir = "d"
		c.change(&config)
		if err := config.check(); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %q", name, err, c.reason)
		}
	}
	open := defaultConfig()
	open.DataDir, open.Listen, open.Insecure = "d", "0.0.0.0:80", true
	if err := open.check(); err != nil {
		t.Errorf("--insecure: %v", err)
	}
}

func TestUploadKindFollowsTheName(t *testing.T) {
	for _, c := range []struct{ path, format, media, encoding string }{
		{"a.csv", "", wire.TypeCSV, ""},
		{"A.CSV.GZ", "", wire.TypeCSV, "gzip"},
		{"dir.csv/b.parquet", "", wire.TypeParquet, ""},
		{"c.jsonl.zst", "", wire.TypeNDJSON, "zstd"},
		{"d.arrows", "", wire.TypeArrow, ""},
		{"-", "ndjson.gz", wire.TypeNDJSON, "gzip"},
		{"data.bin", "csv", wire.TypeCSV, ""},
	} {
		got, err := uploadKind(c.path, c.format)
		if err != nil || got != (upload{c.media, c.encoding}) {
			t.Errorf("uploadKind(%q, %q) = %+v, %v", c.path, c.format, got, err)
		}
	}
	for _, path := range []string{"-", "a", "a.gz", "a.txt", ".csv.bz2"} {
		if got, err := uploadKind(path, ""); err == nil {
			t.Errorf("uploadKind(%q) = %+v, want an error", path, got)
		}
	}
}

func TestAnswersAreRoundedToWhatTheNoiseLeaves(t *testing.T) {
	big, double := plan.Of(plan.KindBigint), plan.FloatValue
	ints := func(x, lo, hi int64) *result.Column {
		v := func(i int64) *result.Vector { return result.VectorOf(big, plan.IntValue(big, i)) }
		return &result.Column{Type: big, Values: v(x), Low: v(lo), High: v(hi)}
	}
	floats := func(x, lo, hi float64) *result.Column {
		v := func(f float64) *result.Vector { return result.VectorOf(double(0).Type, double(f)) }
		return &result.Column{Type: double(0).Type, Values: v(x), Low: v(lo), High: v(hi)}
	}
	for _, c := range []struct {
		column *result.Column
		want   string
	}{
		{ints(302, 290, 314), "302 ± 12"},
		{ints(-3, -15, 9), "-3 ± 12"},
		{floats(3.20574, 3.19574, 3.21574), "3.206 ± 0.010"},
		{floats(3.2, 3.1, 3.6), "3.20 [3.10, 3.60]"},
		{floats(1234.5, 1034.5, 1434.5), "1234 ± 200"},
		{floats(3, 3, 3), "3.00 ± 0.00"},
		{&result.Column{Type: big, Values: result.VectorOf(big, plan.IntValue(big, 7))}, "7"},
		{&result.Column{Type: big, Values: result.NewVector(big, 1)}, "NULL"},
	} {
		if got := answerCell(c.column, 0); got != c.want {
			t.Errorf("answerCell = %q, want %q", got, c.want)
		}
	}
}

func TestErrorsPointIntoTheQuery(t *testing.T) {
	sql := "SELECT größe,\n  person FROM d"
	p := wire.Problem{Type: "/problems/query-not-permitted", Detail: optional("no"), Position: optional(17), Suggestion: optional("yes")}
	got := explainError(&queryError{sql: sql, err: &wire.ProblemError{Problem: p, RetryAfter: time.Minute}})
	want := "no [query-not-permitted]\n    person FROM d\n    ^\n  instead: yes\n  try again in 1m0s\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	for _, position := range []int{1, 1000} { // beyond the text is no panic
		if pointAt(sql, position) == "" {
			t.Errorf("nothing shown for position %d", position)
		}
	}
}

func TestTheSampleIsBoundedAsTheServerDoes(t *testing.T) {
	rows := sample.Ratings{
		{Student: 1, Dept: "a", Rating: 5}, {Student: 1, Dept: "a", Rating: 3}, {Student: 1, Dept: "a", Rating: 4},
		{Student: 1, Dept: "b", Rating: 1},
		{Student: 2, Dept: "a", Rating: 2},
	}
	got := count(rows, sample.Rating.Tenant, privacy.Bounds{MaxPartitions: 1, MaxRowsPerPartition: 2})
	want := tally{
		truth: map[string]figures{"dept_a": {rows: 4, units: 2, sum: 14}, "dept_b": {rows: 1, units: 1, sum: 1}},
		// Student 1 keeps one of two departments, and two of three ratings in a.
		bounded: map[string]figures{"dept_a": {rows: 2, units: 1.5, sum: 6}, "dept_b": {rows: 0.5, units: 0.5, sum: 0.5}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tally{}, figures{})); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
}

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 73421: "73,421", -1234567: "-1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q", n, got)
		}
	}
	rows := [][]string{{"a", "1"}, {"b", "1"}, {"c", "2"}}
	if diff := cmp.Diff([][]string{{"a … b (2)", "1"}, {"c", "2"}}, mergeEqual(rows)); diff != "" {
		t.Errorf("mergeEqual (-want +got):\n%s", diff)
	}
	if got := oneLine("SELECT\n  1,   2", 8); got != "SELECT …" {
		t.Errorf("oneLine = %q", got)
	}
}
