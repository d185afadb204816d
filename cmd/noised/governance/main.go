// Command governance runs the suite that tries the walls between tenants, and writes
// what it saw: how many attempts were made and allowed, the share of refusals on
// record, what a decision costs, how soon a suspension ends a query, and whether
// lineage is complete.
//
// The tests (package suite, build tag governance) say with testing.T.Attr what they
// saw, a name and a figure each. The program ends with exit status 1 unless every
// test passed and every goal is met.
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
		fmt.Fprintln(os.Stderr, "governance:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("governance", flag.ContinueOnError)
	out := flags.String("o", "governance.json", "file for the figures")
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
