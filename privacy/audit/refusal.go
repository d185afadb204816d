package audit

import (
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/noised/noised/privacy"
)

// Refusal is a request that was refused.
type Refusal struct {
	ID        string // ref_…; Record chooses it
	At        time.Time
	Principal string // empty where the caller is not known
	Tenant    string // the principal's; empty for none
	Operation string // of the API's document; empty for a path that has none
	Code      privacy.Code
	Params    map[string]string // names in the path, by the document's names of them
	Address   string            // what kind of address the caller has, see AddressClass
	Request   string            // the request's id, as its answer and the log have it
	Concerned []string          // the tenants that may read of it; Record adds to them
	Missing   int64             // of a gap: how many refusals have no row; all else is empty then
}

// CodeGap is the code of rows that stand for refusals which were not recorded.
const CodeGap privacy.Code = "not-recorded"

// everybody stands for all tenants, as those that a gap concerns. None can have this
// name.
const everybody = "*"

// Refused reports whether an answer with this code is a refusal. The others are
// the server's own failures, behind which rows may be, and a load that its rows
// made fail.
func Refused(code privacy.Code) bool {
	switch code {
	case privacy.CodeInternal, privacy.CodeUnavailable, privacy.CodeLoadRejected, "":
		return false
	default:
		return true
	}
}

// idPattern is the form of ids that the system gives.
var idPattern = regexp.MustCompile(`^[a-z]{2,8}_[0-9a-z]{1,26}$`)

// Unnamed stands for what a caller wrote where a name or an id belongs, and
// which is neither.
const Unnamed = "?"

// Name returns a parameter as it may be kept: a name or an id as it is, and
// Unnamed for anything else. Keys are taken for what they are, wherever somebody
// may paste one.
func Name(value string) string {
	if strings.HasPrefix(value, "noised_") || !privacy.ValidName(value) && !idPattern.MatchString(value) {
		return Unnamed
	}
	return value
}

// AddressClass says what kind of address a caller has: loopback, private or
// public, and nothing where that is unknown. Addresses themselves are not kept:
// behind a proxy they are the proxy's, and elsewhere they name people.
func AddressClass(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return ""
	}
	switch ip := at.Addr().Unmap(); {
	case ip.IsLoopback():
		return "loopback"
	case ip.IsPrivate(), ip.IsLinkLocalUnicast():
		return "private"
	default:
		return "public"
	}
}
