package sqlexpr

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// Finite timestamps that DuckDB can hold, in microseconds since 1970.
const (
	minTimestamp = -9223372022400000000
	maxTimestamp = math.MaxInt64 - 1
)

// QuoteText returns a string literal. NUL would end the text for DuckDB's C
// interface, and no value that passed the parser or a contract holds one.
func QuoteText(s string) (string, error) {
	if strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("a text holds NUL")
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'", nil
}

// QuoteName returns a quoted identifier.
func QuoteName(s string) (string, error) {
	if s == "" || strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("a column has no usable name")
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`, nil
}

// TypeName returns DuckDB's name of a type.
func TypeName(t plan.Type) (string, error) {
	switch t.Kind {
	case plan.KindUnknown:
		return "", fmt.Errorf("an expression has no type")
	default:
		return strings.ToUpper(t.String()), nil
	}
}

// Literal renders a constant with exactly its type.
func Literal(v plan.Value) (string, error) {
	name, err := TypeName(v.Type)
	if err != nil {
		return "", err
	}
	if v.Null {
		return "CAST(NULL AS " + name + ")", nil
	}
	text := ""
	switch v.Type.Kind {
	case plan.KindVarchar:
		return QuoteText(v.Str)
	case plan.KindBoolean:
		return strings.ToUpper(v.Text()), nil
	case plan.KindDate:
		if v.Int != int64(int32(v.Int)) || v.Int == math.MinInt32 {
			return "", fmt.Errorf("a date literal is out of range")
		}
		return "make_date(" + strconv.FormatInt(v.Int, 10) + ")", nil
	case plan.KindTimestamp:
		return timestampLiteral(v.Int)
	case plan.KindDouble:
		text = strconv.FormatFloat(v.Float, 'g', -1, 64)
	default:
		text = v.Text()
	}
	return "CAST('" + text + "' AS " + name + ")", nil
}

func timestampLiteral(micros int64) (string, error) {
	switch {
	case micros == math.MaxInt64:
		return "CAST('infinity' AS TIMESTAMP)", nil
	case micros == -math.MaxInt64:
		return "CAST('-infinity' AS TIMESTAMP)", nil
	case micros < minTimestamp || micros > maxTimestamp:
		return "", fmt.Errorf("a timestamp literal is out of range")
	}
	return "make_timestamp(" + strconv.FormatInt(micros, 10) + ")", nil
}

// ColumnName is the name of a column within a statement. Names of columns have
// no dots, so that it is one to one.
func ColumnName(c *plan.Column) string {
	if c.Qualifier == "" {
		return c.Name
	}
	return c.Qualifier + "." + c.Name
}
