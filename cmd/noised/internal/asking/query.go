// Package asking has the commands of analysts: to ask a question, to learn what it would
// cost, and to read earlier answers and where they came from.
package asking

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/namedfile"
	"github.com/noised/noised/cmd/noised/internal/remote"
)

// QueryCommand is noised query.
func QueryCommand(a *command.App) *cobra.Command {
	var f queryFlags
	query := command.OwnFormats(remote.Command(a, &cobra.Command{
		Use:   `query "SELECT …"`,
		Short: "Ask a question and pay for it from the budgets",
		Long: `Ask a question and pay for it from the budgets.

On a terminal the answer is a table with 95 % intervals; elsewhere it is CSV.
--format arrow, csv, json or table chooses. The same question on unchanged data
is answered again from the stored release, free. "-" reads the SQL from
standard input.`,
		Example: `  noised query --epsilon 0.5 "SELECT tenant, COUNT(DISTINCT student) FROM insteval GROUP BY tenant"`,
		Args:    f.sqlOrTemplate,
		RunE: func(cmd *cobra.Command, args []string) error {
			sql, err := sqlText(a, args)
			if err != nil {
				return err
			}
			req, err := f.request(cmd.Flags(), sql)
			if err != nil {
				return err
			}
			form, err := formOf(a)
			if err != nil {
				return err
			}
			c, err := remote.Connect(a)
			if err != nil {
				return err
			}
			if form.table {
				req.Intervals = remote.Optional(true)
			}
			r, err := c.Query(cmd.Context(), req, wire.QueryOptions{Accept: form.media, IdempotencyKey: f.idempotencyKey})
			if err != nil {
				return &remote.QueryError{SQL: sql, Err: err}
			}
			return showResult(a, form, r)
		},
	}))
	f.register(query.Flags())
	query.Flags().BoolVar(&f.intervals, "intervals", false, "add the columns c_low and c_high (tables always show them)")
	query.Flags().StringVar(&f.idempotencyKey, "idempotency-key", "", "makes a retry of this very call free")
	return query
}

// maxSQL bounds a query from standard input: more than any server takes.
const maxSQL = 1 << 20

// sqlText returns the query, from standard input for "-"; none where a template is
// asked.
func sqlText(a *command.App, args []string) (string, error) {
	if len(args) == 0 {
		return "", nil
	}
	arg := args[0]
	if arg != "-" {
		return arg, nil
	}
	b, err := namedfile.ReadAll(a.Stdin, maxSQL)
	if err != nil {
		return "", fmt.Errorf("cannot read the query: %w", err)
	}
	return string(b), nil
}
