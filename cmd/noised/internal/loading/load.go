// Package loading has the commands that bring a tenant's rows in and take people out of
// them, and shows how a load goes.
package loading

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// loadFlags are the flags of noised load.
type loadFlags struct {
	tenant, dataset, table, write string
	loadID, fileFormat            string
	maxBadRecords                 int64
	dryRun, noWait                bool
}

// LoadCommand is noised load.
func LoadCommand(a *command.App) *cobra.Command {
	var f loadFlags
	load := remote.Command(a, &cobra.Command{
		Use:   "load --tenant T --dataset D FILE…",
		Short: "Load files into one's tenant, and look at loads",
		Long: `Load files into one's tenant. The format follows the name: .csv, .parquet, .ndjson
or .jsonl, .arrow or .arrows, each also with .gz or .zst; --file-format says it
otherwise. "-" reads standard input.

The command waits until the rows are published, or with --no-wait only until
the file is stored. Give --load-id to make a repeat of the same load harmless.

In a dataset of several tables, --table says whose rows the files hold; load a
table before those that refer to it. Public tables are loaded by the operator,
without --tenant.`,
		Example: "  noised load --tenant dept_1 --dataset insteval ratings.parquet\n  noised load --tenant shop_1 --dataset tpch --table orders orders.csv\n" +
			"  noised load --dataset tpch --table nation nation.csv    # public: the operator's key\n  noised load rejects load_…",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return command.Usagef("missing argument FILE")
			case f.tenant == "" && f.table == "":
				return command.Usagef("missing --tenant: only public tables, named by --table, belong to no tenant")
			case len(args) > 1 && f.loadID != "":
				return command.Usagef("--load-id names one load: give one FILE")
			case len(args) > 1 && f.write == string(wire.Replace):
				return command.Usagef("--write replace takes one FILE: the second would replace the first")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return loadFiles(a, cmd, f, args) },
	})
	fs := load.Flags()
	fs.StringVar(&f.tenant, "tenant", "", "tenant that the key belongs to")
	fs.StringVar(&f.dataset, "dataset", "", "dataset to load into")
	fs.StringVar(&f.table, "table", "", "table to load into, of a dataset of several")
	fs.StringVar(&f.write, "write", "append", "append to the tenant's rows, or replace them")
	fs.StringVar(&f.loadID, "load-id", "", "your own name for this load; a repeat gives the earlier result")
	fs.StringVar(&f.fileFormat, "file-format", "", "csv, parquet, ndjson or arrow, with .gz or .zst appended if compressed")
	fs.Int64Var(&f.maxBadRecords, "max-bad-records", 0, "rows that may be rejected before the load fails")
	fs.BoolVar(&f.dryRun, "dry-run", false, "check the file and publish nothing")
	fs.BoolVar(&f.noWait, "no-wait", false, "return when the file is stored")
	command.Need(load, "dataset")
	load.AddCommand(listLoadsCommand(a), getLoadCommand(a), cancelLoadCommand(a), rejectsCommand(a))
	return load
}

// loadFiles uploads each file and waits for its rows. It stops at the first
// load that does not succeed.
func loadFiles(a *command.App, cmd *cobra.Command, f loadFlags, files []string) error {
	c, err := remote.Connect(a)
	if err != nil {
		return err
	}
	for _, file := range files { // before the first is loaded
		if _, err := uploadKind(file, f.fileFormat); err != nil {
			return err
		}
	}
	var loads []wire.Load
	var failed bool
	for _, file := range files {
		l, err := loadFile(a, cmd, c, f, file)
		if err != nil {
			return err
		}
		loads = append(loads, l)
		if !a.JSON() {
			writeLoad(a.Stdout, l)
		}
		if failed = l.State == wire.LoadStateFailed || l.State == wire.LoadStateCancelled; failed {
			break
		}
	}
	return ended(a, loads, len(files) == 1, failed)
}

// ended writes what was done as JSON, if that was asked for: the only thing as it is,
// several as a list. It is a failure if the last of them failed.
func ended[T any](a *command.App, done []T, only, failed bool) error {
	if a.JSON() {
		var doc any = map[string]any{"items": done}
		if only {
			doc = done[0]
		}
		if err := screen.WriteJSON(a.Stdout, doc); err != nil {
			return err
		}
	}
	if failed {
		return &command.ExitError{Code: command.ExitFailure}
	}
	return nil
}

func loadFile(a *command.App, cmd *cobra.Command, c *wire.API, f loadFlags, path string) (wire.Load, error) {
	kind, err := uploadKind(path, f.fileFormat)
	if err != nil {
		return wire.Load{}, err
	}
	body, size, err := openUpload(a, path)
	if err != nil {
		return wire.Load{}, err
	}
	defer body.Close()
	name := filepath.Base(path)
	if path == "-" {
		name = "standard input"
	}
	p := NewProgress(a.Stderr, name, size)
	defer p.Done()
	u := wire.Upload{
		Dataset: f.dataset, Table: f.table, Tenant: f.tenant, Write: wire.LoadWrite(f.write), LoadID: f.loadID, DryRun: f.dryRun,
		ContentType: kind.media, ContentEncoding: kind.encoding, Size: size, Progress: p.sent,
	}
	if cmd.Flags().Changed("max-bad-records") {
		u.MaxBadRecords = &f.maxBadRecords
	}
	p.start()
	l, err := c.Upload(cmd.Context(), u, body)
	if err != nil || f.noWait {
		return l, err
	}
	return WaitForLoad(cmd.Context(), c, l.ID, p.state)
}

// WaitForLoad waits for a load's end; an interrupted wait leaves it running.
func WaitForLoad(ctx context.Context, c *wire.API, id string, seen func(wire.Load)) (wire.Load, error) {
	l, err := c.Wait(ctx, id, seen)
	if ctx.Err() != nil {
		return l, fmt.Errorf("stopped waiting; the load goes on. Look at it with: noised load get %s", id)
	}
	if _, refused := wire.AsProblem(err); err != nil && !refused {
		return l, fmt.Errorf("%s\nThe load goes on when the server does. Look at it with: noised load get --wait %s", remote.Explain(err), id)
	}
	return l, err
}
