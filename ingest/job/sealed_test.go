package job_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/ingest/ingesttest"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

// seal gives the house keys.
func (h *house) seal() {
	h.T.Helper()
	h.Seal()
	h.restart(-1)
}

func (h *house) one(query string, args ...any) (text string) {
	h.T.Helper()
	h.Must(h.DB.QueryRowContext(context.Background(), query, args...).Scan(&text))
	return text
}

func (h *house) rejects(id string) string {
	h.T.Helper()
	r, err := h.Jobs.Rejects(context.Background(), "a", id)
	h.Must(err)
	defer r.Close()
	text, err := io.ReadAll(r)
	h.Must(err)
	return string(text)
}

// TestUploadsAreSealed: with keys no file holds a byte of an upload or of a rejected
// row, whatever its form; the record of the load has neither its digest nor names
// from it; and what the load makes of it is the same as without.
func TestUploadsAreSealed(t *testing.T) {
	lines := "person,city,rating,canary\n1,canary-1,3,z\n2,canary-2,4,z\n,canary-3,5,z\n3,canary-4,canary-5,z\n"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(lines))
	_ = z.Close()
	objects := `{"person":1,"city":"canary-1","rating":3,"canary":0}` + "\n" + `{"person":2,"city":"canary-2","rating":4}` + "\n{\"canary-6\n" + `{"person":null,"city":"canary-3","rating":5}` + "\n"
	for _, c := range []struct{ format, encoding, body string }{{"csv", "", lines}, {"csv", "gzip", packed.String()}, {"ndjson", "", objects}} {
		t.Run(c.format+c.encoding, func(t *testing.T) {
			two, listed := int64(2), [2]string{}
			r := request(func(r *job.Request) {
				r.Format, r.Encoding, r.MaxBadRecords, r.LoadID = c.format, c.encoding, &two, "once"
			})
			plain := newHouse(t)
			plain.Start()
			listed[0] = plain.rejects(plain.Load(r, c.body).ID)

			h := newHouse(t)
			h.seal()
			l := h.Send(r, c.body)
			if found := h.Holding("canary", "spool"); len(found) > 0 {
				t.Errorf("an upload waits in clear: %v", found)
			}
			sum := sha256.Sum256([]byte(c.body))
			if got := h.one(`SELECT sha256 FROM loads`); strings.Contains(got, hex.EncodeToString(sum[:])) || got == "" {
				t.Errorf("the record has the digest %q", got)
			}
			if again := h.Send(r, c.body); !again.Existing || again.ID != l.ID {
				t.Errorf("sent again: %+v", again)
			}
			_, err := h.Jobs.Create(context.Background(), r, strings.NewReader(c.body+"\n"))
			ingesttest.WantCode(t, err, privacy.CodeIdempotencyMismatch)

			h.Start()
			if l = h.Ended(l); l.State != job.StateSucceeded || fmt.Sprint(l.IgnoredColumns) != "[canary]" {
				t.Fatalf("%+v %+v", l, l.Error)
			}
			if got := h.one(`SELECT ignored FROM loads`); strings.Contains(got, "canary") {
				t.Errorf("the record has names of the file: %s", got)
			}
			listed[1] = h.rejects(l.ID)
			if listed[0] == "" || listed[0] != listed[1] {
				t.Errorf("rejects: %s", cmp.Diff(listed[0], listed[1]))
			}
			if found := h.Holding("canary", "tenants/a/rejects"); len(found) > 0 || len(h.Files("tenants/a/rejects")) != 1 {
				t.Errorf("rejected rows are kept in clear: %v", found)
			}
			if diff := cmp.Diff(plain.rows(), h.rows()); diff != "" {
				t.Error(diff)
			}
			h.Eventually("the upload's key is forgotten", func() bool { return h.one(`SELECT count(*) FROM data_keys WHERE name LIKE 'upload:%'`) == "0" })
		})
	}
}

