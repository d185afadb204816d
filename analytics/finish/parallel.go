package finish

import (
	"errors"
	"runtime"
	"sync"
)

// leastShard is the number of groups that are worth a goroutine.
const leastShard = 1024

// inShards cuts 0 … n−1 into ranges, one for each processor where n is large,
// lets of work on them at the same time, and returns what it makes of each, in
// order. A panic is the caller's.
func inShards[T any](n int, of func(from, to int) (T, error)) ([]T, error) {
	shards := max(1, min(runtime.GOMAXPROCS(0), n/leastShard))
	made, errs, panics := make([]T, shards), make([]error, shards), make([]any, shards)
	var wg sync.WaitGroup
	for i := range shards {
		wg.Go(func() {
			defer func() { panics[i] = recover() }()
			made[i], errs[i] = of(i*n/shards, (i+1)*n/shards)
		})
	}
	wg.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
	return made, errors.Join(errs...)
}
