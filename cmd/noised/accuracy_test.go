package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/noised/noised/api/wire"
)

func requestOfFlags(t *testing.T, args ...string) (wire.QueryRequest, error) {
	t.Helper()
	var f queryFlags
	fs := pflag.NewFlagSet("query", pflag.ContinueOnError)
	f.register(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f.request(fs, "SELECT 1")
}

func TestAccuracyFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--relative 0.05 --expected-n 1000 --confidence 0.9": `{"confidence":0.9,"expected_n":1000,"relative":0.05}`,
		"--relative 0.05 --like-release rel_1":               `{"relative":0.05,"release":"rel_1"}`,
		"--absolute 12.5 --delta 1e-10":                      `{"absolute":12.5}`,
		"--absolute 0":                                       `{"absolute":0}`, // the server's to refuse
		"--epsilon 1":                                        `null`,
	} {
		q, err := requestOfFlags(t, strings.Fields(args)...)
		if err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		if got, _ := json.Marshal(q.Accuracy); string(got) != want {
			t.Errorf("%s asks for %s, want %s", args, got, want)
		}
	}
	for _, args := range []string{
		"--relative 0.1 --absolute 3", "--relative 0.1 --epsilon 1", "--absolute 3 --epsilon 1",
		"--confidence 0.9", "--expected-n 100", "--epsilon 1 --like-release rel_1",
	} {
		if q, err := requestOfFlags(t, strings.Fields(args)...); err == nil {
			t.Errorf("%s asks for %+v, want a refusal", args, q)
		}
	}
}

func TestAnExplanationIsATable(t *testing.T) {
	symmetric := wire.ExplainInterval{LowOffset: -49, HighOffset: 49, Confidence: 0.95}
	var b bytes.Buffer
	writeExplanation(&b, wire.Explanation{
		Permitted: true, Epsilon: optional(0.25), Delta: optional(1e-9), Strategy: optional("stream"),
		Accuracy: &wire.WantedAccuracy{Relative: optional(0.05), Confidence: optional(0.95), ExpectedN: optional(int64(1000))},
		Charges: []wire.ExplainCharge{
			{Account: "tenant:a", Epsilon: 0.25, Delta: 1e-9, Rho: 0.001, RemainingAfter: wire.Amount{Epsilon: 2, Delta: 1e-6}, QueriesLeft: 417},
			{Account: "dataset:visits", Epsilon: 0.25, Delta: 1e-9, Rho: 0.001, RemainingAfter: wire.Amount{Epsilon: 1, Delta: 1e-6}, QueriesLeft: 99},
		},
		Columns: []wire.ExplainColumn{
			{Name: "doctor", Mechanism: wire.PartitionSelection},
			{Name: "n", Mechanism: wire.Gaussian, Stddev: optional(25.0), Interval: &symmetric},
			{Name: "m", Mechanism: wire.QuantileTree, IntervalByN: map[string]wire.ExplainInterval{"1000": symmetric, "10": {LowOffset: -1, HighOffset: 3, Confidence: 0.95}}},
		},
		PartitionSelection: &wire.ExplainSelection{Threshold: 150, KeepProbability: map[string]float64{"150": 0.5, "1": 1e-10, "300": 1}},
	}, "")
	want := `permitted at ε 0.25, δ 1e-09, the least for ± 5 % of the value with 95 % confidence at 1000 rows; contributions are bounded by strategy "stream"

charges, and what they leave
  account             ρ  left ε  left δ  queries left
  ──────────────  ─────  ──────  ──────  ────────────
  tenant:a        0.001       2   1e-06           417
  dataset:visits  0.001       1   1e-06            99

columns
  column  mechanism            noise σ  interval
  ──────  ───────────────────  ───────  ──────────────────────────
  doctor  partition_selection
  n       gaussian                  25  ± 49 (95 %)
  m       quantile_tree         varies  -1 to +3 (95 %) of 10 rows
                                        ± 49 (95 %) of 1000 rows

groups whose noisy count is below 150 stay hidden
  true count  chance to be shown
  ──────────  ──────────────────
           1               1e-10
         150                 0.5
         300                   1
`
	if b.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", b.String(), want)
	}
}

// A query over many periods is charged to each; its explanation stays short, and
// shows a period that has less left than its neighbours by itself.
func TestPeriodsWithTheSameFiguresShareALine(t *testing.T) {
	var charges []wire.ExplainCharge
	for _, account := range []string{
		"tenant-period:a/visits@2024-01-01", "tenant-period:a/visits@2024-02-01", "tenant-period:a/visits@2024-03-01",
		"tenant-period:a/visits@2024-04-01", "tenant-period:b/visits@2024-01-01", "dataset-period:visits/2024-01-01",
		"dataset-period:visits/other", "tenant-group:a/x", "tenant-group:a/y",
	} {
		charges = append(charges, wire.ExplainCharge{Account: account, Rho: 0.001, RemainingAfter: wire.Amount{Epsilon: 2, Delta: 1e-6}, QueriesLeft: 9})
	}
	charges[2].RemainingAfter.Epsilon = 1
	var b bytes.Buffer
	chargeGrid(charges).write(&b)
	want := `  account                                                 ρ  left ε  left δ  queries left
  ──────────────────────────────────────────────────  ─────  ──────  ──────  ────────────
  tenant-period:a/visits@2024-01-01 … 2024-02-01 (2)  0.001       2   1e-06             9
  tenant-period:a/visits@2024-03-01                   0.001       1   1e-06             9
  tenant-period:a/visits@2024-04-01                   0.001       2   1e-06             9
  tenant-period:b/visits@2024-01-01                   0.001       2   1e-06             9
  dataset-period:visits/2024-01-01 … other (2)        0.001       2   1e-06             9
  tenant-group:a/x                                    0.001       2   1e-06             9
  tenant-group:a/y                                    0.001       2   1e-06             9
`
	if got := b.String(); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}
