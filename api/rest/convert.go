package rest

import (
	"encoding/json"

	"github.com/noised/noised/analytics/showing"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// defaultPage is how many entries a list has when the caller does not say.
const defaultPage = 100

func pageSize(limit *int32) int {
	if limit == nil {
		return defaultPage
	}
	return int(*limit)
}

// valueOf returns what an optional member holds, or its zero value.
func valueOf[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

// mapped translates a list. It is never nil, so that it shows as [] in JSON.
func mapped[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// object turns a value into the map that a schema of free form has.
func object(v any) (map[string]any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, privacy.Internal(err, "write object")
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, privacy.Internal(err, "read object")
	}
	return out, nil
}

// newInfo returns the description of a release in the form of a result, so that
// both carry the same headers.
func newInfo(a *showing.Answer) (resultResponse, error) {
	body, err := json.Marshal(releaseOf(a.Release))
	if err != nil {
		return resultResponse{}, privacy.Internal(err, "write release")
	}
	return resultResponse{release: a.Release, cached: a.Cached, media: wire.TypeReleaseInfo, body: body}, nil
}
