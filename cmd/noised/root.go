package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// app is one invocation of the program: its streams, its environment and the
// flags that every command shares.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
	env    func() []string

	format  string // --format
	url     string // --url
	keyFile string // --key-file
}

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// usageError is a mistake in how the program was called, as opposed to a
// failure of what it was asked to do.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error {
	return &usageError{msg: fmt.Sprintf(format, args...)}
}

// exitError ends the program with a code after everything has been said.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// run executes the command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(a.stderr, "noised: %s\nRun '%s --help' for usage.\n", usage.msg, cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(a.stderr, "noised: %s\n", strings.TrimSpace(explainError(err)))
	return exitFailure
}

func (a *app) rootCommand() *cobra.Command {
	root := group("noised", "Answers across organisations, under privacy budgets that each keeps")
	root.Long = `noised loads the data of several organisations (tenants) into files of their
own and answers aggregate SQL across them. Every answer carries calibrated
noise and is paid for from budgets that each tenant sets; nothing exact leaves.

Try it:            noised demo
Run a server:      noised init --data-dir DIR && noised serve --data-dir DIR
Talk to a server:  set NOISED_URL and NOISED_KEY, then noised query "SELECT …"`
	root.Version = currentVersion().Version
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%s", err) })
	p := root.PersistentFlags()
	p.StringVar(&a.format, "format", "", "text or json; query and release get also know csv and arrow")
	root.AddGroup(
		&cobra.Group{ID: "server", Title: "Server:"},
		&cobra.Group{ID: "data", Title: "Data and questions:"},
		&cobra.Group{ID: "admin", Title: "Administration:"},
	)
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("server", a.demoCommand(), a.initCommand(), a.serveCommand(), a.ledgerCommand(), a.logCommand(), a.keyringCommand(), a.backupCommand(), a.restoreCommand(), a.upgradeCommand())
	add("data", a.loadCommand(), a.eraseCommand(), a.erasuresCommand(), a.queryCommand(), a.explainCommand(), a.releaseCommand(), a.receiptCommand(), a.lineageCommand())
	add("admin", a.tenantCommand(), a.keyCommand(), a.principalCommand(), a.datasetCommand(), a.memberCommand(), a.budgetCommand(), a.quotaCommand(), a.policyCommand(), a.templateCommand(), a.proposalCommand(), a.refusalsCommand(),
		a.suspendAnyCommand(), a.resumeCommand(), a.suspensionsCommand(), a.alertsCommand())
	root.AddCommand(a.workerCommand(), a.versionCommand())
	return root
}

// group returns a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q for %q", args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			if err := cmd.Help(); err != nil {
				return err
			}
			return &exitError{code: exitUsage}
		},
	}
	c.AddCommand(children...)
	return c
}

// client marks a command as one that talks to a server.
func (a *app) client(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&a.url, "url", "", "server (default $NOISED_URL, then http://127.0.0.1:8080)")
	c.Flags().StringVar(&a.keyFile, "key-file", "", "file that holds the API key (default: the key in $NOISED_KEY)")
	return c
}

// exactArgs requires as many arguments as there are names, and says which one
// is missing.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef("missing argument %s", names[len(args)])
		case len(args) > len(names):
			return usagef("unexpected argument %q", args[len(names)])
		}
		return nil
	}
}

// need makes flags mandatory.
func need(c *cobra.Command, flags ...string) *cobra.Command {
	inner := c.Args
	c.Args = func(cmd *cobra.Command, args []string) error {
		for _, f := range flags {
			if !cmd.Flags().Changed(f) {
				return usagef("missing flag --%s", f)
			}
		}
		if inner == nil {
			return exactArgs()(cmd, args)
		}
		return inner(cmd, args)
	}
	return c
}

// changed reports whether the user set a flag.
func changed(fs *pflag.FlagSet, name string) bool { return fs.Changed(name) }

// wantJSON reports whether --format asks for JSON, and refuses formats that
// the command does not know.
func (a *app) wantJSON() (bool, error) {
	switch a.format {
	case "", "text", "table":
		return false, nil
	case "json":
		return true, nil
	}
	return false, usagef("--format %s is not known here: use text or json", a.format)
}

// terminal reports whether a stream is a terminal, and its width.
func terminal(w any) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return width, true
}
