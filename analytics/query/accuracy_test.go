package query_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/query"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/wish"
	"github.com/noised/noised/privacy"
)

// wanting changes a request to want an accuracy.
func wanting(a wish.Accuracy) func(*question.Request) {
	return func(r *question.Request) { r.Accuracy = &a }
}

func absolute(half float64) wish.Accuracy {
	return wish.Accuracy{Absolute: &half}
}

func relative(share float64, n int64) wish.Accuracy {
	a := wish.Accuracy{Relative: &share}
	if n > 0 {
		a.ExpectedN = &n
	}
	return a
}

func (h *house) explain(sql string, change ...func(*question.Request)) (*query.Explanation, error) {
	r := question.Request{SQL: sql}
	for _, c := range change {
		c(&r)
	}
	return h.Explain(h.t.Context(), analyst, r)
}

// half returns half of the interval of a column at a number of rows.
func half(x *query.Explanation, column int, rows string) float64 {
	c := x.Columns[column]
	if c.Interval != nil {
		return c.Interval.High
	}
	return math.Max(c.ByCount[rows].High, -c.ByCount[rows].Low)
}

// TestAccuracyIsMetAtTheLeastCharge: the ε that is found meets the wish, and the
// next smaller one of four digits does not.
func TestAccuracyIsMetAtTheLeastCharge(t *testing.T) {
	h := newHouse(t)
	tests := []struct {
		sql    string
		wish   wish.Accuracy
		column int
		most   float64 // that the interval of the column may reach at 1,000 rows
	}{
		{"SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward", absolute(60), 1, 60},
		{"SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward", relative(0.05, 1000), 1, 50},
		{"SELECT COUNT(DISTINCT person) AS n FROM visits", relative(0.01, 1000), 0, 10},
		{"SELECT SUM(days) AS s FROM visits", relative(0.05, 1000), 0, 0.05 * 1000 * 30 / 2},
		{"SELECT AVG(days) AS d FROM visits", relative(0.05, 1000), 0, 1.5},
		{"SELECT COUNT(*) AS n, AVG(days) AS d FROM visits", relative(0.02, 1000), 0, 20},
	}
	for _, tt := range tests {
		found, err := h.explain(tt.sql, wanting(tt.wish))
		if err != nil {
			t.Errorf("%s: %v", tt.sql, err)
			continue
		}
		epsilon := found.Loss.Epsilon
		if got := half(found, tt.column, "1000"); got > tt.most || got < 0.8*tt.most {
			t.Errorf("%s: an interval of ±%g at ε = %g, want about %g", tt.sql, got, epsilon, tt.most)
		}
		unit := math.Pow10(int(math.Floor(math.Log10(epsilon))) - 3)
		less := epsilon - unit
		before, err := h.explain(tt.sql, func(r *question.Request) { r.Epsilon = &less })
		h.must(err)
		met := true
		for i, c := range before.Columns {
			if c.Mechanism != "public" {
				met = met && half(before, i, "1000") <= half(found, i, "1000")
			}
		}
		if met {
			t.Errorf("%s: ε = %g does for ±%g, but %g was found", tt.sql, less, tt.most, epsilon)
		}
		if got := fmt.Sprintf("%.4g", epsilon); got != fmt.Sprint(epsilon) {
			t.Errorf("%s: ε = %v has more than four digits", tt.sql, epsilon)
		}
	}
	if h.engine.ran() != 0 || h.spent(privacy.DatasetAccount("visits")) != 0 {
		t.Error("looking for an ε read rows or charged")
	}
}

// TestSameWishIsTheSameRelease: it is charged once, at the explained price, and
// found again under the ε that it amounts to.
func TestSameWishIsTheSameRelease(t *testing.T) {
	h := newHouse(t)
	wish := wanting(absolute(40))
	x, err := h.explain(byWard, wish)
	h.must(err)
	first := h.mustAsk(byWard, wish)
	paid := h.spent(privacy.DatasetAccount("visits"))
	if first.Cached || first.Release.Epsilon != x.Loss.Epsilon {
		t.Fatalf("charged ε = %g, explained %g", first.Release.Epsilon, x.Loss.Epsilon)
	}
	for _, change := range []func(*question.Request){wish, func(r *question.Request) { r.Epsilon = &x.Loss.Epsilon }} {
		again := h.mustAsk(byWard, change)
		if !again.Cached || again.Release.ID != first.Release.ID {
			t.Errorf("the same wish gave release %s, want %s", again.Release.ID, first.Release.ID)
		}
	}
	if h.engine.ran() != 1 || h.spent(privacy.DatasetAccount("visits")) != paid {
		t.Error("the same wish was run or charged twice")
	}
	c := first.Table.Columns[1]
	for i := range c.Values.Len() {
		if h := c.High.At(i).Int - c.Values.At(i).Int; h > 40 || c.Confidence != "0.95" {
			t.Errorf("the answer's interval is ±%d at %s", h, c.Confidence)
		}
	}
}

// TestConfidenceOfAnAccuracyIsTheIntervals: more confidence costs more, and the
// answer says it.
func TestConfidenceOfAnAccuracyIsTheIntervals(t *testing.T) {
	h := newHouse(t)
	var last float64
	for _, confidence := range []float64{0.8, 0.95, 0.999} {
		wish := absolute(40)
		wish.Confidence = confidence
		a := h.mustAsk(byWard, wanting(wish))
		if got := a.Table.Columns[1].Confidence; got != fmt.Sprint(confidence) || a.Release.Epsilon <= last {
			t.Errorf("confidence %s at ε = %g, want %g above %g", got, a.Release.Epsilon, confidence, last)
		}
		last = a.Release.Epsilon
	}
}

