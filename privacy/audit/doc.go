// Package audit keeps the refusals: every request that was turned away for what
// it asked, with who asked, for what, and the code of the answer.
//
// The transparency log holds acts, and a refusal is none: nothing changed. Yet
// a tenant must be able to see who tries the handles of its doors. So refusals
// are rows of a table that goes with time, and each is for the tenants that it
// concerns: the caller's own, the one that was named, and the owner of an object
// that was asked for by its id.
//
// Recording costs the request a lock and an append. One goroutine writes what
// has gathered, every [Window] or [Batch] rows, whichever comes first, in one
// transaction each. What this means:
//
//   - A process that is killed loses the refusals of its last window and those of
//     the transaction that was under way; one that stops in order loses none.
//   - The queue is bounded. What finds it full has no row, but is counted, and the
//     count becomes a row of its own, a gap. No single principal may fill more
//     than a quarter of the queue, so that nobody can drown what others try, and
//     of each 8,192 at once and then ten a second are kept, so that nobody fills
//     the disk. Callers that are not known count as one.
//
// A row holds names and ids, each checked for its form: no SQL, no value, no
// secret, no body. Whether a refusal is recorded depends on nothing private,
// since no refusal does: what may depend on rows shows as a failure of the
// server, and those are not recorded (see [Refused]).
package audit
