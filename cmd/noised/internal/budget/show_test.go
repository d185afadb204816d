package budget

import (
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen/screentest"
)

func TestChargesFitATerminal(t *testing.T) {
	id := "key_" + strings.Repeat("k", 26)
	screentest.FitsATerminal(t, spendingGrid([]wire.Charge{{At: time.Now(), Principal: id, Epsilon: 0.12345, Delta: 1e-9, Rho: 0.01655777, State: "released",
		Release: remote.Optional("rel_" + strings.Repeat("k", 26))}}),
		[]string{id, "0.1235", "released"}, []string{"rel_", "ρ"})
}
