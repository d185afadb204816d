package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/bench/internal/report"
	"github.com/noised/noised/cmd/noised/bench/internal/rival"
	"github.com/noised/noised/cmd/noised/internal/sample"
	"github.com/noised/noised/privacy"
)

// contest is one aggregate that noised and Google's dpagg both answer, by service
// and age of the lecture: twelve groups of like size, so that no single one makes
// up the error.
type contest struct {
	name  string
	sql   string
	exact func(rival.Group) float64
	rival rival.Aggregate
}

var contests = []contest{
	{"count", "COUNT(*)", exactCount, rival.Count()},
	{"units", "COUNT(DISTINCT student)", exactUnits, rival.Units()},
	{"sum", "SUM(rating)", exactSum, rival.Sum()},
	{"avg", "AVG(rating)", exactMean, rival.Mean()},
	{"var_pop", "VAR_POP(rating)", exactVariance, rival.Variance()},
	{"stddev_pop", "STDDEV_POP(rating)", exactDeviation, rival.Deviation()},
	{"median", "MEDIAN(rating)", exactQuantile(0.5), rival.Quantile(0.5)},
	{"quantile_0.9", "QUANTILE_CONT(rating, 0.9)", exactQuantile(0.9), rival.Quantile(0.9)},
}

// atMost is the largest ratio of errors that noised is to reach. A thousand
// repetitions of twelve groups carry ±1 %.
const atMost = 1.07

// accuracy compares errors at equal cost to an account, for the same rows and
// the same bounds.
//
// The sample is cut to the bounds beforehand, so that neither side has anything
// to bound, and the truth of both is the plain aggregate of the same rows; rows
// that bounding drops would be another comparison. dpagg gets its (ε, δ) and
// splits it as it does. What its Gaussians then cost, Σ Δ²/σ² with the σ of its
// own calibration, is the price at which noised is asked, through the built
// server and REST.
func (b *bench) accuracy(ctx context.Context) (err error) {
	rows := bounded(b.rows)
	files, err := rows.Files()
	if err != nil {
		return err
	}
	s, p, err := b.siteOf(ctx, "accuracy", files)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	api, err := s.API(p.Analyst)
	if err != nil {
		return err
	}
	groups := groupsOf(rows)
	for i, c := range contests {
		theirs, err := c.rivals(groups, b.repetitions)
		if err != nil {
			return fmt.Errorf("dpagg's %s: %w", c.name, err)
		}
		ours, err := c.ours(ctx, api, groups, i*b.repetitions, b.repetitions)
		if err != nil {
			return fmt.Errorf("%s: %w", c.sql, err)
		}
		f := report.Figure{Name: "rmse_" + c.name, What: c.sql, Against: "Google's dpagg", Value: ours, Baseline: theirs, Ratio: ours / theirs}
		f.Goal = fmt.Sprintf("ratio ≤ %g", atMost)
		if pass := f.Ratio <= atMost; !b.quick {
			f.Pass = &pass
		}
		b.add(f)
	}
	return nil
}

// key names a group.
type key struct{ Service, LectAge string }

func keyOf(r sample.Rating) key { return key{r.Service, r.LectAge} }

// bounded returns the first rows of each student in each of the first groups, as
// many as the bounds allow.
func bounded(all sample.Ratings) sample.Ratings {
	kept := map[int64]map[key]int{}
	return slices.DeleteFunc(slices.Clone(all), func(r sample.Rating) bool {
		of := kept[r.Student]
		if of == nil {
			of = map[key]int{}
			kept[r.Student] = of
		}
		k := keyOf(r)
		if of[k] == rival.MaxRows || of[k] == 0 && len(of) == rival.MaxGroups {
			return true
		}
		of[k]++
		return false
	})
}

