package witness

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/ingest/backup"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/highwater"
	"github.com/noised/noised/privacy/translog"
)

// MarkKept refuses a mark for a directory that was restored if it has seen less than the
// snapshot. It must be read before the store moves it.
func MarkKept(ctx context.Context, f *highwater.File, path, dataDir string) error {
	was, err := backup.WasRestored(dataDir)
	if err != nil {
		return fmt.Errorf("refusing to serve: %w", err)
	}
	if was == nil || f == nil {
		return nil
	}
	mark, err := f.Read(ctx)
	if err == nil {
		err = KeptSince(mark, was.Log)
	}
	if err != nil {
		return fmt.Errorf("refusing to serve: %w", Advised(err, dataDir, path))
	}
	return nil
}

// KeptSince tells a mark that was kept as a snapshot was taken from one that was not any
// more: that one cannot know what was spent afterwards.
func KeptSince(mark highwater.Mark, log backup.Log) error {
	if mark.Size >= log.Size {
		return nil
	}
	return privacy.Errorf(privacy.CodeConflict, "the high-water mark was not kept any more as the snapshot was taken: "+
		"it has seen %d log entries, and the snapshot has %d. Whether anything was spent since, it cannot tell", mark.Size, log.Size)
}

// Settle decides about a directory that was restored. One whose store has come as far
// as its mark has forgotten nothing; any other needs somebody's decision.
func Settle(mark, dataDir string) error {
	was, err := backup.WasRestored(dataDir)
	if err != nil {
		return fmt.Errorf("refusing to serve: %w", err)
	}
	if was == nil {
		return nil
	}
	if mark != "" { // which was kept (MarkKept), and the store was compared with it
		return backup.Accepted(dataDir)
	}
	return fmt.Errorf("refusing to serve: this directory was restored from a snapshot of %s, and whatever was spent since is forgotten. "+
		"If a high-water mark was kept of the original, serve with it (--high-water-file): it tells whether anything was. "+
		"Otherwise, and only if the tenants agree that it is spent again: noised ledger accept --data-dir %s",
		was.At.Format(time.RFC3339), screen.Quote(dataDir))
}

// returned is the leaf of a store that went back and was accepted. Whoever keeps a
// state of the log from before sees by it that the log was not rewritten in silence.
type returned struct {
	Act  string `json:"act"`
	Size int64  `json:"size"`           // of the log that is left
	Mark int64  `json:"mark,omitempty"` // how far it had come; 0 where no mark was kept
}

// RecordReturn puts on the log that a store which went back goes on. One that did not
// gets no such entry.
func (l *Files) RecordReturn(ctx context.Context, mark highwater.Mark) error {
	was, err := backup.WasRestored(l.Dir)
	if err != nil {
		return err
	}
	head, err := highwater.Head(ctx, l.DB)
	if err != nil {
		return err
	}
	leaf := returned{Act: "accept", Size: head.Size}
	known := mark.Store == head.Store
	if known {
		leaf.Mark = mark.Size
	}
	lost := known && highwater.Check(ctx, l.DB.ReadOnly(), head.Store, mark) != nil
	if agrees := known && !lost && (was == nil || KeptSince(mark, was.Log) == nil); was == nil && !lost || agrees {
		return nil
	}
	return l.DB.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := translog.Append(ctx, tx, translog.Leaf{Kind: translog.KindRestore, At: time.Now(), Body: leaf})
		return err
	})
}
