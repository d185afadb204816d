package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
)

func (a *app) explainCommand() *cobra.Command {
	var f queryFlags
	explain := a.client(&cobra.Command{
		Use:   `explain "SELECT …"`,
		Short: "Say what a question would cost and how accurate it would be, free",
		Long: `Say what a question would cost and how accurate it would be, or why it is
refused. Nothing is charged and no private row is read. A refused query is a successful
explanation: the exit code is 0.`,
		Args: f.sqlOrTemplate,
		RunE: func(cmd *cobra.Command, args []string) error {
			sql, err := a.sqlText(args)
			if err != nil {
				return err
			}
			req, err := f.request(cmd.Flags(), sql)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			x, err := c.Explain(cmd.Context(), req)
			if err != nil {
				return &queryError{sql: sql, err: err}
			}
			return a.print(x, func(w io.Writer) { writeExplanation(w, x, sql) })
		},
	})
	f.register(explain.Flags())
	return explain
}

func writeExplanation(w io.Writer, x wire.Explanation, sql string) {
	if !x.Permitted {
		refusal := &wire.ProblemError{Problem: value(x.Problem)}
		fmt.Fprintf(w, "refused: %s", explainError(&queryError{sql: sql, err: refusal}))
		return
	}
	fmt.Fprintf(w, "permitted at ε %s, δ %s", short(value(x.Epsilon)), short(value(x.Delta)))
	if x.Accuracy != nil {
		fmt.Fprintf(w, ", the least for %s", describeAccuracy(*x.Accuracy))
	}
	fmt.Fprintf(w, "; contributions are bounded by strategy %q\n\ncharges, and what they leave\n", value(x.Strategy))
	chargeGrid(x.Charges).write(w)
	fmt.Fprintf(w, "\ncolumns\n")
	columnGrid(x.Columns).write(w)
	if s := x.PartitionSelection; s != nil {
		fmt.Fprintf(w, "\ngroups whose noisy count is below %s stay hidden\n", short(s.Threshold))
		g := grid{header: []string{"true count", "chance to be shown"}, right: map[int]bool{0: true, 1: true}}
		for _, n := range slices.SortedFunc(maps.Keys(s.KeepProbability), numerically) {
			g.add(n, short(s.KeepProbability[n]))
		}
		g.write(w)
	}
}

// chargeGrid shows the price at each account and what it leaves there. Every
// account is charged the loss of the first line, which is not repeated. Periods
// of one owner that follow each other with the same figures share a row.
func chargeGrid(charges []wire.ExplainCharge) *grid {
	g := &grid{
		header: []string{"account", "ρ", "left ε", "left δ", "queries left"},
		right:  map[int]bool{1: true, 2: true, 3: true, 4: true},
		narrow: narrow{drop: []int{1, 3}, cut: []cut{{column: 0, least: 54, middle: true}}},
	}
	for len(charges) > 0 {
		c, n := charges[0], 1
		for n < len(charges) && sameButForPeriod(c, charges[n]) {
			n++
		}
		account := c.Account
		if n > 1 {
			_, last := splitPeriod(charges[n-1].Account)
			account = fmt.Sprintf("%s … %s (%d)", account, last, n)
		}
		g.add(account, short(c.Rho), short(c.RemainingAfter.Epsilon), short(c.RemainingAfter.Delta), strconv.FormatInt(c.QueriesLeft, 10))
		charges = charges[n:]
	}
	return g
}

func sameButForPeriod(a, b wire.ExplainCharge) bool {
	owner, period := splitPeriod(a.Account)
	other, _ := splitPeriod(b.Account)
	a.Account, b.Account = owner, other
	return period != "" && a == b
}

// splitPeriod parts the name of a period's account, such as
// tenant-period:a/visits@2024-01-01 or dataset-period:visits/2024-01-01, into
// whose it is and the period. Other accounts have none.
func splitPeriod(account string) (owner, period string) {
	kind, _, _ := strings.Cut(account, ":")
	at := strings.LastIndexAny(account, "@/")
	if at < 0 || !strings.HasSuffix(kind, "-period") {
		return account, ""
	}
	return account[:at], account[at+1:]
}

// columnGrid shows the noise of each column; for a ratio, by what it is taken over.
func columnGrid(columns []wire.ExplainColumn) *grid {
	g := &grid{header: []string{"column", "mechanism", "noise σ", "interval"}, right: map[int]bool{2: true},
		narrow: narrow{cut: []cut{{column: 0, least: 12}}}}
	for _, c := range columns {
		sigma := "varies"
		if c.Stddev != nil {
			sigma = short(*c.Stddev)
		}
		switch c.Mechanism {
		case wire.Public:
			sigma = "none"
		case wire.PartitionSelection: // a key is shown as it is, or not at all
			sigma = ""
		default: // noised by the given σ
		}
		if len(c.IntervalByN) == 0 {
			g.add(c.Name, string(c.Mechanism), sigma, expectedInterval(c.Interval))
		}
		for i, n := range slices.SortedFunc(maps.Keys(c.IntervalByN), numerically) {
			interval := c.IntervalByN[n]
			of := expectedInterval(&interval) + " of " + n + " rows"
			if i == 0 {
				g.add(c.Name, string(c.Mechanism), sigma, of)
			} else {
				g.add("", "", "", of)
			}
		}
	}
	return g
}

func expectedInterval(i *wire.ExplainInterval) string {
	switch {
	case i == nil:
		return ""
	case -i.LowOffset == i.HighOffset:
		return fmt.Sprintf("± %s (%s %%)", short(i.HighOffset), short(100*i.Confidence))
	}
	return fmt.Sprintf("%s to +%s (%s %%)", short(i.LowOffset), short(i.HighOffset), short(100*i.Confidence))
}

func numerically(a, b string) int {
	x, err1 := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	if errors.Join(err1, err2) != nil {
		return len(a) - len(b)
	}
	return int(max(-1, min(1, x-y)))
}
