package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/noised/noised/api/authn/oidc"
	"github.com/noised/noised/api/authn/oidc/oidctest"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/remote"
	"github.com/noised/noised/cmd/noised/internal/settings"
	"github.com/noised/noised/privacy"
)

// status asks for a page as somebody and returns the status of the answer.
func status(t *testing.T, c *http.Client, where, bearer string, header ...string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, where, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestTokensOfAProviderFromIssueToRevocation(t *testing.T) {
	dir, key := newDir(t)
	p := oidctest.Start(t, "noised")
	m := start(t, dir, func(c *settings.Config) {
		c.OIDC = []oidc.Config{{Issuer: p.URL, Audience: "noised", AuthorizedParties: []string{"ann"}, TenantClaim: "org", RolesClaim: "roles",
			RoleMap: map[string]privacy.Role{"asks": privacy.RoleAnalyst, "loads": privacy.RoleContributor}}}
	})
	for p.Fetches() == 0 { // the server fetches the keys by itself
		time.Sleep(time.Millisecond)
	}
	operator := client(t, m, key)
	if _, err := operator.CreateTenant(t.Context(), "north", ""); err != nil {
		t.Fatal(err)
	}
	p.SetClient("ann", oidctest.Claims{"org": "north", "roles": []string{"asks", "loads"}})
	token := p.MustToken("ann")
	step := func(what, token, path, role string, want int) {
		t.Helper()
		var header []string
		if role != "" {
			header = []string{wire.HeaderRole, role}
		}
		if got := status(t, http.DefaultClient, m.URL()+path, token, header...); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	step("two roles and none named", token, "/v1/releases", "", http.StatusBadRequest)
	step("an analyst", token, "/v1/releases", "analyst", http.StatusOK)
	step("a contributor", token, "/v1/loads", "contributor", http.StatusOK)
	step("a contributor who asks", token, "/v1/releases", "contributor", http.StatusForbidden)
	step("a role that was not granted", token, "/v1/admin/keys", "operator", http.StatusForbidden)
	step("a role that does not exist", token, "/v1/releases", "root", http.StatusBadRequest)

	p.Rotate()
	rotated := p.MustToken("ann")
	step("a token of the new key", rotated, "/v1/releases", "analyst", http.StatusOK)
	step("a token of the old key, which is still published", token, "/v1/releases", "analyst", http.StatusOK)
	p.SetLifetime(-2 * time.Minute)
	step("a token that has expired", p.MustToken("ann"), "/v1/releases", "analyst", http.StatusUnauthorized)

	if _, err := operator.SetSuspended(t.Context(), "north", true); err != nil {
		t.Fatal(err)
	}
	step("while the tenant is suspended", rotated, "/v1/releases", "analyst", http.StatusForbidden)
	if _, err := operator.SetSuspended(t.Context(), "north", false); err != nil {
		t.Fatal(err)
	}
	p.SetDown(true)
	step("while the provider is down", rotated, "/v1/releases", "analyst", http.StatusOK)
	p.SetDown(false)

	p.Revoke("ann")
	if _, err := p.Token("ann"); err == nil {
		t.Error("the provider gives out a token after the revocation")
	}
	id, err := m.parts.tokens.Verify(t.Context(), rotated)
	if err != nil {
		t.Fatal(err)
	}
	if err := operator.RevokePrincipal(t.Context(), id.ID); err != nil {
		t.Fatal(err)
	}
	step("the first call after the revocation", rotated, "/v1/releases", "analyst", http.StatusUnauthorized)
}

func TestAServerStartsAndAnswersKeysWhileItsIssuerIsDown(t *testing.T) {
	dir, key := newDir(t)
	p := oidctest.Start(t, "noised")
	p.SetDown(true)
	m := start(t, dir, func(c *settings.Config) {
		c.OIDC = []oidc.Config{{Issuer: p.URL, Audience: "noised", RolesClaim: "roles", RoleMap: map[string]privacy.Role{"asks": privacy.RoleAnalyst}}}
	})
	if got := status(t, http.DefaultClient, m.URL()+"/v1/admin/keys", key); got != http.StatusOK {
		t.Errorf("a key: %d", got)
	}
	claims := p.Claims("ann", time.Now())
	claims["roles"] = "asks"
	if got := status(t, http.DefaultClient, m.URL()+"/v1/releases", p.Sign(claims)); got != http.StatusServiceUnavailable {
		t.Errorf("a token: %d, want 503", got)
	}
}

// clientCA issues certificates to services.
type clientCA struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newClientCA(t *testing.T) (*clientCA, string) {
	t.Helper()
	cert, key, _ := selfSigned(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(cert, 0o600); err != nil {
		t.Fatal(err)
	}
	return &clientCA{t, pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)}, cert
}

func (ca *clientCA) issue(uri string) tls.Certificate {
	ca.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		ca.t.Fatal(err)
	}
	u, err := url.Parse(uri)
	if err != nil {
		ca.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		URIs: []*url.URL{u}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// service returns a client that presents a certificate.
func service(t *testing.T, roots *x509.CertPool, own ...tls.Certificate) *http.Client {
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: own}}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestCertificatesOfServices(t *testing.T) {
	dir, key := newDir(t)
	cert, private, roots := selfSigned(t)
	ca, caFile := newClientCA(t)
	foreign, _ := newClientCA(t)
	m := start(t, dir, func(c *settings.Config) { c.TLSCert, c.TLSKey, c.ClientCA = cert, private, caFile })
	operator, err := wire.New(m.URL(), key, service(t, roots))
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []string{"north", "south"} {
		if _, err := operator.CreateTenant(t.Context(), tenant, ""); err != nil {
			t.Fatal(err)
		}
	}
	k, err := operator.CreateKey(t.Context(), wire.KeyRequest{Role: wire.TenantAdmin, Tenant: remote.Optional("south")})
	if err != nil {
		t.Fatal(err)
	}
	north := ca.issue("noised://north/tenant-admin/portal")
	keys := func(tenant string) string { return m.URL() + "/v1/admin/tenants/" + tenant + "/keys" }
	for name, c := range map[string]struct {
		client *http.Client
		where  string
		bearer string
		want   int
	}{
		"its own tenant":               {service(t, roots, north), keys("north"), "", http.StatusOK},
		"another tenant":               {service(t, roots, north), keys("south"), "", http.StatusForbidden},
		"with the other tenant's key":  {service(t, roots, north), keys("south"), k.Key, http.StatusUnauthorized},
		"the key without it":           {service(t, roots), keys("south"), k.Key, http.StatusOK},
		"another CA":                   {service(t, roots, foreign.issue("noised://north/tenant-admin")), keys("north"), "", http.StatusUnauthorized},
		"another CA and a good key":    {service(t, roots, foreign.issue("noised://south/tenant-admin")), keys("south"), k.Key, http.StatusUnauthorized},
		"a tenant that does not exist": {service(t, roots, ca.issue("noised://west/tenant-admin")), keys("west"), "", http.StatusUnauthorized},
		"an operator without consent":  {service(t, roots, ca.issue("noised:///operator")), m.URL() + "/v1/admin/keys", "", http.StatusUnauthorized},
	} {
		if got := status(t, c.client, c.where, c.bearer); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	// What a proxy would put into a header is a claim and no proof.
	text := url.QueryEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: north.Certificate[0]})))
	for _, name := range []string{"X-Forwarded-Client-Cert", "X-Ssl-Client-Cert", "X-Client-Cert", "Client-Cert", "Ssl-Client-Cert"} {
		if got := status(t, service(t, roots), keys("north"), "", name, text); got != http.StatusUnauthorized {
			t.Errorf("a certificate in %s: %d", name, got)
		}
	}
	// Who has seen a certificate on another connection lacks its key.
	replayed := ca.issue("noised://north/tenant-admin/other")
	replayed.Certificate = north.Certificate
	if res, err := service(t, roots, replayed).Get(keys("north")); err == nil {
		res.Body.Close()
		t.Errorf("a replayed certificate: %s", res.Status)
	}
}

