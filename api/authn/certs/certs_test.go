package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
)

// authority is a CA of a test.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func newCA(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte(name),
	}
	return &authority{t: t, cert: sign(t, template, template, &key.PublicKey, key), key: key, next: 2}
}

func sign(t testing.TB, template, parent *x509.Certificate, public any, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// issue makes a certificate of a service; change may spoil it.
func (a *authority) issue(uri string, change func(*x509.Certificate)) *x509.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.issueFor(uri, &key.PublicKey, change)
}

func (a *authority) issueFor(uri string, public any, change func(*x509.Certificate)) *x509.Certificate {
	a.t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		a.t.Fatal(err)
	}
	a.next++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		URIs: []*url.URL{u}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(template)
	}
	return sign(a.t, template, a.cert, public, a.key)
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// crl lists what is revoked until a time.
func (a *authority) crl(until time.Time, revoked ...*x509.Certificate) []byte {
	a.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(a.next), ThisUpdate: until.Add(-2 * time.Hour), NextUpdate: until}
	for _, c := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func write(t testing.TB, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func options(ca string) Options {
	return Options{CAFile: ca, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now}
}

func trusting(t testing.TB, o Options) *Authority {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestACertificateNamesTenantAndRole(t *testing.T) {
	ca := newCA(t, "ca")
	o := options(write(t, ca.pem()))
	o.AllowOperator = true
	a := trusting(t, o)
	seen := map[string]string{}
	for uri, want := range map[string]authn.Identity{
		"noised://north/contributor":         {Tenant: "north", Roles: []privacy.Role{privacy.RoleContributor}},
		"noised://north/contributor/nightly": {Tenant: "north", Roles: []privacy.Role{privacy.RoleContributor}},
		"noised://a_b-1/analyst/x":           {Tenant: "a_b-1", Roles: []privacy.Role{privacy.RoleAnalyst}},
		"noised:///analyst/dash.board":       {Roles: []privacy.Role{privacy.RoleAnalyst}},
		"noised:///operator":                 {Roles: []privacy.Role{privacy.RoleOperator}},
	} {
		got, err := a.Verify([]*x509.Certificate{ca.issue(uri, nil)})
		if err != nil || got.Tenant != want.Tenant || len(got.Roles) != 1 || got.Roles[0] != want.Roles[0] {
			t.Errorf("%s: %+v, %v", uri, got, err)
		}
		renewed, err := a.Verify([]*x509.Certificate{ca.issue(uri, nil)})
		if err != nil || renewed.ID != got.ID || !strings.HasPrefix(got.ID, "cert_") {
			t.Errorf("%s: renewed, it is %q and not %q, %v", uri, renewed.ID, got.ID, err)
		}
		if other, taken := seen[got.ID]; taken {
			t.Errorf("%s and %s are one principal", uri, other)
		}
		seen[got.ID] = uri
	}
}

func TestCertificatesThatDoNotHoldAreRefusedAlike(t *testing.T) {
	ca, other, twin := newCA(t, "ca"), newCA(t, "other"), newCA(t, "ca")
	const uri = "noised://north/contributor"
	revoked := ca.issue(uri, nil)
	o := options(write(t, ca.pem()))
	o.CRLFile = write(t, ca.crl(time.Now().Add(time.Hour), revoked))
	a := trusting(t, o)
	if _, err := a.Verify([]*x509.Certificate{ca.issue(uri, nil)}); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ownURI := func(text string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			u, err := url.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			c.URIs = append(c.URIs, u)
		}
	}
	intermediate := ca.issueFor(uri, &ca.key.PublicKey, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
	for name, c := range map[string]*x509.Certificate{
		"another CA":                  other.issue(uri, nil),
		"another CA of the same name": twin.issue(uri, nil),
		"expired":                     ca.issue(uri, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) }),
		"not yet valid":               ca.issue(uri, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour / 2) }),
		"for servers":                 ca.issue(uri, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
		"for nothing in particular":   ca.issue(uri, func(c *x509.Certificate) { c.ExtKeyUsage = nil }),
		"for anything":                ca.issue(uri, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }),
		"a CA":                        intermediate,
		"revoked":                     revoked,
		"a short key":                 ca.issueFor(uri, &weak.PublicKey, nil),
		"no URI":                      ca.issue(uri, func(c *x509.Certificate) { c.URIs = nil }),
		"two URIs":                    ca.issue(uri, ownURI("noised://south/contributor")),
		"another scheme":              ca.issue("spiffe://north/contributor", nil),
		"no role":                     ca.issue("noised://north", nil),
		"unknown role":                ca.issue("noised://north/root", nil),
		"no tenant for the role":      ca.issue("noised:///contributor", nil),
		"an operator of a tenant":     ca.issue("noised://north/operator", nil),
		"an operator":                 ca.issue("noised:///operator", nil),
		"a user":                      ca.issue("noised://x@north/contributor", nil),
		"a port":                      ca.issue("noised://north:1/contributor", nil),
		"a query":                     ca.issue("noised://north/contributor?role=operator", nil),
		"a longer path":               ca.issue("noised://north/contributor/a/b", nil),
		"a hidden slash":              ca.issue("noised://north/contributor%2Fa", nil),
	} {
		_, err := a.Verify([]*x509.Certificate{c})
		if privacy.CodeOf(err) != privacy.CodeUnauthenticated || err.Error() != authn.Unauthenticated().Error() {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A chain that the sender brings along is not looked at.
	below := &authority{t: t, cert: intermediate, key: ca.key, next: 100}
	if _, err := a.Verify([]*x509.Certificate{below.issue(uri, nil), intermediate}); err == nil {
		t.Error("an intermediate CA was accepted")
	}
}

func TestFilesAreReadAgainAndBadOnesChangeNothing(t *testing.T) {
	ca, next := newCA(t, "ca"), newCA(t, "next")
	o := options(write(t, ca.pem()))
	o.CRLFile = write(t, ca.crl(time.Now().Add(time.Hour)))
	a := trusting(t, o)
	service, other := ca.issue("noised://north/analyst", nil), next.issue("noised://north/analyst", nil)
	accepts := func(what string, c *x509.Certificate, want bool) {
		t.Helper()
		if _, err := a.Verify([]*x509.Certificate{c}); (err == nil) != want {
			t.Errorf("%s: %v", what, err)
		}
	}
	replace := func(path string, text []byte) error {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return a.Load()
	}
	if err := replace(o.CAFile, []byte("nothing")); err == nil {
		t.Error("a file without a CA was taken")
	}
	accepts("after a bad file", service, true)
	if err := replace(o.CAFile, append(ca.pem(), next.pem()...)); err != nil {
		t.Fatal(err)
	}
	accepts("the next CA without its list", other, false)
	if err := replace(o.CRLFile, append(ca.crl(time.Now().Add(time.Hour), service), next.crl(time.Now().Add(time.Hour))...)); err != nil {
		t.Fatal(err)
	}
	accepts("revoked meanwhile", service, false)
	accepts("the next CA with its list", other, true)
}

func TestAListThatIsOutOfDateLetsNobodyIn(t *testing.T) {
	ca := newCA(t, "ca")
	now := time.Now()
	o := options(write(t, ca.pem()))
	o.CRLFile = write(t, ca.crl(now.Add(10*time.Second)))
	o.Now = func() time.Time { return now }
	a := trusting(t, o)
	service := ca.issue("noised://north/analyst", nil)
	if _, err := a.Verify([]*x509.Certificate{service}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(11 * time.Second)
	if _, err := a.Verify([]*x509.Certificate{service}); privacy.CodeOf(err) != privacy.CodeUnavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}

func TestUnsafeFilesAreRefused(t *testing.T) {
	ca, other := newCA(t, "ca"), newCA(t, "other")
	leaf := ca.issue("noised://north/analyst", nil)
	writable := write(t, ca.pem())
	if err := os.Chmod(writable, 0o666); err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ ca, crl, want string }{
		"missing":       {filepath.Join(t.TempDir(), "none"), "", "cannot read"},
		"writable":      {writable, "", "others may write it"},
		"not a CA":      {write(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})), "", "not a CA's"},
		"a private key": {write(t, append(ca.pem(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)), "", "PRIVATE KEY"},
		"many":          {write(t, append(append(ca.pem(), other.pem()...), ca.pem()...)), "", "one CA is trusted"},
		"old list":      {write(t, ca.pem()), write(t, ca.crl(time.Now().Add(-time.Minute))), "out of date"},
		"foreign list":  {write(t, ca.pem()), write(t, other.crl(time.Now().Add(time.Hour))), "did not sign"},
		"no list":       {write(t, ca.pem()), write(t, []byte("x")), "cannot read"},
	} {
		o := options(c.ca)
		o.CRLFile = c.crl
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	ca := newCA(b, "ca")
	a := trusting(b, options(write(b, ca.pem())))
	presented := []*x509.Certificate{ca.issue("noised://north/analyst", nil)}
	for b.Loop() {
		if _, err := a.Verify(presented); err != nil {
			b.Fatal(err)
		}
	}
}
