package worker_test

import (
	"os"
	"testing"
	"time"

	"github.com/noised/noised/ingest/build"
	"github.com/noised/noised/ingest/hostile"
	"github.com/noised/noised/ingest/upload"
)

// A file that means harm may end its worker, and nothing more: if the worker answers,
// what it says adds up, and no file is taken for a fault of ours. (Package suite of
// command vault sends far more of them to a server.)
func TestFilesThatMeanHarm(t *testing.T) {
	files := hostile.Few()
	if os.Getenv("NOISED_TEST_LONG") != "" {
		files = hostile.All()
	}
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			spec := order(t, upload.Format(f.Format), f.Body, column("city", "varchar"), column("rating", "tinyint"))
			spec.Encoding, spec.MaxBadRecords = upload.Encoding(f.Encoding), 1<<40
			began := time.Now()
			r, err := child(t, spec)
			if took := time.Since(began); took > 20*time.Second {
				t.Logf("took %s", took.Round(time.Second))
			}
			if err != nil {
				t.Logf("the worker ended: %v", err)
				return
			}
			checkAnswer(t, r.Counts, r.Error != nil)
			if r.Error != nil && (r.Error.Message == "" || r.Error.Code == "internal") {
				t.Errorf("%+v (%s)", r.Error, r.Trace)
			} else if r.Error != nil {
				t.Logf("%s", r.Error.Message)
			}
		})
	}
}

func checkAnswer(t *testing.T, c build.Counts, failed bool) {
	t.Helper()
	if !failed && c.RowsRead != c.RowsLoaded+c.RowsRejected {
		t.Errorf("%+v", c)
	}
}