func groupsOf(rows sample.Ratings) map[key]rival.Group {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b sample.Rating) int { return cmp.Compare(a.Student, b.Student) })
	groups := map[key]rival.Group{}
	for _, r := range rows {
		g := groups[keyOf(r)]
		g.Rows = append(g.Rows, r)
		if last := len(g.Units) - 1; last >= 0 && g.Units[last][0].Student == r.Student {
			g.Units[last] = append(g.Units[last], r)
		} else {
			g.Units = append(g.Units, sample.Ratings{r})
		}
		groups[keyOf(r)] = g
	}
	return groups
}

// rivals returns dpagg's root mean squared error.
func (c contest) rivals(groups map[key]rival.Group, repetitions int) (float64, error) {
	var e errorSum
	for range repetitions {
		for _, g := range groups {
			v, err := c.rival.Answer(g)
			if err != nil {
				return 0, err
			}
			e.add(v, c.exact(g))
		}
	}
	return e.root(), nil
}

// ours returns noised's, at dpagg's price. Each answer is asked for at an ε of
// its own, lower by a trifle, or it would be a stored release: those of other
// contests count too, since aggregates share draws. So many were asked for
// before.
func (c contest) ours(ctx context.Context, api *wire.API, groups map[key]rival.Group, before, repetitions int) (float64, error) {
	epsilon, err := c.priced(ctx, api, c.rival.Mu2())
	if err != nil {
		return 0, err
	}
	var e errorSum
	for i := range repetitions {
		values, err := c.ask(ctx, api, epsilon*(1-1e-9*float64(before+i)))
		if err != nil {
			return 0, err
		}
		if len(values) != len(groups) {
			return 0, fmt.Errorf("%d groups, want %d", len(values), len(groups))
		}
		for k, v := range values {
			e.add(v, c.exact(groups[k]))
		}
	}
	return e.root(), nil
}

func (c contest) request(epsilon float64) wire.QueryRequest {
	partitions, rows, delta := int64(rival.MaxGroups), int64(rival.MaxRows), rival.Delta
	return wire.QueryRequest{
		SQL:     "SELECT service, lectage, " + c.sql + " AS value FROM insteval GROUP BY service, lectage",
		Epsilon: &epsilon, Delta: &delta,
		Bounds: &wire.QueryBounds{MaxPartitions: &partitions, MaxRowsPerPartition: &rows},
	}
}

// priced returns the ε for which an account is charged mu2, and makes sure of
// it.
func (c contest) priced(ctx context.Context, api *wire.API, mu2 float64) (float64, error) {
	epsilon := privacy.EpsilonOf(math.Sqrt(mu2), rival.Delta)
	x, err := api.Explain(ctx, c.request(epsilon))
	if err != nil {
		return 0, err
	}
	if !x.Permitted {
		return 0, &wire.ProblemError{Problem: *x.Problem}
	}
	for _, charge := range x.Charges {
		if paid := 2 * charge.Rho; paid > mu2*(1+1e-9) || paid < mu2*(1-1e-3) {
			return 0, fmt.Errorf("%s pays μ² = %g, dpagg %g", charge.Account, paid, mu2)
		}
	}
	return epsilon, nil
}

// ask returns the value of each group.
func (c contest) ask(ctx context.Context, api *wire.API, epsilon float64) (map[key]float64, error) {
	r, err := api.Query(ctx, c.request(epsilon), wire.QueryOptions{Accept: wire.TypeJSON})
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	var rows []struct {
		key
		Value float64
	}
	if err := json.NewDecoder(r.Body).Decode(&rows); err != nil {
		return nil, err
	}
	if r.Cached {
		return nil, fmt.Errorf("a stored release is no repetition")
	}
	values := map[key]float64{}
	for _, row := range rows {
		values[row.key] = row.Value
	}
	return values, nil
}

// errorSum accumulates squared errors.
type errorSum struct {
	squares float64
	n       int
}

func (e *errorSum) add(value, exact float64) {
	e.squares += (value - exact) * (value - exact)
	e.n++
}

func (e *errorSum) root() float64 { return math.Sqrt(e.squares / float64(e.n)) }
