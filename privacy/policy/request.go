package policy

import (
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/noised/noised/privacy"
)

// Request is one call to be decided.
type Request struct {
	Principal privacy.Principal
	Action    string // the id of an operation
	Resource  Resource
	Tenants   []string  // that the call touches, as far as it is known
	At        time.Time // the service's clock when zero
	Region    string    // of the server; the service's when empty
	Question  *Question // of actions that are questions
}

// Resource is what a call is about.
type Resource struct {
	Type   string // TypeDataset, TypeTenant or TypeSystem
	Name   string // empty for the system
	Region string // of a tenant
}

// Question is what a planned question asks for.
type Question struct {
	Purpose    string
	Aggregates []string
	Loss       privacy.Loss
}

// scale is 10^4: a Cedar decimal has four digits.
const scale = 10_000

// trillion is the number of units of delta in 1.
const trillion = 1_000_000_000_000

// context builds what policies see of a call.
func (r Request) context() types.Record {
	at := r.At.UTC()
	weekday := int64(at.Weekday())
	if weekday == 0 {
		weekday = 7
	}
	m := types.RecordMap{
		"hour": types.Long(at.Hour()), "weekday": types.Long(weekday), "unix": types.Long(at.Unix()),
		"region": types.String(r.Region), "tenants": setOf(r.Tenants),
	}
	if q := r.Question; q != nil {
		m["purpose"] = types.String(q.Purpose)
		m["aggregates"] = setOf(q.Aggregates)
		epsilon, _ := types.NewDecimal(ceil(q.Loss.Epsilon, scale), -4) // of at most privacy.MaxEpsilon
		m["epsilon"] = epsilon
		m["delta_trillionths"] = types.Long(ceil(q.Loss.Delta, trillion))
	}
	return types.NewRecord(m)
}

// ceil returns x times units, rounded up as the decimal that x prints as, so
// that a limit of 0.1 holds for 0.1 and refuses 0.10001. What is no number or too
// large is the largest there is.
func ceil(x float64, units int64) int64 {
	const most = int64(1) << 62
	exact, ok := new(big.Rat).SetString(strconv.FormatFloat(x, 'g', -1, 64))
	if !ok {
		return most
	}
	exact.Mul(exact, new(big.Rat).SetInt64(units))
	q, rest := new(big.Int).QuoRem(exact.Num(), exact.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	if !q.IsInt64() || q.Int64() > most {
		return most
	}
	return q.Int64()
}

func setOf(names []string) types.Set {
	values := make([]types.Value, len(names))
	for i, n := range names {
		values[i] = types.String(n)
	}
	return types.NewSet(values...)
}

// world holds the entities of one decision.
type world struct {
	schema              *Schema
	principal, resource types.Entity
}

// Get implements types.EntityGetter.
func (w *world) Get(uid types.EntityUID) (types.Entity, bool) {
	switch uid {
	case w.principal.UID:
		return w.principal, true
	case w.resource.UID:
		return w.resource, true
	}
	e, ok := w.schema.actions[uid]
	return e, ok
}

func principalOf(p privacy.Principal) types.Entity {
	return types.Entity{UID: cedar.NewEntityUID("Principal", types.String(p.ID)), Attributes: types.NewRecord(types.RecordMap{
		"tenant": types.String(p.Tenant), "role": types.String(p.Role), "group": types.String(p.Group),
	})}
}

func (r Resource) entity() types.Entity {
	e := types.Entity{UID: cedar.NewEntityUID(types.EntityType(r.Type), types.String(r.Name))}
	switch r.Type {
	case TypeDataset:
		e.Attributes = types.NewRecord(types.RecordMap{"name": types.String(r.Name)})
	case TypeTenant:
		e.Attributes = types.NewRecord(types.RecordMap{"name": types.String(r.Name), "region": types.String(r.Region)})
	}
	return e
}

// fits reports whether a call has what its action's policies were validated for.
// One that has not must not be decided: an attribute that is missing would make a
// forbid fail.
func (s *Schema) fits(r Request) bool {
	return s.knows(r.Action) && r.Resource.Type == s.ResourceOf(r.Action) &&
		(r.Question != nil) == s.questions[r.Action] && slices.Contains(privacy.Roles(), r.Principal.Role)
}
