package planner

import (
	"fmt"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/analytics/refusal"
)

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
