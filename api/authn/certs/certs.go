package certs

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/privacy"
)

// minRSABits is the shortest RSA key of a certificate.
const minRSABits = 2048

// maxCertificate bounds what is looked at.
const maxCertificate = 16 << 10

// Options say which certificates are accepted.
type Options struct {
	CAFile        string // one CA in PEM; two while one replaces the other
	CRLFile       string // their lists of revoked certificates, PEM or DER; may be empty
	AllowOperator bool   // certificates may make operators
	Log           *slog.Logger
	Now           func() time.Time
}

// Authority checks certificates. It is safe for concurrent use.
type Authority struct {
	options Options
	files   atomic.Pointer[files]
}

var _ authn.Certificates = (*Authority)(nil)

// New reads the files. It refuses those that others may write, and a list of
// revoked certificates that is out of date or not the CA's.
func New(o Options) (*Authority, error) {
	a := &Authority{options: o}
	return a, a.Load()
}

// Load reads the files again. When it fails, what was read before stays.
func (a *Authority) Load() error {
	cas, err := readCAs(a.options.CAFile, a.options.Now())
	if err != nil {
		return err
	}
	f := &files{pool: x509.NewCertPool()}
	for _, ca := range cas {
		f.pool.AddCert(ca)
	}
	if a.options.CRLFile != "" {
		if f.crls, err = readCRLs(a.options.CRLFile, cas, a.options.Now()); err != nil {
			return err
		}
	}
	a.files.Store(f)
	return nil
}

// Verify implements authn.Certificates.
func (a *Authority) Verify(presented []*x509.Certificate) (authn.Identity, error) {
	id, err := a.verify(presented)
	var old outdated
	switch {
	case errors.As(err, &old):
		return authn.Identity{}, privacy.Errorf(privacy.CodeUnavailable, "the list of revoked certificates is out of date").Because(err)
	case err != nil:
		a.options.Log.Debug("a certificate was refused", "reason", err.Error())
		return authn.Identity{}, authn.Unauthenticated()
	}
	return id, nil
}

// refusal is why a certificate does not count. Its text is fixed, so that nobody
// writes into the log.
type refusal string

func (r refusal) Error() string { return string(r) }

func (a *Authority) verify(presented []*x509.Certificate) (authn.Identity, error) {
	if len(presented) == 0 || len(presented[0].Raw) > maxCertificate {
		return authn.Identity{}, refusal("size")
	}
	leaf, f, now := presented[0], a.files.Load(), a.options.Now()
	switch {
	case leaf.IsCA:
		return authn.Identity{}, refusal("a CA is nobody's identity")
	case !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return authn.Identity{}, refusal("not for client authentication")
	case !strong(leaf):
		return authn.Identity{}, refusal("key too short")
	}
	// No intermediates: only the CA's own list can say that they are revoked.
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: f.pool, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return authn.Identity{}, refusal("issuer or validity")
	}
	if err := f.check(leaf, chains[0][len(chains[0])-1], now); err != nil {
		return authn.Identity{}, err
	}
	id, err := identify(leaf.URIs)
	if err == nil && id.Roles[0] == privacy.RoleOperator && !a.options.AllowOperator {
		return authn.Identity{}, refusal("operators need the server's consent")
	}
	return id, err
}

func strong(c *x509.Certificate) bool {
	k, ok := c.PublicKey.(*rsa.PublicKey)
	return !ok || k.N.BitLen() >= minRSABits
}
