package ledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/noised/noised/privacy"
)

// Budget is what a budget admin sets for an account.
type Budget struct {
	Cap      privacy.Loss   // most that a window may lose
	Window   privacy.Window // how often spending starts anew; empty means none
	Lifetime *privacy.Loss  // most that the account may ever lose; nil means Cap when opening, unchanged later
}

// State is what an account holds at one moment.
type State struct {
	Account           privacy.Account
	Cap               privacy.Loss
	Window            privacy.Window
	Lifetime          privacy.Loss
	Spent             privacy.Cost // in the current window
	SpentLifetime     privacy.Cost
	Remaining         privacy.Cost // what both the window and the lifetime ceiling leave
	RemainingLifetime privacy.Cost // what the lifetime ceiling leaves
	ReopensAt         time.Time    // when the next window begins; zero if nothing will reopen
}

// Request asks for a charge.
type Request struct {
	Key            string   // identity of the release that it pays for; at most one charge per key is pending or released
	RequestKey     string   // the principal's Idempotency-Key; empty when there is none
	Principal      string   // id of the principal that asks
	Dataset        string   // dataset that is queried
	Tenants        []string // tenants whose rows are read; each one's account is required
	DatasetAccount bool     // whether the dataset's account is required too (scope person)
	Group          string   // group of the principal; empty for none
	Periods        []string // budget periods whose rows are read; nil: the accounts of the tenants and of the dataset themselves
	Loss           privacy.Loss
	Cost           privacy.Cost // what every account is debited
	Payload        []byte       // enough to run the query again after a crash; never logged

	// LeaseOwner, if set, holds the lease of a new charge for LeaseTTL from the
	// start, as its first attempt. It saves the commit of an Acquire.
	LeaseOwner string
	LeaseTTL   time.Duration

	of cohort // of the normal form
}

// Charge states.
const (
	StatePending   = "pending"
	StateReleased  = "released"
	StateAbandoned = "abandoned"
)

// MaxAttempts is how often a pending charge may be acquired. The next attempt
// abandons it: a query that fails this often would fail for ever.
const MaxAttempts = 8

// Charge is one debit of a set of accounts.
type Charge struct {
	ID        string // "chg_…"
	Key       string
	State     string // StatePending, StateReleased or StateAbandoned
	Release   string // id of the release, once there is one
	Principal string
	Dataset   string
	Tenants   []string
	Loss      privacy.Loss
	Cost      privacy.Cost
	Payload   []byte
	Attempts  int
	At        time.Time
	Existing  bool // the charge was there before; this call debited nothing
}

// Entry is one line of an account's history.
type Entry struct {
	Charge    string
	Release   string // empty until there is one
	Principal string
	Dataset   string
	State     string
	Loss      privacy.Loss // as asked for
	Cost      privacy.Cost // as debited from this account
	At        time.Time
}

// Preview is what a request would do to one account.
type Preview struct {
	Account            privacy.Account
	Cost               privacy.Cost
	RemainingAfter     privacy.Cost // what the account would be left with; what it has now if Exhausted
	RemainingLossAfter privacy.Loss // the same in (ε, δ)
	QueriesLeft        int64        // how many more requests of this cost RemainingAfter admits; 0 if Exhausted
	Exhausted          bool         // the account would refuse, or was never set
	ReopensAt          time.Time    // of an exhausted account: when it could admit the charge; zero if that will not happen by itself
}

// Refusal returns the error of a charge that is refused for lack of budget. A
// preview that finds the same says it with the same words.
func Refusal(why Exhausted) error {
	sortAccounts(why.Accounts)
	return privacy.Errorf(privacy.CodeBudgetExhausted, "the privacy budget does not cover this query").Because(&why)
}

// Exhausted is the cause of a refusal for lack of budget. It names accounts,
// so it is shown only to principals who may see them.
type Exhausted struct {
	Accounts  []privacy.Account // every account that refuses, sorted by name
	ReopensAt time.Time         // when all of them could admit the charge; zero if that will not happen by itself
}

// Error implements error.
func (e *Exhausted) Error() string {
	names := make([]string, len(e.Accounts))
	for i, a := range e.Accounts {
		names[i] = a.String()
	}
	return fmt.Sprintf("exhausted: %s", strings.Join(names, ", "))
}
