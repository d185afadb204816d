// Package tenants serves who may come at all: tenants, the keys of their people and
// the operator's, and what a tenant may use.
package tenants
