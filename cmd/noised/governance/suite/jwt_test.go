//go:build governance

package suite

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/noised/noised/api/authn/oidc/oidctest"
)

// unsigned makes a token with the algorithm none.
func unsigned(t testing.TB, claims oidctest.Claims) string {
	t.Helper()
	text, err := json.Marshal(claims)
	check(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(text) + "."
}

// publicDER is a public key as text, which a careless verifier takes for a secret.
func publicDER(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	check(t, err)
	return der
}
