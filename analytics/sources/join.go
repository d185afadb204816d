package sources

import (
	"slices"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
)

// Why joins keep the guarantee. Every row of a private table was given to one
// unit when it was loaded. Private tables are joined along declared foreign keys
// and, beyond what the text says, on equality of the unit (the engine adds it);
// public tables are the same in all neighbouring histories. So every joined row
// has exactly one unit, and a joined row of unit u is a function of u's own rows
// and of public tables: with or without u, the joined rows of all other units
// are the same. How many rows a join makes of one is thereby of no consequence.
// The bounder sees joined rows, ordered by unit, as it sees the rows of one
// table, and keeps at most L0 partitions and c rows of each unit; sensitivities
// are those of the same limits on one table.
//
// Why joins cannot be made to fail. A failure has no noise, so a unit must not
// be able to cause one by rows that multiply each other. Therefore private
// tables form a chain, from a child to what it refers to and on; and of a
// unit's rows with one key in a table that is referred to, one is joined, as a
// foreign key means one row. So a unit has no more joined rows than it has rows
// in the last child, or in a table on the left of it in a LEFT JOIN; what public
// tables make of these the engine limits. Which of several rows it is depends
// on that unit's rows and the plan alone.
//
// A LEFT JOIN adds rows of its left side, whose unit is that of the first
// private table; the right side's columns are NULL there. That is why the first
// table must be private and not on the right of a LEFT JOIN: a row of public
// tables alone would have no unit.
//
// The order of tables in a plan is that in which they can be connected, so that
// no step is a cross product: every one would be bounded too, but it would be
// computed first.

// end is a column at one side of an equality.
type end struct {
	s   *Source
	col contract.Column
	pos plan.Pos
}

// equality is a condition "column = column" between two sources.
type equality struct {
	left, right end
	written     plan.Expr
	used        bool
}

// from returns the ends of an equality seen from a source; false when it is of
// other sources.
func (e *equality) from(s *Source) (mine, other end, ok bool) {
	switch s {
	case e.left.s:
		return e.left, e.right, true
	case e.right.s:
		return e.right, e.left, true
	}
	return end{}, end{}, false
}

// equality recognises a condition that may join two sources; nil for others.
func (f *From) equality(e plan.Expr) (*equality, error) {
	call, ok := e.(*plan.Call)
	if !ok || call.Func != "=" || len(call.Args) != 2 {
		return nil, nil
	}
	var ends []end
	for _, a := range call.Args {
		c, ok := a.(*plan.Column)
		if !ok {
			return nil, nil
		}
		s, col, err := f.Resolve(c)
		if err != nil {
			return nil, err
		}
		ends = append(ends, end{s, col, c.Pos})
	}
	if ends[0].s == nil || ends[1].s == nil || ends[0].s == ends[1].s {
		return nil, nil
	}
	return &equality{left: ends[0], right: ends[1], written: e}, nil
}

