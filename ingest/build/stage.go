package build

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/cell"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
	"github.com/noised/noised/ingest/upload"
)

// The scratch table: the pseudonym where the upload has unit ids, the typed
// columns k1…kn, the line where it is known, and what is wrong with the row or
// NULL.
const (
	stageTable = stageDB + ".main.staged"
	lineColumn = "line"
	badColumn  = "bad"
)

// stageSQL returns the statement that reads a source into the scratch table.
func (t *task) stageSQL(src *upload.Source) (string, error) {
	from, err := t.judged(src)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("CREATE TABLE %s AS SELECT %s AS %s, %s, %s FROM (%s)", stageTable, t.pseudonymExpr(), segment.UnitColumn,
		strings.Join(append(t.kept(), lineColumn), ", "), badColumn, from), nil
}

// judged returns the query of a source's rows with their verdicts. It works in
// three layers, so that every value is cast once: the values as the file has
// them (r0…), as the contract wants them (k0…), and the verdict.
func (t *task) judged(src *upload.Source) (string, error) {
	var raw, typed, verdict []string
	for i, c := range t.wanted() {
		sqlType, err := segment.SQLType(c.Type)
		if err != nil {
			return "", err
		}
		r, k := fmt.Sprintf("r%d", i), fmt.Sprintf("k%d", i)
		raw = append(raw, rawExpr(src.Columns[i], c.Type)+" AS "+r)
		typed = append(typed, r, cell.Cast(c.Type, sqlType, r)+" AS "+k)
		if i == t.unitAt() {
			rule := cell.RuleUnit
			if t.spec.Parent != nil {
				rule = cell.RuleKey
			}
			verdict = append(verdict, fmt.Sprintf("WHEN %s THEN %s", cell.Blank(c.Type, r, k), cell.Bad(i, rule, r)))
		}
		verdict = append(verdict, cell.Verdicts(i, c.Type, src.Columns[i].Text)...)
	}
	line := "CAST(NULL AS BIGINT)"
	if src.Line != "" {
		line = src.Line
	}
	bad := "CAST(NULL AS VARCHAR)"
	if len(verdict) > 0 {
		bad = "CASE " + strings.Join(verdict, " ") + " END"
	}
	return fmt.Sprintf("SELECT *, %s AS %s FROM (SELECT %s, %s FROM (SELECT %s, %s AS %s FROM %s))",
		bad, badColumn,
		strings.Join(typed, ", "), lineColumn,
		strings.Join(raw, ", "), line, lineColumn, src.Relation), nil
}

// rawExpr is a value as the file has it.
func rawExpr(c upload.Column, t plan.Type) string {
	if c.Text && t.Kind != plan.KindVarchar {
		return "nullif(" + c.Expr + ", '')"
	}
	return c.Expr
}

// pseudonymExpr is the pseudonym of a row's unit id, or a constant where the
// upload has no unit ids; either counts the row. Of a bad row it is NULL.
func (t *task) pseudonymExpr() string {
	function := duck.CountFunction
	if t.unitIsApart() {
		function = duck.UnitFunction
	}
	return function + "(CASE WHEN " + badColumn + " IS NULL THEN CAST(k0 AS VARCHAR) ELSE NULL END)"
}
