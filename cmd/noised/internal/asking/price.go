package asking

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// chargeGrid shows the price at each account and what it leaves there. Every
// account is charged the loss of the first line, which is not repeated. Periods
// of one owner that follow each other with the same figures share a row.
func chargeGrid(charges []wire.ExplainCharge) *screen.Grid {
	g := &screen.Grid{
		Header: []string{"account", "ρ", "left ε", "left δ", "queries left"},
		Right:  map[int]bool{1: true, 2: true, 3: true, 4: true},
		Narrow: screen.Narrow{Drop: []int{1, 3}, Cut: []screen.Cut{{Column: 0, Least: 54, Middle: true}}},
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
		g.Add(account, screen.Short(c.Rho), screen.Short(c.RemainingAfter.Epsilon), screen.Short(c.RemainingAfter.Delta), strconv.FormatInt(c.QueriesLeft, 10))
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
func columnGrid(columns []wire.ExplainColumn) *screen.Grid {
	g := &screen.Grid{Header: []string{"column", "mechanism", "noise σ", "interval"}, Right: map[int]bool{2: true},
		Narrow: screen.Narrow{Cut: []screen.Cut{{Column: 0, Least: 12}}}}
	for _, c := range columns {
		sigma := "varies"
		if c.Stddev != nil {
			sigma = screen.Short(*c.Stddev)
		}
		switch c.Mechanism {
		case wire.Public:
			sigma = "none"
		case wire.PartitionSelection: // a key is shown as it is, or not at all
			sigma = ""
		default: // noised by the given σ
		}
		if len(c.IntervalByN) == 0 {
			g.Add(c.Name, string(c.Mechanism), sigma, expectedInterval(c.Interval))
		}
		for i, n := range slices.SortedFunc(maps.Keys(c.IntervalByN), numerically) {
			interval := c.IntervalByN[n]
			of := expectedInterval(&interval) + " of " + n + " rows"
			if i == 0 {
				g.Add(c.Name, string(c.Mechanism), sigma, of)
			} else {
				g.Add("", "", "", of)
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
		return fmt.Sprintf("± %s (%s %%)", screen.Short(i.HighOffset), screen.Short(100*i.Confidence))
	}
	return fmt.Sprintf("%s to +%s (%s %%)", screen.Short(i.LowOffset), screen.Short(i.HighOffset), screen.Short(100*i.Confidence))
}

func numerically(a, b string) int {
	x, err1 := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	if errors.Join(err1, err2) != nil {
		return len(a) - len(b)
	}
	return int(max(-1, min(1, x-y)))
}
