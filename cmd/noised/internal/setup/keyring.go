package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/atrest"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/privacy/keyring"
)

// KeyringCommand is noised keyring.
func KeyringCommand(a *command.App) *cobra.Command {
	return command.Group("keyring", "Keep the keyset that a data directory is encrypted with",
		keyringInitCommand(a), keyringStatusCommand(a), keyringRotateCommand(a), keyringEnableCommand(a), keyringSealCommand(a))
}

// keyringFlags say which keyset of which data directory is meant.
type keyringFlags struct{ dataDir, keyset string }

func (f *keyringFlags) register(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&f.dataDir, "data-dir", "", "directory of the control store")
	c.Flags().StringVar(&f.keyset, "keyset", "", "file with the keyset (default: the data directory's name with .keyset)")
	return command.Need(c, "data-dir")
}

// open returns the keyset, which must be there.
func (f *keyringFlags) open() (*keyring.File, error) {
	if err := datadir.Check(f.dataDir); err != nil {
		return nil, err
	}
	path := atrest.KeysetPath(f.keyset, f.dataDir)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no keyset %s. Put it back, or name it with --keyset FILE; a directory that never had one gets it with: noised keyring init --data-dir %s",
			path, screen.Quote(f.dataDir))
	}
	file, err := keyring.OpenFile(path, f.dataDir)
	if err != nil {
		return nil, datadir.Shown(err)
	}
	return file, nil
}

func keyringInitCommand(a *command.App) *cobra.Command {
	var f keyringFlags
	return f.register(&cobra.Command{
		Use:   "init --data-dir DIR",
		Short: "Make a keyset for a data directory that has none",
		Long: `Make a keyset for a data directory that has none. What is stored from the next
start on is encrypted; what is there stays readable, and becomes encrypted as it
is replaced or merged. noised init makes one by itself. A directory that is
encrypted already is refused: a new keyset does not open what the lost one did.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := datadir.Check(f.dataDir); err != nil {
				return err
			}
			path := atrest.KeysetPath(f.keyset, f.dataDir)
			if err := neverSealed(cmd.Context(), path, f.dataDir); err != nil {
				return err
			}
			if err := keyring.CreateFile(path, f.dataDir); err != nil {
				return datadir.Shown(err)
			}
			return a.Print(map[string]string{"keyset": path}, func(w io.Writer) { fmt.Fprintf(w, "%s\n", keepKeyset(path)) })
		},
	})
}

// neverSealed refuses to make a keyset for a directory that has lost its own: what that
// encrypted would stay closed, and look as if it had been changed.
func neverSealed(ctx context.Context, path, dataDir string) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return nil // which making it says
	}
	db, err := datadir.OpenStore(ctx, dataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := keyring.New(db, nil, time.Now).Check(ctx); errors.Is(err, keyring.ErrOff) {
		return fmt.Errorf("what is in %s is encrypted and its keyset %s is missing. Put it back: a new one would not open it", dataDir, path)
	}
	return nil
}

// keepKeyset tells what a new keyset means.
func keepKeyset(path string) string {
	return fmt.Sprintf("The keyset is %s: without it, what is encrypted cannot be read. Keep a copy, apart from those of the data.", path)
}

func keyringStatusCommand(a *command.App) *cobra.Command {
	var f keyringFlags
	return f.register(&cobra.Command{
		Use:   "status --data-dir DIR",
		Short: "List the keys of the keyset, without the keys themselves",
		RunE: func(_ *cobra.Command, _ []string) error {
			file, err := f.open()
			if err != nil {
				return err
			}
			keys := file.Keys()
			return a.Print(map[string]any{"keys": keys}, func(w io.Writer) {
				for _, k := range keys {
					fmt.Fprintf(w, "%d\t%s\n", k.ID, stateOf(k))
				}
			})
		},
	})
}

func stateOf(k keyring.KeyInfo) string {
	switch {
	case k.Primary:
		return "primary"
	case k.Enabled:
		return "enabled"
	default:
		return "disabled"
	}
}
