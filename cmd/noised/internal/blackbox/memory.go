package blackbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// lookEvery is the pause between two looks at the memory of processes. A peak is
// kept by the system, so that only what a worker takes in the last of its life's
// pauses can be missed.
const lookEvery = 20 * time.Millisecond

// WatchMemory follows the most resident memory, in bytes, that any one process of
// the server has: itself or a load worker. The returned function ends that and tells;
// only Linux does, and elsewhere it is 0. The usage that the system keeps of processes
// that ended will not do: it counts, for each, what the process that started it held
// then.
func (s *Server) WatchMemory() (peak func() int64) {
	stop, result := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		most := int64(0)
		for {
			for _, pid := range append(childrenOf(s.cmd.Process.Pid), s.cmd.Process.Pid) {
				if now, err := peakOf(pid); err == nil { // it may have ended
					most = max(most, now)
				}
			}
			select {
			case <-tick.C:
			case <-stop:
				result <- most
				return
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-result
	}
}

// peakOf returns the most resident memory, in bytes, that a process has had since
// its program started.
func peakOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return 0, err
	}
	return kib << 10, nil
}

// childrenOf returns the processes that the threads of a process have started.
func childrenOf(pid int) []int {
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	var children []int
	for _, t := range threads {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		for word := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}
