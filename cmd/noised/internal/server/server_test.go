package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/settings"
	"github.com/noised/noised/cmd/noised/internal/setup"
)

// newDir makes a data directory and returns it with the operator's key.
func newDir(t *testing.T) (dir, operatorKey string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	key, _, err := setup.Initialise(context.Background(), dir, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return dir, key
}

// start runs a server on a free port until the test ends.
func start(t *testing.T, dir string, change func(*settings.Config)) *Main {
	t.Helper()
	config := settings.Default()
	config.DataDir, config.Listen = dir, "127.0.0.1:0"
	if change != nil {
		change(&config)
	}
	m := &Main{Config: config}
	if err := m.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return m
}

func client(t *testing.T, m *Main, key string) *wire.API {
	t.Helper()
	c, err := wire.New(m.URL(), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTwoServersOnOneDirectorySeeOneState(t *testing.T) {
	dir, key := newDir(t)
	first, second := start(t, dir, nil), start(t, dir, nil)
	if _, err := client(t, first, key).CreateTenant(t.Context(), "north", ""); err != nil {
		t.Fatal(err)
	}
	tenants, err := client(t, second, key).Tenants(t.Context())
	if err != nil || len(tenants.Items) != 1 || tenants.Items[0].Name != "north" {
		t.Fatalf("the second server lists %+v, %v", tenants.Items, err)
	}
}

// expecting makes uploads wait for the server to ask for their body.
type expecting struct{ http.RoundTripper }

func (e expecting) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Expect", "100-continue")
	return e.RoundTripper.RoundTrip(r)
}

func TestARequestInFlightIsAnsweredAndItsLoadSurvives(t *testing.T) {
	dir, key := newDir(t)
	m := start(t, dir, nil)
	contributorKey := joinVisits(t, m, key)
	contributor, err := wire.New(m.URL(), contributorKey,
		&http.Client{Transport: expecting{&http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}}})
	if err != nil {
		t.Fatal(err)
	}
	body, feed := io.Pipe()
	type answer struct {
		load wire.Load
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		l, err := contributor.Upload(context.Background(), wire.Upload{Dataset: "visits", ContentType: wire.TypeCSV}, body)
		answered <- answer{l, err}
	}()
	if _, err := feed.Write([]byte("person\n")); err != nil { // the server reads it
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- m.Close() }()
	for { // until the server takes no more connections
		conn, err := net.Dial("tcp", m.addr.String())
		if err != nil {
			break
		}
		conn.Close()
	}
	if _, err := feed.Write([]byte("ann\n")); err != nil {
		t.Fatal(err)
	}
	feed.Close()
	a := <-answered
	if a.err != nil || a.load.Bytes != int64(len("person\nann\n")) {
		t.Errorf("the request in flight was answered %+v, %v", a.load, a.err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	// What was accepted is loaded by the next start.
	l, err := client(t, start(t, dir, nil), contributorKey).Wait(t.Context(), a.load.ID, nil)
	if err != nil || l.State != wire.LoadStateSucceeded || l.RowsLoaded != 1 {
		t.Errorf("after a restart the load is %+v, %v", l, err)
	}
}

// joinVisits makes a dataset with one member and returns a contributor's key.
func joinVisits(t *testing.T, m *Main, operatorKey string) string {
	t.Helper()
	operator := client(t, m, operatorKey)
	contract := `
dataset: visits
version: 1
privacy_unit: {column: person, scope: tenant}
contribution: {max_partitions: 1, max_rows_per_partition: 1}
columns: {person: {type: varchar, role: unit}}
`
	if _, err := operator.ApplyContract(t.Context(), []byte(contract)); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.CreateTenant(t.Context(), "north", ""); err != nil {
		t.Fatal(err)
	}
	keys := map[wire.Role]string{}
	for _, role := range []wire.Role{wire.TenantAdmin, wire.Contributor} {
		k, err := operator.CreateKey(t.Context(), wire.KeyRequest{Role: role, Tenant: remote.Optional("north")})
		if err != nil {
			t.Fatal(err)
		}
		keys[role] = k.Key
	}
	if _, err := client(t, m, keys[wire.TenantAdmin]).AcceptContract(t.Context(), "visits", "north", 1); err != nil {
		t.Fatal(err)
	}
	return keys[wire.Contributor]
}

func TestMetricsHaveTheirOwnListener(t *testing.T) {
	dir, key := newDir(t)
	m := start(t, dir, func(c *settings.Config) { c.MetricsListen = "127.0.0.1:0" })
	if _, err := client(t, m, key).Tenants(t.Context()); err != nil {
		t.Fatal(err)
	}
	if body := get(t, http.DefaultClient, m.MetricsURL(), http.StatusOK); !strings.Contains(body, "noised_") {
		t.Errorf("metrics are missing in:\n%.500s", body)
	}
	get(t, http.DefaultClient, m.URL()+"/metrics", http.StatusNotFound)
}

// What the program uses of the machine counts rows: allocated bytes tell of a
// person with many of them. So it is shown only where the operator says so.
func TestUsageIsMeasuredOnRequestOnly(t *testing.T) {
	for _, shown := range []bool{false, true} {
		dir, _ := newDir(t)
		m := start(t, dir, func(c *settings.Config) { c.MetricsListen, c.UsageMetrics = "127.0.0.1:0", shown })
		body := get(t, http.DefaultClient, m.MetricsURL(), http.StatusOK)
		for _, family := range []string{"go_memstats_alloc_bytes", "process_cpu_seconds", "go_goroutines", "go_gc_duration_seconds"} {
			if strings.Contains(body, family) != shown {
				t.Errorf("with usage metrics %t, %s is there: %t", shown, family, !shown)
			}
		}
	}
}

func TestTLS(t *testing.T) {
	dir, _ := newDir(t)
	cert, key, roots := selfSigned(t)
	m := start(t, dir, func(c *settings.Config) { c.TLSCert, c.TLSKey = cert, key })
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer c.CloseIdleConnections()
	if !strings.HasPrefix(m.URL(), "https://") {
		t.Errorf("URL is %s", m.URL())
	}
	get(t, c, m.URL()+"/readyz", http.StatusOK)

	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := (&Main{Config: m.Config}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "others may read it") {
		t.Errorf("a readable private key: %v", err)
	}
}

func TestAServerThatCannotListenLeavesNothingOpen(t *testing.T) {
	dir, _ := newDir(t)
	m := start(t, dir, nil)
	config := m.Config
	config.Listen = m.addr.String()
	second := &Main{Config: config}
	if err := second.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "cannot listen on") {
		t.Fatalf("Run on a busy port: %v", err)
	}
	get(t, http.DefaultClient, m.URL()+"/readyz", http.StatusOK)
}

// get fetches a page and demands its status.
func get(t *testing.T, c *http.Client, where string, want int) string {
	t.Helper()
	resp, err := c.Get(where)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		t.Fatalf("GET %s: %s, %v; want %d", where, resp.Status, err, want)
	}
	return string(body)
}

// selfSigned writes a certificate for this machine and its key.
func selfSigned(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	roots = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", encoded), roots
}
