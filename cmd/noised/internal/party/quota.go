package party

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// QuotaCommand is noised quota.
func QuotaCommand(a *command.App) *cobra.Command {
	return command.Group("quota", "Show and set what a tenant may use", setQuotaCommand(a), showQuotaCommand(a))
}

const unlimited = "unlimited"

func setQuotaCommand(a *command.App) *cobra.Command {
	set := remote.Command(a, &cobra.Command{
		Use:   "set TENANT [NAME=LIMIT…]",
		Short: "Set a tenant's quotas in place of those before (operator)",
		Long: `Set a tenant's quotas in place of those that were set before. A limit is a number
or unlimited; what is not named is as the server's configuration says.

The quotas: stored_bytes (of data in force, and of uploads that wait),
loads_waiting, loads_running and queries (at a time), requests_per_second (of all
principals of the tenant together).`,
		Example: "  noised quota set clinic_1 stored_bytes=50000000000 queries=8 loads_waiting=unlimited",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return command.Usagef("missing argument TENANT")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := quotasFrom(args[1:])
			if err != nil {
				return err
			}
			return remote.Call(a, func(c *wire.API) (wire.TenantQuotas, error) { return c.PutQuotas(cmd.Context(), args[0], q) }, writeQuotas)
		},
	})
	return set
}

func showQuotaCommand(a *command.App) *cobra.Command {
	return remote.Command(a, &cobra.Command{
		Use:   "show TENANT",
		Short: "Show a tenant's quotas (operator, tenant admin)",
		Args:  command.ExactArgs("TENANT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.TenantQuotas, error) { return c.Quotas(cmd.Context(), args[0]) }, writeQuotas)
		},
	})
}

// quotasFrom reads NAME=LIMIT.
func quotasFrom(args []string) (q wire.QuotaRequest, err error) {
	into := map[string]**int64{
		"stored_bytes": &q.StoredBytes, "loads_waiting": &q.LoadsWaiting, "loads_running": &q.LoadsRunning,
		"queries": &q.Queries, "requests_per_second": &q.RequestsPerSecond,
	}
	said := map[string]bool{}
	for _, arg := range args {
		name, text, _ := strings.Cut(arg, "=")
		at, known := into[name]
		if !known {
			return q, command.Usagef("%q is not NAME=LIMIT of a quota; see noised quota set --help", arg)
		}
		if said[name] {
			return q, command.Usagef("%s is named twice", name)
		}
		said[name] = true
		if text == unlimited {
			q.Unlimited = append(q.Unlimited, wire.QuotaName(name))
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return q, command.Usagef("%q: a limit is a number from 0 on, or %s", arg, unlimited)
		}
		*at = &n
	}
	return q, nil
}

func writeQuotas(w io.Writer, q wire.TenantQuotas) {
	g := screen.Grid{Header: []string{"quota", "limit", "set for"}}
	for _, row := range []struct {
		name  wire.QuotaName
		limit *int64
	}{
		{"stored_bytes", q.StoredBytes}, {"loads_waiting", q.LoadsWaiting}, {"loads_running", q.LoadsRunning},
		{"queries", q.Queries}, {"requests_per_second", q.RequestsPerSecond},
	} {
		limit, of := unlimited, "every tenant"
		if row.limit != nil {
			limit = fmt.Sprint(*row.limit)
		}
		if slices.Contains(q.Own, row.name) {
			of = q.Tenant
		}
		g.Add(string(row.name), limit, of)
	}
	g.Write(w)
}
