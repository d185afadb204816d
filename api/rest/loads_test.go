package rest

import (
	"bufio"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

func TestAnUploadReachesTheLoadServiceAsItWasSent(t *testing.T) {
	h := newHarness(t)
	by := privacy.Principal{ID: h.id[privacy.RoleContributor], Role: privacy.RoleContributor, Tenant: "a"}
	for _, c := range []struct {
		query  string
		header map[string]string
		want   job.Request
	}{
		{"", map[string]string{"Content-Type": "text/csv"}, job.Request{Write: job.WriteAppend, Format: "csv"}},
		{
			"?write=replace&load_id=monday&max_bad_records=7&dry_run=true&tenant=a",
			map[string]string{"Content-Type": "application/x-ndjson; charset=utf-8", "Content-Encoding": "gzip", "Idempotency-Key": "k"},
			job.Request{Write: job.WriteReplace, LoadID: "monday", MaxBadRecords: ptr(int64(7)), DryRun: true, Format: "ndjson", Encoding: "gzip"},
		},
		{"", map[string]string{"Content-Type": wire.TypeParquet, "Idempotency-Key": "k"}, job.Request{Write: job.WriteAppend, Format: "parquet", LoadID: loadIDOf(by.ID, "k")}},
		{"?dry_run=false", map[string]string{"Content-Type": wire.TypeArrow, "Content-Encoding": "identity"}, job.Request{Write: job.WriteAppend, Format: "arrow"}},
	} {
		got := h.do(ask{method: "POST", path: "/v1/datasets/insteval/loads" + c.query, key: h.secret[privacy.RoleContributor], body: "some bytes", header: c.header})
		if got.status != 202 || got.header.Get("Location") != "/v1/loads/load_1" {
			t.Fatalf("%q: %s", c.query, got)
		}
		c.want.Dataset, c.want.Tenant, c.want.By, c.want.Length = "insteval", "a", by, 10
		if created := h.loads.created[len(h.loads.created)-1]; !reflect.DeepEqual(created, c.want) || h.loads.bytes != 10 {
			t.Errorf("created %+v of %d bytes\nwant    %+v", created, h.loads.bytes, c.want)
		}
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.MaxUpload = 100 })
	for name, c := range map[string]struct {
		query, body string
		want        privacy.Code
	}{
		"another tenant":     {"?tenant=b", "x", privacy.CodeForbidden},
		"unknown write":      {"?write=merge", "x", privacy.CodeInvalidRequest},
		"unknown parameter":  {"?tabel=x", "x", privacy.CodeInvalidRequest},
		"negative tolerance": {"?max_bad_records=-1", "x", privacy.CodeInvalidRequest},
		"too large":          {"", strings.Repeat("x", 101), privacy.CodeTooLarge},
	} {
		got := h.do(ask{method: "POST", path: "/v1/datasets/insteval/loads" + c.query, key: h.secret[privacy.RoleContributor], body: c.body, header: map[string]string{"Content-Type": "text/csv"}})
		if got.code() != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if len(h.loads.created) != 0 {
		t.Errorf("created %+v", h.loads.created)
	}
}

// TestAnUploadOfUnknownLengthIsBoundedToo sends chunks, so that no length is
// announced.
func TestAnUploadOfUnknownLengthIsBoundedToo(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.MaxUpload = 100 })
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"too large": {fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 101, strings.Repeat("x", 101)), "413"},
		"cut off":   {"64\r\nonly this", "400"},
		"complete":  {"3\r\nabc\r\n0\r\n\r\n", "202"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/datasets/insteval/loads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n%s", h.secret[privacy.RoleContributor], c.body)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		status, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(status, " "+c.want+" ") {
			t.Errorf("%s: %q (%v), want %s", name, status, err, c.want)
		}
		conn.Close()
	}
}

func TestALoadIsShownToItsTenant(t *testing.T) {
	h := newHarness(t)
	key := h.secret[privacy.RoleContributor]
	for _, a := range []ask{{method: "GET", path: "/v1/loads/load_1"}, {method: "DELETE", path: "/v1/loads/load_1"}} {
		a.key = key
		l := into[wire.Load](t, h.do(a))
		if l.ID != "load_1" || l.State != wire.LoadStateFailed || l.Error == nil || l.Error.Type != "/problems/load-rejected" || l.IgnoredColumns == nil {
			t.Errorf("%+v", l)
		}
	}
	if list := into[wire.LoadList](t, h.do(ask{method: "GET", path: "/v1/loads", key: key})); len(list.Items) != 1 || *list.Next != "more" {
		t.Errorf("%+v", list)
	}
	got := h.do(ask{method: "GET", path: "/v1/loads/load_1/rejects", key: key})
	if got.status != 200 || got.header.Get("Content-Type") != wire.TypeNDJSON || !strings.Contains(string(got.body), `"line": 3`) {
		t.Errorf("%s", got)
	}
}
