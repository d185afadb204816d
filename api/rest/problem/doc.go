// Package problem turns errors into RFC 9457 problems. It is the one place that
// knows how a code shows in HTTP, and what of an error a caller may learn: of the
// server's own failures an id and nothing more, of an exhausted budget whose it is
// only where the caller may know.
package problem
