package demo

import (
	"io"
	"net/url"
	"testing"
)

func TestTheDemonstrationHoldsWhatItShows(t *testing.T) {
	began := &demo{out: io.Discard, notes: io.Discard, data: "../../../../testdata", listen: "127.0.0.1:0"}
	if err := began.run(t.Context(), true, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	r := began.report
	if r.Rows != 73421 || len(r.Questions) != 3 || len(r.Refusals) != 2 {
		t.Fatalf("the report is %+v", r)
	}
	if _, err := url.Parse(r.URL); err != nil || r.AnalystKey == "" {
		t.Errorf("no address or key in %+v", r)
	}
	students := r.Questions[0]
	// Each of 14 intervals holds its truth with probability 0.95, so fewer than
	// 7 do with probability below 1e-6.
	if students.Groups != 14 || students.Covered < 7 || students.BoundingMax != 0 {
		t.Errorf("students per department: %+v", students)
	}
	if shift := r.Questions[1].BoundingMax; shift <= 0 || shift > 0.1 {
		t.Errorf("bounding moved a mean rating by %g", shift)
	}
	if r.Questions[2].Groups != 10 {
		t.Errorf("ratings per lecturer has %d rows", r.Questions[2].Groups)
	}
}
