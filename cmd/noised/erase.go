package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
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

func (a *app) eraseCommand() *cobra.Command {
	var f eraseFlags
	erase := a.client(&cobra.Command{
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
				return usagef("name units, or a file of them with --file, and not both")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.eraseUnits(cmd.Context(), f, args) },
	})
	fs := erase.Flags()
	fs.StringVar(&f.tenant, "tenant", "", "tenant that the key belongs to")
	fs.StringVar(&f.dataset, "dataset", "", "dataset to erase from")
	fs.StringVar(&f.file, "file", "", "file with one id a line")
	fs.BoolVar(&f.noWait, "no-wait", false, "return when the request is stored")
	need(erase, "tenant", "dataset")
	return erase
}

// eraseUnits sends requests one after the other. It stops at the first that fails.
func (a *app) eraseUnits(ctx context.Context, f eraseFlags, units []string) error {
	asJSON, err := a.wantJSON()
	if err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	if f.file != "" {
		if units, err = a.readUnits(f.file); err != nil {
			return err
		}
	}
	var done []wire.Erasure
	failed := false
	for len(units) > 0 && !failed {
		n := portion(units)
		e, err := a.eraseSome(ctx, c, f, units[:n])
		if err != nil {
			return err
		}
		done, units, failed = append(done, e), units[n:], e.State == wire.ErasureStateFailed
		if !asJSON {
			writeErasure(a.stdout, e)
		}
	}
	if asJSON {
		var doc any = map[string]any{"items": done}
		if len(done) == 1 {
			doc = done[0]
		}
		if err := writeJSON(a.stdout, doc); err != nil {
			return err
		}
	}
	if failed {
		return &exitError{code: exitFailure}
	}
	return nil
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

func (a *app) eraseSome(ctx context.Context, c *wire.API, f eraseFlags, units []string) (wire.Erasure, error) {
	e, err := c.Erase(ctx, f.dataset, f.tenant, "", units)
	if err != nil || f.noWait {
		return e, err
	}
	var last wire.ErasureState
	ended, err := c.WaitErased(ctx, e.ID, func(now wire.Erasure) {
		if now.State != last {
			fmt.Fprintf(a.stderr, "%s: %s\n", now.ID, now.State)
		}
		last = now.State
	})
	if ctx.Err() != nil {
		return e, fmt.Errorf("stopped waiting; the erasure goes on. Look at it with: noised erasures %s", e.ID)
	}
	if _, refused := wire.AsProblem(err); err != nil && !refused {
		return e, fmt.Errorf("%s\nThe erasure goes on when the server does. Look at it with: noised erasures %s", explainError(err), e.ID)
	}
	ended.Nonce, ended.Commitment = e.Nonce, e.Commitment // told once
	return ended, err
}

// readUnits reads a file of ids. A line is an id as it stands, but for the end of line.
func (a *app) readUnits(path string) (units []string, err error) {
	file, _, err := a.openUpload(path)
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
		return nil, usagef("the file names nobody")
	}
	return units, nil
}

func (a *app) erasuresCommand() *cobra.Command {
	var page pageFlags
	var wait bool
	list := a.client(&cobra.Command{
		Use:   "erasures [ID]",
		Short: "List the erasures of one's tenant, or show one",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return usagef("unexpected argument %q", args[1])
			case len(args) == 0 && wait:
				return usagef("missing argument ID, for --wait")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				get := c.Erasure
				if wait {
					get = func(ctx context.Context, id string) (wire.Erasure, error) { return c.WaitErased(ctx, id, nil) }
				}
				e, err := get(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.print(e, func(w io.Writer) { writeErasure(w, e) })
			}
			l, err := c.Erasures(cmd.Context(), page.cursor, page.limit)
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				erasureGrid(l.Items).write(w)
				page.more(a.stderr, l.Next)
			})
		},
	})
	page.register(list)
	list.Flags().BoolVar(&wait, "wait", false, "with an ID: wait until it has finished")
	return list
}

func erasureGrid(erasures []wire.Erasure) *grid {
	g := &grid{header: []string{"erasure", "dataset", "state", "units", "created"}, right: map[int]bool{3: true}, narrow: narrow{drop: []int{4}}}
	for _, e := range erasures {
		g.add(e.ID, e.Dataset, string(e.State), strconv.FormatInt(e.Units, 10), showTime(e.CreatedAt))
	}
	return g
}

// counted is a number of things.
func counted(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return thousands(n) + " " + thing
}

// writeErasure describes an erasure for people.
func writeErasure(w io.Writer, e wire.Erasure) {
	fmt.Fprintf(w, "%s  %s  %s from %s: %s", e.ID, e.Tenant, counted(e.Units, "unit"), e.Dataset, e.State)
	if e.RowsErased != nil {
		fmt.Fprintf(w, ", %s erased", counted(*e.RowsErased, "row"))
	}
	fmt.Fprintln(w)
	if e.Nonce != nil && e.Commitment != nil {
		fmt.Fprintf(w, "  on the log: %s\n  which opens with the nonce %s, kept nowhere else\n", *e.Commitment, *e.Nonce)
	}
	if e.Error != nil {
		fmt.Fprintf(w, "  %s", explainError(&wire.ProblemError{Problem: *e.Error}))
	}
}
