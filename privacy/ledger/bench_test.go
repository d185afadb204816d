package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// BenchmarkCharge measures durable charges by parallel clients, each of one
// tenant's account or of fourteen and the dataset's.
func BenchmarkCharge(b *testing.B) {
	for _, tenants := range []int{1, 14, 100} {
		b.Run(fmt.Sprintf("%dtenant%s", tenants, map[bool]string{true: "s"}[tenants > 1]), func(b *testing.B) {
			ctx := context.Background()
			db, err := controldb.Open(ctx, filepath.Join(b.TempDir(), "control.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			l := New(db, time.Now)
			names := make([]string, tenants)
			accounts := []privacy.Account{privacy.DatasetAccount("insteval")}
			for i := range names {
				names[i] = fmt.Sprintf("dept_%d", i)
				accounts = append(accounts, privacy.TenantAccount(names[i]))
			}
			for _, a := range accounts {
				budget := Budget{Cap: privacy.Loss{Epsilon: privacy.MaxBudgetEpsilon, Delta: privacy.MaxBudgetDelta}}
				if err := l.SetBudget(ctx, a, budget, privacy.Principal{ID: "key_bench"}); err != nil {
					b.Fatal(err)
				}
			}
			var n atomic.Int64
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, err := l.Charge(ctx, Request{
						Key: fmt.Sprint("key", n.Add(1)), Principal: "key_bench", Dataset: "insteval", Tenants: names,
						DatasetAccount: tenants > 1, Cost: privacy.Cost{Mu2: privacy.MinRunMu2},
						Payload: []byte("SELECT service, count(*) FROM insteval GROUP BY service"),
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "charges/s")
		})
	}
}
