package party

import (
	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
)

// PrincipalCommand is noised principal.
func PrincipalCommand(a *command.App) *cobra.Command {
	return command.Group("principal", "Refuse principals", revokePrincipalCommand(a))
}

func revokePrincipalCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "revoke ID",
		Short: "Refuse a principal for good, whatever it authenticates with",
		Long: `Refuse a principal for good, from its next call on: all its keys, every token
that its issuer gives it, its certificates. Lists of keys, charges and refusals
name principals: key_…, oidc_… for tokens, cert_… for certificates.`,
		Args: command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Do(a, func(c *wire.API) error { return c.RevokePrincipal(cmd.Context(), args[0]) },
				map[string]string{"revoked": args[0]}, "revoked "+args[0])
		},
	})
}
