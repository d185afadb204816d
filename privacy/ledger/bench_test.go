package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger/bare"
)

// BenchmarkCharge measures durable charges by parallel clients, each of some
// tenants' accounts and the dataset's, beside the bare transactions that write
// the same rows in the same batches (×bare, and in processor time ×busy).
func BenchmarkCharge(b *testing.B) {
	for _, tenants := range []int{1, 14, 100} {
		for _, clients := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("tenants=%d/clients=%d", tenants, clients), func(b *testing.B) {
				benchCharges(b, tenants, clients)
			})
		}
	}
}

func benchCharges(b *testing.B, tenants, clients int) {
	ctx := context.Background()
	names := make([]string, tenants)
	for i := range names {
		names[i] = fmt.Sprintf("dept_%d", i)
	}
	ours := benchStore(b, "ours", names)
	other := benchStore(b, "bare", names)
	l := New(ours, time.Now)
	var tape bare.Tape
	var took, base, busy, baseBusy time.Duration
	transactions := 0
	// In rounds, so that both see the same machine.
	const round = 2000
	for done := 0; done < b.N; done += round {
		n := min(round, b.N-done)
		began, worked := time.Now(), processorTime(b)
		var wg sync.WaitGroup
		for c := range clients {
			wg.Go(func() {
				for i := c; i < n; i += clients {
					if _, err := l.Charge(ctx, benchRequest(fmt.Sprint("key ", done+i), names)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		took, busy = took+time.Since(began), busy+processorTime(b)-worked
		batches, err := tape.Next(ctx, ours)
		if err != nil {
			b.Fatal(err)
		}
		transactions += len(batches)
		began, worked = time.Now(), processorTime(b)
		if err := bare.Write(ctx, other, batches); err != nil {
			b.Fatal(err)
		}
		base, baseBusy = base+time.Since(began), baseBusy+processorTime(b)-worked
	}
	b.ReportMetric(float64(b.N)/took.Seconds(), "charges/s")
	b.ReportMetric(took.Seconds()/base.Seconds(), "×bare")
	b.ReportMetric(busy.Seconds()/baseBusy.Seconds(), "×busy")
	b.ReportMetric(float64(busy.Microseconds())/float64(b.N), "busy-µs/op")
	b.ReportMetric(float64(b.N)/float64(transactions), "charges/tx")
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "ns/op")
}

// processorTime is what this process has used of processors, which other programs on
// the machine change less than the time that passes.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchRequest(key string, tenants []string) Request {
	return Request{
		Key: key, Principal: "key_bench", Dataset: "insteval", Tenants: tenants, DatasetAccount: true,
		Loss: privacy.Loss{Epsilon: 0.1, Delta: 1e-9}, Cost: privacy.Cost{Mu2: privacy.MinRunMu2},
		Payload: []byte("SELECT service, count(*) FROM insteval GROUP BY service"),
	}
}

// benchStore returns a store with budgets that benchmarks cannot exhaust.
func benchStore(b *testing.B, name string, tenants []string) *controldb.DB {
	b.Helper()
	db, err := controldb.Open(context.Background(), filepath.Join(b.TempDir(), name+".db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	l := New(db, time.Now)
	accounts := []privacy.Account{privacy.DatasetAccount("insteval")}
	for _, t := range tenants {
		accounts = append(accounts, privacy.TenantAccount(t))
	}
	for _, a := range accounts {
		budget := Budget{Cap: privacy.Loss{Epsilon: privacy.MaxBudgetEpsilon, Delta: privacy.MaxBudgetDelta}}
		if err := l.SetBudget(context.Background(), a, budget, privacy.Principal{ID: "key_bench"}); err != nil {
			b.Fatal(err)
		}
	}
	return db
}
