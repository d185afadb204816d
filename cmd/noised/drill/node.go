package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// node rehearses the loss of a machine that serves: suspend everything from another
// node, replace the operator's key, and start elsewhere with a new certificate.
func (h *rehearsal) node(ctx context.Context) error {
	s, err := h.stage(ctx)
	if s != nil && s.Server != nil {
		defer func() { _ = s.Kill() }()
	}
	if err != nil {
		return err
	}
	second, err := h.Start(ctx, s.data, h.flags()...)
	if err != nil {
		return err
	}
	defer func() { _ = second.Kill() }()
	first, err := s.ask(ctx, s.Server, s.Analyst)
	if err != nil {
		return err
	}
	operator, err := second.API(s.Operator)
	if err != nil {
		return err
	}
	_, err = operator.Suspend(ctx, "everything", "all", "drill: node seized")
	h.holds("one call at another node suspends everything", err)
	for who, key := range map[string]string{"an analyst": s.Analyst, "a tenant's admin": s.Admin["alpha"], "a contributor": s.Loader["beta"]} {
		api, err := s.API(key)
		if err != nil {
			return err
		}
		_, err = api.Datasets(ctx)
		h.holds("the next call of "+who+" at the lost node is refused", refusedAs("suspended", err))
	}
	keys, err := operator.Keys(ctx)
	h.holds("operators still may call", err)
	if err != nil {
		return err
	}
	var id string
	for _, k := range keys.Items {
		if k.Role == "operator" {
			id = k.ID
		}
	}
	fresh, err := operator.RotateKey(ctx, id, "0s")
	h.holds("the operator's key is replaced without overlap", err)
	if err != nil {
		return err
	}
	lost, err := s.API(s.Operator)
	if err != nil {
		return err
	}
	_, err = lost.Tenants(ctx)
	h.holds("the one that was on the lost node is refused there", refusedAs("unauthenticated", err))
	h.exposed("what was on the lost machine's disk and in its memory, its keyset too: see the theft of a backup with it; the key of its certificate, until that is revoked")

	if err := errors.Join(s.Kill(), second.Stop()); err != nil {
		return err
	}
	return h.elsewhere(ctx, s, fresh.Key, first.Release)
}

// elsewhere starts on another machine, as it were, and goes on.
func (h *rehearsal) elsewhere(ctx context.Context, s *scene, operatorKey, release string) error {
	data := filepath.Join(h.dir, "elsewhere")
	if err := blackbox.CopyDir(s.data, data); err != nil {
		return err
	}
	h.holds("all data keys are wrapped anew, and the keys before are removed", h.Run(ctx, "keyring", "rotate", "--data-dir", data, "--forget"))
	h.holds("the keyset of the lost node opens nothing of it from now on",
		refusedFor("does not open the data keys", h.serve(ctx, data, append(h.flags(), "--keyset", s.data+".keyset")...)))
	certFile, keyFile, roots, err := certificate(h.dir)
	if err != nil {
		return err
	}
	server, err := h.StartTrusting(ctx, roots, data, append(h.flags(), "--tls-cert", certFile, "--tls-key", keyFile)...)
	h.holds("a server starts elsewhere, with a new certificate, and the mark accepts the data", err)
	if err != nil {
		return err
	}
	defer func() { _ = server.Kill() }()
	_, err = s.ask(ctx, server, s.Analyst)
	h.holds("everything is still suspended", refusedAs("suspended", err))
	operator, err := server.API(operatorKey)
	if err != nil {
		return err
	}
	h.holds("the operator lifts it, with the new key", operator.Lift(ctx, "everything", "all"))
	again, err := s.ask(ctx, server, s.Analyst)
	h.holds("analysts go on", err)
	if err == nil {
		h.holds("the answer is the one from before, and costs nothing more", that(again.Release == release && again.Cached, "release %s after %s", again.Release, release))
	}
	return nil
}

// certificate makes one for this machine, which vouches for itself.
func certificate(dir string) (certFile, keyFile string, roots *x509.CertPool, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", nil, err
	}
	made := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "drill"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, made, made, &key.PublicKey, key)
	if err != nil {
		return "", "", nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", nil, err
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	err = errors.Join(os.WriteFile(certFile, text, 0o600), os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	roots = x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) && err == nil {
		err = fmt.Errorf("the certificate cannot be read")
	}
	return certFile, keyFile, roots, err
}
