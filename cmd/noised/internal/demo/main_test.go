package demo

import (
	"os"
	"testing"

	"github.com/noised/noised/ingest/ingesttest"
)

// TestMain makes the test binary stand in for the program: servers that tests start
// run it as their worker.
func TestMain(m *testing.M) { os.Exit(ingesttest.Main(m, nil)) }
