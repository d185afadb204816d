// Package attached keeps instances of DuckDB open, each with a fixed set of files.
//
// An instance has exactly the files attached, read-only, that some run was authorised
// to read, and then external access and configuration are locked: what is not attached
// when it opens never can be, and so no run reaches a file of another set. Where there
// is an extension that encrypts, what an instance spills is encrypted; the keys of files
// are asked for when they are attached, and are in no error and no log.
//
// Instances are kept, because opening one costs far more than a query, until others
// were used more recently or their files are to go: see [Cache]. What one knows of its
// files, which never change, it remembers.
package attached
