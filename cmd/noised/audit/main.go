// Command audit runs the battery that holds the program against its guarantee
// and writes one verdict per test:
//
//   - the audit tests (build tag audit): attacks on the built program through
//     HTTP, replays of random neighbouring histories, distributions. Each says
//     with testing.T.Attr under which name it is reported, how many samples it
//     took, which bound it held and what it saw. Its verdict is the test's own.
//   - the mutation gate: each listed bug is seeded into a copy of its file, and
//     a named test must fail on it. A bug that no test notices fails the gate.
//
// It ends with exit status 1 unless every required test ran and passed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/noised/noised/cmd/noised/internal/verdict"
)

func main() { os.Exit(verdict.Main("audit", run)) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("audit", flag.ContinueOnError)
	file := flags.String("o", "privacy-audit.json", "file for the verdicts")
	long := flags.Bool("long", false, "the full sizes: hours rather than minutes")
	only := flags.String("only", "", "how the names of the tests to run begin, or part of a mutation's: for example attack-03, replay or mutation")
	if err := flags.Parse(args); err != nil {
		return err
	}
	// Tests wait for servers and for slots most of the time, and bugs for the linker.
	var tested, seeded []Verdict
	var both errgroup.Group
	tests, bugs := pattern(*only), chosen(*only)
	if tests == "" && len(bugs) == 0 {
		return fmt.Errorf("-only %s: no test is called so", *only)
	}
	if tests != "" {
		both.Go(func() (err error) {
			tested, err = runTests(ctx, tests, *long)
			return err
		})
	}
	both.Go(func() error {
		seeded = runMutations(ctx, bugs)
		return nil
	})
	if err := both.Wait(); err != nil {
		return err
	}
	verdicts := slices.Concat(tested, seeded)
	if *only == "" {
		verdicts = append(verdicts, missing(verdicts)...)
	}
	slices.SortFunc(verdicts, func(a, b Verdict) int { return strings.Compare(a.Test, b.Test) })
	if err := verdict.Write(*file, verdicts); err != nil {
		return err
	}
	return summary(out, verdicts)
}

// summary prints a line per verdict and fails if any did.
func summary(out io.Writer, verdicts []Verdict) error {
	failed := 0
	for _, v := range verdicts {
		fmt.Fprintf(out, "%-4s  %-34s %10d samples  bound %s  seen %s\n", v.Verdict, v.Test, v.Samples, v.Bound, v.Seen)
		if v.Verdict != pass {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d failed", failed, len(verdicts))
	}
	fmt.Fprintf(out, "all %d passed\n", len(verdicts))
	return nil
}
