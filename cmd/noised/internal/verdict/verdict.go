// Package verdict holds what tests report to goals. The tests say with testing.T.Attr
// what they saw, a name and a figure each; a program runs them, writes the figures to
// a file as JSON, prints each beside its goal, and ends with exit status 1 unless
// every test passed and every goal is met.
package verdict

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

// Suite is tests that report figures, and what these must be.
type Suite struct {
	Name  string // of the build tag of the tests, of the attribute that they report under, and of the file
	Parts []Part
	Goals []Goal // in the order of the file
}

// Part is a package whose tests are run, and which of them.
type Part struct{ Package, Tests string }

// Goal is a figure that must be there, and what it must be.
type Goal struct {
	Name string
	Says string
	Met  func(v float64, other func(name string) float64) bool // other returns another figure, or NaN
}

// Is is the goal of one value; true is 1, and false 0.
func Is(want float64) func(float64, func(string) float64) bool {
	return func(v float64, _ func(string) float64) bool { return v == want }
}

// AtLeast is the goal of a figure that may not be less.
func AtLeast(least float64) func(float64, func(string) float64) bool {
	return func(v float64, _ func(string) float64) bool { return v >= least }
}

// AtMost is the goal of a figure that may reach its limit.
func AtMost(most float64) func(float64, func(string) float64) bool {
	return func(v float64, _ func(string) float64) bool { return v <= most }
}

// Under is the goal of a figure that may not reach its limit.
func Under(limit float64) func(float64, func(string) float64) bool {
	return func(v float64, _ func(string) float64) bool { return v < limit }
}

// As is the goal of a figure that must be what another one is.
func As(name string) func(float64, func(string) float64) bool {
	return func(v float64, other func(string) float64) bool { return v == other(name) }
}

// Main runs a suite by the arguments of the program, and returns the status that it
// ends with.
func (s Suite) Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := s.run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", s.Name, err)
		return 1
	}
	return 0
}

func (s Suite) run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet(s.Name, flag.ContinueOnError)
	out := flags.String("o", s.Name+".json", "file for the figures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, failed, err := s.measure(ctx)
	if err != nil {
		return err
	}
	text, err := f.json(s.Goals)
	if err != nil {
		return err
	}
	if err := os.WriteFile(*out, append(text, '\n'), 0o644); err != nil {
		return err
	}
	missed := f.judge(os.Stdout, s.Goals)
	if failed > 0 || missed > 0 {
		return fmt.Errorf("%d tests failed and %d goals were missed", failed, missed)
	}
	return nil
}
