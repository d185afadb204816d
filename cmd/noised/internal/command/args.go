package command

import (
	"github.com/spf13/cobra"
)

// Group returns a command that only holds others.
func Group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return Usagef("unknown command %q for %q", args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			if err := cmd.Help(); err != nil {
				return err
			}
			return &ExitError{Code: ExitUsage}
		},
	}
	c.AddCommand(children...)
	return c
}

// ExactArgs requires as many arguments as there are names, and says which one
// is missing.
func ExactArgs(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return Usagef("missing argument %s", names[len(args)])
		case len(args) > len(names):
			return Usagef("unexpected argument %q", args[len(names)])
		}
		return nil
	}
}

// Need makes flags mandatory.
func Need(c *cobra.Command, flags ...string) *cobra.Command {
	inner := c.Args
	c.Args = func(cmd *cobra.Command, args []string) error {
		for _, f := range flags {
			if !cmd.Flags().Changed(f) {
				return Usagef("missing flag --%s", f)
			}
		}
		if inner == nil {
			return ExactArgs()(cmd, args)
		}
		return inner(cmd, args)
	}
	return c
}
