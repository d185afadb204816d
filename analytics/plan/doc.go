// Package plan holds the forms that a query takes on its way from text to
// engine, as sealed trees: Select is what the analyst wrote (names not yet
// resolved), Bound is what may run.
//
// A Bound plan has two halves. The core (Filter, Keys, Draws, Limits) is what
// an engine computes exactly and what a mechanism noises; its canonical print
// (CoreKey) identifies a release. The view (Aggs, Outputs, Having, OrderBy,
// Limit) is post-processing of the noised core, and may vary freely over one
// release.
//
// Nodes are plain data. The set of expression nodes is closed by an unexported
// method; code that switches over them must be exhaustive and must refuse what
// it does not know.
package plan