// join orders the sources and connects them. It returns the conditions that are
// not part of a join.
func (f *From) join(conditions []plan.Expr) ([]plan.Expr, error) {
	var equalities []*equality
	var rest []plan.Expr
	for _, c := range conditions {
		e, err := f.equality(c)
		if err != nil {
			return nil, err
		}
		if e == nil {
			rest = append(rest, c)
			continue
		}
		equalities = append(equalities, e)
	}
	first := slices.IndexFunc(f.sources, func(s *Source) bool { return !s.table.Public && !s.Outer })
	if first < 0 {
		return nil, f.noUnit()
	}
	f.place(f.sources[first], nil)
	for range f.sources {
		for _, s := range f.sources {
			if err := f.connect(s, equalities); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range f.sources {
		if !s.placed {
			return nil, f.unconnected(s)
		}
	}
	for _, e := range equalities {
		if !e.used {
			rest = append(rest, e.written)
		}
	}
	return rest, f.chain()
}

// chain marks the tables to which another one of FROM refers, and refuses two
// that refer to the same: their rows would multiply each other.
func (f *From) chain() error {
	childOf := map[string]*Source{} // by the table that is referred to
	for _, s := range f.sources {
		via := s.table.Via
		if via == nil {
			continue
		}
		if other := childOf[via.Table]; other != nil {
			return refusal.New(s.at.Pos, "joining both %q and %q, which refer to %q, is not permitted: their rows would multiply each other", other.name, s.name, via.Table).
				Suggest("ask for each in a query of its own")
		}
		childOf[via.Table] = s
	}
	for i := range f.Placed {
		child := childOf[f.Placed[i].Table]
		if child == nil || f.Placed[i].Public {
			continue
		}
		f.Placed[i].Once = true
		if key := child.table.Via.Key; !f.c.IdentifiesUnit(f.Placed[i].Table, key) {
			f.Placed[i].Key = key
		}
	}
	return nil
}

func (f *From) noUnit() error {
	i := slices.IndexFunc(f.sources, func(s *Source) bool { return !s.table.Public })
	if i < 0 {
		return refusal.New(f.sources[0].at.Pos, "a query of public tables alone is not permitted: it would protect nobody, and noise would spoil it").
			Suggest("join a private table")
	}
	return refusal.New(f.sources[i].at.Pos, "a LEFT JOIN from public tables to %q is not permitted: its rows without a partner would be nobody's", f.sources[i].table.Name).
		Suggest("begin FROM with the private table")
}

// place takes a source into the plan.
func (f *From) place(s *Source, on []plan.Equal) {
	s.placed = true
	f.Placed = append(f.Placed, plan.Source{
		Table: s.table.Name, Alias: s.qualifier, Public: s.table.Public, Outer: s.Outer, On: on,
	})
}

// connect places a source if it is joined to one that is.
func (f *From) connect(s *Source, equalities []*equality) error {
	if s.placed {
		return nil
	}
	if s.Outer {
		var err error
		if equalities, err = f.outerOn(s); err != nil {
			return err
		}
	}
	var on []plan.Equal
	var taken []*equality
	connected := false
	for _, e := range equalities {
		mine, other, ok := e.from(s)
		if !ok {
			continue
		}
		if !other.s.placed {
			if s.Outer {
				return nil // not yet
			}
			continue
		}
		link, err := f.link(mine, other)
		if err != nil {
			return err
		}
		connected = connected || link.connects
		if link.on || s.Outer && !link.unit {
			on = append(on, plan.Equal{Left: Bound(other.s, other.col, other.pos), Right: Bound(mine.s, mine.col, mine.pos)})
		}
		if link.on || link.unit {
			taken = append(taken, e)
		}
	}
	if !connected {
		return nil
	}
	for _, e := range taken {
		e.used = true
	}
	f.place(s, on)
	return nil
}

// outerOn returns the equalities of a LEFT JOIN.
func (f *From) outerOn(s *Source) ([]*equality, error) {
	var out []*equality
	for _, c := range s.on {
		e, err := f.equality(c)
		if err != nil {
			return nil, err
		}
		if e != nil {
			if _, _, ok := e.from(s); ok {
				out = append(out, e)
				continue
			}
		}
		return nil, refusal.New(plan.PosOf(c), "a condition of LEFT JOIN other than an equality of its two sides is not permitted").
			Suggest("use FILTER (WHERE …) in the aggregates, or an inner JOIN")
	}
	return out, nil
}

// link says what an equality between a source and one that is placed does.
type link struct {
	connects bool // it joins the two
	on       bool // it is a condition of the join
	unit     bool // it says that the unit is the same, which the engine sees to
}

// link judges an equality. Private tables are joined along foreign keys that
// the contract declares, since by these their rows got their units; another
// equality between them is a filter, and one with a public table does not
// connect them. Public tables are joined on anything but the unit.
func (f *From) link(mine, other end) (link, error) {
	private := !mine.s.table.Public && !other.s.table.Public
	via := private && (follows(mine, other) || follows(other, mine))
	switch unit := f.IsUnit(mine.s, mine.col) || f.IsUnit(other.s, other.col); {
	case via && unit:
		return link{connects: true, unit: true}, nil
	case via:
		return link{connects: true, on: true}, nil
	case unit:
		return link{}, refusal.New(mine.pos, "joining %q and %q on the privacy unit is not permitted", mine.s.name, other.s.name).
			Suggest("private tables are joined along foreign keys of the contract: %s", refusal.Listed(f.vias()))
	case private && (mine.col.Role == contract.RoleKey || other.col.Role == contract.RoleKey):
		return link{}, refusal.New(mine.pos, "joining the private tables %q and %q on %q is not permitted", mine.s.name, other.s.name, mine.col.Name).
			Suggest("they are joined along foreign keys of the contract: %s", refusal.Listed(f.vias()))
	}
	if a, b := mine.col.Type, other.col.Type; a != b && !(a.IsInteger() && b.IsInteger()) {
		return link{}, refusal.New(mine.pos, "joining a column of type %s with one of type %s is not permitted", a, b).
			Suggest("declare both with the same type in the contract")
	}
	return link{connects: mine.s.table.Public, on: !private}, nil
}

// follows reports whether an equality is the foreign key of a table.
func follows(child, parent end) bool {
	via := child.s.table.Via
	return via != nil && *via == contract.Via{Column: child.col.Name, Table: parent.s.table.Name, Key: parent.col.Name}
}

// vias lists the foreign keys of the contract as conditions.
func (f *From) vias() []string {
	var out []string
	for _, t := range f.c.Tables {
		if t.Via != nil {
			out = append(out, t.Name+"."+t.Via.Column+" = "+t.Via.Table+"."+t.Via.Key)
		}
	}
	return out
}

func (f *From) unconnected(s *Source) error {
	err := refusal.New(s.at.Pos, "the table %q is joined to no other: a cross product is not permitted", s.name)
	if s.table.Public {
		return err.Suggest("join it ON an equality of columns")
	}
	return err.Suggest("private tables are joined along foreign keys of the contract: %s", refusal.Listed(f.vias()))
}
