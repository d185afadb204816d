package oversight

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// AlertsCommand is noised alerts.
func AlertsCommand(a *command.App) *cobra.Command {
	return remote.InPages(a, &cobra.Command{
		Use:   "alerts",
		Short: "List principals that behaved unlike themselves, newest first",
		Args:  command.ExactArgs(),
	}, (*wire.API).Alerts, func(l wire.AlertList) (*screen.Grid, *string) { return alertGrid(l.Items), l.Next })
}

func alertGrid(alerts []wire.Alert) *screen.Grid {
	g := &screen.Grid{Header: []string{"at", "signal", "principal", "tenant", "observed", "limit", "state"}, Right: map[int]bool{4: true, 5: true},
		Narrow: screen.Narrow{Drop: []int{3}, Cut: []screen.Cut{{Column: 2, Least: 10, Middle: true}}}}
	for _, v := range alerts {
		state := ""
		if v.Suspended {
			state = "suspended"
		}
		g.Add(screen.ShowTime(v.At), string(v.Signal), remote.Value(v.Principal), remote.Value(v.Tenant), fmt.Sprintf("%.4g", v.Observed), fmt.Sprintf("%.4g", v.Limit), state)
	}
	return g
}
