// Package residency says which tenants' rows a server may hold.
//
// A tenant belongs to a region, and a server serves regions: it takes no rows of a
// tenant of another region in, reads none, and leaves files of such a tenant alone
// that lie where it can reach them. What may be done follows from two names, and
// never from rows.
//
// Names are compared in one form, see [Name]. A tenant without a region, and one
// whose region was written before names had a form, is served by servers that
// serve all regions only: whoever names regions means these and no others.
package residency
