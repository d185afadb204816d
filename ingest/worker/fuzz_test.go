package worker_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/noised/noised/ingest/hostile"
	"github.com/noised/noised/ingest/upload"
)

// FuzzRubbish feeds rubbish to a worker process as every format. The process
// may crash; then it says nothing. If it answers, the answer must add up.
func FuzzRubbish(f *testing.F) {
	formats := []upload.Format{upload.FormatCSV, upload.FormatParquet, upload.FormatNDJSON, upload.FormatArrow}
	encodings := []upload.Encoding{upload.EncodingNone, upload.EncodingGzip, upload.EncodingZstd}
	for i, format := range formats {
		whole := convert(f, format)
		f.Add(uint8(i), uint8(0), whole)
		f.Add(uint8(i), uint8(0), whole[:2*len(whole)/3])
		broken := bytes.Clone(whole)
		for at := 7; at < len(broken); at += 97 {
			broken[at] ^= 0x15
		}
		f.Add(uint8(i), uint8(0), broken)
		f.Add(uint8(i), uint8(1+i%2), []byte("\x1f\x8b\x08\x00rubbish"))
	}
	for i, h := range hostile.Few() { // all of which have a test of their own
		if len(h.Body) < 1<<16 && i%6 == 0 {
			f.Add(uint8(slices.Index(formats, upload.Format(h.Format))), uint8(slices.Index(encodings, upload.Encoding(h.Encoding))), h.Body)
		}
	}
	f.Add(uint8(0), uint8(0), []byte("person,rating\n1,\"\x00\"\"\n\xff"))
	f.Add(uint8(2), uint8(0), []byte("{\"person\":\"\\ud800\",\"rating\":1e999}\n{"))
	f.Fuzz(func(t *testing.T, format, encoding uint8, body []byte) {
		spec := order(t, formats[int(format)%len(formats)], body, sampleColumns()...)
		spec.Encoding = encodings[int(encoding)%len(encodings)]
		spec.MaxBadRecords = 1 << 40
		r, err := child(t, spec)
		if err != nil {
			return // it crashed, and we are here to tell
		}
		if r.Error == nil && r.RowsRead != r.RowsLoaded+r.RowsRejected {
			t.Errorf("%+v", r)
		}
		if r.Error != nil && (r.Error.Message == "" || r.Error.Code == "internal") {
			t.Errorf("a file gave %+v (%s)", r.Error, r.Trace)
		}
	})
}
