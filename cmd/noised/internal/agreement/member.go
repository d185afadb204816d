package agreement

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
)

// MemberCommand is noised member.
func MemberCommand(a *command.App) *cobra.Command {
	var dataset, tenant string
	var version int
	accept := remote.Command(a, &cobra.Command{
		Use:   "accept",
		Short: "Accept a version of a dataset's contract (tenant admin)",
		Long: `Accept a version of a dataset's contract for one's tenant. From then on its rows
take part in answers, under the tenant's own budget. The version is named so
that what is accepted is what was read.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			m, err := c.AcceptContract(cmd.Context(), dataset, tenant, version)
			if err != nil {
				return Waits(a, err)
			}
			return a.Print(m, func(w io.Writer) { fmt.Fprintf(w, "%s accepted %s version %d\n", m.Tenant, m.Dataset, m.Version) })
		},
	})
	accept.Flags().IntVar(&version, "version", 0, "contract version to accept")
	leave := remote.Command(a, &cobra.Command{
		Use:   "leave",
		Short: "Leave a dataset (tenant admin)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote.Do(a, func(c *wire.API) error { return c.LeaveDataset(cmd.Context(), dataset, tenant) },
				map[string]string{"dataset": dataset, "left": tenant}, tenant+" left "+dataset)
		},
	})
	for _, c := range []*cobra.Command{accept, leave} {
		c.Flags().StringVar(&dataset, "dataset", "", "dataset")
		c.Flags().StringVar(&tenant, "tenant", "", "tenant")
	}
	return command.Group("member", "Accept or leave a dataset", command.Need(accept, "dataset", "tenant", "version"), command.Need(leave, "dataset", "tenant"))
}
