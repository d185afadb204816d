package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/cmd/noised/internal/agreement"
	"github.com/noised/noised/cmd/noised/internal/asking"
	"github.com/noised/noised/cmd/noised/internal/budget"
	"github.com/noised/noised/cmd/noised/internal/build"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/demo"
	"github.com/noised/noised/cmd/noised/internal/ledger"
	"github.com/noised/noised/cmd/noised/internal/loading"
	"github.com/noised/noised/cmd/noised/internal/logs"
	"github.com/noised/noised/cmd/noised/internal/oversight"
	"github.com/noised/noised/cmd/noised/internal/party"
	"github.com/noised/noised/cmd/noised/internal/policies"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/setup"
	"github.com/noised/noised/cmd/noised/internal/snapshots"
	"github.com/noised/noised/cmd/noised/internal/upgrade"
)

// run executes the command line and returns the exit code.
func run(ctx context.Context, a *command.App, args []string) int {
	root := rootCommand(a)
	root.SetArgs(args)
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return command.ExitOK
	}
	var exit *command.ExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	var usage *command.UsageError
	if errors.As(err, &usage) {
		fmt.Fprintf(a.Stderr, "noised: %s\nRun '%s --help' for usage.\n", usage.Msg, cmd.CommandPath())
		return command.ExitUsage
	}
	fmt.Fprintf(a.Stderr, "noised: %s\n", strings.TrimSpace(remote.Explain(err)))
	return command.ExitFailure
}

func rootCommand(a *command.App) *cobra.Command {
	root := command.Group("noised", "Answers across organisations, under privacy budgets that each keeps")
	root.Long = `noised loads the data of several organisations (tenants) into files of their
own and answers aggregate SQL across them. Every answer carries calibrated
noise and is paid for from budgets that each tenant sets; nothing exact leaves.

Try it:            noised demo
Run a server:      noised init --data-dir DIR && noised serve --data-dir DIR
Talk to a server:  set NOISED_URL and NOISED_KEY, then noised query "SELECT …"`
	root.Version = build.Current().Version
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return command.Usagef("%s", err) })
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return a.CheckFormat(c) }
	p := root.PersistentFlags()
	p.StringVar(&a.Format, "format", "", "text or json; query and release get also know csv and arrow")
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
	add("server", demo.Command(a), setup.InitCommand(a), serveCommand(a), ledger.Command(a), logs.Command(a), setup.KeyringCommand(a), snapshots.BackupCommand(a), snapshots.RestoreCommand(a), upgrade.Command(a))
	add("data", loading.LoadCommand(a), loading.EraseCommand(a), loading.ErasuresCommand(a), asking.QueryCommand(a), asking.ExplainCommand(a), asking.ReleaseCommand(a), logs.ReceiptCommand(a), asking.LineageCommand(a))
	add("admin", party.TenantCommand(a), party.KeyCommand(a), party.PrincipalCommand(a), agreement.DatasetCommand(a), agreement.MemberCommand(a), budget.Command(a), party.QuotaCommand(a), policies.Command(a), agreement.TemplateCommand(a), agreement.ProposalCommand(a), oversight.RefusalsCommand(a),
		oversight.SuspendCommand(a), oversight.ResumeCommand(a), oversight.SuspensionsCommand(a), oversight.AlertsCommand(a))
	root.AddCommand(workerCommand(a), versionCommand(a))
	return root
}
