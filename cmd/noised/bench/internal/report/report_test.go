package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/cmd/noised/bench/internal/report"
)

func TestRatiosAreOfMediansAndSpreadOverNeighbours(t *testing.T) {
	f := report.Pairs("x", "ms", []float64{30, 10, 20, 40}, []float64{10, 10, 5, 10})
	if f.Value != 25 || f.Baseline != 10 || f.Ratio != 2.5 {
		t.Errorf("25 over 10 became %g over %g, %g", f.Value, f.Baseline, f.Ratio)
	}
	if *f.Ratios != (report.Spread{Median: 3.5, Min: 1, Max: 4, Runs: 4}) {
		t.Errorf("ratios of neighbours are %+v", *f.Ratios)
	}
	of := []report.Figure{{Value: 2, Baseline: 1}, {Value: 8, Baseline: 1}}
	if m := report.Mean("m", of); m.Ratio < 3.9999 || m.Ratio > 4.0001 {
		t.Errorf("the geometric mean of 2 and 8 is %g", m.Ratio)
	}
}

func TestFiguresAreJudgedByTheirGoals(t *testing.T) {
	for name, tt := range map[string]struct {
		figure report.Figure
		want   bool
	}{
		"a ratio within":      {report.Figure{Name: "groupby_bounded", Ratio: 1.6}, true},
		"a ratio beyond":      {report.Figure{Name: "groupby_bounded", Ratio: 1.601}, false},
		"memory within":       {report.Figure{Name: "load_2gb_resident", Value: 999, Ratio: 5}, true},
		"memory beyond":       {report.Figure{Name: "load_2gb_resident", Value: 1001, Ratio: 0}, false},
		"a rate that is high": {report.Figure{Name: "charges_100_rate", Value: 1000}, true},
		"a rate that is low":  {report.Figure{Name: "charges_100_rate", Value: 999}, false},
		"missing":             {report.Figure{Name: "tpch_q1", Missing: "no data"}, false},
	} {
		var r report.Report
		if f := r.Add(tt.figure); f.Pass == nil || *f.Pass != tt.want || f.Goal == "" {
			t.Errorf("%s: judged %v by %q, want %t", name, f.Pass, f.Goal, tt.want)
		}
	}
	quick := report.Report{Quick: true}
	if f := quick.Add(report.Figure{Name: "groupby_bounded", Ratio: 9}); f.Pass != nil {
		t.Error("a smoke run was judged")
	}
	var r report.Report
	if f := r.Add(report.Figure{Name: "of_no_goal", Ratio: 9}); f.Pass != nil {
		t.Error("what has no goal was judged")
	}
}

func TestWhatWasNotMeasuredIsSeen(t *testing.T) {
	var r report.Report
	r.Add(report.Figure{Name: "extra", Ratio: 1})
	r.Add(report.Figure{Name: "noise_1m", Ratio: 1})
	r.Complete()
	if len(r.Figures) != len(report.Goals)+1 {
		t.Fatalf("%d figures for %d goals and one more", len(r.Figures), len(report.Goals))
	}
	for i, g := range report.Goals {
		f := r.Figures[i]
		if f.Name != g.Name || (f.Missing == "") != (f.Name == "noise_1m") || *f.Pass != (f.Name == "noise_1m") {
			t.Errorf("goal %s: %+v", g.Name, f)
		}
	}
}

func TestPagesKeepWhatIsWrittenByHand(t *testing.T) {
	r := report.Report{Curves: []report.Curve{{Name: "rows", Title: "Rows <all>", Series: []report.Series{{Name: "one", Points: []report.Point{
		{X: 10, Figure: report.Pairs("a", "ms", []float64{1, 2, 3}, []float64{1, 1, 1})}, {X: 1000, Figure: report.Figure{Ratio: 7.5}},
	}}}}}}
	r.Add(report.Figure{Name: "groupby_bounded", Ratio: 1.5, Unit: "ms"})
	page := filepath.Join(t.TempDir(), "performance.md")
	text := "by hand\n"
	for _, name := range []string{"machine", "goals", "others", "curves"} {
		text += "<!-- bench:" + name + " -->\nold\n<!-- /bench:" + name + " -->\nkept\n"
	}
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time finds its markers again
		if err := r.Render(page); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(written); strings.Contains(got, "old") || strings.Count(got, "kept") != 4 || !strings.HasPrefix(got, "by hand\n") || !strings.Contains(got, "| `groupby_bounded` |") || !strings.Contains(got, "(performance/rows.svg)") {
		t.Errorf("the page became\n%s", got)
	}
	plot, err := os.Open(filepath.Join(filepath.Dir(page), "performance", "rows.svg"))
	if err != nil {
		t.Fatal(err)
	}
	defer plot.Close()
	decoder := xml.NewDecoder(plot)
	for err == nil {
		_, err = decoder.Token()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the plot is not XML: %v", err)
	}
	if err := os.WriteFile(page, []byte("no markers"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Render(page); err == nil {
		t.Error("a page without markers was rendered")
	}
}