// TestWhatCameBeforeThereWereKeys is loaded, known and read as ever.
func TestWhatCameBeforeThereWereKeys(t *testing.T) {
	h := newHouse(t)
	one := int64(1)
	r := request(func(r *job.Request) { r.LoadID, r.MaxBadRecords = "once", &one })
	const body = "person,city,rating,more\n1,x,3,z\n,y,3,z\n"
	l := h.Send(r, body)
	h.seal()
	if again := h.Send(r, body); !again.Existing || again.ID != l.ID {
		t.Errorf("sent again: %+v", again)
	}
	h.Start()
	if l = h.Ended(l); l.State != job.StateSucceeded || l.RowsLoaded != 1 || !strings.Contains(h.rejects(l.ID), `"line":3`) {
		t.Errorf("%+v %+v", l, l.Error)
	}
}

// TestKeysOfUploadsThatFailAreForgotten.
func TestKeysOfUploadsThatFailAreForgotten(t *testing.T) {
	h := newHouse(t)
	h.seal()
	_, err := h.Jobs.Create(context.Background(), request(), strings.NewReader(strings.Repeat("x", 1<<20+1)))
	ingesttest.WantCode(t, err, privacy.CodeTooLarge)
	if n := h.one(`SELECT count(*) FROM data_keys WHERE name LIKE 'upload:%' OR name LIKE 'rejects:%'`); n != "0" {
		t.Errorf("%s keys are left", n)
	}
}

// TestWhatIsPlainIsSealedWhenAsked: records and reject files from before there were
// keys, once; and loads are the same afterwards.
func TestWhatIsPlainIsSealedWhenAsked(t *testing.T) {
	h := newHouse(t)
	one := int64(1)
	r := request(func(r *job.Request) { r.LoadID, r.MaxBadRecords = "once", &one })
	const body = "person,city,rating,canary\n1,x,3,z\n,canary-1,3,z\n"
	stop := h.Start()
	l := h.Load(r, body)
	listed := h.rejects(l.ID)
	stop()
	h.seal()
	for want := 1; want >= 0; want-- {
		files, err := h.Jobs.SealRejects(context.Background())
		h.Must(err)
		records := 0
		h.Must(h.DB.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) (err error) {
			records, err = h.Jobs.SealPlain(ctx, tx, 10)
			return err
		}))
		if files != want || records != want {
			t.Errorf("sealed %d files and %d records, want %d of each", files, records, want)
		}
	}
	if found := h.Holding("canary", "tenants/a/rejects"); len(found) > 0 || strings.Contains(h.one(`SELECT sha256 || ignored FROM loads`), "canary") {
		t.Errorf("in clear: %v", found)
	}
	if again := h.Send(r, body); !again.Existing || again.ID != l.ID || fmt.Sprint(again.IgnoredColumns) != "[canary]" {
		t.Errorf("sent again: %+v", again)
	}
	if got := h.rejects(l.ID); got != listed {
		t.Error(cmp.Diff(listed, got))
	}
}

// TestKeysGoWithTheirTenant: deleting a tenant forgets what its uploads, its rejected
// rows and its records are sealed under, in the same transaction.
func TestKeysGoWithTheirTenant(t *testing.T) {
	h := newHouse(t)
	h.seal()
	h.join("b", 1)
	one := int64(1)
	stop := h.Start()
	h.Load(request(func(r *job.Request) { r.MaxBadRecords = &one }), "person,city,rating,more\n1,x,3,z\n,y,3,z\n")
	stop()
	h.Send(request(), "person,city,rating\n2,x,3\n")
	h.Send(request(func(r *job.Request) { r.Tenant, r.By = "b", ingesttest.Contributor("b") }), "person,city,rating\n2,x,3\n")
	const count = `SELECT count(*) FROM data_keys WHERE tenant = ?`
	if n := h.one(count, "a"); n != "4" { // records, rejected rows of two loads, one upload
		t.Errorf("%s keys, want 4", n)
	}
	others := h.one(count, "b")
	h.Must(h.Catalog.DeleteTenant(context.Background(), "a", operator))
	if n := h.one(count, "a"); n != "0" {
		t.Errorf("%s keys outlive their tenant", n)
	}
	if n := h.one(count, "b"); n != others || n == "0" {
		t.Errorf("another tenant has %s keys left of %s", n, others)
	}
}
