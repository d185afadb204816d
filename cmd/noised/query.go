package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/api/wire"
)

// queryFlags are the parameters that query and explain share.
type queryFlags struct {
	epsilon, delta      float64
	accuracy            accuracyFlags
	tenants             []string
	maxPartitions       int64
	maxRowsPerPartition int64
	bounds              []string
	onExhausted         string
	onElsewhere         string
	intervals           bool
	idempotencyKey      string
	purpose             string
	template            string
	params              []string
}

func (f *queryFlags) register(fs *pflag.FlagSet) {
	fs.Float64Var(&f.epsilon, "epsilon", 0, "privacy loss ε to spend (default: the contract's)")
	fs.Float64Var(&f.delta, "delta", 0, "privacy loss δ to spend (default: the contract's)")
	f.accuracy.register(fs)
	fs.StringSliceVar(&f.tenants, "tenants", nil, "ask these tenants only (default: every member)")
	fs.Int64Var(&f.maxPartitions, "max-partitions", 0, "groups that one unit may take part in (default and ceiling: the contract's)")
	fs.Int64Var(&f.maxRowsPerPartition, "max-rows-per-partition", 0, "rows of one unit in one group (default and ceiling: the contract's)")
	fs.StringArrayVar(&f.bounds, "bounds", nil, "narrower bounds of a measure, as COLUMN=LO:HI; repeatable")
	fs.StringVar(&f.template, "template", "", "ask this template, DATASET/NAME, in place of SQL")
	fs.StringArrayVar(&f.params, "param", nil, "value of a parameter of the template, as NAME=VALUE; repeatable")
	fs.StringVar(&f.purpose, "purpose", "", "what the answer is for: a name that policies may ask for and that stands on the release")
	fs.StringVar(&f.onExhausted, "on-exhausted", "", "when a tenant's budget is spent: fail (default) or exclude it")
	fs.StringVar(&f.onElsewhere, "on-elsewhere", "", "when a tenant belongs to a region that the server does not serve: fail (default) or exclude it")
}

// sqlOrTemplate wants a query, unless a template is named.
func (f *queryFlags) sqlOrTemplate(cmd *cobra.Command, args []string) error {
	if f.template == "" {
		return exactArgs("SQL")(cmd, args)
	}
	return exactArgs()(cmd, args)
}

// parameters reads NAME=VALUE. What is JSON is that value, all else is a text; a
// text that looks like JSON needs its quotes.
func (f *queryFlags) parameters() (map[string]json.RawMessage, error) {
	if len(f.params) == 0 {
		return nil, nil
	}
	out := map[string]json.RawMessage{}
	for _, p := range f.params {
		name, text, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, usagef("--param %q is not NAME=VALUE", p)
		}
		raw := json.RawMessage(text)
		if !json.Valid(raw) {
			raw, _ = json.Marshal(text) // of a string: never fails
		}
		out[name] = raw
	}
	return out, nil
}

// request builds the body of a query from the flags that were given.
func (f *queryFlags) request(fs *pflag.FlagSet, sql string) (wire.QueryRequest, error) {
	q := wire.QueryRequest{
		SQL: sql, Tenants: f.tenants, OnExhausted: optional(wire.OnExhausted(f.onExhausted)), OnElsewhere: optional(wire.OnElsewhere(f.onElsewhere)),
		Intervals: optional(f.intervals), Purpose: optional(f.purpose), Template: optional(f.template),
	}
	if changed(fs, "epsilon") {
		q.Epsilon = &f.epsilon
	}
	if changed(fs, "delta") {
		q.Delta = &f.delta
	}
	var err error
	if q.Parameters, err = f.parameters(); err != nil {
		return q, err
	}
	if q.Accuracy, err = f.accuracy.wanted(fs); err != nil {
		return q, err
	}
	var b wire.QueryBounds
	if changed(fs, "max-partitions") {
		b.MaxPartitions = &f.maxPartitions
	}
	if changed(fs, "max-rows-per-partition") {
		b.MaxRowsPerPartition = &f.maxRowsPerPartition
	}
	for _, entry := range f.bounds {
		column, rest, ok := strings.Cut(entry, "=")
		lo, hi, ok2 := strings.Cut(rest, ":")
		low, err1 := strconv.ParseFloat(lo, 64)
		high, err2 := strconv.ParseFloat(hi, 64)
		if !ok || !ok2 || column == "" || err1 != nil || err2 != nil {
			return q, usagef("--bounds %q is not COLUMN=LO:HI, for example rating=1:5", entry)
		}
		b.Set(column, wire.Interval{low, high})
	}
	if b.MaxPartitions != nil || b.MaxRowsPerPartition != nil || b.AdditionalProperties != nil {
		q.Bounds = &b
	}
	return q, nil
}

