package duckdb

import (
	"context"
	"fmt"
	"sync"
)

// facts remembers answers: the files of an instance do not change.
type facts struct {
	mu    sync.Mutex
	bySQL map[string]int64
}

// maxFacts is the number of answers that are remembered.
const maxFacts = 1000

// fact returns the number that a statement says of the files.
func (in *instance) fact(ctx context.Context, sql string) (int64, error) {
	in.facts.mu.Lock()
	n, known := in.facts.bySQL[sql]
	in.facts.mu.Unlock()
	if known {
		return n, nil
	}
	c, err := in.db.connect()
	if err != nil {
		return 0, err
	}
	defer c.close()
	if n, err = c.number(ctx, sql); err != nil {
		return 0, err
	}
	in.facts.mu.Lock()
	defer in.facts.mu.Unlock()
	if in.facts.bySQL == nil || len(in.facts.bySQL) >= maxFacts {
		in.facts.bySQL = make(map[string]int64)
	}
	in.facts.bySQL[sql] = n
	return n, nil
}

// number runs a statement whose result is one whole number.
func (c *connection) number(ctx context.Context, sql string) (n int64, err error) {
	err = c.during(ctx, func() error {
		n, err = c.fetchNumber(sql)
		return err
	})
	return n, err
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

func (c *connection) fetchNumber(sql string) (int64, error) {
	result, err := c.query(sql)
	if err != nil {
		return 0, err
	}
	defer result.close()
	if len(result.types) != 1 || result.types[0] != physicalInt64 {
		return 0, fmt.Errorf("the result is not a number")
	}
	ch, more, err := result.next()
	switch {
	case err != nil:
		return 0, err
	case !more:
		return 0, fmt.Errorf("there is no number")
	}
	defer ch.close()
	return view[int64](ch.vector(0, physicalInt64), 1)[0], nil
}
