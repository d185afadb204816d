package analysis

import (
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/wish"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// asksSomething refuses a body without a question.
func asksSomething(q wire.QueryRequest) error {
	if q.SQL == "" && q.Template == nil {
		return privacy.Errorf(privacy.CodeInvalidRequest, "give sql, or a template with its parameters")
	}
	return nil
}

// requestOf translates a request that the document's schema has admitted.
func requestOf(q wire.QueryRequest) question.Request {
	out := question.Request{SQL: q.SQL, Epsilon: q.Epsilon, Delta: q.Delta, Tenants: q.Tenants, Purpose: wire.ValueOf(q.Purpose), Template: wire.ValueOf(q.Template), Parameters: q.Parameters}
	if q.OnExhausted != nil {
		out.OnExhausted = string(*q.OnExhausted)
	}
	if q.OnElsewhere != nil {
		out.OnElsewhere = string(*q.OnElsewhere)
	}
	if q.Intervals != nil {
		out.Intervals = *q.Intervals
	}
	if a := q.Accuracy; a != nil {
		out.Accuracy = accuracyOf(*a)
	}
	if b := q.Bounds; b != nil {
		out.MaxPartitions, out.MaxRowsPerPartition = b.MaxPartitions, b.MaxRowsPerPartition
		for column, interval := range b.AdditionalProperties {
			if out.Columns == nil {
				out.Columns = map[string][2]float64{}
			}
			out.Columns[column] = [2]float64{interval[0], interval[1]}
		}
	}
	return out
}

// accuracyOf translates a wanted accuracy; what it may hold, the service checks.
func accuracyOf(a wire.WantedAccuracy) *wish.Accuracy {
	out := &wish.Accuracy{
		Relative: a.Relative, Absolute: a.Absolute, Confidence: wish.Confidence,
		ExpectedN: a.ExpectedN, Release: wire.ValueOf(a.Release),
	}
	if a.Confidence != nil {
		out.Confidence = *a.Confidence
	}
	return out
}
