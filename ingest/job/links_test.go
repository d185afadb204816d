package job_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/ingest/job"
)

// A worker that a file has taken over can leave links where its server looks for files.
// The server, which may read everything, follows none of them: neither to a segment of
// another tenant nor to a key.
func TestLinksOfAWorkerAreNotFollowed(t *testing.T) {
	const secret = "of somebody else"
	h := newHouse(t)
	foreign := filepath.Join(t.TempDir(), "foreign")
	h.must(os.WriteFile(foreign, []byte(secret), 0o600))
	h.restartWith(func(o *job.Options) {
		o.WorkerCommand = []string{"sh", "-c", `ln -s "$0" segment.duckdb; ln -s "$0" rejects.ndjson; echo '{"result":{"rows_read":1,"rows_loaded":1,"rows_stored":1}}'`, foreign}
	})
	h.run()
	for _, dryRun := range []bool{false, true} {
		l := h.finished(h.create(request(func(r *job.Request) { r.DryRun = dryRun }), "person,city,rating\n1,x,3\n").ID)
		if l.State != job.StateFailed || l.Generation != "" {
			t.Errorf("it is %s, with %q", l.State, l.Generation)
		}
		f, err := h.Rejects(t.Context(), "a", l.ID)
		h.must(err)
		shown, err := io.ReadAll(f)
		h.must(err)
		h.must(f.Close())
		if strings.Contains(string(shown), secret) {
			t.Error("what a link leads to is shown")
		}
	}
	if info, err := os.Stat(foreign); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}
