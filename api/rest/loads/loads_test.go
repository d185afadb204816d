package loads_test

import (
	"bufio"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/loads"
	"github.com/noised/noised/api/rest/resttest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/ingest/job"
	"github.com/noised/noised/privacy"
)

func TestAnUploadReachesTheLoadServiceAsItWasSent(t *testing.T) {
	h := resttest.New(t)
	by := privacy.Principal{ID: h.ID[privacy.RoleContributor], Role: privacy.RoleContributor, Tenant: "a"}
	for _, c := range []struct {
		query  string
		header map[string]string
		want   job.Request
	}{
		{"", map[string]string{"Content-Type": "text/csv"}, job.Request{Write: job.WriteAppend, Format: "csv"}},
		{
			"?write=replace&load_id=monday&max_bad_records=7&dry_run=true&tenant=a",
			map[string]string{"Content-Type": "application/x-ndjson; charset=utf-8", "Content-Encoding": "gzip", "Idempotency-Key": "k"},
			job.Request{Write: job.WriteReplace, LoadID: "monday", MaxBadRecords: new(int64(7)), DryRun: true, Format: "ndjson", Encoding: "gzip"},
		},
		{"", map[string]string{"Content-Type": wire.TypeParquet, "Idempotency-Key": "k"}, job.Request{Write: job.WriteAppend, Format: "parquet", LoadID: loads.IDOf(by.ID, "k")}},
		{"?dry_run=false", map[string]string{"Content-Type": wire.TypeArrow, "Content-Encoding": "identity"}, job.Request{Write: job.WriteAppend, Format: "arrow"}},
	} {
		got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/datasets/insteval/loads" + c.query, Key: h.Secret[privacy.RoleContributor], Body: "some bytes", Header: c.header})
		if got.Status != 202 || got.Header.Get("Location") != "/v1/loads/load_1" {
			t.Fatalf("%q: %s", c.query, got)
		}
		c.want.Dataset, c.want.Tenant, c.want.By, c.want.Length = "insteval", "a", by, 10
		if created := h.Loads.Created[len(h.Loads.Created)-1]; !reflect.DeepEqual(created, c.want) || h.Loads.Bytes != 10 {
			t.Errorf("created %+v of %d bytes\nwant    %+v", created, h.Loads.Bytes, c.want)
		}
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	h := resttest.New(t, func(o *rest.Options) { o.MaxUpload = 100 })
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
		got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/datasets/insteval/loads" + c.query, Key: h.Secret[privacy.RoleContributor], Body: c.body, Header: map[string]string{"Content-Type": "text/csv"}})
		if got.Code() != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if len(h.Loads.Created) != 0 {
		t.Errorf("created %+v", h.Loads.Created)
	}
}

// TestAnUploadOfUnknownLengthIsBoundedToo sends chunks, so that no length is
// announced.
func TestAnUploadOfUnknownLengthIsBoundedToo(t *testing.T) {
	h := resttest.New(t, func(o *rest.Options) { o.MaxUpload = 100 })
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"too large": {fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 101, strings.Repeat("x", 101)), "413"},
		"cut off":   {"64\r\nonly this", "400"},
		"complete":  {"3\r\nabc\r\n0\r\n\r\n", "202"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/datasets/insteval/loads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n%s", h.Secret[privacy.RoleContributor], c.body)
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
	h := resttest.New(t)
	key := h.Secret[privacy.RoleContributor]
	for _, a := range []resttest.Ask{{Method: "GET", Path: "/v1/loads/load_1"}, {Method: "DELETE", Path: "/v1/loads/load_1"}} {
		a.Key = key
		l := resttest.Into[wire.Load](t, h.Do(a))
		if l.ID != "load_1" || l.State != wire.LoadStateFailed || l.Error == nil || l.Error.Type != "/problems/load-rejected" || l.IgnoredColumns == nil {
			t.Errorf("%+v", l)
		}
	}
	if list := resttest.Into[wire.LoadList](t, h.Do(resttest.Ask{Method: "GET", Path: "/v1/loads", Key: key})); len(list.Items) != 1 || *list.Next != "more" {
		t.Errorf("%+v", list)
	}
	got := h.Do(resttest.Ask{Method: "GET", Path: "/v1/loads/load_1/rejects", Key: key})
	if got.Status != 200 || got.Header.Get("Content-Type") != wire.TypeNDJSON || !strings.Contains(string(got.Body), `"line": 3`) {
		t.Errorf("%s", got)
	}
}

func TestATableIsNamedInItsLoad(t *testing.T) {
	h := resttest.New(t)
	for role, tenant := range map[privacy.Role]string{privacy.RoleContributor: "a", privacy.RoleOperator: ""} {
		key, id := h.Secret[role], h.ID[role]
		if role == privacy.RoleOperator {
			key, id = h.Key(role, "")
		}
		got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/datasets/shop/loads?table=orders", Key: key, Body: "x", Header: map[string]string{"Content-Type": "text/csv"}})
		if got.Status != 202 {
			t.Fatalf("%s: %s", role, got)
		}
		want := job.Request{Dataset: "shop", Table: "orders", Tenant: tenant, Write: job.WriteAppend, Format: "csv", Length: 1, By: privacy.Principal{ID: id, Role: role, Tenant: tenant}}
		if diff := cmp.Diff(want, h.Loads.Created[len(h.Loads.Created)-1]); diff != "" {
			t.Errorf("%s: %s", role, diff)
		}
		// A public load's operator has no tenant to guard against.
		if got := h.Do(resttest.Ask{Method: "POST", Path: "/v1/datasets/shop/loads?table=orders&tenant=b", Key: key, Body: "x", Header: map[string]string{"Content-Type": "text/csv"}}); got.Code() != privacy.CodeForbidden {
			t.Errorf("%s, for another tenant: %s", role, got)
		}
	}
}
