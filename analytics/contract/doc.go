// Package contract is what the tenants of a dataset agreed on: its columns, who is
// protected, and the bounds and domains that make its queries private. What a document
// says, package contractparse reads; this package answers what follows from it: how
// values become integers, which rows may be read under another version, what is stored,
// ranked and coded at load, and which period a date is in.
//
// The package is pure: it reads no file and no clock, and a Contract is not
// changed once it is made, so that it may be shared between goroutines.
package contract
