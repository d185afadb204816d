package native

import (
	"context"
	"fmt"
	"time"
)

// interruptEvery is how often a run that is being stopped is interrupted again:
// DuckDB forgets an interrupt that comes just before a statement starts.
const interruptEvery = 10 * time.Millisecond

// Numbers runs a statement whose result is one row of whole numbers.
func (c *Connection) Numbers(ctx context.Context, sql string) (out []int64, err error) {
	err = c.During(ctx, func() error {
		out, err = c.fetchNumbers(sql)
		return err
	})
	return out, err
}

// During runs what uses a connection, whose statement fails when ctx ends.
func (c *Connection) During(ctx context.Context, use func() error) error {
	done, interrupted := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		KeepDoing(done, c.Interrupt)
	})
	err := use()
	close(done)
	if !stop() {
		<-interrupted
	}
	return err
}

func (c *Connection) fetchNumbers(sql string) ([]int64, error) {
	result, err := c.Query(sql)
	if err != nil {
		return nil, err
	}
	defer result.Close()
	ch, more, err := result.Next()
	switch {
	case err != nil:
		return nil, err
	case !more:
		return nil, fmt.Errorf("there is no number")
	}
	defer ch.Close()
	var out []int64
	for i, t := range result.Types {
		if t != PhysicalInt64 {
			return nil, fmt.Errorf("the result is not a number")
		}
		out = append(out, View[int64](ch.Vector(i, t), 1)[0])
	}
	return out, nil
}

// KeepDoing interrupts again and again until done, so that a statement that is just
// about to start fails, too.
func KeepDoing(done <-chan struct{}, interrupt func()) {
	tick := time.NewTicker(interruptEvery)
	defer tick.Stop()
	for {
		interrupt()
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}
