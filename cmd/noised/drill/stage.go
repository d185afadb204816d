package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

const contract = `
dataset: visits
version: 1
privacy_unit: {column: person, scope: person}
tenant_dimension: public
contribution: {max_partitions: 2, max_rows_per_partition: 3}
columns:
  person: {type: varchar, role: unit}
  ward:   {type: varchar, role: dimension, domain: {values: ["north", "south"]}}
  days:   {type: integer, role: measure, bounds: [0, 30]}
budget_defaults: {epsilon_per_query: 0.5, delta_per_query: 1e-9}
`

// canary begins the ids of all people in the data.
const canary = "canary-person-"

// canaryAlias is in what analysts ask, and canaryReject in a row that a load rejects.
const (
	canaryAlias  = "canary_of_a_question"
	canaryReject = "canary-of-a-rejected-row"
)

const (
	question = "SELECT ward, COUNT(*) AS " + canaryAlias + " FROM visits GROUP BY ward"
	another  = "SELECT SUM(days) AS days FROM visits" // costs anew
)

// scene is a data directory with two tenants, their data and budgets, and a server.
type scene struct {
	*blackbox.Server
	*blackbox.Parties
	data string
}

// stage sets up a scene. The high-water mark lies outside of the data.
func (h *rehearsal) stage(ctx context.Context) (*scene, error) {
	s := &scene{data: filepath.Join(h.dir, "data")}
	operator, err := h.Init(ctx, s.data)
	if err != nil {
		return nil, err
	}
	if err := h.Run(ctx, "ledger", "accept", "--data-dir", s.data, "--high-water-file", h.mark(), "--yes"); err != nil {
		return nil, err
	}
	if s.Server, err = h.Start(ctx, s.data, h.flags()...); err != nil {
		return nil, err
	}
	if s.Parties, err = blackbox.SetUp(ctx, s.Server, operator, []byte(contract), []string{"alpha", "beta"}); err != nil {
		return s, err
	}
	if err := s.SetBudgets(ctx, s.Server, wire.Loss{Epsilon: 10, Delta: 1e-6}, wire.Loss{Epsilon: 10, Delta: 1e-6}); err != nil {
		return s, err
	}
	for _, tenant := range s.Tenants {
		if err := s.load(ctx, tenant); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (h *rehearsal) mark() string { return filepath.Join(h.dir, "mark") }

func (h *rehearsal) flags() []string { return append(h.extension(), "--high-water-file", h.mark()) }

// extension are the flags that have data files encrypted, if that can be.
func (h *rehearsal) extension() []string {
	if h.crypto == "" {
		return nil
	}
	return []string{"--crypto-extension", h.crypto, "--require-encryption"}
}

func (s *scene) load(ctx context.Context, tenant string) error {
	var rows strings.Builder
	rows.WriteString("person,ward,days\n")
	for i := range 2000 {
		fmt.Fprintf(&rows, "%s%s-%d,%s,%d\n", canary, tenant, i, []string{"north", "south"}[i%2], i%30)
	}
	fmt.Fprintf(&rows, "%s%s-rejected,north,%s\n", canary, tenant, canaryReject)
	loader, err := s.API(s.Loader[tenant])
	if err != nil {
		return err
	}
	bad := int64(1)
	made, err := loader.Upload(ctx, wire.Upload{Dataset: s.Dataset, Tenant: tenant, ContentType: wire.TypeCSV, MaxBadRecords: &bad}, strings.NewReader(rows.String()))
	if err != nil {
		return err
	}
	done, err := loader.Wait(ctx, made.ID, nil)
	if err == nil && (done.State != wire.LoadStateSucceeded || done.RowsRejected != bad) {
		err = fmt.Errorf("the load %s and %d rows were rejected", done.State, done.RowsRejected)
	}
	return err
}

// ask asks the question as an analyst.
func (s *scene) ask(ctx context.Context, server *blackbox.Server, key string) (*wire.Result, error) {
	return s.askFor(ctx, server, key, question)
}

func (s *scene) askFor(ctx context.Context, server *blackbox.Server, key, sql string) (*wire.Result, error) {
	api, err := server.API(key)
	if err != nil {
		return nil, err
	}
	r, err := api.Query(ctx, wire.QueryRequest{SQL: sql}, wire.QueryOptions{})
	if err != nil {
		return nil, err
	}
	return r, r.Body.Close()
}

// refusedAs turns the error of a call that must be refused into that of the check.
func refusedAs(code string, err error) error {
	p, ok := wire.AsProblem(err)
	switch {
	case err == nil:
		return errors.New("it was answered")
	case !ok || p.Code() != code:
		return fmt.Errorf("it ended with %w, not as %s", err, code)
	}
	return nil
}

// that is the error of a check on something that is seen.
func that(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}
