package loading

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
)

// The limits of one request; a longer list goes in several.
const (
	erasedAtOnce = 10_000
	erasedBytes  = 512 << 10
)

// eraseFlags are the flags of noised erase.
type eraseFlags struct {
	tenant, dataset, file string
	noWait                bool
}

// EraseCommand is noised erase.
func EraseCommand(a *command.App) *cobra.Command {
	var f eraseFlags
	erase := remote.Command(a, &cobra.Command{
		Use:   "erase --tenant T --dataset D (UNIT… | --file FILE)",
		Short: "Erase people from one's tenant's data",
		Long: `Erase people from one's tenant's data: every row of theirs in every table of the
dataset, in the data in force and in what it replaced, rejected rows, and what
is kept of uploads. A unit is named by its id as the tenant's files have it.
--file has one id a line ("-" reads standard input), and keeps ids out of the
shell's history. Loads that were sent before are loaded first; what is sent
later is loaded, whoever is in it.

The command waits until nothing of these people is left, or with --no-wait only
until the request is stored. Each answer has a nonce, told once: with it one can
show later, by the commitment on the log, who was to be erased.`,
		Example: "  noised erase --tenant dept_1 --dataset insteval --file left.txt\n  noised erasures ers_…",
		Args: func(_ *cobra.Command, args []string) error {
			if (len(args) == 0) == (f.file == "") {
				return command.Usagef("name units, or a file of them with --file, and not both")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return eraseUnits(cmd.Context(), a, f, args) },
	})
	fs := erase.Flags()
	fs.StringVar(&f.tenant, "tenant", "", "tenant that the key belongs to")
	fs.StringVar(&f.dataset, "dataset", "", "dataset to erase from")
	fs.StringVar(&f.file, "file", "", "file with one id a line")
	fs.BoolVar(&f.noWait, "no-wait", false, "return when the request is stored")
	command.Need(erase, "tenant", "dataset")
	return erase
}

// eraseUnits sends requests one after the other. It stops at the first that fails.
func eraseUnits(ctx context.Context, a *command.App, f eraseFlags, units []string) error {
	c, err := remote.Connect(a)
	if err != nil {
		return err
	}
	if f.file != "" {
		if units, err = readUnits(a, f.file); err != nil {
			return err
		}
	}
	var done []wire.Erasure
	failed := false
	for len(units) > 0 && !failed {
		n := portion(units)
		e, err := eraseSome(ctx, a, c, f, units[:n])
		if err != nil {
			return err
		}
		done, units, failed = append(done, e), units[n:], e.State == wire.ErasureStateFailed
		if !a.JSON() {
			writeErasure(a.Stdout, e)
		}
	}
	return ended(a, done, len(done) == 1, failed)
}

// portion is how many of the units go in the next request.
func portion(units []string) int {
	bytes := 0
	for i, u := range units {
		if bytes += len(strconv.Quote(u)) + 1; i > 0 && (bytes > erasedBytes || i == erasedAtOnce) {
			return i
		}
	}
	return len(units)
}

func eraseSome(ctx context.Context, a *command.App, c *wire.API, f eraseFlags, units []string) (wire.Erasure, error) {
	e, err := c.Erase(ctx, f.dataset, f.tenant, "", units)
	if err != nil || f.noWait {
		return e, err
	}
	var last wire.ErasureState
	ended, err := c.WaitErased(ctx, e.ID, func(now wire.Erasure) {
		if now.State != last {
			fmt.Fprintf(a.Stderr, "%s: %s\n", now.ID, now.State)
		}
		last = now.State
	})
	if ctx.Err() != nil {
		return e, fmt.Errorf("stopped waiting; the erasure goes on. Look at it with: noised erasures %s", e.ID)
	}
	if _, refused := wire.AsProblem(err); err != nil && !refused {
		return e, fmt.Errorf("%s\nThe erasure goes on when the server does. Look at it with: noised erasures %s", remote.Explain(err), e.ID)
	}
	ended.Nonce, ended.Commitment = e.Nonce, e.Commitment // told once
	return ended, err
}

// readUnits reads a file of ids. A line is an id as it stands, but for the end of line.
func readUnits(a *command.App, path string) (units []string, err error) {
	file, _, err := openUpload(a, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if line := strings.TrimSuffix(lines.Text(), "\r"); line != "" {
			units = append(units, line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, errors.New("cannot read the file: a line is too long to be an id")
	}
	if len(units) == 0 {
		return nil, command.Usagef("the file names nobody")
	}
	return units, nil
}
