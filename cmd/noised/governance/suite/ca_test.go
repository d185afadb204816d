//go:build governance

package suite

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// ca issues certificates: the server's own, and those of services.
type ca struct {
	t      testing.TB
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

func newCA(t testing.TB) *ca {
	t.Helper()
	c := &ca{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "services"}, SubjectKeyId: []byte("services"),
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	c.cert = c.sign(template, template, &c.key.PublicKey)
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}

func (c *ca) sign(template, parent *x509.Certificate, public any) *x509.Certificate {
	c.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, c.key)
	check(c.t, err)
	cert, err := x509.ParseCertificate(der)
	check(c.t, err)
	return cert
}

// server writes a certificate for this machine, and its key.
func (c *ca) server(dir string) (cert, key string) {
	c.t.Helper()
	own := newKey(c.t)
	c.serial++
	signed := c.sign(&x509.Certificate{
		SerialNumber: big.NewInt(c.serial + 1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, c.cert, &own.PublicKey)
	der, err := x509.MarshalPKCS8PrivateKey(own)
	check(c.t, err)
	return writePEM(c.t, dir, "server.pem", "CERTIFICATE", signed.Raw), writePEM(c.t, dir, "server.key", "PRIVATE KEY", der)
}

// service issues a certificate that names a principal; change may spoil it.
func (c *ca) service(uri string, change func(*x509.Certificate)) tls.Certificate {
	c.t.Helper()
	u, err := url.Parse(uri)
	check(c.t, err)
	c.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(c.serial + 1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(12 * time.Hour),
		URIs: []*url.URL{u}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	own := newKey(c.t)
	signed := c.sign(template, c.cert, &own.PublicKey)
	return tls.Certificate{Certificate: [][]byte{signed.Raw}, PrivateKey: own, Leaf: signed}
}

// revoked writes the list of certificates that the CA takes back.
func (c *ca) revoked(dir string, certs ...tls.Certificate) string {
	c.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(24 * time.Hour)}
	for _, cert := range certs {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: cert.Leaf.SerialNumber, RevocationTime: time.Now().Add(-time.Minute)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, c.cert, c.key)
	check(c.t, err)
	return writePEM(c.t, dir, "revoked.pem", "X509 CRL", der)
}

// pool trusts the CA.
func (c *ca) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.cert)
	return pool
}

func writePEM(t testing.TB, dir, name, kind string, der []byte) string {
	t.Helper()
	return writeFile(t, dir, name, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

func writeFile(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	check(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
