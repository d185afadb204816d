package server

import (
	"time"

	"github.com/noised/noised/api/authn"
	"github.com/noised/noised/api/authn/certs"
	"github.com/noised/noised/api/authn/oidc"
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
