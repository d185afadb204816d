package attached

import (
	"context"
	"sync"
)

// facts remembers answers: the files of an instance do not change.
type facts struct {
	mu    sync.Mutex
	known map[string][]int64
}

// maxFacts is the number of answers that are remembered.
const maxFacts = 4000

// Fact returns the numbers that a statement says of the files. about tells it from
// all other statements, so that it need not be written to be remembered.
func (in *Instance) Fact(ctx context.Context, about string, statement func() (string, error)) ([]int64, error) {
	in.facts.mu.Lock()
	numbers, known := in.facts.known[about]
	in.facts.mu.Unlock()
	if known {
		return numbers, nil
	}
	sql, err := statement()
	if err != nil {
		return nil, err
	}
	c, err := in.Connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if numbers, err = c.Numbers(ctx, sql); err != nil {
		return nil, err
	}
	in.facts.mu.Lock()
	defer in.facts.mu.Unlock()
	if in.facts.known == nil || len(in.facts.known) >= maxFacts {
		in.facts.known = make(map[string][]int64)
	}
	in.facts.known[about] = numbers
	return numbers, nil
}
