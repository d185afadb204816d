package duckdb

import (
	"fmt"
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

// newRun prepares a stream for each segment. On an error it has given back
// every reader.
func newRun(o Options, in engine.Input, on *instance) (*run, error) {
	r := &run{plan: in.Plan, salt: in.Salt, hash: bounding.NewValueHash(in.Salt), instance: on, tokens: make(chan struct{}, o.Threads)}
	for _, k := range in.Plan.Keys {
		d, err := newDomain(k)
		if err != nil {
			return nil, privacy.Internal(err, "engine input")
		}
		r.domains = append(r.domains, d)
	}
	for _, s := range in.Segments {
		if err := r.addStream(s); err != nil {
			for _, s := range r.streams {
				on.giveBack(s.catalog, s.reader, true)
			}
			return nil, err
		}
	}
	return r, nil
}

func (r *run) addStream(s engine.Segment) error {
	catalog, ok := r.instance.catalogs[s.Path]
	if !ok {
		return privacy.Internal(fmt.Errorf("a segment is not attached"), "engine input")
	}
	st, err := sqlgen.Generate(r.plan, sqlgen.Relation{Catalog: catalog, Tenant: s.Tenant})
	if err != nil {
		return err
	}
	reader, err := r.instance.borrow(catalog)
	if err != nil {
		return privacy.Internal(err, "opening a segment")
	}
	r.streams = append(r.streams, &stream{
		run: r, tenant: s.Tenant, catalog: catalog, sql: st.SQL, reader: reader,
		decoder: newDecoder(r, st.Layout, s.Tenant),
		out:     make(chan delivery, 1),
		free:    make(chan *buffers, len(reader.buffers)),
	})
	return nil
}
