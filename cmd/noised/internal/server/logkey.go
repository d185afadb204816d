package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/noised/noised/cmd/noised/internal/logkey"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// openLogKey opens the key that signs the log; without one nothing is signed, and
// the server says so. A key that the log does not know is refused: when each began
// to sign is on the record.
func (m *Main) openLogKey(ctx context.Context, p *parts, db *controldb.DB) error {
	c := m.Config
	path := logkey.Path(c.LogKey, c.DataDir)
	key, err := logkey.Read(ctx, path, db)
	if errors.Is(err, fs.ErrNotExist) && c.LogKey == "" {
		signed, err := translog.Signed(ctx, db)
		if err != nil {
			return err
		}
		lacks := "it has no key. Make one with: noised log key --data-dir " + screen.Quote(c.DataDir)
		if signed {
			lacks = "its key " + path + " is missing. Put it back, or name it with --log-key FILE"
		}
		m.Log.Warn("the log is not signed, and there are no receipts: " + lacks)
		return nil
	}
	if err != nil {
		return fmt.Errorf("refusing to serve: %w", err)
	}
	known, err := translog.Adopted(ctx, db, key.Verifier())
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("refusing to serve: the log does not know its key %s. Put it on the record with: noised log key --data-dir %s", path, screen.Quote(c.DataDir))
	}
	p.logKey = key
	return nil
}
