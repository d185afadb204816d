package segment

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/noised/noised/analytics/plan"
)

// FormatVersion is the version of the layout that this package describes.
const FormatVersion = 2

// UnitColumn is the name of the column that holds the unit's pseudonym. Public
// tables have none.
const UnitColumn = "_unit"

// Column is one stored column. The JSON form is part of what a server tells
// its worker.
type Column struct {
	Name string    `json:"name"`
	Type plan.Type `json:"type"`
}

// Meta is what a segment says about itself.
type Meta struct {
	Dataset         string `json:"dataset"`
	Tenant          string `json:"tenant"`           // empty: the operator, of a public table
	Table           string `json:"table,omitempty"`  // empty in a dataset of one table
	Public          bool   `json:"public,omitempty"` // the rows belong to no unit
	ContractVersion int    `json:"contract_version"`

	// Ranks has the groupings whose ranks are stored, each sorted, beside the rank
	// within the unit; nil where no ranks are stored.
	Ranks [][]string `json:"ranks"`
	// Codes has the columns whose codes are stored, in the order of the columns.
	Codes []Coded `json:"codes,omitempty"`
}

// RankColumns returns the names of the columns that hold ranks, in the order in
// which they stand behind the declared ones.
func (m Meta) RankColumns() []string {
	if m.Public || m.Ranks == nil {
		return nil
	}
	columns := []string{plan.UnitRank}
	for _, g := range m.Ranks {
		columns = append(columns, plan.KeyRank(g), plan.RowRank(g))
	}
	return columns
}

// SQLType returns DuckDB's name for a column type.
func SQLType(t plan.Type) (string, error) {
	switch t.Kind {
	case plan.KindBoolean, plan.KindTinyint, plan.KindSmallint, plan.KindInteger, plan.KindBigint,
		plan.KindDouble, plan.KindVarchar, plan.KindDate, plan.KindTimestamp:
		return strings.ToUpper(t.Kind.String()), nil
	case plan.KindDecimal:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale), nil
	default:
		return "", fmt.Errorf("a column of type %s cannot be stored", t)
	}
}

// Quote returns a name as a quoted SQL identifier.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Literal returns text as a quoted SQL string.
func Literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// CreateSQL returns the statements that create the empty tables of a segment
// in the attached database db.
func CreateSQL(db string, m Meta, columns []Column) ([]string, error) {
	var declared []string
	if !m.Public {
		declared = append(declared, UnitColumn+" UBIGINT NOT NULL")
	}
	for _, c := range columns {
		t, err := SQLType(c.Type)
		if err != nil {
			return nil, err
		}
		declared = append(declared, Quote(c.Name)+" "+t)
	}
	for _, name := range append(m.RankColumns(), m.CodeColumns()...) {
		declared = append(declared, Quote(name)+" USMALLINT NOT NULL")
	}
	return []string{
		fmt.Sprintf("CREATE TABLE %s.main.rows (%s)", Quote(db), strings.Join(declared, ", ")),
		"CREATE TABLE " + Quote(db) + ".main.meta (key VARCHAR, value VARCHAR)",
	}, nil
}

// MetaSQL returns the statement that fills the meta table.
func MetaSQL(db string, m Meta, rows int64) string {
	pairs := [][2]string{
		{"format_version", strconv.Itoa(FormatVersion)},
		{"dataset", m.Dataset},
		{"contract_version", strconv.Itoa(m.ContractVersion)},
		{"tenant", m.Tenant},
		{"rows", strconv.FormatInt(rows, 10)},
	}
	if m.Table != "" {
		pairs = append(pairs, [2]string{"table", m.Table}, [2]string{"public", strconv.FormatBool(m.Public)})
	}
	if m.Ranks != nil {
		ranks, _ := json.Marshal(m.Ranks) // texts in lists always can be written
		pairs = append(pairs, [2]string{"ranks", string(ranks)})
	}
	pairs = append(pairs, m.codePairs()...)
	values := make([]string, len(pairs))
	for i, p := range pairs {
		values[i] = "(" + Literal(p[0]) + ", " + Literal(p[1]) + ")"
	}
	return "INSERT INTO " + Quote(db) + ".main.meta VALUES " + strings.Join(values, ", ")
}
