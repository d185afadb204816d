package lineage_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/privacy"
)

// BenchmarkNote is what lineage adds to the transaction that stores a release, by
// the number of tenants.
func BenchmarkNote(b *testing.B) {
	for _, tenants := range []int{1, 100, 1000} {
		for _, noted := range []bool{false, true} {
			b.Run(fmt.Sprintf("tenants=%d/noted=%t", tenants, noted), func(b *testing.B) {
				s := open(b)
				reads := lineage.Reads{Tables: []string{""}, Generations: map[string]string{}}
				for i := range tenants {
					reads.Generations[fmt.Sprintf("dept_%d", i)] = privacy.NewID("gen")
				}
				for b.Loop() {
					id := privacy.NewID("rel")
					s.tx(func(ctx context.Context, tx *sql.Tx) error {
						err := s.releases.Put(ctx, tx, release.Core{Key: id, Charge: id, Noised: []byte("core"), Release: release.Release{
							ID: id, Dataset: "visits", ContractVersion: 1, CreatedAt: s.now(),
						}})
						if err != nil || !noted {
							return err
						}
						return lineage.Note(ctx, tx, id, reads)
					})
				}
			})
		}
	}
}

// BenchmarkForward is one call from a load to its releases, among ten thousand of
// the dataset, each of a hundred tenants.
func BenchmarkForward(b *testing.B) {
	s := open(b)
	s.tenant("a")
	s.apply("visits", 1, []string{person}, "a")
	load := s.load("visits", "a", "person", 1, "append", catalog.Generation{}, nil)
	head, _, err := s.catalog.Head(b.Context(), "visits", "a")
	s.ok(err)
	reads := lineage.Reads{Tables: []string{"person"}, Generations: map[string]string{"a": head.ID}}
	for i := range 99 {
		reads.Generations[fmt.Sprintf("dept_%d", i)] = privacy.NewID("gen")
	}
	for range 100 {
		s.tx(func(ctx context.Context, tx *sql.Tx) error {
			for range 100 {
				id := privacy.NewID("rel")
				_, err := tx.ExecContext(ctx, `INSERT INTO releases (id, key, charge, dataset, contract_version, epsilon, delta, core, created_at)
					VALUES (?, ?, ?, 'visits', 1, 1, 0, zeroblob(2000), 0)`, id, id, id)
				if err != nil {
					return err
				}
				if err := lineage.Note(ctx, tx, id, reads); err != nil {
					return err
				}
			}
			return nil
		})
	}
	b.ResetTimer()
	for b.Loop() {
		if fed, err := s.FromLoad(b.Context(), "a", load); err != nil || len(fed.Releases) != 10_000 {
			b.Fatalf("%d releases, %v", len(fed.Releases), err)
		}
	}
}