func (a *app) queryCommand() *cobra.Command {
	var f queryFlags
	query := a.client(&cobra.Command{
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
			sql, err := a.sqlText(args)
			if err != nil {
				return err
			}
			req, err := f.request(cmd.Flags(), sql)
			if err != nil {
				return err
			}
			form, err := a.resultForm()
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if form.table {
				req.Intervals = optional(true)
			}
			r, err := c.Query(cmd.Context(), req, wire.QueryOptions{Accept: form.media, IdempotencyKey: f.idempotencyKey})
			if err != nil {
				return &queryError{sql: sql, err: err}
			}
			return a.showResult(form, r)
		},
	})
	f.register(query.Flags())
	query.Flags().BoolVar(&f.intervals, "intervals", false, "add the columns c_low and c_high (tables always show them)")
	query.Flags().StringVar(&f.idempotencyKey, "idempotency-key", "", "makes a retry of this very call free")
	return query
}

// sqlText returns the query, from standard input for "-"; none where a template is
// asked.
func (a *app) sqlText(args []string) (string, error) {
	if len(args) == 0 {
		return "", nil
	}
	arg := args[0]
	if arg != "-" {
		return arg, nil
	}
	b, err := io.ReadAll(io.LimitReader(a.stdin, 1<<20))
	if err != nil {
		return "", fmt.Errorf("cannot read the query: %w", err)
	}
	return string(b), nil
}

// resultForm is how a result is asked for and shown.
type resultForm struct {
	media string
	table bool
}

func (a *app) resultForm() (resultForm, error) {
	format := a.format
	if format == "" {
		format = "csv"
		if _, ok := terminal(a.stdout); ok {
			format = "table"
		}
	}
	switch format {
	case "table", "text":
		return resultForm{media: wire.TypeArrow, table: true}, nil
	case "arrow":
		if _, ok := terminal(a.stdout); ok {
			return resultForm{}, usagef("--format arrow is binary: redirect it to a file")
		}
		return resultForm{media: wire.TypeArrow}, nil
	case "csv":
		return resultForm{media: wire.TypeCSV}, nil
	case "json":
		return resultForm{media: wire.TypeJSON}, nil
	}
	return resultForm{}, usagef("--format %s is not known: use table, arrow, csv or json", a.format)
}

// showResult writes a result in its form. What it cost goes to standard error,
// so that a pipe gets the rows alone.
func (a *app) showResult(form resultForm, r *wire.Result) error {
	defer r.Body.Close()
	if !form.table {
		_, err := io.Copy(a.stdout, r.Body)
		if err == nil {
			fmt.Fprintln(a.stderr, priceLine(r))
		}
		return err
	}
	t, err := result.ReadArrow(r.Body)
	if err != nil {
		return fmt.Errorf("the server's answer is not understood: %w", err)
	}
	answerGrid(t).write(a.stdout)
	fmt.Fprintln(a.stderr, priceLine(r)+"; ± covers the noise with 95 % confidence")
	return nil
}

// priceLine says which release an answer is and what it cost.
func priceLine(r *wire.Result) string {
	loss := fmt.Sprintf("ε %s, δ %s", short(r.Epsilon), short(r.Delta))
	if r.Cached {
		return fmt.Sprintf("%s, given again at no charge (it cost %s)", r.Release, loss)
	}
	return fmt.Sprintf("%s, charged %s", r.Release, loss)
}
