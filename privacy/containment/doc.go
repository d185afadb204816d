// Package containment stops what must not go on: it suspends a tenant, a
// principal, a dataset or everything, and says of a call or a run whether what it
// touches is suspended.
//
// A suspension is a row of the control store and a leaf of the log. Triggers count
// every change of these rows, so that a process sees by one number whether what it
// knows is still so. What callers may rely on:
//
//   - [Service.Check] looks at that number each time: a call that begins after a
//     suspension was answered is refused, in every process on the data directory.
//   - A run that was begun with [Service.Track] has its context cancelled within
//     [Every] and what the run itself needs to stop, in every process that
//     [Service.Watch]es.
//   - [Service.CheckIn] decides inside a transaction. Whoever stores a release or
//     publishes rows asks it there, so that nothing leaves after a suspension,
//     even if no process noticed it in time.
//
// A dataset that was deleted stops in the same way, and for ever: what runs on it ends,
// and nothing of it is stored or shown afterwards.
//
// Whether something is suspended is decided by people and by the record of calls,
// never by rows; errors say what kind of thing is suspended and nothing else.
// Where the store cannot be read nothing is permitted.
package containment
