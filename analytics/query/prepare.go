package query

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/catalog"
	"github.com/noised/noised/analytics/engine"
	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/reduce"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/containment"
)

// prepared is a question that is permitted and priced. Nothing private has
// been read for it.
type prepared struct {
	request     Request
	dataset     catalog.Dataset
	priced      *planner.Priced
	run         *plan.Bound                   // priced.Plan, as it is run on these generations
	generations map[string]catalog.Generation // by tenant; missing: nothing loaded
	segments    []engine.Segment              // of the generations, those that the plan reads
	core        string                        // digest of what is computed and with which noise
	key         string                        // core on these generations: the identity of the release
	policy      int64                         // the version of the policies that permitted it
	asker       privacy.Principal             // whom it is answered to: who asks now, or who paid for it
	leased      bool                          // its charge was made here, and with it the first lease
	shown       *Answer                       // the view of the release that was stored for it here; nil before, and elsewhere
}

func (p *prepared) view() finish.View {
	return finish.View{Plan: p.priced.Plan, Noise: p.priced.Noise, Confidence: p.request.confidence()}
}

// question is a request that is understood: what is asked, and of which
// dataset.
type question struct {
	request Request
	sel     *plan.Select
	dataset catalog.Dataset
	permit  func(*prepared) error // decides it by the policies once its plan is known
}

