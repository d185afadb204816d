// Package verdict is what the programs share that hold noised to something: how they
// are run, how they write what they found, and how tests report to goals. The tests say
// with testing.T.Attr what they saw, a name and a figure each; a Suite runs them, writes
// the figures to a file as JSON, prints each beside its goal, and ends with exit status 1
// unless every test passed and every goal is met.
package verdict

import (
	"context"
	"flag"
	"fmt"
	"io"
)

// Suite is tests that report figures, and what these must be.
type Suite struct {
	Name  string // of the build tag of the tests, of the attribute that they report under, and of the file
	Parts []Part
	Goals []Goal // in the order of the file
}

// Part is a package whose tests are run, and which of them.
type Part struct{ Package, Tests string }

// Main runs a suite by the arguments of the program, and returns the status that it
// ends with.
func (s Suite) Main() int { return Main(s.Name, s.run) }

func (s Suite) run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet(s.Name, flag.ContinueOnError)
	file := flags.String("o", s.Name+".json", "file for the figures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, failed, err := s.measure(ctx)
	if err != nil {
		return err
	}
	if err := Write(*file, f.json(s.Goals)); err != nil {
		return err
	}
	missed := f.judge(out, s.Goals)
	if failed > 0 || missed > 0 {
		return fmt.Errorf("%d tests failed and %d goals were missed", failed, missed)
	}
	return nil
}
