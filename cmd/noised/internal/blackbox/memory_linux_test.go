package blackbox

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

// TestMemoryIsOfEachProcess: a child is found, and what it holds is its own and
// not what its parent held when it started.
func TestMemoryIsOfEachProcess(t *testing.T) {
	ballast := make([]byte, 256<<20)
	for i := range ballast {
		ballast[i] = 1
	}
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(childrenOf(os.Getpid()), cmd.Process.Pid) {
		t.Error("a child is not found")
	}
	own, err := peakOf(os.Getpid())
	if err != nil || own < int64(len(ballast)) {
		t.Errorf("the parent's peak is %d, %v", own, err)
	}
	if child, err := peakOf(cmd.Process.Pid); err != nil || child == 0 || child > own/2 {
		t.Errorf("the child's peak is %d, %v", child, err)
	}
	_ = in.Close()
	_ = cmd.Wait()
	if _, err := peakOf(cmd.Process.Pid); err == nil {
		t.Error("a process that ended has a peak")
	}
}
