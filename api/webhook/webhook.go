package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// HeaderSignature carries the time and the signature.
const HeaderSignature = "Noised-Signature"

// Limits of delivery.
const (
	queued     = 256
	attempts   = 8
	firstPause = time.Second
	longPause  = 2 * time.Minute
	timeout    = 10 * time.Second
)

// MinSecret is the length in bytes of the shortest secret.
const MinSecret = 16

// Options holds what a Sender is wired from.
type Options struct {
	URL    string
	Secret []byte
	Log    *slog.Logger
	Now    func() time.Time
	Pause  time.Duration // before the second attempt; twice as long before each that follows; 1 s when 0
}

// Sender delivers messages one after the other. It is safe for concurrent use.
type Sender struct {
	o      Options
	client *http.Client
	queue  chan []byte
}

// New returns a sender to a URL with https, or with http on this machine.
func New(o Options) (*Sender, error) {
	if err := Check(o.URL); err != nil {
		return nil, err
	}
	if len(o.Secret) < MinSecret {
		return nil, fmt.Errorf("a webhook's secret has at least %d bytes", MinSecret)
	}
	if o.Pause == 0 {
		o.Pause = firstPause
	}
	return &Sender{o: o, queue: make(chan []byte, queued), client: &http.Client{
		Timeout: timeout,
		// What a server sends elsewhere is not followed: the address was chosen.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Check refuses addresses that messages would travel to readable.
func Check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("a webhook is an https URL without user and fragment")
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return nil
	}
	return errors.New("a webhook is an https URL, or http on this machine")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Send takes a message to be delivered soon. It never waits.
func (s *Sender) Send(message any) {
	body, err := json.Marshal(message)
	if err != nil {
		s.o.Log.Error("a message to the webhook cannot be written", "error", err)
		return
	}
	select {
	case s.queue <- body:
	default:
		s.o.Log.Error("the webhook takes messages too slowly; one was dropped")
	}
}

// Run delivers messages until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case body := <-s.queue:
			s.deliver(ctx, body)
		}
	}
}

// deliver tries until the message has arrived or was tried often enough.
func (s *Sender) deliver(ctx context.Context, body []byte) {
	pause := s.o.Pause
	for attempt := 1; ; attempt++ {
		err := s.post(ctx, body)
		if err == nil || ctx.Err() != nil {
			return
		}
		if attempt == attempts {
			s.o.Log.Error("a message did not reach the webhook", "attempts", attempt, "error", err)
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		pause = min(2*pause, longPause)
	}
}

// post makes one attempt. Its errors do not quote the address, which may hold a
// token.
func (s *Sender) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the request cannot be made")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "noised")
	r.Header.Set(HeaderSignature, Sign(s.o.Secret, s.o.Now(), body))
	res, err := s.client.Do(r)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4096) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("it answered %d", res.StatusCode)
	}
	return nil
}

// Sign returns the signature of a body that is sent at a time.
func Sign(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	_, _ = io.WriteString(mac, t+".")
	_, _ = mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
