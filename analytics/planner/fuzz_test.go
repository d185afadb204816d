package planner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/pricing"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// FuzzPlan plans any text. Whatever it is, there is an answer, and what is
// permitted is complete, keeps to the loss that was asked for, can be rendered
// and run by either way of bounding it, and is the same plan the next time.
func FuzzPlan(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatal("no scripts", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if q, ok := strings.CutPrefix(line, "> "); ok {
				f.Add(q, 1.0, 1e-9)
			}
		}
	}
	fix := newFixture(f)
	f.Fuzz(func(t *testing.T, sql string, epsilon, delta float64) {
		req := Request{Loss: privacy.Loss{Epsilon: epsilon, Delta: delta}}
		p, err := fix.plan(sql, req)
		checkAnswer(t, p, err)
		if err != nil {
			return
		}
		checkPrice(t, p)
		if err := p.Plan.Limits.Check(); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlgen.Generate(p.Plan, sqlgen.Relation{Catalog: "seg", Tenant: members[0]}); err != nil {
			t.Fatal(err)
		}
		again, err := fix.plan(sql, req)
		if err != nil || again.Plan.CoreKey() != p.Plan.CoreKey() || show(again) != show(p) {
			t.Fatalf("planned again: %v\n%s\n%s", err, show(p), show(again))
		}
	})
}

// checkPrice is what holds for the price of any plan: the noise costs at most
// the μ² of the (ε, δ) that was asked for, and no δ; selecting costs its share.
func checkPrice(t interface{ Fatalf(string, ...any) }, p *pricing.Priced) {
	spent, selecting := privacy.Cost{}, privacy.Cost{}
	noise := p.Loss
	if p.Selection != nil {
		noise.Delta *= 1 - pricing.SelectionShare
		selecting, _ = privacy.CostOf(0, p.Selection.Delta)
		if p.Selection.Delta != p.Loss.Delta*pricing.SelectionShare {
			t.Fatalf("selecting costs %g of %g", p.Selection.Delta, p.Loss.Delta)
		}
	}
	for _, n := range p.Noise {
		spent = spent.Add(n.Cost)
	}
	mu := privacy.MuOf(noise)
	if float64(spent.Mu2) > mu*mu*privacy.Mu2Unit || spent.Delta != 0 {
		t.Fatalf("noise costs %+v, but (%g, %g) is worth μ² = %g", spent, p.Loss.Epsilon, p.Loss.Delta, mu*mu)
	}
	if want := spent.Add(selecting); p.Cost.Mu2 != max(want.Mu2, privacy.MinRunMu2) || p.Cost.Delta != want.Delta {
		t.Fatalf("cost %+v, parts %+v", p.Cost, want)
	}
}
