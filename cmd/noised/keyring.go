package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/keyring"
)

func (a *app) keyringCommand() *cobra.Command {
	return group("keyring", "Keep the keyset that a data directory is encrypted with",
		a.keyringInitCommand(), a.keyringStatusCommand(), a.keyringRotateCommand(), a.keyringEnableCommand(), a.keyringSealCommand())
}

// keyringFlags say which keyset of which data directory is meant.
type keyringFlags struct{ dataDir, keyset string }

func (f *keyringFlags) register(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&f.dataDir, "data-dir", "", "directory of the control store")
	c.Flags().StringVar(&f.keyset, "keyset", "", "file with the keyset (default: the data directory's name with .keyset)")
	return need(c, "data-dir")
}

// open returns the keyset, which must be there.
func (f *keyringFlags) open() (*keyring.File, error) {
	if err := checkDataDir(f.dataDir); err != nil {
		return nil, err
	}
	path := keysetPath(f.keyset, f.dataDir)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no keyset %s. Put it back, or name it with --keyset FILE; a directory that never had one gets it with: noised keyring init --data-dir %s",
			path, quote(f.dataDir))
	}
	file, err := keyring.OpenFile(path, f.dataDir)
	if err != nil {
		return nil, shown(err)
	}
	return file, nil
}

func (a *app) keyringInitCommand() *cobra.Command {
	var f keyringFlags
	return f.register(&cobra.Command{
		Use:   "init --data-dir DIR",
		Short: "Make a keyset for a data directory that has none",
		Long: `Make a keyset for a data directory that has none. What is stored from the next
start on is encrypted; what is there stays readable, and becomes encrypted as it
is replaced or merged. noised init makes one by itself. A directory that is
encrypted already is refused: a new keyset does not open what the lost one did.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkDataDir(f.dataDir); err != nil {
				return err
			}
			path := keysetPath(f.keyset, f.dataDir)
			if err := neverSealed(cmd.Context(), path, f.dataDir); err != nil {
				return err
			}
			if err := keyring.CreateFile(path, f.dataDir); err != nil {
				return shown(err)
			}
			return a.print(map[string]string{"keyset": path}, func(w io.Writer) { fmt.Fprintf(w, "%s\n", keepKeyset(path)) })
		},
	})
}

// neverSealed refuses to make a keyset for a directory that has lost its own: what that
// encrypted would stay closed, and look as if it had been changed.
func neverSealed(ctx context.Context, path, dataDir string) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return nil // which making it says
	}
	control := filepath.Join(dataDir, controlFile)
	db, err := controldb.Open(ctx, control)
	if err != nil {
		return storeError(control, err)
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

func (a *app) keyringStatusCommand() *cobra.Command {
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
			return a.print(map[string]any{"keys": keys}, func(w io.Writer) {
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

func (a *app) keyringRotateCommand() *cobra.Command {
	var f keyringFlags
	var forget bool
	c := f.register(&cobra.Command{
		Use:   "rotate --data-dir DIR [--forget]",
		Short: "Put a new key in the keyset and wrap all data keys with it",
		Long: `Put a new primary key in the keyset, wrap all data keys with it, and disable the
keys before it. Servers may run on the directory; they take the new key by
themselves. No data is written again.

A disabled key stays in the file, for control stores that are restored from
before the rotation: noised keyring enable brings it back. With --forget, which
is for keysets that others may have seen, such keys are removed, and no older
copy of the control store can be read with this keyset. Neither can another data
directory that was given the same keyset.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := f.open()
			if err != nil {
				return err
			}
			done, err := rotate(cmd.Context(), f, file, forget)
			if err != nil {
				return err
			}
			return a.print(done, func(w io.Writer) {
				fmt.Fprintf(w, "key %d is the primary key; data keys wrapped: %d; keys before it: %d, %s\n",
					done.Primary, done.Wrapped, done.Disabled, map[bool]string{false: "disabled", true: "removed"}[forget])
				fmt.Fprintf(a.stderr, "Copy %s anew: copies from before do not open what is stored from now on.\n", keysetPath(f.keyset, f.dataDir))
			})
		},
	})
	c.Flags().BoolVar(&forget, "forget", false, "remove the keys before it, rather than disable them")
	return c
}

func rotate(ctx context.Context, f keyringFlags, file *keyring.File, forget bool) (done keyring.Rotation, err error) {
	db, err := controldb.Open(ctx, filepath.Join(f.dataDir, controlFile))
	if err != nil {
		return done, storeError(filepath.Join(f.dataDir, controlFile), err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ring, err := openRing(ctx, db, f.keyset, f.dataDir)
	if err != nil {
		return done, err
	}
	if done, err = keyring.Rotate(ctx, ring.With(file), file, forget); err != nil {
		return done, fmt.Errorf("the rotation is not complete, and all keys are still enabled: %w. Run it again", shown(err))
	}
	return done, nil
}

func (a *app) keyringEnableCommand() *cobra.Command {
	var f keyringFlags
	c := f.register(&cobra.Command{
		Use:   "enable ID --data-dir DIR",
		Short: "Enable a key that a rotation disabled",
	})
	c.Args = exactArgs("ID")
	need(c, "data-dir")
	c.RunE = func(_ *cobra.Command, args []string) error {
		id, err := strconv.ParseUint(args[0], 10, 32)
		if err != nil {
			return usagef("%q is not the number of a key: noised keyring status lists them", args[0])
		}
		file, err := f.open()
		if err != nil {
			return err
		}
		if err := file.Enable(uint32(id)); err != nil {
			return shown(err)
		}
		return a.print(map[string]uint64{"enabled": id}, func(w io.Writer) { fmt.Fprintf(w, "key %d is enabled\n", id) })
	}
	return c
}
