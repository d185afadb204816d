//go:build governance

package suite

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/authn/oidc/oidctest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// program is the binary under test.
var program blackbox.Program

func TestMain(m *testing.M) { os.Exit(blackbox.RunTests(&program, m)) }

// report tells command governance a figure.
func report(t *testing.T, name string, value any) {
	t.Helper()
	t.Attr("governance", fmt.Sprintf("%s=%v", name, value))
}

// server is a running server that takes keys, tokens of one issuer and certificates
// of one CA.
type server struct {
	*blackbox.Server
	t        testing.TB
	dir      string
	ca       *ca
	issuer   *oidctest.Provider
	operator string // key
	crl      string // file of the certificates that are taken back
}

// longRun is more than the suite takes on any machine: what holds does so until its
// end, and what does not hold yet, after it.
const longRun = 12 * time.Hour

// audience is what the issuer calls the server.
const audience = "noised"

// newServer starts a server. The certificates that it must refuse are given first.
func newServer(t testing.TB, authority *ca, revoked ...tls.Certificate) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{t: t, dir: dir, ca: authority, issuer: oidctest.Start(t, audience)}
	s.issuer.SetLifetime(longRun)
	data := filepath.Join(dir, "data")
	var err error
	s.operator, err = program.Init(t.Context(), data)
	check(t, err)
	cert, key := s.ca.server(dir)
	s.crl = s.ca.revoked(dir, revoked...)
	config := writeFile(t, dir, "noised.yaml", fmt.Sprintf(`
oidc:
- issuer: %s
  audience: %s
  tenant_claim: org
  roles_claim: roles
  role_map: {tenant-admin: tenant-admin, budget-admin: budget-admin, contributor: contributor, analyst: analyst, auditor: auditor}
  authorized_parties: [%s]
  clock_skew: 30s
`, s.issuer.URL, audience, strings.Join(clients(), ", ")))
	s.Server, err = program.StartTrusting(t.Context(), s.ca.pool(), data, "--config", config,
		"--tls-cert", cert, "--tls-key", key, "--client-ca", writePEM(t, dir, "ca.pem", "CERTIFICATE", s.ca.cert.Raw), "--client-crl", s.crl,
		"--request-rate", "1000000", "--request-burst", "1000000", "--auth-failures", "1000000")
	check(t, err)
	t.Cleanup(func() {
		check(t, s.Kill())
		for _, alarm := range []string{"DATA RACE", "panic"} {
			if strings.Contains(s.Log(), alarm) {
				t.Errorf("the server logged a %s:\n%s", alarm, s.Log())
			}
		}
	})
	eventually(t, "the issuer's keys are fetched", func() bool { return s.issuer.Fetches() > 0 })
	return s
}

// eventually waits for what the server does by itself.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !is(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// api returns a client with a key.
func (s *server) api(key string) *wire.API {
	s.t.Helper()
	api, err := s.API(key)
	check(s.t, err)
	return api
}

// request is one HTTP request, as raw as attackers need it.
type request struct {
	method, path string // the path as it is sent, with its query
	header       http.Header
	body, media  string
}

// text is everything that a request says.
func (r request) text() string { return fmt.Sprint(r.path, r.header, r.body) }

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// id is the request's id.
func (a answer) id() string { return a.header.Get("X-Request-Id") }

// ok reports whether the server did what was asked.
func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// code is the code of a refusal.
func (a answer) code() string {
	_, rest, _ := strings.Cut(a.body, `"/problems/`)
	code, _, _ := strings.Cut(rest, `"`)
	return code
}

// send makes a request as somebody.
func (s *server) send(c *caller, r request) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), r.method, s.URL+r.path, strings.NewReader(r.body))
	check(s.t, err)
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	for name, values := range r.header {
		if name == "Host" {
			req.Host = values[0]
			continue
		}
		req.Header[name] = append(req.Header[name], values...)
	}
	res, err := c.client.Do(req)
	check(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	check(s.t, err)
	return answer{res.StatusCode, res.Header, string(text)}
}
