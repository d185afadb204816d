package asking

import (
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/screen/screentest"
)

func TestReleasesFitATerminal(t *testing.T) {
	id := "rel_" + strings.Repeat("k", 26)
	screentest.FitsATerminal(t, releaseGrid([]wire.Release{{ID: id, Dataset: "tpch", Epsilon: 0.12345, Delta: 1e-9, CreatedAt: time.Now(),
		SQL: "SELECT l_returnflag, l_linestatus, SUM(l_extendedprice) AS price FROM tpch.lineitem GROUP BY ALL"}}),
		[]string{id, "0.1235", "SELECT l_returnflag, l_"}, []string{"again", "created"})
}
