package question

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/analytics/wish"
	"github.com/noised/noised/privacy"
)

// Request is one question.
type Request struct {
	SQL                 string                     `json:"sql"`
	MaxPartitions       *int64                     `json:"max_partitions,omitempty"`         // at most the contract's
	MaxRowsPerPartition *int64                     `json:"max_rows_per_partition,omitempty"` // at most the contract's
	Columns             map[string][2]float64      `json:"columns,omitempty"`                // narrower bounds of measures
	Epsilon             *float64                   `json:"epsilon,omitempty"`                // the contract's default when nil
	Delta               *float64                   `json:"delta,omitempty"`                  // the contract's default when nil
	Tenants             []string                   `json:"tenants,omitempty"`                // every active member when nil
	Accuracy            *wish.Accuracy             `json:"accuracy,omitempty"`               // instead of Epsilon: the least charge that is this accurate
	OnExhausted         string                     `json:"on_exhausted,omitempty"`           // OnExhaustedFail when empty
	OnElsewhere         string                     `json:"on_elsewhere,omitempty"`           // OnElsewhereFail when empty
	Intervals           bool                       `json:"-"`                                // of the answer's form; never changes the release
	IdempotencyKey      string                     `json:"-"`
	Purpose             string                     `json:"purpose,omitempty"`    // for policies and the record; never changes the release
	Template            string                     `json:"template,omitempty"`   // dataset/name, in place of SQL
	Parameters          map[string]json.RawMessage `json:"parameters,omitempty"` // of the template
	Resolved            *template.Template         `json:"resolved,omitempty"`   // what Template stood for when it was asked; set by the service
	Operation           string                     `json:"-"`                    // as policies know it; of the method when empty
}

// As returns what policies know the request as.
func (r Request) As() string { return cmp.Or(r.Operation, OperationQuery) }

// What to do when a tenant's budget does not suffice.
const (
	OnExhaustedFail    = "fail"    // refuse the query
	OnExhaustedExclude = "exclude" // ask the other tenants
)

// What to do when a tenant belongs to a region that the server does not serve.
const (
	OnElsewhereFail    = "fail"    // refuse the query
	OnElsewhereExclude = "exclude" // ask the other tenants
)

// The operations that ask a question, as policies know them.
const (
	OperationQuery   = "query"
	OperationExplain = "explain"
)

// Fingerprint tells requests apart as the caller sent them.
func (r Request) Fingerprint() (string, error) {
	if r.Template != "" {
		r.SQL, r.Resolved = "", nil // as the caller sent it
	}
	b, err := json.Marshal(r)
	if err != nil {
		return "", privacy.Errorf(privacy.CodeInvalidRequest, "the request has a number that is not finite")
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// loss reads the loss that was asked for; parts that were not stay zero, for
// the contract's defaults. A part that was given as zero is refused here, since
// the planner could not tell it from one that was not given.
func (r Request) loss() (privacy.Loss, error) {
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

// within refuses more loss than a template allows.
func (r Request) within(loss privacy.Loss) error {
	if r.Resolved != nil && loss.Epsilon > r.Resolved.Epsilon {
		return privacy.Errorf(privacy.CodePrivacyParameters, "the template allows an epsilon of at most %g", r.Resolved.Epsilon)
	}
	return nil
}
