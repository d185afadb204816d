// Package wish finds the least ε with which a query is as accurate as its asker
// wants it. What it finds is a function of the plan, its price at every ε, and of an
// earlier answer where one is named; so the same wish is the same charge, and
// looking for it costs nothing.
package wish

import (
	"math"
	"slices"

	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/privacy"
)

// Confidence is that of every interval, unless an accuracy names another.
const Confidence = 0.95

// Accuracy is the widest interval that the caller accepts of every noised
// column: exactly one of Relative and Absolute, as the larger distance of the
// interval's ends from the value.
//
// Relative is measured by the size that the column of a group of ExpectedN rows
// can have (finish.Expectation.Size), or by the median magnitude of the column of
// that name in Release. ExpectedN is needed besides where the interval itself
// depends on the number of rows: for all aggregates but counts and sums.
type Accuracy struct {
	Relative   *float64 `json:"relative,omitempty"`   // needs ExpectedN or Release
	Absolute   *float64 `json:"absolute,omitempty"`   // in the unit of every noised column
	Confidence float64  `json:"confidence"`           // of the interval, between 0.5 and 0.9999; Confidence when 0
	ExpectedN  *int64   `json:"expected_n,omitempty"` // rows of a group, as the caller expects them
	Release    string   `json:"release,omitempty"`    // an earlier release of the caller's that tells the size of the values
}

// Level returns the confidence of the intervals that are wanted, also by those who
// want no accuracy.
func (a *Accuracy) Level() float64 {
	if a == nil || a.Confidence == 0 {
		return Confidence
	}
	return a.Confidence
}

// maxExpectedN is the largest number of rows that a caller may expect.
const maxExpectedN = int64(1) << 53

// Check refuses an accuracy that is not one.
func (a *Accuracy) Check() error {
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

// Wish is a wanted accuracy, with what it is measured by.
type Wish struct {
	Accuracy
	sizes map[string]float64 // of columns, by the named release; nil without one
	view  finish.View        // its plan and noise are those of the loss that is looked at
}

// New returns a wish for an accuracy that Check has passed. Where that is measured by
// an earlier release, earlier is the release as its reader saw it; else it is nil.
func New(a Accuracy, earlier *result.Table) *Wish {
	w := &Wish{Accuracy: a, view: finish.View{Confidence: a.Level()}}
	if earlier != nil {
		w.sizes = sizesOf(earlier)
	}
	return w
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
