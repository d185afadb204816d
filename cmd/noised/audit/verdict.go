package main

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Verdict is what one test of the battery found.
type Verdict struct {
	Test    string `json:"test"`
	Samples int64  `json:"samples"`
	Bound   Figure `json:"bound"` // what the guarantee allows
	Seen    Figure `json:"seen"`  // what was seen
	Verdict string `json:"verdict"`
}

// The verdicts.
const (
	pass = "pass"
	fail = "fail"
)

// Figure is a number or, where no number says it, a few words.
type Figure string

// MarshalJSON writes numbers as numbers.
func (f Figure) MarshalJSON() ([]byte, error) {
	if x, err := strconv.ParseFloat(string(f), 64); err == nil {
		if text, err := json.Marshal(x); err == nil { // not for NaN and infinities
			return text, nil
		}
	}
	return json.Marshal(string(f))
}

// required lists the tests without which the battery is not whole, beside the
// mutations.
func required() []string {
	var names []string
	for i := 1; i <= 25; i++ {
		names = append(names, fmt.Sprintf("attack-%02d", i))
	}
	return append(names, "replay", "replay-joins", "replay-periods", "event-count", "event-sum", "event-power", "event-selection",
		"distribution-gaussian", "distribution-laplace", "distribution-power",
		"neighbour-one-person-load", "neighbour-coarse-group", "neighbour-person-in-tenants", "neighbour-merged-sum", "neighbour-join-whale")
}

// missing returns a failed verdict for every required test that did not report.
func missing(verdicts []Verdict) []Verdict {
	reported := map[string]bool{}
	for _, v := range verdicts {
		reported[v.Test] = true
	}
	var out []Verdict
	for _, name := range required() {
		if !reported[name] {
			out = append(out, Verdict{Test: name, Bound: "reported", Seen: "did not run", Verdict: fail})
		}
	}
	return out
}
