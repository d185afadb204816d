package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// reloadEvery is how often the files of certificates are looked at. SIGHUP looks
// at once.
const reloadEvery = 5 * time.Second

// keyPair is the server's own certificate, as its files last held it.
type keyPair struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// load reads the files. When it fails, what was read before stays.
func (k *keyPair) load() error {
	if err := checkKeyFile(k.keyFile); err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return fmt.Errorf("cannot use the TLS certificate and key: %w", err)
	}
	k.current.Store(&pair)
	return nil
}

// newTLS returns how connections are secured: TLS 1.3, or 1.2 with suites that
// authenticate what they encrypt. Where client certificates count they are asked
// for here, which proves that the sender has their key, and checked at each call.
func newTLS(own *keyPair, clients bool) *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if pair := own.current.Load(); pair != nil {
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

// watchFiles reads the files of certificates again when one of them changes or
// SIGHUP comes, until ctx ends. Files that do not hold leave things as they are,
// and are tried again.
func (m *Main) watchFiles(ctx context.Context) {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	seen := m.fileStamps()
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-hangUp:
			asked = true
		case <-tick.C:
		}
		now := m.fileStamps()
		if now == seen && !asked {
			continue
		}
		if err := m.reloadFiles(); err != nil {
			m.Log.Error("the files of certificates have changed and cannot be used; going on with those before", "error", err)
			continue
		}
		seen = now
		m.Log.Info("the files of certificates were read again")
	}
}

// reloadFiles reads every file of certificates again.
func (m *Main) reloadFiles() error {
	var errs []error
	if m.own != nil {
		errs = append(errs, m.own.load())
	}
	if m.parts.authority != nil {
		errs = append(errs, m.parts.authority.Load())
	}
	return errors.Join(errs...)
}

// fileStamps tells whether files have changed.
func (m *Main) fileStamps() string {
	text := ""
	for _, path := range []string{m.Config.TLSCert, m.Config.TLSKey, m.Config.ClientCA, m.Config.ClientCRL} {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil {
			text += fmt.Sprintf("%s %d %d %v\n", path, info.Size(), info.ModTime().UnixNano(), info.Mode())
		}
	}
	return text
}

// warnOfAge says when the server's certificate is about to end.
func (m *Main) warnOfAge() {
	pair := m.own.current.Load()
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err == nil && time.Until(leaf.NotAfter) < 7*24*time.Hour {
		m.Log.Warn("the TLS certificate ends soon", "at", leaf.NotAfter.UTC().Format(time.RFC3339))
	}
}

// checkKeyFile refuses a private key that others may read.
func checkKeyFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot read the TLS key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("refusing the TLS key %s: others may read it (mode %#o). Run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	return nil
}
