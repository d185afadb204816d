// Package shape looks at what a file says of itself before its reader believes it.
//
// Readers of Parquet and of Arrow allocate by what a file claims: columns, groups in
// each other, rows, pages, dictionaries. A few bytes can claim more than there is memory
// for. So the claims are read here first, by code that follows no length beyond what is
// there and allocates for none, and a file that claims what no table has is refused,
// with a message that its sender can act upon and that names no value. What this cannot
// make sense of is left to the reader.
package shape

import "github.com/noised/noised/privacy"

// rejected is a refusal of the file that its sender can act upon.
func rejected(format string, args ...any) *privacy.Error {
	return privacy.Errorf(privacy.CodeLoadRejected, format, args...)
}