func TestConnectionsAreSecuredAndCertificatesReplaced(t *testing.T) {
	dir, _ := newDir(t)
	cert, private, _ := selfSigned(t)
	m := start(t, dir, func(c *settings.Config) { c.TLSCert, c.TLSKey = cert, private })
	dial := func(c *tls.Config) (*tls.Conn, error) {
		c.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", m.addr.String(), c)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
		}
		return conn, err
	}
	for name, c := range map[string]*tls.Config{
		"TLS 1.1": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"CBC":     {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
	} {
		if _, err := dial(c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	before, err := dial(&tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if v := before.ConnectionState().Version; v != tls.VersionTLS13 {
		t.Errorf("version %x", v)
	}
	shown := func() []byte {
		t.Helper()
		conn, err := dial(&tls.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return conn.ConnectionState().PeerCertificates[0].Raw
	}
	first := shown()
	nextCert, nextKey, _ := selfSigned(t)
	copyFile(t, nextCert, cert)
	if err := m.watcher.All(); err == nil {
		t.Error("a certificate was taken with another one's key")
	}
	if string(shown()) != string(first) {
		t.Error("half a change changed something")
	}
	copyFile(t, nextKey, private)
	if err := m.watcher.All(); err != nil {
		t.Fatal(err)
	}
	if string(shown()) == string(first) {
		t.Error("the certificate was not replaced")
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
