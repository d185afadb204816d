package server

import (
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/authn/certs"
	"github.com/noised/noised/api/authn/oidc"
	"github.com/noised/noised/cmd/noised/internal/certificate"
)

// gate builds what tells who a caller is.
func (m *Main) gate(p *parts, keys *authn.Keys) (*authn.Gate, error) {
	g := &authn.Gate{Keys: keys}
	if len(m.Config.OIDC) > 0 {
		tokens, err := oidc.New(m.Config.OIDC, oidc.Options{Log: m.Log, Now: time.Now})
		if err != nil {
			return nil, err
		}
		p.tokens, g.Tokens = tokens, tokens
		keys.Named(oidc.Groups(m.Config.OIDC))
	}
	if m.Config.ClientCA != "" {
		authority, err := certs.New(certs.Options{
			CAFile: m.Config.ClientCA, CRLFile: m.Config.ClientCRL, AllowOperator: m.Config.ClientCAOperator, Log: m.Log, Now: time.Now,
		})
		if err != nil {
			return nil, err
		}
		p.authority, g.Certificates = authority, authority
	}
	return g, nil
}

// endsSoon is how long before its end a certificate is warned of.
const endsSoon = 7 * 24 * time.Hour

// openCertificates reads the server's own certificate, and says which files are looked
// at for newer ones.
func (m *Main) openCertificates() (err error) {
	c := m.Config
	if m.own, err = certificate.Open(c.TLSCert, c.TLSKey); err != nil {
		m.own = nil
		return err
	}
	if at, known := m.own.Ends(); known && time.Until(at) < endsSoon {
		m.Log.Warn("the TLS certificate ends soon", "at", at.UTC().Format(time.RFC3339))
	}
	m.watcher = &certificate.Watcher{Files: []string{c.TLSCert, c.TLSKey, c.ClientCA, c.ClientCRL}, Reload: []func() error{m.own.Load}, Log: m.Log}
	if m.parts.authority != nil {
		m.watcher.Reload = append(m.watcher.Reload, m.parts.authority.Load)
	}
	return nil
}
