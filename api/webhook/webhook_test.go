package webhook_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/api/webhook"
)

var secret = []byte("a secret of some length")

func TestMessagesAreSignedAndTriedAgain(t *testing.T) {
	arrived := make(chan string, 1)
	var mu sync.Mutex
	attempts := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if attempts++; attempts < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if got, want := r.Header.Get(webhook.HeaderSignature), webhook.Sign(secret, time.Unix(1767225600, 0), body); got != want {
			t.Errorf("signature %q, want %q", got, want)
		}
		arrived <- string(body)
	}))
	defer server.Close()
	var log bytes.Buffer
	s, err := webhook.New(webhook.Options{
		URL: server.URL + "/?token=hidden", Secret: secret, Log: slog.New(slog.NewTextHandler(&log, nil)), Pause: time.Millisecond,
		Now: func() time.Time { return time.Unix(1767225600, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.Send(map[string]string{"id": "alt_1"})
	if got := <-arrived; got != `{"id":"alt_1"}` {
		t.Errorf("it got %s", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "hidden") {
		t.Errorf("the log tells the address: %s", &log)
	}
}

// TestTheSignatureIsAsDescribed is computed by other means than the program's:
// printf '1767225600.{}' | openssl dgst -sha256 -hmac 'a secret of some length'.
func TestTheSignatureIsAsDescribed(t *testing.T) {
	const want = "t=1767225600,v1=91cc860e42eb50991fbfc16e306d49261d002a77e257566dc35cdb4ada8f21a4"
	if got := webhook.Sign(secret, time.Unix(1767225600, 0), []byte("{}")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var mu sync.Mutex
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		elsewhere++
	}))
	defer other.Close()
	tried := make(chan struct{}, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		tried <- struct{}{}
	}))
	defer server.Close()
	s, err := webhook.New(webhook.Options{URL: server.URL, Secret: secret, Log: slog.New(slog.DiscardHandler), Now: time.Now, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	s.Send(1)
	<-tried
	<-tried
	stop()
	running.Wait()
	mu.Lock()
	defer mu.Unlock()
	if elsewhere != 0 {
		t.Error("a message went elsewhere")
	}
}

func TestWhereMessagesMayGo(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://alerts.example.org/x?y=z": true, "http://127.0.0.1:9000": true, "http://[::1]:9000/": true, "http://localhost/": true,
		"http://alerts.example.org/": false, "ftp://127.0.0.1/": false, "https://user:pass@example.org/": false, "https:///x": false, "": false, "://": false,
	} {
		if err := webhook.Check(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := webhook.New(webhook.Options{URL: "https://example.org/", Secret: []byte("short")}); err == nil {
		t.Error("a short secret is taken")
	}
}

func TestSendNeverWaits(t *testing.T) {
	var log bytes.Buffer
	s, err := webhook.New(webhook.Options{URL: "http://127.0.0.1:1/", Secret: secret, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for range 300 { // nobody delivers
		s.Send("x")
	}
	if !strings.Contains(log.String(), "dropped") {
		t.Error("what was dropped is not told")
	}
}
