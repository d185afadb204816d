package duckdb

import (
	"context"
	"fmt"
	"sync"
)

// facts remembers answers: the files of an instance do not change.
type facts struct {
	mu    sync.Mutex
	known map[string][]int64
}

// maxFacts is the number of answers that are remembered.
const maxFacts = 4000

// fact returns the numbers that a statement says of the files. about tells it from
// all other statements, so that it need not be written to be remembered.
func (in *instance) fact(ctx context.Context, about string, statement func() (string, error)) ([]int64, error) {
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
	c, err := in.db.connect()
	if err != nil {
		return nil, err
	}
	defer c.close()
	if numbers, err = c.numbers(ctx, sql); err != nil {
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

// numbers runs a statement whose result is one row of whole numbers.
func (c *connection) numbers(ctx context.Context, sql string) (out []int64, err error) {
	err = c.during(ctx, func() error {
		out, err = c.fetchNumbers(sql)
		return err
	})
	return out, err
}

// during runs what uses a connection, whose statement fails when ctx ends.
func (c *connection) during(ctx context.Context, use func() error) error {
	done, interrupted := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		keepInterrupting(done, c)
	})
	err := use()
	close(done)
	if !stop() {
		<-interrupted
	}
	return err
}

func (c *connection) fetchNumbers(sql string) ([]int64, error) {
	result, err := c.query(sql)
	if err != nil {
		return nil, err
	}
	defer result.close()
	ch, more, err := result.next()
	switch {
	case err != nil:
		return nil, err
	case !more:
		return nil, fmt.Errorf("there is no number")
	}
	defer ch.close()
	var out []int64
	for i, t := range result.types {
		if t != physicalInt64 {
			return nil, fmt.Errorf("the result is not a number")
		}
		out = append(out, view[int64](ch.vector(i, t), 1)[0])
	}
	return out, nil
}
