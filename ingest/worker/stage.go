package worker

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/segment"
)

// The scratch table: the pseudonym where the upload has unit ids, the typed
// columns k1…kn, the line where it is known, and what is wrong with the row or
// NULL.
const (
	stageTable = stageDB + ".main.staged"
	lineColumn = "line"
	badColumn  = "bad"
)

// The rules that a row may break. They stand in the bad column, after the
// number of the column that broke them and before its value.
const (
	ruleUnit  = "u" // the unit id is missing or blank
	ruleKey   = "k" // the key that leads to the unit is missing or blank
	ruleCast  = "c" // not of the type
	ruleWhole = "w" // not a whole number
	ruleRange = "r" // a date or time outside of the years 1 to 9999
	ruleLong  = "l" // a text of more than maxText bytes
)

// maxText is the length in bytes of the longest text that is stored. A query
// may join texts, and must not fail, or run out of memory, because of one row.
const maxText = 64 << 10

// whiteSpace is what a blank unit id consists of.
const whiteSpace = `' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(133) || chr(160) || chr(8203) || chr(8239) || chr(12288) || chr(65279)`

// stageSQL returns the statement that reads a source into the scratch table.
// It works in three layers, so that every value is cast once: the values as
// the file has them (r0…), as the contract wants them (k0…), and the verdict.
func (t *task) stageSQL(src *source) (string, error) {
	var raw, typed, verdict []string
	for i, c := range t.wanted() {
		sqlType, err := segment.SQLType(c.Type)
		if err != nil {
			return "", err
		}
		r, k := fmt.Sprintf("r%d", i), fmt.Sprintf("k%d", i)
		value := src.columns[i].expr
		if src.columns[i].text && c.Type.Kind != plan.KindVarchar {
			value = "nullif(" + value + ", '')"
		}
		raw = append(raw, value+" AS "+r)
		typed = append(typed, r, castExpr(c.Type, sqlType, r)+" AS "+k)
		if i == t.unitAt() {
			rule := ruleUnit
			if t.spec.Parent != nil {
				rule = ruleKey
			}
			verdict = append(verdict, fmt.Sprintf("WHEN %s THEN %s", blankExpr(c.Type, r, k), badText(i, rule, r)))
		}
		verdict = append(verdict, verdictsOn(i, c.Type, src.columns[i].text)...)
	}
	line := "CAST(NULL AS BIGINT)"
	if src.line != "" {
		line = src.line
	}
	bad := "CAST(NULL AS VARCHAR)"
	if len(verdict) > 0 {
		bad = "CASE " + strings.Join(verdict, " ") + " END"
	}
	return fmt.Sprintf("CREATE TABLE %s AS SELECT %s AS %s, %s, %s "+
		"FROM (SELECT *, %s AS %s FROM (SELECT %s, %s FROM (SELECT %s, %s AS %s FROM %s)))",
		stageTable, t.pseudonymExpr(), segment.UnitColumn, strings.Join(append(t.kept(), lineColumn), ", "), badColumn,
		bad, badColumn,
		strings.Join(typed, ", "), lineColumn,
		strings.Join(raw, ", "), line, lineColumn, src.relation), nil
}

// pseudonymExpr is the pseudonym of a row's unit id, or a constant where the
// upload has no unit ids; either counts the row.
func (t *task) pseudonymExpr() string {
	function := countFunction
	if t.unitIsApart() {
		function = unitFunction
	}
	return function + "(CASE WHEN " + badColumn + " IS NULL THEN CAST(k0 AS VARCHAR) END)"
}

// blankExpr is true for a unit id that is missing or consists of white space.
// The expensive test is made only where a cheap one leaves it open.
func blankExpr(t plan.Type, r, k string) string {
	trimmed := "trim(CAST(" + r + " AS VARCHAR), " + whiteSpace + ") = ''"
	if t.Kind == plan.KindVarchar {
		return fmt.Sprintf("%s IS NULL OR %s = '' OR (unicode(%s) <= 32 OR unicode(%s) > 127) AND %s", k, k, k, k, trimmed)
	}
	return fmt.Sprintf("%s IS NULL AND (%s IS NULL OR %s)", k, r, trimmed)
}

// castExpr turns a value of the file into one of the contract's type, or NULL.
func castExpr(t plan.Type, sqlType, r string) string {
	cast := "TRY_CAST(" + r + " AS " + sqlType + ")"
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

// verdictsOn returns the CASE branches that find fault with a value.
func verdictsOn(i int, t plan.Type, text bool) []string {
	r, k := fmt.Sprintf("r%d", i), fmt.Sprintf("k%d", i)
	branches := []string{fmt.Sprintf("WHEN %s IS NOT NULL AND %s IS NULL THEN %s", r, k, badText(i, ruleCast, r))}
	switch {
	case t.IsInteger():
		// TRY_CAST rounds. Of text, only what is written like a fraction or
		// with an exponent can be affected.
		suspect := "TRY_CAST(" + r + " AS DOUBLE) <> " + k
		if text {
			suspect = fmt.Sprintf("strlen(%s) > 1 AND (contains(%s, '.') OR contains(%s, 'e') OR contains(%s, 'E')) AND %s", r, r, r, r, suspect)
		}
		branches = append(branches, fmt.Sprintf("WHEN %s THEN %s", suspect, badText(i, ruleWhole, r)))
	case t.Kind == plan.KindVarchar:
		branches = append(branches, fmt.Sprintf("WHEN strlen(%s) > %d THEN %s", k, maxText, badText(i, ruleLong, r)))
	case t.Kind == plan.KindDate:
		branches = append(branches, fmt.Sprintf("WHEN %s NOT BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN %s", k, badText(i, ruleRange, r)))
	case t.Kind == plan.KindTimestamp:
		branches = append(branches, fmt.Sprintf("WHEN %s NOT BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN %s", k, badText(i, ruleRange, r)))
	}
	return branches
}

// maxShownValue is the number of characters of a value in the reject file.
const maxShownValue = 100

func badText(i int, rule, r string) string {
	return fmt.Sprintf("'%d|%s|' || coalesce(left(CAST(%s AS VARCHAR), %d), '')", i, rule, r, maxShownValue)
}

// reasonOf says in words which rule a value broke.
func reasonOf(rule string, t plan.Type) string {
	switch rule {
	case ruleUnit:
		return "the unit id is missing or blank"
	case ruleKey:
		return "the key that leads to the unit is missing or blank"
	case ruleWhole:
		return "not a whole number, which " + t.String() + " needs"
	case ruleRange:
		return "outside of the years 1 to 9999"
	case ruleLong:
		return fmt.Sprintf("a text of more than %d bytes", maxText)
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
