// Package worker is the child process that turns an upload into a segment
// file: what package build does, and the packages that parse what tenants send,
// run in it and nowhere else.
//
// It runs apart from the server because parsers of hostile input may crash,
// and because a DuckDB file must have no reader and writer in one process. The
// server starts it as `noised worker`, hands it a [build.Spec] on standard input
// (keys included, so that nothing secret stands on a command line) and reads
// [Event] lines from standard output: progress, then one result. When standard
// input ends, its server is gone and the worker stops. It reads the upload and
// older segments, and writes in one directory of its own, which the server
// removes afterwards; DuckDB is locked to those paths and its configuration is
// sealed before the first row is read.
package worker
