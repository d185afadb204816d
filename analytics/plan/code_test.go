package plan

import "testing"

// Codes of two lists are confused only where the lists are the same.
func TestCodesOfTellListsApart(t *testing.T) {
	texts := func(s ...string) (out []Value) {
		for _, v := range s {
			out = append(out, StringValue(v))
		}
		return out
	}
	lists := map[string][]Value{
		"a, b":      texts("a", "b"),
		"b, a":      texts("b", "a"),
		"ab":        texts("ab"),
		"a, b, one": texts("a", "b", ""),
		"a":         texts("a"),
		"nothing":   texts(),
	}
	seen := make(map[string]string)
	for name, list := range lists {
		code := CodesOf(list)
		if code != CodesOf(list) || seen[code] != "" {
			t.Errorf("the lists %q and %q have the same codes", name, seen[code])
		}
		seen[code] = name
	}
}

func TestCodable(t *testing.T) {
	text, values := Type{Kind: KindVarchar}, make([]Value, MaxCoded)
	for _, tt := range []struct {
		name   string
		typ    Type
		values []Value
		want   bool
	}{
		{"texts", text, values, true},
		{"too many texts", text, append(values, Value{}), false},
		{"a private dimension", text, nil, false},
		{"integers are small already", Type{Kind: KindInteger}, values[:3], false},
	} {
		if got := Codable(tt.typ, tt.values); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}
