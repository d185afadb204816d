package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (a *app) principalCommand() *cobra.Command {
	return group("principal", "Refuse principals", a.revokePrincipalCommand())
}

func (a *app) revokePrincipalCommand() *cobra.Command {
	return a.client(&cobra.Command{
		Use:   "revoke ID",
		Short: "Refuse a principal for good, whatever it authenticates with",
		Long: `Refuse a principal for good, from its next call on: all its keys, every token
that its issuer gives it, its certificates. Lists of keys, charges and refusals
name principals: key_…, oidc_… for tokens, cert_… for certificates.`,
		Args: exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.RevokePrincipal(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.print(map[string]string{"revoked": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "revoked %s\n", args[0]) })
		},
	})
}
