package query

import (
	"context"
	"math"
	"slices"

	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/planner"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/privacy"
)

// maxExpectedN is the largest number of rows that a caller may expect.
const maxExpectedN = int64(1) << 53

// lossFor returns the loss that a question asks for: as it says, or the least
// with which it is as accurate as it wants to be. The latter is a function of
// the plan, the contract and, where one is named, of an earlier release that
// this principal has read. No row decides, and no budget.
func (s *Service) lossFor(ctx context.Context, principal string, q *question) (privacy.Loss, error) {
	loss, err := lossOf(q.request)
	if err != nil || q.request.Accuracy == nil {
		return loss, err
	}
	w, err := s.wish(ctx, principal, q)
	if err != nil {
		return loss, err
	}
	most, err := q.plan(privacy.Loss{Epsilon: privacy.MaxEpsilon, Delta: loss.Delta})
	if err != nil {
		return loss, err
	}
	loss.Epsilon, err = w.leastEpsilon(func(epsilon float64) (*planner.Priced, error) {
		if ctx.Err() != nil { // the search is long for whoever asks for very much at once
			return nil, busy()
		}
		return most.At(privacy.Loss{Epsilon: epsilon, Delta: most.Loss.Delta})
	})
	return loss, err
}

// lossOf reads the loss that was asked for; parts that were not stay zero, for
// the contract's defaults. A part that was given as zero is refused here, since
// the planner could not tell it from one that was not given.
func lossOf(r Request) (privacy.Loss, error) {
	var loss privacy.Loss
	if r.Epsilon != nil && r.Accuracy != nil {
		return loss, privacy.Errorf(privacy.CodeInvalidRequest, "epsilon and accuracy exclude each other: give one of the two")
	}
	if r.Epsilon != nil {
		loss.Epsilon = *r.Epsilon
	}
	if r.Epsilon == nil && r.Accuracy == nil && r.Resolved != nil {
		loss.Epsilon = r.Resolved.Epsilon // rather than the contract's default
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

// confidence returns that of the intervals that a request asks for.
func (r Request) confidence() float64 {
	if r.Accuracy == nil || r.Accuracy.Confidence == 0 {
		return Confidence
	}
	return r.Accuracy.Confidence
}

// check refuses an accuracy that is not one.
func (a *Accuracy) check() error {
	bad := func(format string, args ...any) error {
		return privacy.Errorf(privacy.CodePrivacyParameters, format, args...)
	}
	width := a.Relative
	if width == nil {
		width = a.Absolute
	}
	switch {
	case (a.Relative == nil) == (a.Absolute == nil):
		return privacy.Errorf(privacy.CodeInvalidRequest, "accuracy takes either relative or absolute")
	case !(*width > 0) || math.IsInf(*width, 0):
		return bad("a wanted accuracy must be a positive number")
	case a.Confidence != 0 && !(a.Confidence >= 0.5 && a.Confidence <= 0.9999):
		return bad("accuracy.confidence must be between 0.5 and 0.9999")
	case a.ExpectedN != nil && (*a.ExpectedN < 1 || *a.ExpectedN > maxExpectedN):
		return bad("accuracy.expected_n must be between 1 and %d", maxExpectedN)
	case a.Relative != nil && a.ExpectedN == nil && a.Release == "":
		return privacy.Errorf(privacy.CodePrivacyParameters, "a relative accuracy needs to know how large the values are").
			Suggest("give expected_n, the number of rows of a group, or release, the id of an earlier answer")
	case a.Absolute != nil && a.Release != "":
		return privacy.Errorf(privacy.CodeInvalidRequest, "accuracy.release goes with accuracy.relative")
	}
	return nil
}

// wish is a wanted accuracy, with what it is measured by.
type wish struct {
	Accuracy
	sizes map[string]float64 // of columns, by the named release; nil without one
	view  finish.View        // its plan and noise are those of the loss that is looked at
}

func (s *Service) wish(ctx context.Context, principal string, q *question) (*wish, error) {
	a := q.request.Accuracy
	if err := a.check(); err != nil {
		return nil, err
	}
	w := &wish{Accuracy: *a, view: finish.View{Confidence: q.request.confidence()}}
	if a.Release == "" {
		return w, nil
	}
	reading, err := s.Store.Read(ctx, principal, a.Release)
	if err != nil {
		return nil, err
	}
	if reading.Dataset != q.dataset.Name {
		return nil, privacy.Errorf(privacy.CodePrivacyParameters, "the release that accuracy names is of another dataset")
	}
	answer, err := fromReading(reading)
	if err != nil {
		return nil, err
	}
	w.sizes = sizesOf(answer.Table)
	return w, nil
}

// sizesOf returns the median magnitude of every noised column of a release that
// has one above zero. What was released is public to its reader, so that this
// costs nothing.
func sizesOf(t *result.Table) map[string]float64 {
	sizes := map[string]float64{}
	for _, c := range t.Columns {
		if c.Mechanism == result.Public || c.Mechanism == result.PartitionSelection || !c.Type.IsNumeric() {
			continue
		}
		var magnitudes []float64
		for i := range c.Values.Len() {
			if v := c.Values.At(i); !v.Null {
				magnitudes = append(magnitudes, math.Abs(v.AsFloat()))
			}
		}
		slices.Sort(magnitudes)
		if n := len(magnitudes); n > 0 {
			if m := (magnitudes[(n-1)/2] + magnitudes[n/2]) / 2; m > 0 {
				sizes[c.Name] = m
			}
		}
	}
	return sizes
}
