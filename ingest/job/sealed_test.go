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
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/keyring/keyringtest"
)

// seal gives the house keys.
func (h *house) seal() {
	h.t.Helper()
	h.keys = keyring.New(h.db, keyringtest.Wrapper{}, h.now)
	h.restart(-1)
}

// clear returns the files below a directory that hold a text.
func (h *house) clear(text string, under ...string) (found []string) {
	h.t.Helper()
	for _, dir := range under {
		for _, path := range h.files(dir) {
			b, err := os.ReadFile(filepath.Join(h.dir, path))
			if err == nil && bytes.Contains(b, []byte(text)) {
				found = append(found, path)
			}
		}
	}
	return found
}

func (h *house) one(query string, args ...any) (text string) {
	h.t.Helper()
	h.must(h.db.QueryRowContext(context.Background(), query, args...).Scan(&text))
	return text
}

func (h *house) rejects(id string) string {
	h.t.Helper()
	r, err := h.Rejects(context.Background(), "a", id)
	h.must(err)
	defer r.Close()
	text, err := io.ReadAll(r)
	h.must(err)
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
			plain.run()
			listed[0] = plain.rejects(plain.load(r, c.body).ID)

			h := newHouse(t)
			h.seal()
			l := h.create(r, c.body)
			if found := h.clear("canary", "spool"); len(found) > 0 {
				t.Errorf("an upload waits in clear: %v", found)
			}
			sum := sha256.Sum256([]byte(c.body))
			if got := h.one(`SELECT sha256 FROM loads`); strings.Contains(got, hex.EncodeToString(sum[:])) || got == "" {
				t.Errorf("the record has the digest %q", got)
			}
			if again := h.create(r, c.body); !again.Existing || again.ID != l.ID {
				t.Errorf("sent again: %+v", again)
			}
			_, err := h.Create(context.Background(), r, strings.NewReader(c.body+"\n"))
			wantCode(t, err, privacy.CodeIdempotencyMismatch)

			h.run()
			if l = h.finished(l.ID); l.State != job.StateSucceeded || fmt.Sprint(l.IgnoredColumns) != "[canary]" {
				t.Fatalf("%+v %+v", l, l.Error)
			}
			if got := h.one(`SELECT ignored FROM loads`); strings.Contains(got, "canary") {
				t.Errorf("the record has names of the file: %s", got)
			}
			listed[1] = h.rejects(l.ID)
			if listed[0] == "" || listed[0] != listed[1] {
				t.Errorf("rejects: %s", cmp.Diff(listed[0], listed[1]))
			}
			if found := h.clear("canary", "tenants/a/rejects"); len(found) > 0 || len(h.files("tenants/a/rejects")) != 1 {
				t.Errorf("rejected rows are kept in clear: %v", found)
			}
			if diff := cmp.Diff(plain.rows(), h.rows()); diff != "" {
				t.Error(diff)
			}
			h.eventually("the upload's key is forgotten", func() bool { return h.one(`SELECT count(*) FROM data_keys WHERE name LIKE 'upload:%'`) == "0" })
		})
	}
}

// TestWhatCameBeforeThereWereKeys is loaded, known and read as ever.
func TestWhatCameBeforeThereWereKeys(t *testing.T) {
	h := newHouse(t)
	one := int64(1)
	r := request(func(r *job.Request) { r.LoadID, r.MaxBadRecords = "once", &one })
	const body = "person,city,rating,more\n1,x,3,z\n,y,3,z\n"
	l := h.create(r, body)
	h.seal()
	if again := h.create(r, body); !again.Existing || again.ID != l.ID {
		t.Errorf("sent again: %+v", again)
	}
	h.run()
	if l = h.finished(l.ID); l.State != job.StateSucceeded || l.RowsLoaded != 1 || !strings.Contains(h.rejects(l.ID), `"line":3`) {
		t.Errorf("%+v %+v", l, l.Error)
	}
}

// TestKeysOfUploadsThatFailAreForgotten.
func TestKeysOfUploadsThatFailAreForgotten(t *testing.T) {
	h := newHouse(t)
	h.seal()
	_, err := h.Create(context.Background(), request(), strings.NewReader(strings.Repeat("x", 1<<20+1)))
	wantCode(t, err, privacy.CodeTooLarge)
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
	stop := h.run()
	l := h.load(r, body)
	listed := h.rejects(l.ID)
	stop()
	h.seal()
	for want := 1; want >= 0; want-- {
		files, err := h.SealRejects(context.Background())
		h.must(err)
		records := 0
		h.must(h.db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) (err error) {
			records, err = h.SealPlain(ctx, tx, 10)
			return err
		}))
		if files != want || records != want {
			t.Errorf("sealed %d files and %d records, want %d of each", files, records, want)
		}
	}
	if found := h.clear("canary", "tenants/a/rejects"); len(found) > 0 || strings.Contains(h.one(`SELECT sha256 || ignored FROM loads`), "canary") {
		t.Errorf("in clear: %v", found)
	}
	if again := h.create(r, body); !again.Existing || again.ID != l.ID || fmt.Sprint(again.IgnoredColumns) != "[canary]" {
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
	stop := h.run()
	h.load(request(func(r *job.Request) { r.MaxBadRecords = &one }), "person,city,rating,more\n1,x,3,z\n,y,3,z\n")
	stop()
	h.create(request(), "person,city,rating\n2,x,3\n")
	h.create(request(func(r *job.Request) { r.Tenant, r.By = "b", contributor("b") }), "person,city,rating\n2,x,3\n")
	const count = `SELECT count(*) FROM data_keys WHERE tenant = ?`
	if n := h.one(count, "a"); n != "4" { // records, rejected rows of two loads, one upload
		t.Errorf("%s keys, want 4", n)
	}
	others := h.one(count, "b")
	h.must(h.cat.DeleteTenant(context.Background(), "a", operator))
	if n := h.one(count, "a"); n != "0" {
		t.Errorf("%s keys outlive their tenant", n)
	}
	if n := h.one(count, "b"); n != others || n == "0" {
		t.Errorf("another tenant has %s keys left of %s", n, others)
	}
}
