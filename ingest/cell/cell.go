// Package cell says, in SQL, what one value of an upload must be like to be
// stored: how it is cast to the contract's type, which rules it may break, and,
// in words for the reject file, how it broke them.
//
// A cast never fails and never changes a value in silence: what cannot be read
// as its type without changing it (a fraction as a whole number, a date outside of
// the years 1 to 9999) is a reason to reject its row. Excess digits of a decimal
// alone are rounded.
package cell

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// Rule is a rule that a row may break. It stands in a verdict, after the number
// of the column that broke it and before its value.
type Rule string

// The rules about the unit id, or the key that leads to it; those about a value
// of a type are chosen by Verdicts.
const (
	RuleUnit  Rule = "u" // the unit id is missing or blank
	RuleKey   Rule = "k" // the key that leads to the unit is missing or blank
	ruleCast  Rule = "c" // not of the type
	ruleWhole Rule = "w" // not a whole number
	ruleRange Rule = "r" // a date or time outside of the years 1 to 9999
	ruleLong  Rule = "l" // a text of more than maxText bytes
)

// maxText is the length in bytes of the longest text that is stored. A query
// may join texts, and must not fail, or run out of memory, because of one row.
const maxText = 64 << 10

// whiteSpace is what a blank unit id consists of.
const whiteSpace = `' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(133) || chr(160) || chr(8203) || chr(8239) || chr(12288) || chr(65279)`

// Blank is the condition that is true for a unit id that is missing or consists of white space.
// The expensive test is made only where a cheap one leaves it open.
func Blank(t plan.Type, r, k string) string {
	trimmed := "trim(CAST(" + r + " AS VARCHAR), " + whiteSpace + ") = ''"
	if t.Kind == plan.KindVarchar {
		return fmt.Sprintf("%s IS NULL OR %s = '' OR (unicode(%s) <= 32 OR unicode(%s) > 127) AND %s", k, k, k, k, trimmed)
	}
	return fmt.Sprintf("%s IS NULL AND (%s IS NULL OR %s)", k, r, trimmed)
}

// Cast turns a value of the file into one of the contract's type, or NULL.
func Cast(t plan.Type, sqlType, r string) string {
	return normal(t, "TRY_CAST("+r+" AS "+sqlType+")")
}

// MustCast is Cast, but that it ends the query at a value that is not of the type.
func MustCast(t plan.Type, sqlType, r string) string {
	return normal(t, "CAST("+r+" AS "+sqlType+")")
}

// normal is the one form in which equal values are stored.
func normal(t plan.Type, cast string) string {
	switch t.Kind {
	case plan.KindVarchar:
		return "nfc_normalize(" + cast + ")"
	case plan.KindDouble:
		// One zero: −0.0 and 0.0 are equal and must be the same bits.
		return "CASE WHEN " + cast + " = 0 THEN CAST(0 AS DOUBLE) ELSE " + cast + " END"
	default:
		return cast
	}
}

// Verdicts returns the CASE branches that find fault with a value.
func Verdicts(i int, t plan.Type, text bool) []string {
	r, k := fmt.Sprintf("r%d", i), fmt.Sprintf("k%d", i)
	branches := []string{fmt.Sprintf("WHEN %s IS NOT NULL AND %s IS NULL THEN %s", r, k, Bad(i, ruleCast, r))}
	if rule, broken := strict(t, text, r, k); rule != "" {
		branches = append(branches, fmt.Sprintf("WHEN %s THEN %s", broken, Bad(i, rule, r)))
	}
	return branches
}

// Broken is the condition that is true for a value k, made of r by MustCast, that
// breaks a rule; empty where none can. The function fraction tells of a text whether
// it has a point or the letter of an exponent.
func Broken(t plan.Type, text bool, r, k, fraction string) string {
	if text && t.IsInteger() {
		return fmt.Sprintf("%s(%s) AND TRY_CAST(%s AS DOUBLE) <> %s", fraction, r, r, k)
	}
	_, broken := strict(t, text, r, k)
	return broken
}

// strict returns the rule that a value may break although it can be cast, and the
// condition that is true where it does; nothing where there is none.
func strict(t plan.Type, text bool, r, k string) (rule Rule, broken string) {
	switch {
	case t.IsInteger():
		// Casts round. Of text, only what is written like a fraction or with an
		// exponent can be affected: not the way in which the number itself is written.
		suspect := "TRY_CAST(" + r + " AS DOUBLE) <> " + k
		if text {
			suspect = fmt.Sprintf("%s <> CAST(%s AS VARCHAR) AND (contains(%s, '.') OR contains(%s, 'e') OR contains(%s, 'E')) AND %s", r, k, r, r, r, suspect)
		}
		return ruleWhole, suspect
	case t.Kind == plan.KindVarchar:
		return ruleLong, fmt.Sprintf("strlen(%s) > %d", k, maxText)
	case t.Kind == plan.KindDate:
		return ruleRange, k + " NOT BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
	case t.Kind == plan.KindTimestamp:
		return ruleRange, k + " NOT BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999'"
	default:
		return "", ""
	}
}

// MaxShown is the number of characters of a value in the reject file.
const MaxShown = 100

// Bad is the verdict on a value r of the column i that breaks a rule.
func Bad(i int, rule Rule, r string) string {
	return fmt.Sprintf("'%d|%s|' || coalesce(left(CAST(%s AS VARCHAR), %d), '')", i, rule, r, MaxShown)
}

// Parse takes a verdict apart.
func Parse(verdict string) (column int, rule Rule, value string) {
	parts := strings.SplitN(verdict, "|", 3)
	column, _ = strconv.Atoi(parts[0])
	return column, Rule(parts[1]), parts[2]
}

// Reason says in words which rule a value broke.
func Reason(rule Rule, t plan.Type) string {
	switch rule {
	case RuleUnit:
		return "the unit id is missing or blank"
	case RuleKey:
		return "the key that leads to the unit is missing or blank"
	case ruleWhole:
		return "not a whole number, which " + t.String() + " needs"
	case ruleRange:
		return "outside of the years 1 to 9999"
	case ruleLong:
		return fmt.Sprintf("a text of more than %d bytes", maxText)
	case ruleCast:
	}
	switch t.Kind {
	case plan.KindBoolean:
		return "not a boolean: use true or false"
	case plan.KindTinyint:
		return "not a tinyint: a whole number from -128 to 127"
	case plan.KindSmallint:
		return "not a smallint: a whole number from -32768 to 32767"
	case plan.KindInteger:
		return "not an integer: a whole number from -2147483648 to 2147483647"
	case plan.KindDecimal:
		return fmt.Sprintf("not a %s: a number with at most %d digits before the point", t, t.Precision-t.Scale)
	case plan.KindDate:
		return "not a date: use 2024-01-31"
	case plan.KindTimestamp:
		return "not a timestamp: use 2024-01-31 12:00:00, in UTC"
	default:
		return "not a " + t.String()
	}
}
