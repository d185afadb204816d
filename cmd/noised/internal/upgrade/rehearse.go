package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/ingest/backup"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/schema"
)

// rehearseUpgrade migrates a copy of the store, checks what comes out, goes back, and
// compares what is there then with what was.
func rehearseUpgrade(ctx context.Context, a *command.App, f upgradeFlags) error {
	var doc upgradeDocument
	err := f.copyOf(ctx, func(path string) error {
		before, log, err := fingerprint(ctx, path)
		if err != nil {
			return fmt.Errorf("before: %w", err)
		}
		if doc, err = migrateAt(ctx, path); err != nil {
			return err
		}
		doc.Copy = ""
		_, after, err := fingerprint(ctx, path)
		if err != nil {
			return fmt.Errorf("after: %w", err)
		}
		if log != after {
			return fmt.Errorf("the log was changed: it had %d entries, and has %d", log.Size, after.Size)
		}
		if len(doc.Migrations) == 0 {
			return nil
		}
		if _, _, err := controldb.Back(ctx, path, ""); err != nil {
			return fmt.Errorf("the way back: %w", err)
		}
		again, _, err := fingerprint(ctx, path)
		if err == nil && again != before {
			err = errors.New("the store is not what it was")
		}
		if err != nil {
			return fmt.Errorf("the way back: %w", err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("the rehearsal failed, and changed nothing: %w", err)
	}
	return a.Print(doc, func(w io.Writer) {
		fmt.Fprintf(w, "%d migrations on a copy in %s; its log verifies; going back made it what it was\n", len(doc.Migrations), doc.Took.Round(time.Millisecond))
	})
}

// fingerprint checks a store that nobody uses, and returns a digest of all that it
// has, and its log's head.
func fingerprint(ctx context.Context, path string) (digest string, log backup.Log, err error) {
	db, err := schema.Open(path)
	if err != nil {
		return "", log, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if log, err = backup.CheckStore(ctx, db); err != nil {
		return "", log, err
	}
	digest, err = schema.Digest(ctx, db)
	return digest, log, err
}
