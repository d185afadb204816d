package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
)

func (a *app) proposalCommand() *cobra.Command {
	return group("proposal", "See and sign changes that wait for approvals",
		a.proposalsCommand(), a.showProposalCommand(),
		a.decideCommand("approve", "Sign a change; the last signature that is needed makes it", (*wire.API).Approve),
		a.decideCommand("reject", "Refuse a change that waits for you", (*wire.API).Reject),
		a.withdrawCommand())
}

func (a *app) proposalsCommand() *cobra.Command {
	var page pageFlags
	var state string
	list := a.client(&cobra.Command{
		Use:   "list",
		Short: "List changes that wait, or waited, for approvals, newest first",
		Long: `List changes that wait, or waited, for approvals, newest first: those that
concern one's tenant, or all of them with the operator's key.`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			l, err := c.Proposals(cmd.Context(), state, page.cursor, page.limit)
			if err != nil {
				return err
			}
			return a.print(l, func(w io.Writer) {
				g := &grid{header: []string{"id", "kind", "of", "by", "state", "expires"}}
				for _, p := range l.Items {
					g.add(p.ID, string(p.Kind), subject(p), p.By, string(p.State), showTime(p.ExpiresAt))
				}
				g.write(w)
				page.more(a.stderr, l.Next)
			})
		},
	})
	page.register(list)
	list.Flags().StringVar(&state, "state", "", "pending, applied, rejected, withdrawn or expired")
	return list
}

// subject names what a proposal changes.
func subject(p wire.Proposal) string {
	return strings.TrimSpace(value(p.Dataset) + " " + value(p.Tenant))
}

func (a *app) showProposalCommand() *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "show ID",
		Short: "Show what a change would do, and who must agree",
		Args:  exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			p, err := c.Proposal(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(p, func(w io.Writer) { writeProposal(w, p) })
		},
	})
}

func (a *app) decideCommand(name, short string, decide func(*wire.API, context.Context, string) (wire.Proposal, error)) *cobra.Command {
	return a.client(&cobra.Command{
		Use:   name + " ID",
		Short: short,
		Args:  exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			p, err := decide(c, cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(p, func(w io.Writer) { writeProposal(w, p) })
		},
	})
}

func (a *app) withdrawCommand() *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "withdraw ID",
		Short: "Take back a change that you proposed",
		Args:  exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.Withdraw(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.print(map[string]string{"withdrawn": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "%s is withdrawn\n", args[0]) })
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
		whose := "of " + value(n.Tenant)
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
		fmt.Fprintf(w, "signed by %s, %s of %s, %s%s\n", g.Principal, g.Role, g.Tenant, showTime(g.At), note)
	}
	if p.DecidedAt == nil {
		fmt.Fprintf(w, "expires %s\n", showTime(p.ExpiresAt))
	}
}

// waits prints the proposal that a change was kept as, where it has to wait; what
// was asked for has then been done as far as it can be.
func (a *app) waits(err error) error {
	var waiting *wire.WaitingError
	if !errors.As(err, &waiting) {
		return err
	}
	return a.print(waiting.Proposal, func(w io.Writer) { writeProposal(w, waiting.Proposal) })
}
