// Package consent lets changes that widen sharing wait for those who must agree.
//
// Every change of a contract, a membership or a budget goes through a [Service].
// It compares what is with what would be (package effect), asks the latest
// contract who must agree, and either makes the change at once, in the same
// transaction, or keeps it as a [Proposal]. The last approval that is needed makes
// the change, in its own transaction, so that there is no moment at which it is
// agreed on and not made.
//
//	pending ──approve (the last)──▶ applied
//	   ├──reject────▶ rejected     one who must agree does not
//	   ├──withdraw──▶ withdrawn    whoever proposed it takes it back
//	   └──(clock)───▶ expired      or what it changes has changed since
//
// What must stay true:
//
//   - What is signed is what is made: the effect is computed again at each
//     signature, and a proposal whose effect is no longer the one that it shows
//     expires.
//   - Who must agree is asked anew each time: members that joined since must agree
//     too, and a signature counts only while its principal stands.
//   - A principal signs once, and whoever proposes does not sign unless the
//     contract says so. Keys that replaced one another are one principal.
//   - Every step is a leaf of the log, by ids and names alone.
package consent
