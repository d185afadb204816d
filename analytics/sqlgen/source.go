package sqlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/sqlexpr"
)

// source is one table of a join, the same for all relations but for its segments.
type source struct {
	plan.Source
	names, types []string // of the columns that are read
	kept         string   // which rows of a segment, by ranks
	ranked       bool     // or else by what is read of them
	how, on      string   // it is joined
}

func (s *selection) source(src plan.Source, columns []*plan.Column) (source, error) {
	out, err := stored(src, columns)
	if err != nil {
		return source{}, err
	}
	kept, err := s.ranks(src)
	out.kept, out.ranked = where(kept), s.ranked
	return out, err
}

// stored names the columns of a table, with the unit where rows have one.
func stored(src plan.Source, columns []*plan.Column) (source, error) {
	out := source{Source: src}
	if !src.Public {
		out.names, out.types = append(out.names, unit), append(out.types, "UBIGINT")
	}
	for _, c := range columns {
		name, err := sqlexpr.QuoteName(c.Name)
		if err != nil {
			return source{}, err
		}
		typ, err := storedType(c)
		if err != nil {
			return source{}, err
		}
		out.names, out.types = append(out.names, name), append(out.types, typ)
	}
	if len(out.names) == 0 {
		return source{}, fmt.Errorf("nothing is read of %s", src.Table)
	}
	return out, nil
}

// of renders the rows of a relation: all segments of the table, less what is not
// joined of a unit.
func (s source) of(r Relation) (string, error) {
	if s.Public {
		r.Units = Range{}
	}
	text, err := s.union(r.Tables[s.Table], r.Units)
	if err != nil || s.Public || s.ranked {
		return text, err
	}
	if text, err = s.once(text); err != nil {
		return "", err
	}
	return s.atMost(text, r.Cap)
}

func (s source) union(catalogs []string, units Range) (string, error) {
	var parts []string
	for _, c := range catalogs {
		rows, err := table(c, units)
		if err != nil {
			return "", err
		}
		parts = append(parts, "SELECT "+strings.Join(s.names, ", ")+" FROM "+rows+s.kept)
	}
	if len(parts) == 0 {
		var none []string
		for i, name := range s.names {
			none = append(none, "CAST(NULL AS "+s.types[i]+") AS "+name)
		}
		parts = []string{"SELECT " + strings.Join(none, ", ") + " WHERE FALSE"}
	}
	return "(" + strings.Join(parts, " UNION ALL ") + ")", nil
}

// once keeps one row for each key of a unit, the first in the order of what is
// read of them.
func (s source) once(text string) (string, error) {
	if !s.Once {
		return text, nil
	}
	by := unit
	if s.Key != "" {
		key, err := sqlexpr.QuoteName(s.Key)
		if err != nil {
			return "", err
		}
		if !slices.Contains(s.names, key) {
			return "", fmt.Errorf("the key of %s is not read", s.Table)
		}
		by += ", " + key
	}
	list := strings.Join(s.names, ", ")
	return fmt.Sprintf("(SELECT %s FROM %s QUALIFY row_number() OVER (PARTITION BY %s ORDER BY %s) = 1)", list, text, by, list), nil
}

// atMost keeps so many rows of a unit: rows that are alike in all that is read
// of them may stand for one another.
func (s source) atMost(text string, limit Cap) (string, error) {
	if limit.Rows == 0 {
		return text, nil
	}
	if strings.Trim(limit.Key, "0123456789abcdef") != "" || limit.Rows < 0 {
		return "", fmt.Errorf("a cap is out of range")
	}
	list := strings.Join(s.names, ", ")
	return fmt.Sprintf("(SELECT %s FROM %s QUALIFY row_number() OVER (PARTITION BY %s ORDER BY md5(concat_ws(chr(31), '%s', %s)), %s) <= %d)",
		list, text, unit, limit.Key, list, list, limit.Rows), nil
}
