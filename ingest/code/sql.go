package code

import (
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/ingest/segment"
)

// SQL finds codes in statements, for rows that DuckDB moves by itself: the cast to
// an ENUM costs several times what a Coder does, but less than passing rows
// through here only for that.
type SQL struct {
	// Types are the statements that create the types that Expressions cast to.
	Types []string
	// Expressions give the code columns, in their order.
	Expressions []string
}

// NewSQL returns the statements for a segment with the given columns, whose values
// stand under the given names.
func NewSQL(m segment.Meta, columns []segment.Column, names []string) (SQL, error) {
	if _, err := New(m, columns); err != nil {
		return SQL{}, err
	}
	var s SQL
	for i, of := range m.Codes {
		at := slices.IndexFunc(columns, func(c segment.Column) bool { return c.Name == of.Column })
		literals := make([]string, len(of.Values))
		for j, v := range of.Values {
			// A statement cannot have NUL in it.
			literals[j] = strings.ReplaceAll(segment.Literal(v), "\x00", "' || chr(0) || '")
		}
		name := fmt.Sprintf("code%d", i)
		s.Types = append(s.Types, fmt.Sprintf("CREATE TYPE %s AS ENUM (SELECT unnest([%s]))", name, strings.Join(literals, ", ")))
		s.Expressions = append(s.Expressions, fmt.Sprintf("CAST(coalesce(enum_code(TRY_CAST(%s AS %s)), %d) AS USMALLINT)", names[at], name, len(of.Values)))
	}
	return s, nil
}
