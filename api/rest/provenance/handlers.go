package provenance

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/noised/noised/analytics/lineage"
	"github.com/noised/noised/analytics/record"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/translog/receipt"
)

// Lineage knows where releases come from and where loads went. Its methods answer
// CodeNotFound for what the caller may not know of.
type Lineage interface {
	ForReader(ctx context.Context, principal, release string) (lineage.Release, error)
	ForTenant(ctx context.Context, tenant, release string) (lineage.Release, error)
	ForOperator(ctx context.Context, release string) (lineage.Release, error)
	ForAuditor(ctx context.Context, release string) (lineage.Release, error)
	FromLoad(ctx context.Context, tenant, load string) (lineage.Fed, error)
}

// Record shows the transparency log: to everybody what is hashed and signed, and to
// principals what is theirs.
type Record interface {
	Verifier() (string, error)
	Checkpoint(ctx context.Context) ([]byte, error)
	Inclusion(ctx context.Context, leaf, size int64) (tlog.Hash, []tlog.Hash, error)
	Consistency(ctx context.Context, from, to int64) ([]tlog.Hash, error)
	List(ctx context.Context, p privacy.Principal, cursor string, limit int) ([]record.Entry, string, error)
	Receipt(ctx context.Context, p privacy.Principal, release string) (*receipt.Receipt, error)
}

// Handlers answers the operations of this package.
type Handlers struct {
	Lineage Lineage
	Record  Record
}
