package worker_test

import (
	"strings"
	"testing"

	"github.com/noised/noised/ingest/upload"
)

// A text without end would let one row make a query fail that joins texts.
func TestLongTextsAreRejected(t *testing.T) {
	const longest = 64 << 10
	texts := []string{strings.Repeat("x", longest), strings.Repeat("x", longest-1) + "é"}
	formats := map[upload.Format]string{
		upload.FormatCSV:    "person,note\n1," + texts[0] + "\n2," + texts[1] + "\n",
		upload.FormatNDJSON: `{"person": 1, "note": "` + texts[0] + `"}` + "\n" + `{"person": 2, "note": "` + texts[1] + `"}` + "\n",
	}
	for format, file := range formats {
		t.Run(string(format), func(t *testing.T) {
			spec := order(t, format, []byte(file), column("note", "varchar"))
			spec.MaxBadRecords = 1
			r := run(t, spec)
			wantOK(t, r)
			rejects := rejectsOf(t, spec)
			if r.RowsLoaded != 1 || len(rejects) != 1 || rejects[0].Reason != "a text of more than 65536 bytes" {
				t.Errorf("%+v, %d rejects", r, len(rejects))
			}
		})
	}
}
