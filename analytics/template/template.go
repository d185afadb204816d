package template

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// Limits of a template.
const (
	maxParameters = 50
	maxValues     = 1000
	maxText       = 1000 // of a text argument, in bytes
)

// Template is a query that may be asked by name.
type Template struct {
	SQL        string               `json:"sql"`
	Parameters map[string]Parameter `json:"parameters,omitempty"`
	Epsilon    float64              `json:"epsilon"` // the most that one answer may lose
}

// Parameter is what an argument must be.
type Parameter struct {
	Type   string            `json:"type"`             // boolean, an integer, double, varchar or date
	Values []json.RawMessage `json:"values,omitempty"` // the only ones, if any are listed
	Range  []json.RawMessage `json:"range,omitempty"`  // [lowest, highest], both included
}

var parameterName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// Check refuses a template that cannot be asked, whatever its arguments are.
func (t Template) Check() error {
	invalid := func(format string, args ...any) error {
		return privacy.Errorf(privacy.CodeInvalidRequest, format, args...)
	}
	if err := (privacy.Loss{Epsilon: t.Epsilon, Delta: 1e-9}).Check(); err != nil {
		return err
	}
	if len(t.Parameters) > maxParameters {
		return invalid("a template has at most %d parameters", maxParameters)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		p := t.Parameters[name]
		if !parameterName.MatchString(name) {
			return invalid("a parameter's name is a lower-case letter, then up to 62 of a-z, 0-9 and '_'")
		}
		if err := p.check(); err != nil {
			return invalid("parameter %s: %s", name, privacy.AsError(err).Message)
		}
	}
	return nil
}

func (p Parameter) check() error {
	invalid := func(format string, args ...any) error {
		return privacy.Errorf(privacy.CodeInvalidRequest, format, args...)
	}
	t, err := p.kind()
	if err != nil {
		return err
	}
	if p.Values != nil && p.Range != nil {
		return invalid("values and range exclude each other")
	}
	if p.Values != nil && (len(p.Values) == 0 || len(p.Values) > maxValues) {
		return invalid("has between 1 and %d values", maxValues)
	}
	if p.Range != nil && (len(p.Range) != 2 || t.Kind == plan.KindBoolean || t.Kind == plan.KindVarchar) {
		return invalid("a range is [lowest, highest], of numbers or dates")
	}
	bounds := slices.Concat(p.Values, p.Range)
	read := make([]argument, len(bounds))
	for i, raw := range bounds {
		if read[i], err = readArgument(t, raw); err != nil {
			return err
		}
	}
	if p.Range != nil && read[0].after(read[1]) {
		return invalid("the lowest of a range must not be above the highest")
	}
	return nil
}

// kind returns the parameter's type, of those that an argument can have.
func (p Parameter) kind() (plan.Type, error) {
	t, err := plan.ParseType(p.Type)
	if err == nil && !t.IsInteger() && !slices.Contains([]plan.Kind{plan.KindBoolean, plan.KindDouble, plan.KindVarchar, plan.KindDate}, t.Kind) {
		err = privacy.Errorf(privacy.CodeInvalidRequest, "a parameter is a boolean, an integer, a double, a varchar or a date")
	}
	return t, err
}

// Bind checks arguments against the parameters and returns what stands in the
// parameters' places. Its errors quote no argument.
func (t Template) Bind(arguments map[string]json.RawMessage) (map[string]plan.Expr, error) {
	for name := range arguments {
		if _, ok := t.Parameters[name]; !ok {
			return nil, privacy.Errorf(privacy.CodeInvalidRequest, "the template has no such parameter among %s", strings.Join(slices.Sorted(maps.Keys(t.Parameters)), ", "))
		}
	}
	bound := map[string]plan.Expr{}
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		raw, ok := arguments[name]
		if !ok {
			return nil, privacy.Errorf(privacy.CodeInvalidRequest, "the parameter %s is missing", name)
		}
		a, err := t.Parameters[name].admit(raw)
		if err != nil {
			return nil, privacy.Errorf(privacy.CodeInvalidRequest, "the parameter %s %s", name, privacy.AsError(err).Message)
		}
		bound[name] = a.expr()
	}
	return bound, nil
}

