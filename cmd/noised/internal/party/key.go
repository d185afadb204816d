package party

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/screen"
)

// KeyCommand is noised key.
func KeyCommand(a *command.App) *cobra.Command {
	return command.Group("key", "Create, list, replace and revoke API keys", createKeyCommand(a), listKeysCommand(a), rotateKeyCommand(a), revokeKeyCommand(a))
}

// keyFlags are the flags of noised key create.
type keyFlags struct {
	role, tenant, group, name string
	own                       string // the tenant whose admin creates it; empty: an operator does
	ttl                       time.Duration
}

// create asks the server for the key.
func (f *keyFlags) create(ctx context.Context, c *wire.API) (wire.NewKey, error) {
	var expires *time.Time
	if f.ttl > 0 {
		expires = remote.Optional(time.Now().Add(f.ttl).UTC())
	}
	role, group, name := wire.Role(f.role), remote.Optional(f.group), remote.Optional(f.name)
	if f.own != "" {
		return c.CreateTenantKey(ctx, f.own, wire.TenantKeyRequest{Role: role, Group: group, Name: name, ExpiresAt: expires})
	}
	return c.CreateKey(ctx, wire.KeyRequest{Role: role, Tenant: remote.Optional(f.tenant), Group: group, Name: name, ExpiresAt: expires})
}

func createKeyCommand(a *command.App) *cobra.Command {
	var f keyFlags
	create := remote.Command(a, &cobra.Command{
		Use:   "create",
		Short: "Create a key and print it once",
		Long: `Create a key and print it once.

An operator may create every kind of key (--tenant says whose it is). A tenant
admin creates keys of the own tenant with --as-tenant NAME.

Keys of one --group spend from the same budgets per group, also after they are
revoked and replaced. A key's group never changes.`,
		Example: "  noised key create --role analyst\n  noised key create --role contributor --tenant dept_1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.own != "" && f.tenant != "":
				return command.Usagef("--tenant and --as-tenant exclude each other")
			case cmd.Flags().Changed("ttl") && f.ttl <= 0:
				return command.Usagef("--ttl must be more than nothing; leave it out for a key that does not expire")
			}
			return remote.Call(a, func(c *wire.API) (wire.NewKey, error) { return f.create(cmd.Context(), c) }, func(w io.Writer, k wire.NewKey) {
				fmt.Fprintln(w, k.Key)
				fmt.Fprintf(a.Stderr, "created %s (%s); the key above is not shown again\n", k.ID, k.Role)
			})
		},
	})
	fs := create.Flags()
	fs.StringVar(&f.role, "role", "", "operator, tenant-admin, budget-admin, contributor, analyst or auditor")
	fs.StringVar(&f.tenant, "tenant", "", "tenant that the key belongs to")
	fs.StringVar(&f.own, "as-tenant", "", "create it as this tenant's admin")
	fs.StringVar(&f.group, "group", "", "group that the key's holder spends with")
	fs.StringVar(&f.name, "name", "", "name for lists")
	fs.DurationVar(&f.ttl, "ttl", 0, "lifetime, e.g. 720h (default: does not expire)")
	return command.Need(create, "role")
}

func listKeysCommand(a *command.App) *cobra.Command {
	var own string
	list := remote.Command(a, &cobra.Command{
		Use:   "list",
		Short: "List keys, without their secrets",
		Args:  command.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return remote.Call(a, func(c *wire.API) (wire.KeyList, error) {
				if own != "" {
					return c.TenantKeys(cmd.Context(), own)
				}
				return c.Keys(cmd.Context())
			}, func(w io.Writer, l wire.KeyList) { keyGrid(l.Items, time.Now()).Write(w) })
		},
	})
	list.Flags().StringVar(&own, "as-tenant", "", "list them as this tenant's admin")
	return list
}

func keyGrid(keys []wire.Key, now time.Time) *screen.Grid {
	g := &screen.Grid{
		Header: []string{"key", "role", "tenant", "group", "name", "state", "created", "last used"},
		Narrow: screen.Narrow{Drop: []int{6, 3, 7, 2}, Cut: []screen.Cut{
			{Column: 5, Least: 17}, {Column: 4, Least: 8}, {Column: 3, Least: 6}, {Column: 2, Least: 8}, // 17: "until" and a day
		}},
	}
	for _, k := range keys {
		g.Add(k.ID, string(k.Role), remote.Value(k.Tenant), remote.Value(k.Group), remote.Value(k.Name), keyState(k, now), screen.ShowTime(k.CreatedAt), lastUse(k))
	}
	return g
}

func lastUse(k wire.Key) string {
	if k.LastUsedAt == nil {
		return "not so far"
	}
	return screen.ShowTime(*k.LastUsedAt)
}

func rotateKeyCommand(a *command.App) *cobra.Command {
	var own string
	var overlap time.Duration
	rotate := remote.Command(a, &cobra.Command{
		Use:   "rotate ID",
		Short: "Replace a key and print the new one once",
		Long: `Replace a key and print the new one once.

The new key acts for the same principal: it has the same role, tenant, group,
budgets and releases, and lives as long as the old one was made to. The old one
lives on for the overlap, and is listed with its end.`,
		Example: "  noised key rotate key_… --overlap 24h\n  noised key rotate key_… --overlap 0s   # it was stolen",
		Args:    command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Call(a, func(c *wire.API) (wire.NewKey, error) {
				if own != "" {
					return c.RotateTenantKey(cmd.Context(), own, args[0], overlap.String())
				}
				return c.RotateKey(cmd.Context(), args[0], overlap.String())
			}, func(w io.Writer, k wire.NewKey) {
				fmt.Fprintln(w, k.Key)
				fmt.Fprintf(a.Stderr, "%s replaces %s, which ends in %s; the key above is not shown again\n", k.ID, args[0], overlap)
			})
		},
	})
	rotate.Flags().StringVar(&own, "as-tenant", "", "replace it as this tenant's admin")
	rotate.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the old key lives on, at most 720h")
	return rotate
}

func revokeKeyCommand(a *command.App) *cobra.Command {
	var own string
	revoke := remote.Command(a, &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke a key at once",
		Args:  command.ExactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remote.Do(a, func(c *wire.API) error {
				if own != "" {
					return c.RevokeTenantKey(cmd.Context(), own, args[0])
				}
				return c.RevokeKey(cmd.Context(), args[0])
			}, map[string]string{"revoked": args[0]}, "revoked "+args[0])
		},
	})
	revoke.Flags().StringVar(&own, "as-tenant", "", "revoke it as this tenant's admin")
	return revoke
}

func keyState(k wire.Key, now time.Time) string {
	switch {
	case k.RevokedAt != nil:
		return "revoked"
	case k.ExpiresAt != nil && !k.ExpiresAt.After(now):
		return "expired"
	case k.ExpiresAt != nil:
		return "until " + screen.ShowTime(*k.ExpiresAt)
	}
	return "valid"
}
