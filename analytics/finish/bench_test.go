package finish

import (
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy/mechanism"
)

// BenchmarkColumns makes the columns of a million groups: as they are, and with
// all that a view can ask of them.
func BenchmarkColumns(b *testing.B) {
	n := &plan.AggRef{}
	domain := make([]plan.Value, 1_000_000)
	for i := range domain {
		domain[i] = plan.IntValue(plan.Of(plan.KindInteger), int64(i))
	}
	spec, err := mechanism.Calibrate(mechanism.Sensitivity{L0: 1, L1: 1, L2: 1, LInf: 1}, 0.01)
	if err != nil {
		b.Fatal(err)
	}
	core := &Core{Draws: [][]int64{make([]int64, len(domain))}}
	for i := range core.Draws[0] {
		core.Draws[0][i] = int64(i * 7919 % 1009)
	}
	for name, change := range map[string]func(*plan.Bound){
		"bare":    func(*plan.Bound) {},
		"having":  func(p *plan.Bound) { p.Having = call2(">", n, whole(500)) },
		"ordered": func(p *plan.Bound) { p.OrderBy = []plan.Order{{Expr: n, Desc: true}} },
		"computed": func(p *plan.Bound) {
			p.Outputs = append(p.Outputs, plan.Output{Name: "share", Expr: call2("/", n, whole(100))})
		},
	} {
		p := &plan.Bound{
			Keys: []plan.Key{{Type: domain[0].Type, Domain: domain}}, Draws: []plan.Draw{{Kind: plan.DrawRows}},
			Aggs:    []plan.Agg{{Func: plan.AggCount, Sum: -1, Square: -1, Tree: -1}},
			Outputs: []plan.Output{{Name: "k", Expr: &plan.KeyRef{}}, {Name: "n", Expr: n}},
		}
		change(p)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Columns(View{Plan: p, Noise: []mechanism.Spec{spec}, Confidence: 0.95}, core); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
