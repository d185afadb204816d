package worker_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/ingest/sandbox"
	"github.com/noised/noised/ingest/upload"
	"github.com/noised/noised/ingest/worker"
	"github.com/noised/noised/privacy"
)

// A worker says that it is shut off before it says anything of the upload, and it is
// what the system can do.
func TestAWorkerIsShutOffBeforeItReads(t *testing.T) {
	spec := order(t, upload.FormatCSV, []byte("person,n\n1,2\n"), column("n", "integer"))
	events := eventsOf(t, worker.Order{Spec: spec, RequireSandbox: sandbox.Supported().Whole()})
	if first := events[0]; first.Sandbox == nil || *first.Sandbox != sandbox.Supported() {
		t.Errorf("the first event is %+v", first)
	}
	if last := events[len(events)-1]; last.Result == nil || last.Result.Error != nil || last.Result.RowsLoaded != 1 {
		t.Errorf("the last event is %+v", last)
	}
}

// A worker whose system cannot give it what it needs to be shut off reads nothing.
func TestAWorkerThatCannotBeShutOffReadsNothing(t *testing.T) {
	spec := order(t, upload.FormatCSV, []byte("person,n\n1,2\n"), column("n", "integer"))
	spec.Dir += "/gone" // no rule can be made for it
	events := eventsOf(t, worker.Order{Spec: spec})
	if !sandbox.Supported().Whole() {
		t.Logf("not tried: %s", sandbox.Supported().Missing())
		return
	}
	if len(events) != 1 || events[0].Result == nil || events[0].Result.Error == nil || events[0].Result.Error.Code != privacy.CodeInternal ||
		!strings.Contains(events[0].Result.Trace, "sandbox") {
		t.Errorf("%+v", events)
	}
}

// eventsOf runs a worker process and returns what it says.
func eventsOf(t *testing.T, o worker.Order) []worker.Event {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "NOISED_TEST_WORKER=1")
	in, err := cmd.StdinPipe() // stays open while it works
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(text); err != nil {
		t.Fatal(err)
	}
	var events []worker.Event
	for d := json.NewDecoder(out); ; {
		var e worker.Event
		if d.Decode(&e) != nil {
			break
		}
		events = append(events, e)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil || len(events) == 0 {
		t.Fatalf("%v, %d events", err, len(events))
	}
	return slices.Clip(events)
}
