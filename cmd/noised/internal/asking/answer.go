package asking

import (
	"math"
	"strconv"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// AnswerGrid lays a result out for people: every noised value with its
// interval, rounded to what the noise leaves meaningful.
func AnswerGrid(t *result.Table) *screen.Grid {
	g := &screen.Grid{Right: map[int]bool{}}
	for i := range t.Columns {
		c := &t.Columns[i]
		g.Header = append(g.Header, c.Name)
		g.Right[i] = c.Type.IsNumeric()
	}
	for r := range t.Rows() {
		cells := make([]string, len(t.Columns))
		for i := range t.Columns {
			cells[i] = answerCell(&t.Columns[i], r)
		}
		g.Add(cells...)
	}
	for i := range t.Columns {
		if t.Columns[i].HasInterval() {
			alignIntervals(g, i)
		}
	}
	return g
}

// nearlySymmetric is how much longer one side of an interval may be and still be
// shown as ±, which then names the longer side.
const nearlySymmetric = 1.2

// answerCell shows one value: "302 ± 12" where the interval is symmetric or
// nearly so, "3.2 [3.1, 3.6]" where it is not, and the plain value where there is
// none.
func answerCell(c *result.Column, row int) string {
	v := c.Values.At(row)
	if v.Null || !c.HasInterval() || c.Low.At(row).Null || c.High.At(row).Null {
		return v.Text()
	}
	x, lo, hi := v.AsFloat(), c.Low.At(row).AsFloat(), c.High.At(row).AsFloat()
	digits := 0
	if c.Type.Kind == plan.KindDouble || c.Type.Kind == plan.KindDecimal {
		digits = meaningfulDigits(hi - lo)
	}
	show := func(f float64) string { return strconv.FormatFloat(f, 'f', digits, 64) }
	if above, below := hi-x, x-lo; max(above, below) <= nearlySymmetric*min(above, below) {
		return show(x) + " ± " + show(max(above, below))
	}
	return show(x) + " [" + show(lo) + ", " + show(hi) + "]"
}

// meaningfulDigits returns how many decimals leave two digits of an interval's
// width.
func meaningfulDigits(width float64) int {
	if width <= 0 || math.IsNaN(width) || math.IsInf(width, 0) {
		return 2
	}
	return min(12, max(0, 1-int(math.Floor(math.Log10(width/2)))))
}

// alignIntervals pads the part after the value, so that values line up.
func alignIntervals(g *screen.Grid, column int) {
	widest := 0
	tail := func(cell string) int {
		if _, after, ok := strings.Cut(cell, " "); ok {
			return len([]rune(after))
		}
		return 0
	}
	for _, row := range g.Rows {
		widest = max(widest, tail(row[column]))
	}
	for _, row := range g.Rows {
		row[column] += strings.Repeat(" ", widest-tail(row[column]))
	}
}
