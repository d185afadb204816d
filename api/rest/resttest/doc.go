// Package resttest runs the HTTP interface for tests: the whole server over a real
// control store, with doubles for the services that touch data, a clock that stands
// still, and a key of every role in two tenants. Every answer is held against the
// OpenAPI document.
package resttest
