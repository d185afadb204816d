package loading

import (
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen/screentest"
)

func TestLoadsFitATerminal(t *testing.T) {
	id := "load_" + strings.Repeat("k", 26)
	screentest.FitsATerminal(t, loadGrid([]wire.Load{{ID: id, Dataset: "tpch", Table: remote.Optional("lineitem"), State: "succeeded", DryRun: true, RowsLoaded: 6_001_215, CreatedAt: time.Now()}}),
		[]string{id, "tpch", "lineitem", "succeeded", "dry run", "6001215"}, []string{"created"})
}
