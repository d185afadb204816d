package main

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
)

func (a *app) releaseCommand() *cobra.Command {
	return group("release", "List one's answers and read them again, free", a.listReleasesCommand(), a.getReleaseCommand(), a.releaseReceiptCommand())
}

func (a *app) listReleasesCommand() *cobra.Command {
	var page pageFlags
	list := a.client(&cobra.Command{
		Use:   "list",
		Short: "List one's releases, newest first",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.Releases(cmd.Context(), page.cursor, page.limit)
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				releaseGrid(l.Items).write(w)
				page.more(a.stderr, l.Next)
			})
		},
	})
	page.register(list)
	return list
}

func releaseGrid(releases []wire.Release) *grid {
	g := &grid{
		header: []string{"release", "dataset", "ε", "δ", "created", "again", "sql"}, right: map[int]bool{2: true, 3: true, 5: true},
		narrow: narrow{drop: []int{3, 5, 4}, cut: []cut{{column: 6, least: 24}, {column: 1, least: 8}}},
	}
	for _, r := range releases {
		g.add(r.ID, r.Dataset, short(r.Epsilon), short(r.Delta), showTime(r.CreatedAt), strconv.FormatInt(r.CachedHits, 10), oneLine(r.SQL, 60))
	}
	return g
}

func (a *app) getReleaseCommand() *cobra.Command {
	var intervals bool
	get := a.client(&cobra.Command{
		Use:   "get ID",
		Short: "Read a release again: the same numbers, at no charge",
		Args:  exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			form, err := a.resultForm()
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			r, err := c.Release(cmd.Context(), args[0], form.media, intervals || form.table)
			if err != nil {
				return err
			}
			return a.showResult(form, r)
		},
	})
	get.Flags().BoolVar(&intervals, "intervals", false, "add the columns c_low and c_high (tables always show them)")
	return get
}

// oneLine shortens a text for a table.
func oneLine(s string, width int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return string(r)
}

func showTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }
