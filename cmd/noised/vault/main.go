// Command vault runs the suite that tries to change the record of what was spent and
// to read what is at rest, and writes what it saw: how many tamperings were made and
// caught, how many damaged files were loaded and how often the server died of one,
// how many planted tokens were found in clear, what the log costs a charge and
// encryption a scan, and whether a backup restores.
//
// The tests (package suite, build tag vault) say with testing.T.Attr what they saw, a
// name and a figure each. The program ends with exit status 1 unless every test
// passed and every goal is met.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("vault", flag.ContinueOnError)
	out := flags.String("o", "vault.json", "file for the figures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, failed, err := runTests(ctx)
	if err != nil {
		return err
	}
	text, err := s.json()
	if err != nil {
		return err
	}
	if err := os.WriteFile(*out, append(text, '\n'), 0o644); err != nil {
		return err
	}
	missed := s.judge(os.Stdout)
	if failed > 0 || missed > 0 {
		return fmt.Errorf("%d tests failed and %d goals were missed", failed, missed)
	}
	return nil
}
