// Package showing shows releases: a noised core as the table that a question asked for,
// with what the table says of itself. All of it is post-processing of what is stored.
package showing

import (
	"github.com/noised/noised/analytics/finish"
	"github.com/noised/noised/analytics/question"
	"github.com/noised/noised/analytics/release"
	"github.com/noised/noised/analytics/result"
	"github.com/noised/noised/privacy"
)

// Answer is a release as one view of it.
type Answer struct {
	Release release.Release
	Table   *result.Table
	Cached  bool // nothing was charged: the release was there already
}

// Stored shows a stored core as the question asked for it.
func Stored(c release.Core, q *question.Prepared) (*Answer, error) {
	core, err := finish.DecodeCore(c.Noised, q.Priced.Plan)
	if err != nil {
		return nil, privacy.Internal(err, "stored core of "+c.ID)
	}
	return Of(c.Release, q, core)
}

// Of shows a core as the request asked for it.
func Of(r release.Release, q *question.Prepared, core *finish.Core) (*Answer, error) {
	r.SQL, r.Purpose, r.Policy = q.Request.SQL, q.Request.Purpose, q.Policy
	table, err := tableOf(r, q, core)
	if err != nil {
		return nil, err
	}
	return &Answer{Release: r, Table: table}, nil
}

// Read returns a release as its reader first saw it.
func Read(r release.Reading) (*Answer, error) {
	table, err := result.Decode(r.Result)
	if err != nil {
		return nil, privacy.Internal(err, "stored result of "+r.ID)
	}
	return &Answer{Release: r.Release, Table: table}, nil
}
