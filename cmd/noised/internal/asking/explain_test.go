package asking

import (
	"bytes"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/remote"
)

func TestAnExplanationIsATable(t *testing.T) {
	symmetric := wire.ExplainInterval{LowOffset: -49, HighOffset: 49, Confidence: 0.95}
	var b bytes.Buffer
	writeExplanation(&b, wire.Explanation{
		Permitted: true, Epsilon: remote.Optional(0.25), Delta: remote.Optional(1e-9), Strategy: remote.Optional("stream"),
		Accuracy: &wire.WantedAccuracy{Relative: remote.Optional(0.05), Confidence: remote.Optional(0.95), ExpectedN: remote.Optional(int64(1000))},
		Charges: []wire.ExplainCharge{
			{Account: "tenant:a", Epsilon: 0.25, Delta: 1e-9, Rho: 0.001, RemainingAfter: wire.Amount{Epsilon: 2, Delta: 1e-6}, QueriesLeft: 417},
			{Account: "dataset:visits", Epsilon: 0.25, Delta: 1e-9, Rho: 0.001, RemainingAfter: wire.Amount{Epsilon: 1, Delta: 1e-6}, QueriesLeft: 99},
		},
		Columns: []wire.ExplainColumn{
			{Name: "doctor", Mechanism: wire.PartitionSelection},
			{Name: "n", Mechanism: wire.Gaussian, Stddev: remote.Optional(25.0), Interval: &symmetric},
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
