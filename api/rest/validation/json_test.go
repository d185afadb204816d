package validation

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
)

func TestCheckJSON(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for body, want := range map[string]string{
		`{}`: "", `[]`: "", `"x"`: "", `1e400`: "", ` {"a": {"a": ["a", "a", {"a": "a"}]}, "b": "a"} `: "", deep(maxDepth): "",
		`{"a": "b", "b": "a"}`:                "",
		`{"epsilon": 1, "epsilon": 2}`:        `"epsilon" twice`,
		`{"a": 1, "\u0061": 2}`:               `"a" twice`,
		`{"x": [{"a": 1, "b": {}, "a": {}}]}`: `"a" twice`,
		`{"a": {"b": 1}, "a": 1}`:             `"a" twice`,
		`{"": 1, "": 2}`:                      `"" twice`,
		deep(maxDepth + 1):                    "nested more than",
		deep(100_000):                         "not JSON",
		strings.Repeat(`{"a":`, 70) + "1":     "not JSON",
		strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70): "nested more than",
		"":                               "not JSON",
		"{} {}":                          "not JSON",
		strings.Repeat("9", maxDigits):   "",
		strings.Repeat("9", maxDigits+1): "a number of more than",
		`{"a": NaN}`:                     "not JSON",
		`{"a": Infinity}`:                "not JSON",
		`{"a": 01}`:                      "not JSON",
		"\"\xff\"":                       "not valid UTF-8",
		"{\"a\": \"\x00\"}":              "not JSON",
		`{"a": "\u0000"}`:                "", // the SQL parser's to refuse
		"\ufeff{}":                       "not JSON",
	} {
		err := checkJSON("the body", []byte(body))
		if want == "" && err != nil || want != "" && (privacy.CodeOf(err) != privacy.CodeInvalidRequest || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60s: %v, want %q", body, err, want)
		}
	}
}

// What encoding/json writes has no member twice and is let through.
func TestCheckJSONLetsWrittenValuesThrough(t *testing.T) {
	value := rapid.Deferred(func() *rapid.Generator[any] { return jsonValue(4) })
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(value.Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		if err := checkJSON("it", text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	})
}

func jsonValue(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{rapid.String().AsAny(), rapid.Float64Range(-1e300, 1e300).AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil)}
	if depth > 0 {
		inner := jsonValue(depth - 1)
		leaves = append(leaves, rapid.SliceOfN(inner, 0, 4).AsAny(), rapid.MapOfN(rapid.StringN(0, 3, -1), inner, 0, 4).AsAny())
	}
	return rapid.OneOf(leaves...)
}

func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{`{"sql": "x", "bounds": {"rating": [1, 5]}}`, `{"a": 1, "a": 2}`, "[[[", "\"\xff\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkJSON("it", body) == nil && !json.Valid(body) {
			t.Errorf("%q was let through", body)
		}
	})
}
