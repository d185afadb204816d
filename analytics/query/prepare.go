package query

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/privacy"
)

// prepared is a question that is permitted and priced. Nothing private has
// been read for it.
type prepared struct {
	request     Request
	dataset     catalog.Dataset
	priced      *planner.Priced
	generations map[string]catalog.Generation // by tenant; missing: nothing loaded
	core        string                        // digest of what is computed and with which noise
	key         string                        // core on these generations: the identity of the release
	leased      bool                          // its charge was made here, and with it the first lease
}

func (p *prepared) view() finish.View {
	return finish.View{Plan: p.priced.Plan, Noise: p.priced.Noise, Confidence: Confidence}
}

// prepare parses, permits, bounds and prices a request, and finds the
// generations it would read.
func (s *Service) prepare(ctx context.Context, r Request) (*prepared, error) {
	if r.OnExhausted != "" && r.OnExhausted != OnExhaustedFail && r.OnExhausted != OnExhaustedExclude {
		return nil, privacy.Errorf(privacy.CodeInvalidRequest, "on_exhausted must be %q or %q", OnExhaustedFail, OnExhaustedExclude)
	}
	sel, err := s.Parser.Parse(ctx, r.SQL)
	if err != nil {
		return nil, err
	}
	from := plan.Tables(sel.From)[0]
	ds, err := s.Catalog.Dataset(ctx, from.Dataset)
	if err != nil {
		return nil, atTable(err, from)
	}
	if sel, err = reduce.Reduce(sel, planner.Columns(ds.Contract)); err != nil {
		return nil, err
	}
	return s.priceOn(ctx, r, sel, ds)
}

// atTable points an unknown-dataset error at the FROM clause.
func atTable(err error, from *plan.Table) error {
	if e := privacy.AsError(err); e.Code == privacy.CodeUnknownDataset {
		return e.At(int(from.Pos))
	}
	return err
}

func (s *Service) priceOn(ctx context.Context, r Request, sel *plan.Select, ds catalog.Dataset) (*prepared, error) {
	loss, err := lossOf(r)
	if err != nil {
		return nil, err
	}
	priced, err := planner.Plan(sel, planner.Dataset{Contract: ds.Contract, Members: ds.Active()}, planner.Request{
		Loss: loss, MaxPartitions: r.MaxPartitions, MaxRowsPerPartition: r.MaxRowsPerPartition, Columns: r.Columns, Tenants: r.Tenants,
	})
	if err != nil {
		return nil, err
	}
	if n := priced.Plan.DeclaredCount(s.MaxGroups); n > s.MaxGroups {
		return nil, privacy.Errorf(privacy.CodeQueryNotPermitted, "the declared keys have more than %d combinations", s.MaxGroups).
			Suggest("group by fewer dimensions")
	}
	gens, err := s.Catalog.CurrentUnder(ctx, ds.Contract, priced.Plan.Tenants)
	if err != nil {
		return nil, err
	}
	p := &prepared{request: r, dataset: ds, priced: priced, generations: gens, core: coreDigest(priced)}
	p.key = releaseKey(p.core, priced.Plan.Tenants, gens)
	return p, nil
}

// lossOf reads the loss that was asked for; parts that were not stay zero, for
// the contract's defaults. A part that was given as zero is refused here, since
// the planner could not tell it from one that was not given.
func lossOf(r Request) (privacy.Loss, error) {
	var loss privacy.Loss
	if r.Epsilon != nil {
		loss.Epsilon = *r.Epsilon
	}
	if r.Delta != nil {
		loss.Delta = *r.Delta
	}
	asked := loss
	if r.Epsilon == nil {
		asked.Epsilon = 1
	}
	if r.Delta == nil {
		asked.Delta = 1e-9
	}
	return loss, asked.Check()
}

// coreDigest identifies what is computed and how much noise it gets: the
// plan's core, the loss that was asked for, and the noise of each draw.
func coreDigest(p *planner.Priced) string {
	h := sha256.New()
	_, _ = io.WriteString(h, p.Plan.CoreKey())
	_, _ = fmt.Fprintf(h, "loss %x %x cost %d %d\n", math.Float64bits(p.Loss.Epsilon), math.Float64bits(p.Loss.Delta), p.Cost.Mu2, p.Cost.Delta)
	for _, n := range p.Noise {
		_, _ = fmt.Fprintf(h, "noise %s %x\n", n.Kind, math.Float64bits(n.Stddev))
	}
	if p.Selection != nil {
		_, _ = fmt.Fprintf(h, "select %d at %d\n", p.Selection.Draw, p.Selection.Threshold.Value())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// releaseKey identifies a core on given generations. Tenants that never loaded
// count as such, so that their first load makes a new release.
func releaseKey(core string, tenants []string, gens map[string]catalog.Generation) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "core %s\n", core)
	for _, t := range slices.Sorted(slices.Values(tenants)) {
		_, _ = fmt.Fprintf(h, "tenant %s generation %s\n", t, gens[t].ID)
	}
	return hex.EncodeToString(h.Sum(nil))
}
