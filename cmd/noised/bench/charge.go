package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/bench/internal/report"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
	"github.com/noised/noised/privacy/ledger/bare"
)

// clients work at a time in every measurement of throughput.
const clients = 64

// throughput counts how often 64 clients can do their work in a second.
func (b *bench) throughput(ctx context.Context, work func(ctx context.Context, i int64) error) (float64, error) {
	var n, next atomic.Int64
	var wg sync.WaitGroup
	var once sync.Once
	var fault error
	began := time.Now()
	until := began.Add(b.duration)
	for range clients {
		wg.Go(func() {
			for time.Now().Before(until) {
				if err := work(ctx, next.Add(1)); err != nil {
					once.Do(func() { fault = err })
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / time.Since(began).Seconds(), fault
}

// charges measures the ledger alone and whole queries.
func (b *bench) charges(ctx context.Context) (err error) {
	for _, tenants := range []int{1, 14, 100} {
		if err := b.ledger(ctx, tenants); err != nil {
			return err
		}
	}
	single, err := b.bareTransactions(ctx)
	if err != nil {
		return err
	}
	s, p, err := b.site(ctx, "throughput")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	api, err := s.API(p.Analyst)
	if err != nil {
		return err
	}
	for _, tenants := range []int{1, 14} {
		rate, err := b.throughput(ctx, func(ctx context.Context, i int64) error {
			epsilon := 1 - 1e-9*float64(i)
			return ask(ctx, api, wire.QueryRequest{SQL: "SELECT COUNT(*) AS n FROM insteval", Epsilon: &epsilon, Tenants: p.Tenants[:tenants]}, false)
		})
		if err != nil {
			return err
		}
		b.report(fmt.Sprintf("paid_queries_%d_tenants", tenants), rate, "1/s", single)
	}
	return nil
}

// bareTransactions counts durable transactions that insert one row.
func (b *bench) bareTransactions(ctx context.Context) (rate float64, err error) {
	db, err := controldb.Open(ctx, filepath.Join(b.dir, "bare.db"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE bare (n INTEGER PRIMARY KEY, text TEXT NOT NULL)")
		return err
	}); err != nil {
		return 0, err
	}
	return b.throughput(ctx, func(ctx context.Context, i int64) error {
		return db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO bare (n, text) VALUES (?, ?)", i, "one durable row")
			return err
		})
	})
}

// chargesAtATime is how many charges 64 clients make before the bare transactions
// write their rows again.
const chargesAtATime = 2000

// ledger times charges of a person-scoped query, to the tenants' accounts and the
// dataset's, in turn with the bare transactions that write the same rows in equal
// batches to another store.
func (b *bench) ledger(ctx context.Context, tenants int) (err error) {
	names := make([]string, tenants)
	for i := range names {
		names[i] = fmt.Sprintf("dept_%d", i)
	}
	name := fmt.Sprintf("charges_%d", tenants)
	ours, err := b.budgets(ctx, name, names)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.Close()) }()
	other, err := b.budgets(ctx, name+"-bare", names)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	l := ledger.New(ours, time.Now)
	var tape bare.Tape
	var took, baseline []float64 // milliseconds for each charge
	transactions := 0
	for run := -1; run < b.runs; run++ { // the first warms both up
		t, err := chargeAll(ctx, l, fmt.Sprint("run ", run), names)
		if err != nil {
			return err
		}
		batches, err := tape.Next(ctx, ours)
		if err != nil {
			return err
		}
		began := time.Now()
		if err := bare.Write(ctx, other, batches); err != nil {
			return err
		}
		if run >= 0 {
			took = append(took, milliseconds(t)/chargesAtATime)
			baseline = append(baseline, milliseconds(time.Since(began))/chargesAtATime)
			transactions += len(batches)
		}
	}
	f := report.Pairs(name, "ms", took, baseline)
	f.Note = fmt.Sprintf("%.0f charges in a transaction", float64(b.runs*chargesAtATime)/float64(transactions))
	b.add(f)
	b.report(name+"_rate", 1000/f.Value, "1/s", 1000/f.Baseline)
	return nil
}

// chargeAll makes charges by 64 clients.
func chargeAll(ctx context.Context, l *ledger.Ledger, key string, tenants []string) (time.Duration, error) {
	began := time.Now()
	var all errgroup.Group
	for client := range clients {
		all.Go(func() error {
			for i := client; i < chargesAtATime; i += clients {
				_, err := l.Charge(ctx, ledger.Request{
					Key: fmt.Sprint(key, " ", i), Principal: "key_bench", Dataset: "insteval", Tenants: tenants, DatasetAccount: true,
					Loss: privacy.Loss{Epsilon: 0.1, Delta: 1e-9}, Cost: privacy.Cost{Mu2: privacy.MinRunMu2},
					Payload: []byte(`{"sql": "SELECT service, COUNT(*) AS n FROM insteval GROUP BY service"}`),
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := all.Wait()
	return time.Since(began), err
}

// budgets returns a new store with budgets that no measurement exhausts.
func (b *bench) budgets(ctx context.Context, name string, tenants []string) (*controldb.DB, error) {
	db, err := controldb.Open(ctx, filepath.Join(b.dir, name+".db"))
	if err != nil {
		return nil, err
	}
	accounts := []privacy.Account{privacy.DatasetAccount("insteval")}
	for _, t := range tenants {
		accounts = append(accounts, privacy.TenantAccount(t))
	}
	l := ledger.New(db, time.Now)
	for _, a := range accounts {
		budget := ledger.Budget{Cap: privacy.Loss{Epsilon: privacy.MaxBudgetEpsilon, Delta: privacy.MaxBudgetDelta}}
		if err := l.SetBudget(ctx, a, budget, privacy.Principal{ID: "key_bench", Role: privacy.RoleOperator}); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}
