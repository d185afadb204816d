package authn

import (
	"errors"

	"github.com/noised/noised/privacy"
)

// known is the cause of a refusal of credentials that hold.
type known struct{ principal privacy.Principal }

// Error implements error.
func (k *known) Error() string { return "the credentials are those of " + k.principal.ID }

// ofSuspended refuses a principal whose tenant is suspended.
func ofSuspended(p privacy.Principal) error {
	return privacy.Errorf(privacy.CodeSuspended, "tenant %q is suspended", p.Tenant).Because(&known{p})
}

// KnownAs returns whose credentials were refused although they hold: those of a
// suspended tenant, or for another role than they grant. It is for the record of refusals, and admits nobody.
func KnownAs(err error) (privacy.Principal, bool) {
	var k *known
	if !errors.As(err, &k) {
		return privacy.Principal{}, false
	}
	return k.principal, true
}
