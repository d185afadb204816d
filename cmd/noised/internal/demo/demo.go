// Package demo shows the program at work: a server of its own, the public sample loaded
// as several tenants over the API, and answers beside the truth that no server knows.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/sample"
	"github.com/noised/noised/cmd/noised/internal/screen"
	"github.com/noised/noised/cmd/noised/internal/server"
	"github.com/noised/noised/cmd/noised/internal/settings"
	"github.com/noised/noised/cmd/noised/internal/setup"
)

// Command is noised demo.
func Command(a *command.App) *cobra.Command {
	var data, listen string
	var exit bool
	demo := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a server, 14 organisations, three questions, two refusals",
		Long: `Start a server in a temporary directory, load 14 departments' lecture evaluations
(public sample data) as 14 tenants through the real API, ask three questions,
show each answer beside the truth of the public sample and the budgets before
and after, and have two questions refused.

Without --exit the server keeps running for you to try.`,
		Args: command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &demo{out: a.Stdout, notes: a.Stderr, data: data, listen: listen}
			d.width, _ = screen.Terminal(a.Stdout)
			if a.JSON() {
				d.out = io.Discard
			}
			if err := d.run(cmd.Context(), exit, func() error {
				if a.JSON() {
					return screen.WriteJSON(a.Stdout, d.report)
				}
				return nil
			}); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		},
	}
	f := demo.Flags()
	f.StringVar(&data, "data", "testdata", "directory with insteval.parquet")
	f.StringVar(&listen, "listen", "127.0.0.1:0", "address to serve on; port 0 picks a free one")
	f.BoolVar(&exit, "exit", false, "stop when everything was shown")
	return demo
}

// demo is one run of the demonstration.
type demo struct {
	out    io.Writer // the story
	notes  io.Writer // progress
	width  int       // of the terminal; 0 when out is none
	data   string
	listen string

	rows    sample.Ratings
	main    *server.Main
	parties *parties
	report  demoReport
}

// sampleFile is what the demonstration reads from testdata/ or --data.
const sampleFile = "insteval.parquet"

// demoReport is what noised demo --format json prints.
type demoReport struct {
	URL        string         `json:"url"`
	AnalystKey string         `json:"analyst_key"`
	Rows       int64          `json:"rows_loaded"`
	Questions  []demoQuestion `json:"questions"`
	Refusals   []demoRefusal  `json:"refusals"`
}

type demoQuestion struct {
	SQL         string  `json:"sql"`
	Release     string  `json:"release"`
	Epsilon     float64 `json:"epsilon"`
	Delta       float64 `json:"delta"`
	Groups      int     `json:"groups"`
	Covered     int     `json:"groups_with_truth_in_interval"`
	BoundingMax float64 `json:"largest_shift_by_bounding"`
}

type demoRefusal struct {
	SQL  string `json:"sql"`
	Code string `json:"code"`
}

// run tells the whole story and then, unless exit is set, keeps serving. The
// callback is called when everything was shown.
func (d *demo) run(ctx context.Context, exit bool, shown func() error) (err error) {
	began := time.Now()
	if d.rows, err = sample.Read(ctx, filepath.Join(d.data, sampleFile)); err != nil {
		return fmt.Errorf("cannot read the sample data: %w\nRun from the repository, or name the directory with --data", err)
	}
	dir, err := os.MkdirTemp("", "noised-demo-")
	if err != nil {
		return fmt.Errorf("cannot make a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := d.start(ctx, filepath.Join(dir, "data")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.main.Close()) }()
	for _, step := range []func(context.Context) error{d.setUp, d.load, d.budgetsBefore, d.ask, d.budgetsAfter, d.refusals} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(d.out, "\nDone in %.1f s.\n", time.Since(began).Seconds())
	if !exit {
		d.invite()
	}
	if err := shown(); err != nil || exit {
		return err
	}
	return d.main.Wait(ctx)
}

// start brings up a real server on an empty data directory.
func (d *demo) start(ctx context.Context, dir string) error {
	operator, _, err := setup.Initialise(ctx, dir, "", "")
	if err != nil {
		return err
	}
	config := settings.Default()
	config.DataDir, config.Listen = dir, d.listen
	config.LogLevel = "warn"
	log, err := settings.NewLogger(d.notes, config.LogLevel, config.LogFormat)
	if err != nil {
		return err
	}
	d.main = &server.Main{Config: config, Log: log}
	if err := d.main.Run(ctx); err != nil {
		return err
	}
	d.report.URL = d.main.URL()
	d.parties = &parties{url: d.main.URL(), operatorKey: operator}
	d.title("A server of our own: %s, data in %s", d.main.URL(), dir)
	return nil
}

// title begins a chapter.
func (d *demo) title(format string, args ...any) {
	fmt.Fprintf(d.out, "\n▌ %s\n", strings.Join(screen.Wrap(fmt.Sprintf(format, args...), d.width-2), "\n▌ "))
}

// say adds an indented line, or several where the terminal is narrow.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "  %s\n", strings.Join(screen.Wrap(fmt.Sprintf(format, args...), d.width-2), "\n  "))
}

// invite says how to go on.
func (d *demo) invite() {
	program := os.Args[0]
	fmt.Fprintf(d.out, `
The server is at %[1]s until you press Ctrl-C. As the analyst:

export NOISED_URL=%[1]s NOISED_KEY=%[2]s
%[3]s explain --epsilon 0.2 "SELECT studage, COUNT(*) FROM insteval GROUP BY studage"
%[3]s query   --epsilon 0.2 "SELECT studage, COUNT(*) FROM insteval GROUP BY studage"

curl -sG "$NOISED_URL/v1/query" -H "Authorization: Bearer $NOISED_KEY" -H "Accept: text/csv" \
  --data-urlencode "sql=SELECT studage, COUNT(*) FROM insteval GROUP BY studage" -d epsilon=0.2

python3 - <<'END'
import os, urllib.request, pyarrow.ipc, json
body = json.dumps({"sql": "SELECT studage, COUNT(*) FROM insteval GROUP BY studage", "epsilon": 0.2}).encode()
request = urllib.request.Request(os.environ["NOISED_URL"] + "/v1/query", body,
    {"Authorization": "Bearer " + os.environ["NOISED_KEY"], "Content-Type": "application/json"})
print(pyarrow.ipc.open_stream(urllib.request.urlopen(request)).read_all())
END
`, d.report.URL, d.report.AnalystKey, program)
}
