package template

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func with(p Parameter) Template {
	return Template{SQL: "SELECT 1", Epsilon: 1, Parameters: map[string]Parameter{"p": p}}
}

func TestArgumentsAreOfTheirTypeAndAmongTheValues(t *testing.T) {
	list := []json.RawMessage{raw(`"x"`), raw(`"y"`)}
	for _, tt := range []struct {
		p        Parameter
		argument string
		ok       bool
	}{
		{Parameter{Type: "varchar"}, `"it's; DROP TABLE x --"`, true},
		{Parameter{Type: "varchar"}, `1`, false},
		{Parameter{Type: "varchar"}, `"a\u0000b"`, false},
		{Parameter{Type: "varchar"}, `"` + strings.Repeat("a", maxText+1) + `"`, false},
		{Parameter{Type: "varchar", Values: list}, `"y"`, true},
		{Parameter{Type: "varchar", Values: list}, `"z"`, false},
		{Parameter{Type: "tinyint"}, `127`, true},
		{Parameter{Type: "tinyint"}, `128`, false},
		{Parameter{Type: "integer"}, `1.5`, false},
		{Parameter{Type: "integer"}, `"1"`, false},
		{Parameter{Type: "integer"}, `null`, false},
		{Parameter{Type: "integer"}, `1 2`, false},
		{Parameter{Type: "bigint"}, `9007199254740993`, true},
		{Parameter{Type: "integer", Range: []json.RawMessage{raw(`0`), raw(`60`)}}, `60`, true},
		{Parameter{Type: "integer", Range: []json.RawMessage{raw(`0`), raw(`60`)}}, `61`, false},
		{Parameter{Type: "integer", Range: []json.RawMessage{raw(`0`), raw(`60`)}}, `-1`, false},
		{Parameter{Type: "double"}, `1e308`, true},
		{Parameter{Type: "double"}, `1e309`, false},
		{Parameter{Type: "boolean"}, `true`, true},
		{Parameter{Type: "boolean"}, `0`, false},
		{Parameter{Type: "date"}, `"2024-02-29"`, true},
		{Parameter{Type: "date"}, `"2023-02-29"`, false},
		{Parameter{Type: "date", Range: []json.RawMessage{raw(`"2024-01-01"`), raw(`"2024-12-31"`)}}, `"2025-01-01"`, false},
	} {
		template := with(tt.p)
		if err := template.Check(); err != nil {
			t.Fatal(tt.p, err)
		}
		bound, err := template.Bind(map[string]json.RawMessage{"p": raw(tt.argument)})
		if (err == nil) != tt.ok || err != nil && privacy.CodeOf(err) != privacy.CodeInvalidRequest {
			t.Errorf("%s for %s: %v", tt.argument, tt.p.Type, err)
		}
		if err != nil && len(tt.argument) > 4 && strings.Contains(err.Error(), strings.Trim(tt.argument, `"`)) {
			t.Errorf("the refusal quotes the argument: %v", err)
		}
		if tt.argument == `9007199254740993` && bound["p"].(*plan.Literal).Value.Int != 9007199254740993 {
			t.Error("a large number was rounded")
		}
		if _, err := template.Bind(template.Example()); err != nil {
			t.Errorf("the example of %+v: %v", tt.p, err)
		}
	}
}

func TestArgumentsAndParametersAreTheSameNames(t *testing.T) {
	template := with(Parameter{Type: "integer"})
	for _, arguments := range []map[string]json.RawMessage{nil, {"q": raw("1")}, {"p": raw("1"), "q": raw("1")}} {
		if _, err := template.Bind(arguments); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
			t.Errorf("%v: %v", arguments, err)
		}
	}
}

func TestFaultsOfTemplates(t *testing.T) {
	faulty := map[string]Template{
		"no epsilon":          {SQL: "SELECT 1"},
		"an unknown type":     with(Parameter{Type: "money"}),
		"a type of no value":  with(Parameter{Type: "decimal(9,2)"}),
		"values and range":    with(Parameter{Type: "integer", Values: []json.RawMessage{raw("1")}, Range: []json.RawMessage{raw("1"), raw("2")}}),
		"no value at all":     with(Parameter{Type: "integer", Values: []json.RawMessage{}}),
		"a value of another":  with(Parameter{Type: "integer", Values: []json.RawMessage{raw(`"1"`)}}),
		"a range of texts":    with(Parameter{Type: "varchar", Range: []json.RawMessage{raw(`"a"`), raw(`"b"`)}}),
		"a range upside down": with(Parameter{Type: "integer", Range: []json.RawMessage{raw("2"), raw("1")}}),
		"a name like a place": {SQL: "SELECT 1", Epsilon: 1, Parameters: map[string]Parameter{"1": {Type: "integer"}}},
	}
	for name, template := range faulty {
		if err := template.Check(); err == nil {
			t.Errorf("%s is no fault", name)
		}
	}
}
