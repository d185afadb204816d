package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"time"
)

// files are what Load read.
type files struct {
	pool *x509.CertPool
	crls []crl
}

// crl is one list of revoked certificates.
type crl struct {
	issuer  []byte
	expires time.Time
	serials map[string]bool
}

// outdated is a list of revoked certificates whose time has passed. Who has been
// revoked since is not known, so nobody is let in.
type outdated struct{ since time.Time }

func (o outdated) Error() string { return "out of date since " + o.since.UTC().Format(time.RFC3339) }

// check looks a certificate up in its issuer's list. With a file of lists, a CA
// that has none in it is one whose revocations are not known.
func (f *files) check(leaf, ca *x509.Certificate, now time.Time) error {
	if f.crls == nil {
		return nil
	}
	found := false
	for _, c := range f.crls {
		switch {
		case !bytes.Equal(c.issuer, ca.RawSubject):
			continue
		case now.After(c.expires):
			return outdated{c.expires}
		case c.serials[string(leaf.SerialNumber.Bytes())]:
			return refusal("revoked")
		}
		found = true
	}
	if !found {
		return refusal("no list of revoked certificates of its CA")
	}
	return nil
}

// readTrusted reads a file that decides who is let in.
func readTrusted(path, what string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the %s: %w", what, err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("refusing the %s %s: others may write it (mode %#o), and with it decide who is let in. Run: chmod go-w %s",
			what, path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the %s: %w", what, err)
	}
	return text, nil
}

func readCAs(path string, now time.Time) ([]*x509.Certificate, error) {
	text, err := readTrusted(path, "client CA")
	if err != nil {
		return nil, err
	}
	var cas []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("refusing the client CA %s: it holds a %s; certificates only belong there", path, block.Type)
		}
		ca, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("cannot read the client CA %s: %w", path, err)
		}
		switch {
		case !ca.BasicConstraintsValid || !ca.IsCA:
			return nil, fmt.Errorf("refusing the client CA %s: a certificate in it is not a CA's", path)
		case now.After(ca.NotAfter):
			return nil, fmt.Errorf("refusing the client CA %s: it expired at %s", path, ca.NotAfter.UTC().Format(time.RFC3339))
		case !strong(ca):
			return nil, fmt.Errorf("refusing the client CA %s: its RSA key has less than %d bits", path, minRSABits)
		}
		cas = append(cas, ca)
	}
	switch {
	case len(cas) == 0:
		return nil, fmt.Errorf("the client CA %s holds no certificate in PEM", path)
	case len(cas) > 2:
		return nil, fmt.Errorf("refusing the client CA %s: it holds %d certificates; one CA is trusted, or two while one replaces the other", path, len(cas))
	}
	return cas, nil
}

func readCRLs(path string, cas []*x509.Certificate, now time.Time) ([]crl, error) {
	text, err := readTrusted(path, "list of revoked certificates")
	if err != nil {
		return nil, err
	}
	var raw [][]byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		raw = append(raw, block.Bytes)
	}
	if len(raw) == 0 {
		raw = [][]byte{text} // DER
	}
	var crls []crl
	for _, der := range raw {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, fmt.Errorf("cannot read the list of revoked certificates %s: %w", path, err)
		}
		ca := slices.IndexFunc(cas, func(ca *x509.Certificate) bool { return list.CheckSignatureFrom(ca) == nil })
		switch {
		case ca < 0:
			return nil, fmt.Errorf("refusing the list of revoked certificates %s: the client CA did not sign it", path)
		case list.NextUpdate.IsZero() || now.After(list.NextUpdate):
			return nil, fmt.Errorf("refusing the list of revoked certificates %s: it is out of date, so who has been revoked since is not known", path)
		}
		c := crl{issuer: cas[ca].RawSubject, expires: list.NextUpdate, serials: map[string]bool{}}
		for _, e := range list.RevokedCertificateEntries {
			c.serials[string(e.SerialNumber.Bytes())] = true
		}
		crls = append(crls, c)
	}
	return crls, nil
}
