// Package blackbox runs the built noised program from outside, as an operator
// and its tenants would: child processes on free ports, real data directories,
// HTTP through package wire. The end-to-end tests and the benchmark share it.
//
// It imports nothing of the server. What it knows about the sample's true
// figures it computes from the Parquet file itself, so that an error in the
// server cannot hide in a shared helper.
package blackbox
