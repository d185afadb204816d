// Package scan splits the text formats of uploads, CSV and NDJSON, into records
// and knows the line on which each begins. It is slower than DuckDB's readers,
// which do not know lines, and it is used where these find fault.
//
// It is written for files that mean harm: a record has a size limit, whatever
// quotes say, and what is wrong with one record is told in words and is no
// error, so that the records behind it are read all the same. Messages name
// lines and columns and never hold a value.
package scan

import (
	"strings"

	"github.com/noised/noised/privacy"
)

// rejected is a refusal of the file that its sender can act upon.
func rejected(format string, args ...any) *privacy.Error {
	return privacy.Errorf(privacy.CodeLoadRejected, format, args...)
}

// ShortName makes a column name of a file fit for a message.
func ShortName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(name, "?"))
	if r := []rune(name); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return name
}
