// Package lineage leads from a release back to the files behind it, and from a
// file to every release that it fed.
//
// A release is recorded with the generations and tables that it read, in the
// transaction that stores it ([Note]). A generation is recorded with the one that
// it was built on and the tables that it has rows of. The rest follows: the loads
// behind a table of a generation are its own, those of the generation before, and
// so on, down to the load that replaced the table. This is what loads decided, and
// not where rows lie: files are merged, ranked anew and swept, and lineage stays.
// So it is the same whatever rows there are, and says nothing about them.
//
// What somebody sees of it depends on who asks; see [Release] and [Own]. The size
// of an upload is the tenant's own, since it tells of rows.
//
// The package reads what others record (loads, generations, releases, charges) and
// writes only its own tables.
package lineage
