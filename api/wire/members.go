package wire

// DefaultPage is how many entries a list has when the caller does not say.
const DefaultPage = 100

// PageSize is how many entries of a list a caller wants.
func PageSize(limit *int32) int {
	if limit == nil {
		return DefaultPage
	}
	return int(*limit)
}

// Optional returns nil for the zero value, so that the member is left out.
func Optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// ValueOf returns what an optional member holds, or its zero value.
func ValueOf[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

// List translates the entries of a list. It is never nil, so that it shows as []
// in JSON.
func List[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