// TestRelativeToARelease measures by the medians of an answer that the caller
// has read, and by no other.
func TestRelativeToARelease(t *testing.T) {
	h := newHouse(t)
	h.engine.count = 100_000
	first := h.mustAsk(byWard)
	n := first.Table.Columns[1].Values
	median := float64(n.At(0).Int+n.At(1).Int) / 2
	wish := relative(0.0005, 0)
	wish.Release = first.Release.ID
	x, err := h.explain(byWard, wanting(wish))
	h.must(err)
	if got, most := half(x, 1, ""), 0.0005*median; got > most || got < most-2 {
		t.Errorf("half-width %g, want about %g", got, most)
	}
	if a := h.mustAsk(byWard, wanting(wish)); a.Release.Epsilon != x.Loss.Epsilon {
		t.Errorf("charged ε = %g, explained %g", a.Release.Epsilon, x.Loss.Epsilon)
	}
	_, err = h.Query(t.Context(), other, question.Request{SQL: byWard, Accuracy: &wish})
	if privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("a release that somebody else read: %v", err)
	}
	if _, err := h.explain("SELECT COUNT(*) AS m FROM visits", wanting(wish)); privacy.CodeOf(err) != privacy.CodePrivacyParameters {
		t.Errorf("a column that the release has not: %v", err)
	}
	wish.Release = "rel_none"
	if _, err := h.explain(byWard, wanting(wish)); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("an unknown release: %v", err)
	}
}

func TestWishesThatAreRefusedForFree(t *testing.T) {
	h := newHouse(t)
	const average = "SELECT AVG(days) AS d FROM visits"
	f := func(x float64) *float64 { return &x }
	n := func(x int64) *int64 { return &x }
	tests := map[string]struct {
		sql  string
		wish wish.Accuracy
		code privacy.Code
	}{
		"neither":               {byWard, wish.Accuracy{}, privacy.CodeInvalidRequest},
		"both":                  {byWard, wish.Accuracy{Relative: f(1), Absolute: f(1), ExpectedN: n(9)}, privacy.CodeInvalidRequest},
		"relative to nothing":   {byWard, relative(0.1, 0), privacy.CodePrivacyParameters},
		"zero":                  {byWard, absolute(0), privacy.CodePrivacyParameters},
		"negative":              {byWard, absolute(-1), privacy.CodePrivacyParameters},
		"confidence of a coin":  {byWard, wish.Accuracy{Absolute: f(9), Confidence: 0.4}, privacy.CodePrivacyParameters},
		"certainty":             {byWard, wish.Accuracy{Absolute: f(9), Confidence: 1}, privacy.CodePrivacyParameters},
		"no rows expected":      {byWard, wish.Accuracy{Relative: f(1), ExpectedN: n(-1)}, privacy.CodePrivacyParameters},
		"absolute by release":   {byWard, wish.Accuracy{Absolute: f(9), Release: "rel_1"}, privacy.CodeInvalidRequest},
		"unknown n":             {average, absolute(1), privacy.CodePrivacyParameters},
		"out of reach":          {average, wish.Accuracy{Absolute: f(1e-6), ExpectedN: n(10)}, privacy.CodePrivacyParameters},
		"a ratio":               {"SELECT SUM(days) / COUNT(*) AS d FROM visits", absolute(1), privacy.CodePrivacyParameters},
		"size of an expression": {"SELECT COUNT(*) * 2 AS n FROM visits", relative(0.1, 100), privacy.CodePrivacyParameters},
		"a flag":                {"SELECT COUNT(*) > 5 AS f FROM visits", absolute(1), privacy.CodePrivacyParameters},
		"keys alone":            {"SELECT doctor FROM visits GROUP BY doctor", absolute(1), privacy.CodePrivacyParameters},
	}
	for name, tt := range tests {
		_, err := h.ask(tt.sql, wanting(tt.wish))
		if privacy.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	_, err := h.ask(byWard, wanting(absolute(9)), func(r *question.Request) { r.Epsilon = f(1) })
	if privacy.CodeOf(err) != privacy.CodeInvalidRequest {
		t.Errorf("epsilon and accuracy: %v", err)
	}
	_, err = h.ask(average, wanting(wish.Accuracy{Absolute: f(1e-6), ExpectedN: n(10)}))
	if err == nil || !strings.Contains(err.Error(), "no epsilon up to 100") || !strings.Contains(err.Error(), `"d"`) {
		t.Errorf("a wish out of reach does not say what is in reach: %v", err)
	}
	if h.engine.ran() != 0 || h.spent(privacy.DatasetAccount("visits")) != 0 {
		t.Error("a refused wish was charged or run")
	}
}

// TestWishIsRedeemedAsItWasCharged: a run that failed is finished at the ε that
// was found when it was charged.
func TestWishIsRedeemedAsItWasCharged(t *testing.T) {
	h := newHouse(t)
	sized := h.mustAsk("SELECT COUNT(*) AS n FROM visits")
	wish := relative(0.05, 0)
	wish.Release = sized.Release.ID
	h.engine.before = func(engine.Input) error { return errors.New("out of memory") }
	if _, err := h.ask(byWard, wanting(wish)); err == nil {
		t.Fatal("a failed run gave an answer")
	}
	paid := h.spent(privacy.DatasetAccount("visits"))
	h.engine.before = nil
	h.must(h.Recover(t.Context()))
	a := h.mustAsk(byWard, wanting(wish))
	if !a.Cached || h.spent(privacy.DatasetAccount("visits")) != paid {
		t.Errorf("after recovery: cached %t, %d spent, want %d", a.Cached, h.spent(privacy.DatasetAccount("visits")), paid)
	}
	if again := h.mustAsk(byWard, wanting(wish)); !bytes.Equal(arrowOf(t, a), arrowOf(t, again)) {
		t.Error("asking again gives other bytes")
	}
}
