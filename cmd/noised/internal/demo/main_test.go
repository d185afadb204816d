package demo

import (
	"context"
	"os"
	"testing"

	"github.com/noised/noised/ingest/worker"
)

// TestMain makes the test binary stand in for the program: servers that tests start
// run it as their worker.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "worker" {
		os.Exit(worker.Main(context.Background(), os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}
