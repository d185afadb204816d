package highwater

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// BenchmarkCharge measures durable charges with and without a mark, by one
// client and by many.
func BenchmarkCharge(b *testing.B) {
	for _, clients := range []int{1, 64} {
		for _, marked := range []bool{false, true} {
			b.Run(fmt.Sprintf("clients=%d/marked=%v", clients, marked), func(b *testing.B) {
				p := newPlace(b)
				s := &server{}
				if marked {
					s = p.mustServe()
				} else {
					s.db = p.store()
					s.Ledger = newLedger(s.db)
				}
				var n atomic.Int64
				b.ResetTimer()
				if clients == 1 {
					for b.Loop() {
						p.ok(s.charge(b.Context(), fmt.Sprint(n.Add(1))))
					}
				} else {
					b.SetParallelism(clients / 2)
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							if err := s.charge(b.Context(), fmt.Sprint(n.Add(1))); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "charges/s")
			})
		}
	}
}
