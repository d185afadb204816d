package keyring

import (
	"encoding/json"
	"fmt"

	"github.com/noised/noised/privacy"
)

// Scope says whose a data key is and what it is the key of.
type Scope struct {
	Tenant string // empty: the system's and public tables'
	Name   string // "segment:<id>", "upload:<load>", "releases", …
	// Row names one of several values that are sealed under the same key. It is
	// bound to the value, which then opens as that row only.
	Row string
}

// maxName bounds the parts of a scope; ids and names are much shorter.
const maxName = 512

func (s Scope) check() error {
	if s.Name == "" || len(s.Name) > maxName || len(s.Tenant) > maxName || len(s.Row) > maxName {
		return privacy.Internal(fmt.Errorf("a scope needs a name, of at most %d bytes", maxName), "keyring")
	}
	return nil
}

// ofKey is what a wrapped key is bound to. JSON makes it one to one.
func (s Scope) ofKey() []byte { return bound("noised data key", s.Tenant, s.Name) }

// ofValue is what a sealed value is bound to.
func (s Scope) ofValue() []byte { return bound("noised value", s.Tenant, s.Name, s.Row) }

// ofFile is what a sealed file is bound to.
func (s Scope) ofFile() []byte { return bound("noised file", s.Tenant, s.Name, s.Row) }

func bound(parts ...string) []byte {
	text, err := json.Marshal(parts)
	if err != nil { // strings always marshal
		panic(err)
	}
	return text
}

// Match says which data keys are to be forgotten.
type Match struct {
	tenant, name string
	prefix       bool
}

// OfTenant matches all keys of a tenant.
func OfTenant(tenant string) Match { return Match{tenant: tenant, prefix: true} }

// OfScope matches one key.
func OfScope(s Scope) Match { return Match{tenant: s.Tenant, name: s.Name} }

// WithPrefix matches the keys of a tenant whose names begin so.
func WithPrefix(tenant, prefix string) Match {
	return Match{tenant: tenant, name: prefix, prefix: true}
}
