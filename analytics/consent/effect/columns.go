package effect

import (
	"fmt"
	"math/big"
	"strconv"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
)

// tables compares what there is to ask about. A dataset of one table has it under
// the empty name.
func (l *list) tables(was, next *contract.Contract) {
	if (was.Tables == nil) != (next.Tables == nil) {
		l.add("tables", strconv.Itoa(len(was.Tables)), strconv.Itoa(len(next.Tables)), true, "The dataset is divided into tables in another way")
	}
	for _, o := range tablesOf(was) {
		if _, ok := next.Table(o.Name); !ok {
			l.add(path(o.Name), "declared", none, false, fmt.Sprintf("The table %s is withdrawn.", o.Name))
		}
	}
	for _, n := range tablesOf(next) {
		o, ok := was.Table(n.Name)
		if !ok {
			l.add(path(n.Name), none, "declared", true, fmt.Sprintf("The table %s is new, with %d columns.", n.Name, len(n.Columns)))
			continue
		}
		l.add(path(n.Name)+".public", strconv.FormatBool(o.Public), strconv.FormatBool(n.Public), true, "Whether the table "+n.Name+" is public")
		l.add(path(n.Name)+".unit", via(o.Via), via(n.Via), true, "The way from the table "+n.Name+" to the privacy unit")
		l.columns(was, next, o, n)
	}
}

func tablesOf(c *contract.Contract) []contract.Table {
	if c.Tables == nil {
		t, _ := c.Table("")
		return []contract.Table{t}
	}
	return c.Tables
}

func path(table string) string { return "tables." + table }

func via(v *contract.Via) string {
	if v == nil {
		return none
	}
	return v.String()
}

func (l *list) columns(was, next *contract.Contract, o, n contract.Table) {
	prefix := "columns."
	if n.Name != "" {
		prefix = path(n.Name) + ".columns."
	}
	for _, col := range o.Columns {
		if _, ok := n.Column(col.Name); !ok {
			l.add(prefix+col.Name, describe(col), none, false, fmt.Sprintf("The column %s is withdrawn.", col.Name))
		}
	}
	for _, col := range n.Columns {
		old, ok := o.Column(col.Name)
		if !ok {
			l.add(prefix+col.Name, none, describe(col), true, fmt.Sprintf("The column %s is new: %s.", col.Name, describe(col)))
			continue
		}
		if old.Type != col.Type || old.Role != col.Role {
			l.add(prefix+col.Name, describe(old), describe(col), true, "The column "+col.Name+" becomes another")
			continue
		}
		l.column(prefix+col.Name, was, next, old, col)
	}
}

func describe(col contract.Column) string {
	s := string(col.Role) + " " + col.Type.String()
	switch col.Role {
	case contract.RoleMeasure:
		s += " in " + interval(col) + " by " + col.Resolution.String()
	case contract.RoleDimension:
		s += ", " + domain(col)
	case contract.RoleUnit, contract.RoleKey:
	}
	return s
}

func interval(col contract.Column) string {
	return "[" + col.BoundsText[0] + ", " + col.BoundsText[1] + "]"
}

func domain(col contract.Column) string {
	if col.Private {
		return "private"
	}
	return values(col.Domain)
}

// column compares two columns of one type and role.
func (l *list) column(field string, was, next *contract.Contract, old, col contract.Column) {
	switch col.Role {
	case contract.RoleDimension:
		l.domains(field+".domain", old, col)
	case contract.RoleMeasure:
		before := len(l.changes)
		l.add(field+".resolution", old.Resolution.String(), col.Resolution.String(), true, "The resolution of "+col.Name)
		l.add(field+".bounds", interval(old), interval(col), !within(col.BoundsText, old.BoundsText), "The bounds of "+col.Name)
		l.noisier(before, sumNoise(was, next, old, col))
	case contract.RoleUnit, contract.RoleKey:
	}
}

// domains: a private domain shows values that selection finds in rows, a declared
// one those of the contract, so that neither is part of the other.
func (l *list) domains(field string, old, col contract.Column) {
	if old.Private || col.Private {
		l.add(field, domain(old), domain(col), true, "The values of "+col.Name)
		return
	}
	known := make(map[plan.Value]bool, len(old.Domain))
	for _, v := range old.Domain {
		known[v] = true
	}
	added, kept := 0, 0
	for _, v := range col.Domain {
		if known[v] {
			kept++
		} else {
			added++
		}
	}
	removed := len(old.Domain) - kept
	if added+removed == 0 {
		return // at most in another order
	}
	l.changes = append(l.changes, Change{
		Field: field, Before: values(old.Domain), After: values(col.Domain), Widens: added > 0,
		Says: fmt.Sprintf("The declared values of %s: %d are added and %d removed.", col.Name, added, removed),
	})
}

// within reports whether bounds lie within others, exactly.
func within(inner, outer [2]string) bool {
	return rat(inner[0]).Cmp(rat(outer[0])) >= 0 && rat(inner[1]).Cmp(rat(outer[1])) <= 0
}

// rat reads a decimal that a contract wrote.
func rat(decimal string) *big.Rat {
	r, ok := new(big.Rat).SetString(decimal)
	if !ok {
		return new(big.Rat)
	}
	return r
}
