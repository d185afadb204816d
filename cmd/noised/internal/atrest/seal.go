package atrest

import (
	"context"
	"database/sql"
	"time"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/kept"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
)

// sealBatch is how many rows are sealed in one transaction.
const sealBatch = 500

// errNotAlone is why sealing has to be done again.
var errNotAlone = privacy.Errorf(privacy.CodeUnavailable, "a server runs on this data directory: stop it. It seals when it starts with the keyset")

// Sealer seals what was stored plain before a data directory had a keyset.
type Sealer struct {
	DB      *controldb.DB
	Dir     string
	Keys    *keyring.Ring
	Catalog *catalog.Catalog
	Store   *release.Store
	Asked   *kept.Book
	Jobs    *job.Service
	Audit   *audit.Recorder
}

// Run seals everything, once in the life of a data directory, and returns how many
// rows and files that were. Afterwards nothing of them is left in the control store's
// files, nor in copies that were made of it before a migration: those are removed.
func (s Sealer) Run(ctx context.Context) (n int, err error) {
	var done bool
	if err := s.DB.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sealing)`).Scan(&done); err != nil || done || !s.Keys.On() {
		return 0, err
	}
	end, alone, err := s.Jobs.TryAlone()
	if err != nil {
		return 0, err
	}
	if !alone {
		return 0, errNotAlone // the other server may have no keyset yet: it could not read what is sealed, and stores more in clear
	}
	defer end()
	if n, err = s.rows(ctx); err != nil {
		return n, err
	}
	files, err := s.Jobs.SealRejects(ctx)
	if n += files; err != nil {
		return n, err
	}
	if n > 0 {
		if err := s.DB.Vacuum(ctx); err != nil {
			return n, err
		}
		if err := controldb.ForgetCopies(datadir.ControlPath(s.Dir), time.Now()); err != nil {
			return n, err
		}
	}
	return n, s.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO sealing (id, done_at) VALUES (1, ?) ON CONFLICT DO NOTHING`, time.Now().UnixMicro())
		return err
	})
}

// rows seals rows of the control store, some at a time.
func (s Sealer) rows(ctx context.Context) (n int, err error) {
	for more := true; more; {
		batch := 0
		err := s.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			batch = 0
			for _, seal := range []func() (int, error){
				func() (int, error) { return s.Catalog.SealPlain(ctx, tx) },
				func() (int, error) { return s.Store.SealPlain(ctx, tx, sealBatch) },
				func() (int, error) { return s.Asked.SealPlain(ctx, tx, sealBatch) },
				func() (int, error) { return s.Jobs.SealPlain(ctx, tx, sealBatch) },
				func() (int, error) { return s.Audit.SealPlain(ctx, tx, sealBatch) },
			} {
				sealed, err := seal()
				if err != nil {
					return err
				}
				batch += sealed
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n, more = n+batch, batch > 0
	}
	return n, nil
}
