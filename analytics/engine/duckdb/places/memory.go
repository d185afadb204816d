package places

// Memory is what the keys of one block are decoded into, kept for the next one.
type Memory struct {
	keys   []int32
	places []int32
	wide   []int64
}

// Room returns s with length n, with a new array only if it is too short.
func Room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2048))
	}
	return s[:n]
}
