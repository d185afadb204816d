package asking

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/screen/screentest"
)

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
	chargeGrid(charges).Write(&b)
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

func TestAPriceFitsATerminal(t *testing.T) {
	var charges []wire.ExplainCharge
	for month := 1; month <= 12; month++ {
		charges = append(charges, wire.ExplainCharge{Account: fmt.Sprintf("tenant-period:department_12/admissions@2024-%02d-01", month),
			Rho: 0.0165577, RemainingAfter: wire.Amount{Epsilon: 1.23456, Delta: 1.2345e-7}, QueriesLeft: 1234567})
	}
	screentest.FitsATerminal(t, chargeGrid(charges), []string{"tenant-period:department_12", "-01-01 … 2024-12-01 (12)", "1.235", "1234567"}, []string{"ρ", "left δ"})
}
