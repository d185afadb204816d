// Package quota caps what a tenant may use of a server: bytes on disk, loads,
// queries at a time, and requests a second, of all its principals together.
//
// Quotas share the machine and guard no privacy. None is held against anything
// that another tenant's rows decide, and no query fails by one that rows decide:
// what a tenant has stored limits its own loads only, and queries are counted, not
// measured. A refusal names a quota of the caller's own tenant and no other.
//
// The operator sets quotas per tenant; what is not set is as the server's
// configuration says. [Unlimited] is only what was said to be.
package quota
