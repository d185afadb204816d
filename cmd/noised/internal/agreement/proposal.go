package agreement

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// ProposalCommand is noised proposal.
func ProposalCommand(a *command.App) *cobra.Command {
	return command.Group("proposal", "See and sign changes that wait for approvals",
		proposalsCommand(a), showProposalCommand(a),
		decideCommand(a, "approve", "Sign a change; the last signature that is needed makes it", (*wire.API).Approve),
		decideCommand(a, "reject", "Refuse a change that waits for you", (*wire.API).Reject),
		withdrawCommand(a))
}

func proposalsCommand(a *command.App) *cobra.Command {
	var state string
	list := remote.InPages(a, &cobra.Command{
		Use:   "list",
		Short: "List changes that wait, or waited, for approvals, newest first",
		Long: `List changes that wait, or waited, for approvals, newest first: those that
concern one's tenant, or all of them with the operator's key.`,
		Args: command.ExactArgs(),
	}, func(c *wire.API, ctx context.Context, cursor string, limit int32) (wire.ProposalList, error) {
		return c.Proposals(ctx, state, cursor, limit)
	}, func(l wire.ProposalList) (*screen.Grid, *string) { return proposalGrid(l.Items), l.Next })
	list.Flags().StringVar(&state, "state", "", "pending, applied, rejected, withdrawn or expired")
	return list
}

func proposalGrid(proposals []wire.Proposal) *screen.Grid {
	g := &screen.Grid{Header: []string{"id", "kind", "of", "by", "state", "expires"}}
	for _, p := range proposals {
		g.Add(p.ID, string(p.Kind), subject(p), p.By, string(p.State), screen.ShowTime(p.ExpiresAt))
	}
	return g
}

// subject names what a proposal changes.
func subject(p wire.Proposal) string {
	return strings.TrimSpace(remote.Value(p.Dataset) + " " + remote.Value(p.Tenant))
}

func showProposalCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "show ID",
		Short: "Show what a change would do, and who must agree",
		Args:  command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.Proposal, error) { return c.Proposal(cmd.Context(), args[0]) }, writeProposal)
		},
	})
}

func decideCommand(a *command.App, name, short string, decide func(*wire.API, context.Context, string) (wire.Proposal, error)) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   name + " ID",
		Short: short,
		Args:  command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.Proposal, error) { return decide(c, cmd.Context(), args[0]) }, writeProposal)
		},
	})
}

func withdrawCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "withdraw ID",
		Short: "Take back a change that you proposed",
		Args:  command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Do(a, func(c *wire.API) error { return c.Withdraw(cmd.Context(), args[0]) },
				map[string]string{"withdrawn": args[0]}, args[0]+" is withdrawn")
		},
	})
}

// writeProposal shows what a change does before who agrees to it.
func writeProposal(w io.Writer, p wire.Proposal) {
	fmt.Fprintf(w, "%s is %s: %s of %s, by %s\n", p.ID, p.State, p.Kind, subject(p), p.By)
	for _, s := range p.Says {
		fmt.Fprintf(w, "  %s\n", s)
	}
	noise := map[string]bool{}
	for _, c := range p.Effect {
		for _, n := range c.Noise {
			if line := fmt.Sprintf("  noise of %s per group, at the default epsilon: %.4g, so far %.4g\n", n.Of, n.After, n.Before); !noise[line] {
				noise[line] = true
				fmt.Fprint(w, line)
			}
		}
	}
	for _, n := range p.Required {
		whose := "of " + remote.Value(n.Tenant)
		if n.Tenant == nil {
			whose = "of any member"
		}
		fmt.Fprintf(w, "needs %d %s %s: %d missing\n", n.Count, n.Role, whose, n.Missing)
	}
	for _, g := range p.Approvals {
		note := ""
		if !g.Counts {
			note = ", revoked since: does not count"
		}
		fmt.Fprintf(w, "signed by %s, %s of %s, %s%s\n", g.Principal, g.Role, g.Tenant, screen.ShowTime(g.At), note)
	}
	if p.DecidedAt == nil {
		fmt.Fprintf(w, "expires %s\n", screen.ShowTime(p.ExpiresAt))
	}
}

// Waits prints the proposal that a change was kept as, where it has to wait; what
// was asked for has then been done as far as it can be.
func Waits(a *command.App, err error) error {
	var waiting *wire.WaitingError
	if !errors.As(err, &waiting) {
		return err
	}
	return a.Print(waiting.Proposal, func(w io.Writer) { writeProposal(w, waiting.Proposal) })
}
