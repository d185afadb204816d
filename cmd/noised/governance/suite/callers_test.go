//go:build governance

package suite

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/noised/noised/api/authn/oidc/oidctest"
	"github.com/noised/noised/api/wire"
)

// caller is somebody with credentials of one kind.
type caller struct {
	name   string
	tenant string
	role   string
	kind   string // key, token, certificate, or what is wrong with them
	bearer string
	client *http.Client
	dead   bool // the credentials must not be accepted at all
}

// clients are those that the issuer gives tokens to: one for each role of each
// tenant.
func clients() []string {
	var ids []string
	for _, tenant := range []string{attacker, victim, suspended} {
		for _, role := range rolesOfTenants() {
			ids = append(ids, tenant+"-"+role)
		}
	}
	return ids
}

// client returns one that trusts the server, with certificates or without.
func (s *server) client(own ...tls.Certificate) *http.Client {
	c := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.ca.pool(), Certificates: own}, MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	s.t.Cleanup(c.CloseIdleConnections)
	return c
}

// token has the issuer issue a token for a role of a tenant.
func (s *server) token(tenant, role string) string {
	id := tenant + "-" + role
	s.issuer.SetClient(id, oidctest.Claims{"org": tenant, "roles": []string{role}})
	return s.issuer.MustToken(id)
}

// callersOf returns everybody who belongs to a tenant, by key, token and
// certificate.
func (s *server) callersOf(tenant string, keys map[string]wire.NewKey) []*caller {
	var all []*caller
	for _, role := range rolesOfTenants() {
		name := tenant + "'s " + role + " by "
		all = append(all,
			&caller{name: name + "key", tenant: tenant, role: role, kind: "key", bearer: keys[role].Key, client: s.client()},
			&caller{name: name + "token", tenant: tenant, role: role, kind: "token", bearer: s.token(tenant, role), client: s.client()},
			&caller{name: name + "certificate", tenant: tenant, role: role, kind: "certificate",
				client: s.client(s.ca.service("noised://"+tenant+"/"+role+"/service", nil))})
	}
	return all
}

// deadTokens are tokens that say the right thing and do not hold.
func (s *server) deadTokens(tenant, role string) map[string]string {
	claims := func(change oidctest.Claims) oidctest.Claims {
		c := s.issuer.Claims(tenant+"-"+role, time.Now())
		c["org"], c["roles"], c["exp"] = tenant, []string{role}, time.Now().Add(longRun).Unix()
		for name, value := range change {
			c[name] = value
		}
		return c
	}
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	stranger := newKey(s.t)
	return map[string]string{
		"an expired token":                  s.issuer.Sign(claims(oidctest.Claims{"iat": at(-10 * time.Minute), "nbf": at(-10 * time.Minute), "exp": at(-time.Minute)})),
		"a token of tomorrow":               s.issuer.Sign(claims(oidctest.Claims{"iat": at(longRun), "nbf": at(longRun), "exp": at(2 * longRun)})),
		"a token for another service":       s.issuer.Sign(claims(oidctest.Claims{"aud": []string{"elsewhere"}})),
		"a token of another issuer":         s.issuer.Sign(claims(oidctest.Claims{"iss": "https://elsewhere.example"})),
		"a token for another party":         s.issuer.Sign(claims(oidctest.Claims{"azp": "elsewhere"})),
		"a token without an algorithm":      unsigned(s.t, claims(nil)),
		"a token that a stranger signed":    oidctest.Sign(s.t, jose.SigningKey{Algorithm: jose.ES256, Key: stranger}, s.issuer.KeyID(), "JWT", claims(nil)),
		"a token with its key as a secret":  oidctest.Sign(s.t, jose.SigningKey{Algorithm: jose.HS256, Key: publicDER(s.t, &stranger.PublicKey)}, s.issuer.KeyID(), "JWT", claims(nil)),
		"a token of a tenant that is not":   s.issuer.Sign(claims(oidctest.Claims{"org": missingTenant})),
		"a token whose text is a key's id":  "key_0123456789abcdefghjkmnpqrs",
		"a key that was never given":        "noised_" + "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst",
		"the header of a token and no more": "eyJhbGciOiJFUzI1NiJ9..",
	}
}

// deadCertificates are those of services that must not be accepted.
func (s *server) deadCertificates(role string, revoked tls.Certificate) map[string]tls.Certificate {
	uri := "noised://" + attacker + "/" + role + "/service"
	other := newCA(s.t)
	stolen := other.service(uri, nil) // shows another's certificate without its key
	proxied := s.ca.service(uri, nil)
	stolen.Certificate = append(stolen.Certificate, proxied.Certificate...)
	return map[string]tls.Certificate{
		"a revoked certificate":                 revoked,
		"an expired certificate":                s.ca.service(uri, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) }),
		"a certificate of another CA":           other.service(uri, nil),
		"a certificate beside another's":        stolen,
		"a certificate of a tenant that is not": s.ca.service("noised://"+missingTenant+"/"+role, nil),
		"a server's certificate":                s.ca.service(uri, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
	}
}
