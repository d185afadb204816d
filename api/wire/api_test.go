package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve returns a client of a server that answers as told.
func serve(t *testing.T, handler http.HandlerFunc) *API {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	a, err := New(server.URL, "noised_key", server.Client())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAClientNeedsAServersURL(t *testing.T) {
	for _, u := range []string{"", "localhost:8080", "ftp://x", "http://", "://"} {
		if _, err := New(u, "", nil); err == nil {
			t.Errorf("%q is taken for a server", u)
		}
	}
	for _, u := range []string{"http://127.0.0.1:8080", "https://x/", "http://x/v1"} {
		if _, err := New(u, "", nil); err != nil {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestAProblemIsAnError(t *testing.T) {
	a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", TypeProblem)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(429)
		fmt.Fprint(w, `{"type": "/problems/budget-exhausted", "title": "T", "status": 429, "detail": "spent", "position": 3, "suggestion": "wait", "errors": [{"line": 2, "message": "here"}]}`)
	})
	_, err := a.Explain(t.Context(), QueryRequest{SQL: "x"})
	p, ok := AsProblem(fmt.Errorf("wrapped: %w", err))
	if !ok || p.Code() != "budget-exhausted" || p.RetryAfter != 7*time.Second || p.Status != 429 {
		t.Fatalf("%+v", err)
	}
	if want := "budget-exhausted: spent (at character 3); wait\n  line 2: here"; p.Error() != want {
		t.Errorf("%q, want %q", p, want)
	}
}

func TestAnAnswerThatIsNoProblemIsAnErrorToo(t *testing.T) {
	a := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) })
	if p, ok := AsProblem(a.Ready(t.Context())); !ok || p.Status != 502 {
		t.Errorf("%+v", p)
	}
	a = serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "not JSON") })
	if _, err := a.Datasets(t.Context()); err == nil {
		t.Error("text was taken for a list")
	}
	if _, err := a.Query(t.Context(), QueryRequest{}, QueryOptions{}); err == nil {
		t.Error("an answer without headers was taken for a result")
	}
}

func TestAQueryReturnsAStreamWithItsHeaders(t *testing.T) {
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var q QueryRequest
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.SQL != "SELECT 1" || r.Header.Get("Authorization") != "Bearer noised_key" ||
			r.Header.Get("Accept") != TypeCSV || r.Header.Get("Idempotency-Key") != "k" {
			t.Errorf("asked %+v with %v (%v)", q, r.Header, err)
		}
		h := w.Header()
		h.Set(HeaderRelease, "rel_1")
		h.Set(HeaderEpsilon, "0.5")
		h.Set(HeaderDelta, "1e-9")
		h.Set(HeaderCached, "true")
		h.Set("Content-Type", TypeCSV)
		fmt.Fprint(w, "n\n1\n")
	})
	r, err := a.Query(t.Context(), QueryRequest{SQL: "SELECT 1"}, QueryOptions{Accept: TypeCSV, IdempotencyKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || string(body) != "n\n1\n" || r.Release != "rel_1" || r.Epsilon != 0.5 || r.Delta != 1e-9 || !r.Cached || r.ContentType != TypeCSV {
		t.Errorf("%+v %q %v", r, body, err)
	}
}

func TestAnUploadReportsItsProgress(t *testing.T) {
	content := bytes.Repeat([]byte("x"), 1<<20)
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if n != int64(len(content)) || err != nil || r.ContentLength != n || r.Header.Get("Content-Encoding") != "gzip" || r.Header.Get("Content-Type") != TypeCSV ||
			r.URL.Query().Encode() != "load_id=monday&write=replace" {
			t.Errorf("%d bytes of %d, %s, %v, %v", n, r.ContentLength, r.URL, r.Header, err)
		}
		w.WriteHeader(202)
		fmt.Fprint(w, `{"id": "load_1", "state": "pending"}`)
	})
	var sent int64
	load, err := a.Upload(t.Context(), Upload{
		Dataset: "d", ContentType: TypeCSV, ContentEncoding: "gzip", Write: "replace", LoadID: "monday",
		Size: int64(len(content)), Progress: func(n int64) { sent = n },
	}, bytes.NewReader(content))
	if err != nil || load.ID != "load_1" || sent != int64(len(content)) {
		t.Errorf("%+v, %v, %d sent", load, err, sent)
	}
}

func TestWaitReturnsWhenTheLoadHasFinished(t *testing.T) {
	states := []LoadState{LoadStatePending, LoadStateRunning, LoadStateSucceeded}
	asked := 0
	a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"id": "load_1", "state": %q}`, states[asked])
		asked++
	})
	var seen []LoadState
	load, err := a.Wait(t.Context(), "load_1", func(l Load) { seen = append(seen, l.State) })
	if err != nil || load.State != LoadStateSucceeded || len(seen) != 3 {
		t.Errorf("%+v, %v, saw %v", load, err, seen)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Wait(ended, "load_1", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestUnsetMembersAreLeftOut(t *testing.T) {
	text, err := json.Marshal(QueryRequest{SQL: "x"})
	if err != nil || string(text) != `{"sql":"x"}` {
		t.Errorf("%s, %v", text, err)
	}
	zero := 0.0
	text, err = json.Marshal(QueryRequest{SQL: "x", Epsilon: &zero, Bounds: &QueryBounds{AdditionalProperties: map[string]Interval{"rating": {1, 4}}}})
	if err != nil || !strings.Contains(string(text), `"epsilon":0`) || !strings.Contains(string(text), `"bounds":{"rating":[1,4]}`) {
		t.Errorf("%s, %v", text, err)
	}
}
