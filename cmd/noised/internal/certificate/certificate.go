// Package certificate holds a server's own certificate as its files last had it, says
// how connections are secured with it, and reads files of certificates again when they
// change. Files that do not hold never take the place of those that did.
package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/noised/noised/cmd/noised/internal/namedfile"
)

// Pair is a certificate and its key.
type Pair struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// Open reads the files of a certificate chain and of its key, in PEM. The key must be
// its owner's alone.
func Open(certFile, keyFile string) (*Pair, error) {
	p := &Pair{certFile: certFile, keyFile: keyFile}
	return p, p.Load()
}

// Load reads the files again. When it fails, what was read before stays.
func (p *Pair) Load() error {
	if err := namedfile.Private(p.keyFile, "TLS key"); err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return fmt.Errorf("cannot use the TLS certificate and key: %w", err)
	}
	p.current.Store(&pair)
	return nil
}

// Ends returns when the certificate ends; never where it cannot be told.
func (p *Pair) Ends() (at time.Time, known bool) {
	pair := p.current.Load()
	if pair == nil {
		return at, false
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return at, false
	}
	return leaf.NotAfter, true
}

// Config returns how connections are secured: TLS 1.3, or 1.2 with suites that
// authenticate what they encrypt. Where client certificates count they are asked
// for here, which proves that the sender has their key, and checked at each call.
func (p *Pair) Config(clients bool) *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if pair := p.current.Load(); pair != nil {
				return pair, nil
			}
			return nil, errors.New("no certificate")
		},
	}
	if clients {
		c.ClientAuth = tls.RequestClientCert
	}
	return c
}
