package asking

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/command"
	"github.com/noised/noised/cmd/noised/internal/remote"
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
		return command.ExactArgs("SQL")(cmd, args)
	}
	return command.ExactArgs()(cmd, args)
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
			return nil, command.Usagef("--param %q is not NAME=VALUE", p)
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
		SQL: sql, Tenants: f.tenants, OnExhausted: remote.Optional(wire.OnExhausted(f.onExhausted)), OnElsewhere: remote.Optional(wire.OnElsewhere(f.onElsewhere)),
		Intervals: remote.Optional(f.intervals), Purpose: remote.Optional(f.purpose), Template: remote.Optional(f.template),
	}
	if fs.Changed("epsilon") {
		q.Epsilon = &f.epsilon
	}
	if fs.Changed("delta") {
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
	if fs.Changed("max-partitions") {
		b.MaxPartitions = &f.maxPartitions
	}
	if fs.Changed("max-rows-per-partition") {
		b.MaxRowsPerPartition = &f.maxRowsPerPartition
	}
	for _, entry := range f.bounds {
		column, rest, ok := strings.Cut(entry, "=")
		lo, hi, ok2 := strings.Cut(rest, ":")
		low, err1 := strconv.ParseFloat(lo, 64)
		high, err2 := strconv.ParseFloat(hi, 64)
		if !ok || !ok2 || column == "" || err1 != nil || err2 != nil {
			return q, command.Usagef("--bounds %q is not COLUMN=LO:HI, for example rating=1:5", entry)
		}
		b.Set(column, wire.Interval{low, high})
	}
	if b.MaxPartitions != nil || b.MaxRowsPerPartition != nil || b.AdditionalProperties != nil {
		q.Bounds = &b
	}
	return q, nil
}
