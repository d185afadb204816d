// Package ranges finds what expressions over rows can be, without looking at a
// row: bounds of numbers by interval arithmetic, from which follows how values
// become integers (Quantum), and the finite set of values of a key, by its form
// or by evaluating it over all that its operands can be (Image).
//
// A range is public: it follows from the contract's bounds and domains, the
// parameters of the query, and its text. The guarantee does not rest on a range
// being right. Values are clamped to bounds before they are summed, and rows of
// values that are not in an image are left out before anything is bounded; a
// wrong range spoils an answer, and no more.
package ranges
