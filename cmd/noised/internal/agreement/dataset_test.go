package agreement

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// Tables with many columns stay within a screen.
func TestTablesFitAScreen(t *testing.T) {
	var columns []wire.DatasetColumn
	for i := range 12 {
		columns = append(columns, wire.DatasetColumn{Name: fmt.Sprintf("l_column_%d", i)})
	}
	var b bytes.Buffer
	writeTables(&b, []wire.DatasetTable{{Name: "lineitem", Via: remote.Optional("l_orderkey -> orders.o_orderkey"), Columns: columns}})
	for line := range strings.Lines(b.String()) {
		if screen.DisplayWidth(line) > 80 {
			t.Errorf("a line of %d columns: %s", screen.DisplayWidth(line), line)
		}
	}
	if got := strings.Count(b.String(), "l_column_"); got != len(columns) {
		t.Errorf("%d of %d columns are shown:\n%s", got, len(columns), b.String())
	}
}
