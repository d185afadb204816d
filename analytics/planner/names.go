package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/contract"
	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
	"github.com/noised/noised/privacy"
)

// unknownColumn returns the error for a name that no table of FROM has, with the
// nearest name that one has.
func (p *planning) unknownColumn(name string, at plan.Pos) error {
	names := p.columnNames()
	err := privacy.Errorf(privacy.CodeUnknownColumn, "dataset %q has no column %q", p.c.Dataset, refusal.Shorten(name)).At(int(at))
	if p.c.Tables != nil {
		err = privacy.Errorf(privacy.CodeUnknownColumn, "nothing in FROM has a column %q", refusal.Shorten(name)).At(int(at))
	}
	if slices.Contains([]string{"current_date", "current_timestamp", "localtimestamp", "today", "now"}, strings.ToLower(name)) {
		return err.Suggest("an answer does not depend on when it is asked for: write the date out, for example DATE '2024-01-31'")
	}
	if best, ok := refusal.Nearest(name, names); ok {
		return err.Suggest("did you mean %q?", best)
	}
	return err.Suggest("its columns are: %s", refusal.Listed(names))
}

func (p *planning) columnNames() []string {
	var names []string
	for _, s := range p.from {
		names = append(names, columnNames(p.c, s.table)...)
	}
	return names
}

// column resolves a name.
func (p *planning) column(c *plan.Column) (contract.Column, error) {
	_, col, err := p.resolve(c)
	return col, err
}

// columnsOf lists the columns of FROM with a role.
func (p *planning) columnsOf(role contract.Role) []string {
	var names []string
	for _, s := range p.from {
		for _, col := range s.table.Columns {
			if col.Role == role {
				names = append(names, col.Name)
			}
		}
	}
	return names
}

// maxNameBytes bounds the name of an output column.
const maxNameBytes = 255

// nameOutputs gives every output its name: the alias, or one of its own that
// is unique.
func (p *planning) nameOutputs() error {
	taken := map[string]bool{}
	p.aliases = map[string]int{}
	for i, it := range p.sel.Items {
		if it.Alias == "" {
			continue
		}
		key := strings.ToLower(it.Alias)
		if taken[key] {
			return refusal.New(it.Pos, "two columns called %q are not permitted", refusal.Shorten(it.Alias)).Suggest("give each column its own alias")
		}
		if len(it.Alias) > maxNameBytes {
			return refusal.New(it.Pos, "an alias of more than %d bytes is not permitted", maxNameBytes)
		}
		taken[key] = true
		p.aliases[key] = i
		p.out.Outputs[i].Name = it.Alias
	}
	for i, it := range p.sel.Items {
		if it.Alias != "" {
			continue
		}
		base := plan.OutputName(it.Expr, i+1)
		name := base
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		taken[name] = true
		p.out.Outputs[i].Name = name
	}
	for i, o := range p.out.Outputs {
		for _, suffix := range []string{"_low", "_high"} {
			if base, ok := strings.CutSuffix(strings.ToLower(o.Name), suffix); ok && taken[base] {
				return refusal.New(p.sel.Items[i].Pos, "a column called %q beside %q is not permitted: intervals use these names", refusal.Shorten(o.Name), refusal.Shorten(base)).
					Suggest("choose another alias")
			}
		}
	}
	return nil
}
