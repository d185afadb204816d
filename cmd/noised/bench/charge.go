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

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/ledger"
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
	bare, err := b.bareTransactions(ctx)
	if err != nil {
		return err
	}
	for _, tenants := range []int{1, 14} {
		rate, err := b.ledger(ctx, tenants)
		if err != nil {
			return err
		}
		b.report(fmt.Sprintf("charges_%d_tenants", tenants), rate, "1/s", bare)
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
		b.report(fmt.Sprintf("paid_queries_%d_tenants", tenants), rate, "1/s", bare)
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

// ledger counts charges of a person-scoped query: the tenants' accounts and the
// dataset's.
func (b *bench) ledger(ctx context.Context, tenants int) (rate float64, err error) {
	db, err := controldb.Open(ctx, filepath.Join(b.dir, fmt.Sprintf("ledger-%d.db", tenants)))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	l := ledger.New(db, time.Now)
	accounts := []privacy.Account{privacy.DatasetAccount("insteval")}
	names := make([]string, tenants)
	for i := range names {
		names[i] = fmt.Sprintf("dept_%d", i)
		accounts = append(accounts, privacy.TenantAccount(names[i]))
	}
	by := privacy.Principal{ID: "key_bench", Role: privacy.RoleOperator}
	for _, a := range accounts {
		if err := l.SetBudget(ctx, a, ledger.Budget{Cap: privacy.Loss{Epsilon: privacy.MaxBudgetEpsilon, Delta: privacy.MaxBudgetDelta}}, by); err != nil {
			return 0, err
		}
	}
	return b.throughput(ctx, func(ctx context.Context, i int64) error {
		_, err := l.Charge(ctx, ledger.Request{
			Key: fmt.Sprint("key ", i), Principal: by.ID, Dataset: "insteval", Tenants: names, DatasetAccount: true,
			Loss: privacy.Loss{Epsilon: 0.1, Delta: 1e-9}, Cost: privacy.Cost{Mu2: privacy.MinRunMu2},
			Payload: []byte(`{"sql": "SELECT service, COUNT(*) AS n FROM insteval GROUP BY service"}`),
		})
		return err
	})
}
