package residency

import (
	"errors"
	"fmt"
	"strings"

	"github.com/noised/noised/privacy"
)

// Elsewhere is why something was refused: these tenants belong to regions that
// the server does not serve. It is the cause of a refusal, by which whoever keeps
// refusals knows whom one concerns.
type Elsewhere struct{ Tenants []string }

// Error implements error.
func (e *Elsewhere) Error() string {
	return fmt.Sprintf("of another region: %s", strings.Join(e.Tenants, ", "))
}

// maxNamed is how many tenants a sentence names.
const maxNamed = 5

// Refusal refuses what would hold or read rows of tenants of other regions. It
// names them: who takes part in a dataset is for everybody to see who may ask.
func Refusal(tenants ...string) *privacy.Error {
	named := strings.Join(tenants[:min(len(tenants), maxNamed)], ", ")
	if more := len(tenants) - maxNamed; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return privacy.Errorf(privacy.CodeForbidden, "this server does not serve the region of %s: it neither stores nor reads such a tenant's rows", named).
		Because(&Elsewhere{tenants})
}

// Refused returns the tenants for whose region something was refused; none when it
// had another reason.
func Refused(err error) []string {
	var why *Elsewhere
	if errors.As(err, &why) {
		return why.Tenants
	}
	return nil
}
