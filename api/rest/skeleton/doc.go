// Package skeleton is the server's half of what api/openapi.yaml generates, as
// package wire is the client's: an interface with one method for each operation,
// their requests and answers as types, and the routes that lead to them.
//
// Nothing in it decides anything, and nothing in it is written by hand.
package skeleton
