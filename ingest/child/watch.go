package child

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// watchEvery is the pause between two looks at what a worker takes.
const watchEvery = 200 * time.Millisecond

// watch ends a worker that takes more time or memory than a load is granted. The
// returned function ends the watch and says why the worker was ended, if it was.
func (r *Runner) watch(p *os.Process) (end func() error) {
	var cause error
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		late := time.NewTimer(r.o.Timeout)
		defer late.Stop()
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for cause == nil {
			select {
			case <-done:
				return
			case <-late.C:
				cause = errTooLong(r.o.Timeout)
			case <-tick.C:
				if resident(p.Pid) > int64(r.o.MemoryMB)<<20*3/2+watchAllowance {
					cause = errMemory
				}
			}
		}
		_ = p.Kill()
	})
	return func() error { close(done); watching.Wait(); return cause }
}

// watchAllowance is resident memory of a worker beyond half as much again as a load
// is granted: the program itself, and what is given back a little later.
const watchAllowance = 256 << 20

// resident is the memory in bytes that a process has in use; 0 where the system does
// not tell.
func resident(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
