// Package erase takes people out of a tenant's data: out of every table of a
// dataset, every generation that still has files, the files of rejected rows, the
// uploads, and what the control store knows of them.
//
// # Order
//
// An erasure has its place among the loads of the same tenant and dataset. Those
// that were recorded before it have ended when it runs, so that their uploads are
// gone and their rows are published or dropped; those that come after it wait until
// it has ended. Nothing is merged meanwhile (see job.Alone). So there is no load to
// catch half-way, and what a tenant sends again later is a new act of the tenant.
//
//	pending ──▶ running ──▶ succeeded
//	   ▲          │  └────▶ failed (only before anything was published)
//	   └──────────┘ (the server stopped, a suspension, a fault: tried again)
//
// # What is done
//
//  1. When it is asked for, ids become pseudonyms in the worker, by the rules of
//     loads. Only pseudonyms are stored, and only until the next generation is there.
//     The log gets a commitment to the ids under a nonce that is told to the tenant
//     and kept nowhere.
//  2. Every segment of the current generation is copied without the units' rows.
//  3. One transaction publishes the copies as the next generation and forgets the
//     pseudonyms. From then on a restart goes on to remove.
//  4. Every file of older generations, merged segments and rejected rows goes at
//     once, whatever time replaced data is kept for otherwise, and the engine closes
//     what it has open of them: runs that have begun end on what they have open, and
//     charges that wait run on the new generation. Then digests of uploads, records
//     of files and data keys go from the control store, whose pages and write-ahead
//     log are overwritten.
//  5. Only then has it succeeded.
//
// # What it tells
//
// All of this happens whether or not a unit was there: every segment is read and
// written anew, every erasure that was accepted publishes a generation, and what is
// on the log are ids of ours and the commitment, not even the number of units, since
// one person more or less in a request must look the same to others. How many rows
// were erased is told to the tenant alone.
package erase