// prepare parses, permits, bounds and prices a request of a principal, and finds
// the generations it would read.
func (s *Service) prepare(ctx context.Context, by privacy.Principal, r Request) (*prepared, error) {
	if err := s.named(ctx, &r); err != nil {
		return nil, err
	}
	q, err := s.understand(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := q.agreed(); err != nil {
		return nil, err
	}
	q.permit = func(p *prepared) error {
		if err := s.features(ctx, by, p); err != nil {
			return err
		}
		return s.permit(ctx, by, r.operation(), p)
	}
	if err := s.leaveOut(q); err != nil {
		return nil, err
	}
	loss, err := s.lossFor(ctx, by.ID, q)
	if err != nil {
		return nil, err
	}
	p, err := s.priceAt(ctx, q, loss)
	if err == nil {
		p.asker = by
	}
	return p, err
}

// prepareAgain prepares a request at the loss that it was charged at, so that
// one of a wanted accuracy is the same query again whatever it would find now.
func (s *Service) prepareAgain(ctx context.Context, r Request, charged privacy.Loss) (*prepared, error) {
	q, err := s.understand(ctx, r)
	if err != nil {
		return nil, err
	}
	q.permit = func(*prepared) error { return nil } // it was permitted when it was charged
	loss := charged
	if r.Accuracy == nil {
		if loss, err = lossOf(r); err != nil {
			return nil, err
		}
	}
	return s.priceAt(ctx, q, loss)
}

// understand parses a request and finds its dataset.
func (s *Service) understand(ctx context.Context, r Request) (*question, error) {
	if r.OnExhausted != "" && r.OnExhausted != OnExhaustedFail && r.OnExhausted != OnExhaustedExclude {
		return nil, privacy.Errorf(privacy.CodeInvalidRequest, "on_exhausted must be %q or %q", OnExhaustedFail, OnExhaustedExclude)
	}
	if r.OnElsewhere != "" && r.OnElsewhere != OnElsewhereFail && r.OnElsewhere != OnElsewhereExclude {
		return nil, privacy.Errorf(privacy.CodeInvalidRequest, "on_elsewhere must be %q or %q", OnElsewhereFail, OnElsewhereExclude)
	}
	sel, err := s.parse(ctx, r)
	if err != nil {
		return nil, err
	}
	from := plan.Tables(sel.From)[0]
	if dataset, _, ok := strings.Cut(r.Template, "/"); ok {
		if err := about(sel, dataset); err != nil {
			return nil, err
		}
	}
	ds, err := s.Catalog.Dataset(ctx, from.Dataset)
	if err != nil {
		return nil, s.atTable(ctx, err, from)
	}
	if err := s.Containment.Check(ctx, containment.Touches{Dataset: ds.Name, Tenants: r.Tenants}); err != nil {
		return nil, err
	}
	if sel, err = reduce.Reduce(sel, planner.Columns(ds.Contract)); err != nil {
		return nil, err
	}
	return &question{request: r, sel: sel, dataset: ds}, nil
}

// maxSuggested is how many datasets a suggestion names.
const maxSuggested = 3

// atTable points an unknown-dataset error at the FROM clause, and names the
// datasets that have a table of the name that stands there. Contracts are for
// every analyst to read, so this tells nothing new.
func (s *Service) atTable(ctx context.Context, err error, from *plan.Table) error {
	e := privacy.AsError(err)
	if e.Code != privacy.CodeUnknownDataset {
		return err
	}
	e = e.At(int(from.Pos))
	all, err := s.Catalog.Datasets(ctx)
	if err != nil {
		return err
	}
	name := strings.ToLower(cmp.Or(from.Name, from.Dataset))
	var names []string
	for _, d := range all {
		if _, ok := d.Contract.Table(name); ok && len(names) < maxSuggested {
			names = append(names, "FROM "+d.Name+"."+name)
		}
	}
	if names == nil {
		return e
	}
	return e.Suggest("write %s", strings.Join(names, ", or "))
}

// plan permits, bounds and prices the question at a loss. It is a function of
// the contract, its members, the request and the loss.
func (q *question) plan(loss privacy.Loss) (*planner.Priced, error) {
	r := q.request
	return planner.Plan(q.sel, planner.Dataset{Contract: q.dataset.Contract, Members: q.dataset.Active()}, planner.Request{
		Loss: loss, MaxPartitions: r.MaxPartitions, MaxRowsPerPartition: r.MaxRowsPerPartition, Columns: r.Columns, Tenants: r.Tenants,
	})
}

func (s *Service) priceAt(ctx context.Context, q *question, loss privacy.Loss) (*prepared, error) {
	priced, err := q.plan(loss)
	if err != nil {
		return nil, err
	}
	if err := q.request.within(priced.Loss); err != nil {
		return nil, err
	}
	ds := q.dataset
	if err := s.resident(ds, priced.Plan.Tenants); err != nil {
		return nil, err
	}
	if n := priced.Plan.DeclaredCount(s.MaxGroups); n > s.MaxGroups {
		return nil, privacy.Errorf(privacy.CodeQueryNotPermitted, "the declared keys have more than %d combinations", s.MaxGroups).
			Suggest("group by fewer dimensions")
	}
	gens, err := s.Catalog.CurrentUnder(ctx, ds.Contract, readFrom(priced.Plan))
	if err != nil {
		return nil, err
	}
	p := &prepared{request: q.request, dataset: ds, priced: priced, generations: gens, core: coreDigest(priced)}
	if p.key, err = s.keyed(ctx, releaseKey(p.core, readFrom(priced.Plan), gens)); err != nil {
		return nil, err
	}
	if err := q.permit(p); err != nil {
		return nil, err
	}
	p.segments = segmentsOf(priced.Plan, gens, s.DataDir)
	p.run = adapted(priced.Plan, p.segments)
	return p, s.Engine.Permits(ctx, engine.Input{Plan: p.run, Segments: p.segments})
}

// readFrom names whose generations a plan reads: its tenants', and the public
// tables' where it joins one.
func readFrom(b *plan.Bound) []string {
	if slices.ContainsFunc(b.Sources, func(s plan.Source) bool { return s.Public }) {
		return append(slices.Clone(b.Tenants), catalog.Public)
	}
	return b.Tenants
}

// segmentsOf lists the files that a plan reads: of the generations that were found
// for it, those of the tables that it names.
func segmentsOf(b *plan.Bound, generations map[string]catalog.Generation, dataDir string) []engine.Segment {
	var out []engine.Segment
	for _, owner := range readFrom(b) {
		for _, seg := range generations[owner].Segments {
			if readsTable(b, owner, seg.Table) {
				out = append(out, engine.Segment{
					Tenant: owner, Table: seg.Table, Path: filepath.Join(dataDir, seg.Path),
					Ranks: seg.Ranks, GoesOn: seg.Appended > 0, Codes: seg.Codes,
				})
			}
		}
	}
	return out
}

func readsTable(b *plan.Bound, owner, table string) bool {
	if b.Sources == nil {
		return table == ""
	}
	return slices.ContainsFunc(b.Sources, func(s plan.Source) bool {
		return s.Table == table && s.Public == (owner == catalog.Public)
	})
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
// count as such, so that their first load makes a new release. The owner of the
// public tables has the empty name.
func releaseKey(core string, tenants []string, gens map[string]catalog.Generation) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "core %s\n", core)
	for _, t := range slices.Sorted(slices.Values(tenants)) {
		_, _ = fmt.Fprintf(h, "tenant %s generation %s\n", t, gens[t].ID)
	}
	return hex.EncodeToString(h.Sum(nil))
}