// Example returns arguments that the parameters admit, so that a template can be
// tried before anybody asks it.
func (t Template) Example() map[string]json.RawMessage {
	example := map[string]json.RawMessage{}
	for name, p := range t.Parameters {
		switch kind, _ := p.kind(); {
		case len(p.Values) > 0:
			example[name] = p.Values[0]
		case len(p.Range) > 0:
			example[name] = p.Range[0]
		case kind.Kind == plan.KindBoolean:
			example[name] = json.RawMessage("true")
		case kind.Kind == plan.KindVarchar:
			example[name] = json.RawMessage(`"a"`)
		case kind.Kind == plan.KindDate:
			example[name] = json.RawMessage(`"2024-01-31"`)
		default:
			example[name] = json.RawMessage("1")
		}
	}
	return example
}

// admit reads an argument, if the parameter takes it.
func (p Parameter) admit(raw json.RawMessage) (argument, error) {
	t, err := p.kind()
	if err != nil {
		return argument{}, err
	}
	a, err := readArgument(t, raw)
	if err != nil {
		return argument{}, err
	}
	listed := p.Values == nil
	for _, v := range p.Values {
		known, err := readArgument(t, v)
		listed = listed || err == nil && known == a
	}
	if !listed {
		return argument{}, privacy.Errorf(privacy.CodeInvalidRequest, "is none of the values that the template names")
	}
	if p.Range != nil {
		lo, err1 := readArgument(t, p.Range[0])
		hi, err2 := readArgument(t, p.Range[1])
		if err1 != nil || err2 != nil || lo.after(a) || a.after(hi) {
			return argument{}, privacy.Errorf(privacy.CodeInvalidRequest, "is outside the template's range")
		}
	}
	return a, nil
}

// argument is one value. A date is kept as the text that a query would write.
type argument struct {
	t     plan.Type
	value plan.Value
}

// expr is what the parser makes of the same value in a text.
func (a argument) expr() plan.Expr {
	if a.t.Kind == plan.KindDate {
		return &plan.Cast{Arg: &plan.Literal{Value: a.value}, To: a.t}
	}
	return &plan.Literal{Value: a.value}
}

func (a argument) after(b argument) bool {
	switch a.t.Kind {
	case plan.KindDouble:
		return a.value.Float > b.value.Float
	case plan.KindDate:
		return a.value.Str > b.value.Str // years of four digits
	default:
		return a.value.Int > b.value.Int
	}
}

// readArgument reads a JSON value of a type.
func readArgument(t plan.Type, raw json.RawMessage) (argument, error) {
	wrong := privacy.Errorf(privacy.CodeInvalidRequest, "must be of type %s", t)
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.Decode(new(any)) != io.EOF {
		return argument{}, wrong
	}
	a := argument{t: t}
	switch v := v.(type) {
	case bool:
		a.value = plan.BoolValue(v)
		if t.Kind == plan.KindBoolean {
			return a, nil
		}
	case json.Number:
		return numberArgument(t, v, wrong)
	case string:
		return textArgument(t, v, wrong)
	}
	return argument{}, wrong
}

func numberArgument(t plan.Type, n json.Number, wrong error) (argument, error) {
	if t.Kind == plan.KindDouble {
		f, err := n.Float64() // finite, or an error
		if err != nil {
			return argument{}, wrong
		}
		return argument{t, plan.FloatValue(f)}, nil
	}
	i, err := n.Int64()
	if !t.IsInteger() || err != nil {
		return argument{}, wrong
	}
	if lo, hi := t.IntegerRange(); i < lo || i > hi {
		return argument{}, wrong
	}
	return argument{t, plan.IntValue(t, i)}, nil
}

// textArgument reads a text, in NFC as loaded data are, or a date.
func textArgument(t plan.Type, s string, wrong error) (argument, error) {
	switch {
	case len(s) > maxText || strings.ContainsRune(s, 0):
		return argument{}, wrong
	case t.Kind == plan.KindVarchar:
		return argument{t, plan.StringValue(norm.NFC.String(s))}, nil
	case t.Kind == plan.KindDate:
		if _, err := time.Parse(time.DateOnly, s); err == nil {
			return argument{t, plan.StringValue(s)}, nil
		}
	}
	return argument{}, wrong
}
