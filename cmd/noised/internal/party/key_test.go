package party

import (
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen/screentest"
)

func TestKeysFitATerminal(t *testing.T) {
	at := time.Date(2026, 11, 23, 15, 4, 5, 0, time.Local)
	id := "key_" + strings.Repeat("k", 26)
	screentest.FitsATerminal(t, keyGrid([]wire.Key{{ID: id, Role: "budget-admin", Tenant: remote.Optional("department_12"), Name: remote.Optional("the night shift's ledger"), ExpiresAt: &at, CreatedAt: at}}, at.Add(-time.Hour)),
		[]string{id, "budget-admin", "the night sh", "until 2026-11-23…"}, []string{"group", "created"})
}
