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
)

// goBack puts the store from before an upgrade back. The directory says that it was
// restored before its store is older than it was, and until that is settled.
func goBack(ctx context.Context, a *command.App, f upgradeFlags) error {
	var now backup.Log
	if err := f.copyOf(ctx, func(path string) (err error) {
		_, now, err = fingerprint(ctx, path)
		return err
	}); err != nil {
		return err
	}
	if err := a.Confirm(f.yes, "Whatever was spent or done since the copy was made is forgotten. Go back to it?"); err != nil {
		return err
	}
	already, err := backup.WasRestored(f.DataDir)
	if err != nil {
		return err
	}
	if err := backup.Mark(f.DataDir, backup.Restored{At: time.Now().UTC(), Log: now}); err != nil {
		return err
	}
	from, aside, err := controldb.Back(ctx, f.control(), f.copy)
	if err != nil {
		if already == nil {
			err = errors.Join(err, backup.Accepted(f.DataDir))
		}
		return err
	}
	_, then, err := fingerprint(ctx, from)
	if err != nil {
		return err
	}
	if then == now && already == nil { // nothing is forgotten
		if err := backup.Accepted(f.DataDir); err != nil {
			return err
		}
	}
	doc := map[string]any{"copy": from, "aside": aside, "log": then, "log_before": now}
	return a.Print(doc, func(w io.Writer) {
		fmt.Fprintf(w, "the control store is that of %s; the one from before is %s\n", from, aside)
		if forgotten := now.Size - then.Size; forgotten > 0 {
			fmt.Fprintf(w, "%d entries of its log are forgotten: no server starts before that is settled, with the high-water mark or noised ledger accept\n", forgotten)
		}
	})
}

func forgetCopies(a *command.App, f upgradeFlags) error {
	if err := controldb.ForgetCopies(f.control(), time.Now().Add(time.Hour)); err != nil {
		return err
	}
	return a.Print(map[string]bool{"forgotten": true}, func(w io.Writer) { fmt.Fprintln(w, "the copies from before upgrades are gone") })
}
