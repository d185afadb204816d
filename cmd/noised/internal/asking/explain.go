package asking

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// ExplainCommand is noised explain.
func ExplainCommand(a *command.App) *cobra.Command {
	var f queryFlags
	explain := remote.Command(a, &cobra.Command{
		Use:   `explain "SELECT …"`,
		Short: "Say what a question would cost and how accurate it would be, free",
		Long: `Say what a question would cost and how accurate it would be, or why it is
refused. Nothing is charged and no private row is read. A refused query is a successful
explanation: the exit code is 0.`,
		Args: f.sqlOrTemplate,
		RunE: func(cmd *cobra.Command, args []string) error {
			sql, err := sqlText(a, args)
			if err != nil {
				return err
			}
			req, err := f.request(cmd.Flags(), sql)
			if err != nil {
				return err
			}
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			x, err := c.Explain(cmd.Context(), req)
			if err != nil {
				return &remote.QueryError{SQL: sql, Err: err}
			}
			return a.Print(x, func(w io.Writer) { writeExplanation(w, x, sql) })
		},
	})
	f.register(explain.Flags())
	return explain
}

func writeExplanation(w io.Writer, x wire.Explanation, sql string) {
	if !x.Permitted {
		refusal := &wire.ProblemError{Problem: remote.Value(x.Problem)}
		fmt.Fprintf(w, "refused: %s", remote.Explain(&remote.QueryError{SQL: sql, Err: refusal}))
		return
	}
	fmt.Fprintf(w, "permitted at ε %s, δ %s", screen.Short(remote.Value(x.Epsilon)), screen.Short(remote.Value(x.Delta)))
	if x.Accuracy != nil {
		fmt.Fprintf(w, ", the least for %s", describeAccuracy(*x.Accuracy))
	}
	fmt.Fprintf(w, "; contributions are bounded by strategy %q\n\ncharges, and what they leave\n", remote.Value(x.Strategy))
	chargeGrid(x.Charges).Write(w)
	fmt.Fprintf(w, "\ncolumns\n")
	columnGrid(x.Columns).Write(w)
	if s := x.PartitionSelection; s != nil {
		fmt.Fprintf(w, "\ngroups whose noisy count is below %s stay hidden\n", screen.Short(s.Threshold))
		g := screen.Grid{Header: []string{"true count", "chance to be shown"}, Right: map[int]bool{0: true, 1: true}}
		for _, n := range slices.SortedFunc(maps.Keys(s.KeepProbability), numerically) {
			g.Add(n, screen.Short(s.KeepProbability[n]))
		}
		g.Write(w)
	}
}
