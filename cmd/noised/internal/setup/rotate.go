package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/atrest"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/datadir"
	"github.com/noised/noised/privacy/keyring"
)

func keyringRotateCommand(a *command.App) *cobra.Command {
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
			return a.Print(done, func(w io.Writer) {
				fmt.Fprintf(w, "key %d is the primary key; data keys wrapped: %d; keys before it: %d, %s\n",
					done.Primary, done.Wrapped, done.Disabled, map[bool]string{false: "disabled", true: "removed"}[forget])
				fmt.Fprintf(a.Stderr, "Copy %s anew: copies from before do not open what is stored from now on.\n", atrest.KeysetPath(f.keyset, f.dataDir))
			})
		},
	})
	c.Flags().BoolVar(&forget, "forget", false, "remove the keys before it, rather than disable them")
	return c
}

func rotate(ctx context.Context, f keyringFlags, file *keyring.File, forget bool) (done keyring.Rotation, err error) {
	db, err := datadir.OpenStore(ctx, f.dataDir)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ring, err := atrest.OpenRing(ctx, db, f.keyset, f.dataDir)
	if err != nil {
		return done, err
	}
	if done, err = keyring.Rotate(ctx, ring.With(file), file, forget); err != nil {
		return done, fmt.Errorf("the rotation is not complete, and all keys are still enabled: %w. Run it again", datadir.Shown(err))
	}
	return done, nil
}

func keyringEnableCommand(a *command.App) *cobra.Command {
	var f keyringFlags
	c := f.register(&cobra.Command{
		Use:   "enable ID --data-dir DIR",
		Short: "Enable a key that a rotation disabled",
	})
	c.Args = command.ExactArgs("ID")
	command.Need(c, "data-dir")
	c.RunE = func(_ *cobra.Command, args []string) error {
		id, err := strconv.ParseUint(args[0], 10, 32)
		if err != nil {
			return command.Usagef("%q is not the number of a key: noised keyring status lists them", args[0])
		}
		file, err := f.open()
		if err != nil {
			return err
		}
		if err := file.Enable(uint32(id)); err != nil {
			return datadir.Shown(err)
		}
		return a.Print(map[string]uint64{"enabled": id}, func(w io.Writer) { fmt.Fprintf(w, "key %d is enabled\n", id) })
	}
	return c
}
