// Package noising is the line between exact and noised numbers: the exact
// partials of a run go in, and a core that may be stored and shown comes out.
// Whoever runs an engine hands its partials over here and drops them; nothing
// else turns one into the other.
package noising
