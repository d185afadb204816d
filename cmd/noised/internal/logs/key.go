package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/logkey"
	"github.com/noised/noised/cmd/noised/internal/witness"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/translog"
)

// logKeyFlags are the flags of the commands that need a data directory's log key.
type logKeyFlags struct{ dataDir, logKey string }

func (f *logKeyFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.dataDir, "data-dir", "", "directory of the control store")
	c.Flags().StringVar(&f.logKey, "log-key", "", "file with the key that signs the log, outside that directory (default: its name with .logkey)")
}

func logKeyCommand(a *command.App) *cobra.Command {
	var f logKeyFlags
	var replace bool
	c := &cobra.Command{
		Use:   "key --data-dir DIR [--log-key FILE] [--new]",
		Short: "Show what the log's signatures are checked with; make its key if it has none",
		Long: `Show the public half of the key that signs a data directory's log: give it to
the tenants, who check receipts and checkpoints with it. A directory from before
there were such keys gets one. With --new another key signs from the next start
of the server on, also where the one before is lost; the log says so. The old one
is kept aside, and what it has signed stays good.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return witness.With(cmd.Context(), f.dataDir, "", func(l *witness.Files) error {
				verifier, err := keepLogKey(cmd.Context(), l.DB, f, replace)
				if err != nil {
					return err
				}
				if verifier.made {
					fmt.Fprintf(a.Stderr, "The log's key is new: %s. The next start of a server signs with it. Keep a copy, apart from those of the data.\n", logkey.Path(f.logKey, f.dataDir))
				}
				return a.Print(map[string]string{"verifier": verifier.text}, func(w io.Writer) { fmt.Fprintln(w, verifier.text) })
			})
		},
	}
	f.register(c)
	c.Flags().BoolVar(&replace, "new", false, "make another key")
	return command.Need(c, "data-dir")
}

// keptKey is the verifier of a log's key, and whether the key was made just now.
type keptKey struct {
	text string
	made bool
}

// keepLogKey returns the verifier of the log's key, which it makes and puts on the
// record where that is not done. It makes none in place of one that is missing,
// unless another is asked for.
func keepLogKey(ctx context.Context, db *controldb.DB, f logKeyFlags, replace bool) (keptKey, error) {
	path := logkey.Path(f.logKey, f.dataDir)
	key, err := logkey.Read(ctx, path, db)
	missing := errors.Is(err, fs.ErrNotExist)
	if missing && !replace {
		switch signed, err := translog.Signed(ctx, db); {
		case err != nil:
			return keptKey{}, err
		case signed:
			return keptKey{}, fmt.Errorf("the log's key %s is missing. Put it back, or name it with --log-key FILE; "+
				"only if it is lost for good, make another with --new", path)
		}
	}
	switch {
	case missing || err == nil && replace:
		verifier, err := logkey.Make(ctx, path, filepath.Clean(f.dataDir), db, "operator")
		return keptKey{text: verifier, made: err == nil}, err
	case err != nil:
		return keptKey{}, err
	}
	return keptKey{text: key.Verifier()}, logkey.Adopt(ctx, db, key.Verifier(), "operator")
}
