// Package rank ranks the rows of one privacy unit when they are stored, so that a
// bound on what a unit contributes becomes a filter on stored columns.
//
// # Definition
//
// Let H be SipHash-1-3 under keys that derive from the dataset's salt, one for
// rows and one for each grouping. The rows of a unit are put in the order of
// H(unit, all stored values); where two hashes are equal, in the order of the
// values themselves. Then
//
//   - the unit rank of a row is its place in that order, from 0;
//   - for a grouping g, a set of columns, the key hash of a row is H(unit, its
//     values in g). The key rank of a row is the number of smaller key hashes
//     among the unit's rows, each counted once, and its row rank the number
//     of rows before it in the order that have its key hash.
//
// Ranks stop at plan.MaxRank, which stands for itself and all beyond. Rows beyond
// the number that a unit may have are those of the largest unit ranks. They are
// dropped, and do not count in ranks of keys and rows.
//
// A later load goes on from there: what it adds to a unit ranks behind all that
// the unit has. A new row's unit rank is the number of earlier rows and its place
// among the new ones. If its key hash is known, it has the key rank of that, and
// its row rank is the number of earlier rows with that key hash and its place
// among the new ones; else its key rank is the number of known key hashes and its
// place among the new ones. The ranks of earlier rows never change, whether or not
// their segments are merged.
//
// Values are hashed as they are stored. Equal values have equal hashes: both
// zeros of a double, and every NaN, count as one. A text is its bytes.
//
// # Why a filter on ranks is a bound
//
// Take the rows of all segments of a table with key rank < L0 and row rank < c,
// for L0, c ≤ plan.MaxRank. Rows fall into classes by key hash, whichever load
// brought them. Each class has one key rank, that of its first load, and different
// classes have different ones: those of one load are numbered, and those of a
// later load begin where these end. So at most L0 classes remain, and within a
// class row ranks are different in the same way, so at most c rows of each. If
// different keys have different hashes, that says: at most c rows in each of at
// most L0 keys. If some keys of a unit share a hash,
// several keys share the c rows of one class: the counts x, y, … of these keys
// satisfy x + y + … ≤ c, hence x² + y² + … ≤ c², so that the unit's vector of
// counts over keys has still L1 norm ≤ L0·c and L2 norm ≤ c√L0. Filtered by row
// rank = 0 as well, one row of each class remains, so that a unit counts in at
// most L0 keys. Nothing is assumed of H but that it is a function.
//
// Rows with unit rank < m are at most m, because unit ranks are different. A rank
// that has stopped is within none of these limits, so it does not matter that
// several rows share it.
//
// # Why it concerns one unit only
//
// Within a load, unit ranks of rows with different values do not depend on the
// order in which rows come, and rows with equal values are interchangeable: what a
// filter keeps is, as a multiset, a function of the rows that each load brought
// for that unit, of the order of these loads, and of the salt. Rows of
// other units, the order of an upload, merges and the number of threads have no
// part in it. That is what makes two datasets that differ in one unit differ in
// that unit's kept rows alone; that there were loads, and when, is not what
// is kept secret of anybody. The salt is secret, so that nobody can choose values
// for the rank that they will have; the bound does not need that.
package rank
