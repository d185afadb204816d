package duckdb

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/noised/noised/analytics/bounding"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlgen"
	"github.com/noised/noised/privacy"
)

// run is one execution of a plan.
type run struct {
	plan      *plan.Bound
	salt      [16]byte
	hash      bounding.ValueHash
	instance  *instance
	domains   []*declaredDomain // per key; shared by the streams, read only
	tokens    chan struct{}     // held while inside DuckDB or decoding
	streams   []*stream
	producers sync.WaitGroup
}

// newRun prepares the streams. On an error it has given back every reader.
func newRun(o Options, in engine.Input, on *instance, limit sqlgen.Cap) (*run, error) {
	r := &run{plan: in.Plan, salt: in.Salt, hash: bounding.NewValueHash(in.Salt), instance: on, tokens: make(chan struct{}, o.Threads)}
	for _, k := range in.Plan.Keys {
		d, err := newDomain(k)
		if err != nil {
			return nil, privacy.Internal(err, "engine input")
		}
		r.domains = append(r.domains, d)
	}
	relations, err := r.relations(in)
	for _, of := range relations {
		of.Cap = limit
		if err == nil {
			err = r.addStream(of)
		}
	}
	if err != nil {
		for _, s := range r.streams {
			on.giveBack(s.catalog, s.reader, true)
		}
		return nil, err
	}
	return r, nil
}

// relations returns what there is a stream for: each segment or, in a join, each
// tenant with rows in the first table, since all joined rows come from these.
func (r *run) relations(in engine.Input) ([]sqlgen.Relation, error) {
	joined := len(in.Plan.Sources) > 1
	var out []sqlgen.Relation
	public := make(map[string][]string)
	at := make(map[string]int) // tenant → index in out
	for _, s := range in.Segments {
		catalog, ok := r.instance.catalogs[s.Path]
		if !ok {
			return nil, privacy.Internal(fmt.Errorf("a segment is not attached"), "engine input")
		}
		i, known := at[s.Tenant]
		switch {
		case !joined:
			out = append(out, sqlgen.Relation{Catalog: catalog, Tenant: s.Tenant})
			continue
		case s.Tenant == "":
			public[s.Table] = append(public[s.Table], catalog)
			continue
		case !known:
			i = len(out)
			at[s.Tenant] = i
			out = append(out, sqlgen.Relation{Tenant: s.Tenant, Tables: make(map[string][]string)})
		}
		if out[i].Tables[s.Table] = append(out[i].Tables[s.Table], catalog); s.Table == in.Plan.Sources[0].Table {
			out[i].Catalog = catalog // whose readers it takes
		}
	}
	if !joined {
		return out, nil
	}
	for _, of := range out {
		maps.Copy(of.Tables, public)
	}
	return slices.DeleteFunc(out, func(of sqlgen.Relation) bool { return of.Catalog == "" }), nil
}

func (r *run) addStream(of sqlgen.Relation) error {
	st, err := sqlgen.Generate(r.plan, of)
	if err != nil {
		return err
	}
	reader, err := r.instance.borrow(of.Catalog)
	if err != nil {
		return privacy.Internal(err, "opening a segment")
	}
	r.streams = append(r.streams, &stream{
		run: r, tenant: of.Tenant, catalog: of.Catalog, sql: st.SQL, reader: reader,
		decoder: newDecoder(r, st.Layout, of.Tenant),
		out:     make(chan delivery, 1),
		free:    make(chan *buffers, len(reader.buffers)),
	})
	return nil
}
