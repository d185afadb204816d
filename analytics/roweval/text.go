package roweval

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/noised/noised/analytics/plan"
)

// textual computes functions of texts, which count characters by code point.
func textual(fn string, args []plan.Value) (plan.Value, bool) {
	s := args[0].Str
	switch fn {
	case "lower":
		return plan.StringValue(strings.Map(unicode.ToLower, s)), stableCase(s)
	case "upper":
		return plan.StringValue(strings.Map(unicode.ToUpper, s)), stableCase(s)
	case "trim":
		return plan.StringValue(strings.Trim(s, " ")), true
	case "length":
		return plan.IntValue(plan.Of(plan.KindBigint), int64(utf8.RuneCountInString(s))), true
	case "substring":
		from, length := args[1].Int, int64(len(s))
		if len(args) > 2 {
			length = args[2].Int
		}
		return plan.StringValue(substring(s, from, length)), from >= 1 && length >= 0
	case "||":
		return plan.StringValue(s + args[1].Str), true
	case "starts_with":
		return plan.BoolValue(strings.HasPrefix(s, args[1].Str)), true
	case "contains":
		return plan.BoolValue(strings.Contains(s, args[1].Str)), true
	case "like":
		return plan.BoolValue(like(s, args[1].Str)), true
	default:
		return plan.Value{}, false
	}
}

// stableCase reports whether all letters are ASCII: the case of others is left
// to the engine's version of Unicode.
func stableCase(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// substring returns length characters from the given one, counted from 1.
func substring(s string, from, length int64) string {
	var out strings.Builder
	at := int64(0)
	for _, r := range s {
		if at++; at >= from && at-from < length {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// like matches % with any text and _ with one character. The last % that was
// met takes one character more whenever the rest does not fit.
func like(s, pattern string) bool {
	rest, retry := pattern, ""
	var retryAt string
	open := false
	for s != "" {
		_, size := utf8.DecodeRuneInString(s)
		switch {
		case strings.HasPrefix(rest, "%"):
			rest = rest[1:]
			retry, retryAt, open = rest, s, true
		case strings.HasPrefix(rest, "_"):
			rest, s = rest[1:], s[size:]
		case rest != "" && rest[0] == s[0]:
			rest, s = rest[1:], s[1:]
		case open:
			_, size := utf8.DecodeRuneInString(retryAt)
			retryAt = retryAt[size:]
			rest, s = retry, retryAt
		default:
			return false
		}
	}
	return strings.Trim(rest, "%") == ""
}
