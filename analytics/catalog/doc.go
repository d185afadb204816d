// Package catalog knows who takes part and what data there is: tenants,
// datasets with the versions of their contracts, the members that accepted
// them, and the generations that loads have published. It names data and never
// reads it.
//
// Everything lives in the control store, which several processes share: what one
// process commits, the next call in any process sees. Parsed contracts, which
// never change, are kept in memory, and so are the members of datasets and their
// current generations. Triggers of the store count what changes these, in the
// transaction that does; each call looks at the count, and reads anew what has
// changed, so that it answers as if it had read everything.
//
// A dataset's version in force is the highest that some member accepted, and
// the latest while nobody has accepted any. Only members that accepted the
// version in force take part in queries, so that a new version reaches no
// tenant's data before that tenant said yes to it.
//
// A generation is an immutable list of segment files, each of one table.
// Public tables, which belong to nobody, are generations of the tenant Public;
// all others are of the tenants that loaded them. Publish replaces a
// tenant's generation by compare-and-swap; whoever holds the one before keeps
// reading it, until Superseded offers its files for removal. Compact exchanges
// the files of a generation for one with the same rows, which is no new
// generation.
//
// Acts are recorded in the transparency log in the transaction that performs
// them, by names, versions and random ids only: never a digest or a count of
// anything private. Accounts are none of the catalog's business: deleting a
// tenant leaves what it has spent untouched.
package catalog
