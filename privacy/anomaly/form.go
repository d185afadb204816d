package anomaly

import (
	"hash/maphash"
	"slices"
	"strings"
)

// asked is a question as hashes: as a whole, without its literals, and what it
// compares with literals. It comes of the words alone, and knows no contract:
// another alias or order of conditions is another form.
type asked struct {
	whole, form uint64
	filters     []filter
}

// filter is a column and what it is compared with.
type filter struct{ column, with uint64 }

// maxTokens is how many words of a question are looked at.
const maxTokens = 4096

type token struct {
	literal bool
	text    string
}

// formOf splits a question.
func formOf(seed maphash.Seed, sql string) asked {
	tokens := tokensOf(sql)
	var whole, form maphash.Hash
	whole.SetSeed(seed)
	form.SetSeed(seed)
	for i, t := range tokens {
		write(&whole, t.text)
		switch {
		case !t.literal && t.text == "," && i > 0 && tokens[i-1].literal: // a list of literals is as one
		case !t.literal:
			write(&form, t.text)
		case i < 2 || tokens[i-1].text != "," || !tokens[i-2].literal:
			write(&form, "?")
		}
	}
	out := asked{whole: whole.Sum64(), form: form.Sum64()}
	for i := range tokens {
		if column, with, ok := comparison(tokens, i); ok {
			out.filters = append(out.filters, filter{maphash.String(seed, column), maphash.String(seed, with)})
		}
	}
	return out
}

func write(h *maphash.Hash, text string) {
	_, _ = h.WriteString(text)
	_ = h.WriteByte(0)
}

// comparison returns what is compared with literals by the operator at i.
func comparison(tokens []token, i int) (column, with string, ok bool) {
	if tokens[i].literal || i == 0 || i+1 >= len(tokens) {
		return "", "", false
	}
	before := tokens[i-1]
	if before.text == "not" && i > 1 {
		before = tokens[i-2]
	}
	switch op := tokens[i].text; {
	case slices.Contains([]string{"=", "<", ">", "<=", ">=", "<>", "!=", "like", "ilike"}, op):
		if after := tokens[i+1]; after.literal != before.literal {
			if after.literal {
				return before.text, op + after.text, true
			}
			return after.text, op + before.text, true
		}
	case (op == "in" || op == "between") && !before.literal:
		var b strings.Builder
		b.WriteString(op)
		for _, t := range tokens[i+1:] {
			if t.literal {
				b.WriteString("\x00" + t.text)
			} else if t.text != "(" && t.text != "," && t.text != "and" {
				break
			}
		}
		return before.text, b.String(), b.Len() > len(op)
	}
	return "", "", false
}

// tokensOf splits a text into words, literals and signs, without blanks and
// comments, in lower case outside of quotes.
func tokensOf(sql string) []token {
	var out []token
	for sql != "" && len(out) < maxTokens {
		t, rest := next(sql)
		if t.text != "" {
			out = append(out, t)
		}
		sql = rest
	}
	return out
}

// next takes one token off a text; an empty one for what does not count.
func next(s string) (token, string) {
	switch c := s[0]; {
	case strings.IndexByte(" \t\r\n\f\v", c) >= 0:
		return token{}, s[1:]
	case strings.HasPrefix(s, "--"):
		return token{}, s[spanTo(s, "\n"):]
	case strings.HasPrefix(s, "/*"):
		return token{}, s[spanTo(s, "*/"):]
	case c == '\'':
		n := quoted(s, c)
		return token{true, s[:n]}, s[n:]
	case c == '"':
		n := quoted(s, c)
		return token{false, strings.Trim(s[:n], `"`)}, s[n:]
	case c >= '0' && c <= '9':
		n := span(s, func(c byte) bool { return c == '.' || isWord(c) })
		return token{true, s[:n]}, s[n:]
	case isWord(c):
		n := span(s, isWord)
		return token{false, strings.ToLower(s[:n])}, s[n:]
	}
	for _, sign := range []string{"<=", ">=", "<>", "!="} {
		if strings.HasPrefix(s, sign) {
			return token{false, sign}, s[2:]
		}
	}
	return token{false, s[:1]}, s[1:]
}

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func span(s string, is func(byte) bool) int {
	n := 0
	for n < len(s) && is(s[n]) {
		n++
	}
	return n
}

// spanTo is the length up to the end of what closes a comment.
func spanTo(s, end string) int {
	if n := strings.Index(s, end); n >= 0 {
		return n + len(end)
	}
	return len(s)
}

// quoted is the length of a text in quotes, in which a doubled quote is one.
func quoted(s string, quote byte) int {
	for n := 1; n < len(s); n++ {
		if s[n] != quote {
			continue
		}
		if n+1 < len(s) && s[n+1] == quote {
			n++
			continue
		}
		return n + 1
	}
	return len(s)
}
