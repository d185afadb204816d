package sqlparse

import (
	"maps"
	"slices"
	"strings"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// template is what the parameters of a text stand for.
type template struct {
	arguments map[string]plan.Expr
	used      map[string]bool
}

// parameter puts the argument in the place of its parameter.
func (w *walker) parameter(n *node) (plan.Expr, error) {
	if _, err := n.expect("VALUE_PARAMETER"); err != nil {
		return nil, err
	}
	name, err := n.text("identifier")
	if err != nil {
		return nil, err
	}
	name = strings.ToLower(name)
	argument, ok := w.template.arguments[name]
	if !ok {
		return nil, privacy.Errorf(privacy.CodeQueryNotPermitted, "the template has no parameter of the name that is used here").
			At(int(n.at())).Suggest("declare it, with its type")
	}
	w.template.used[name] = true
	return placed(argument, n.pos), nil
}

// placed returns an argument as it stands at a place of the text.
func placed(e plan.Expr, at plan.Pos) plan.Expr {
	if l, ok := e.(*plan.Literal); ok {
		return &plan.Literal{Value: l.Value, Pos: at}
	}
	if c, ok := e.(*plan.Cast); ok {
		return &plan.Cast{Arg: placed(c.Arg, at), To: c.To, Pos: at}
	}
	return e
}

// complete refuses arguments that no parameter stands for: whoever declared them
// believes in a condition that is not there.
func (t *template) complete() error {
	if t == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(t.arguments)) {
		if !t.used[name] {
			return privacy.Errorf(privacy.CodeQueryNotPermitted, "the parameter %s does not occur in the template", name)
		}
	}
	return nil
}
