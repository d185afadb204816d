package translog

import "bytes"

// isCanonical reports whether JSON that encoding/json wrote without white space
// is in canonical form already: the keys of every object in byte order, numbers
// whole. It takes strings with escapes or beyond ASCII for not canonical. What
// is not is encoded anew, which for a leaf of a hundred accounts takes longer
// than storing it.
func isCanonical(data []byte) bool {
	rest, ok := canonicalValue(data, 0)
	return ok && len(rest) == 0
}

// maxDepth bounds the nesting that canonicalValue follows.
const maxDepth = 32

// canonicalValue returns what follows a value in canonical form.
func canonicalValue(data []byte, depth int) (rest []byte, ok bool) {
	if len(data) == 0 || depth > maxDepth {
		return nil, false
	}
	switch c := data[0]; {
	case c == '{':
		return canonicalObject(data[1:], depth)
	case c == '[':
		return canonicalArray(data[1:], depth)
	case c == '"':
		_, rest, ok = canonicalString(data)
		return rest, ok
	case c == '-' || c >= '0' && c <= '9':
		n := 1
		for n < len(data) && data[n] >= '0' && data[n] <= '9' {
			n++
		}
		return data[n:], n > 1 || c != '-' // a fraction or exponent is not what may follow a value
	}
	for _, word := range [][]byte{[]byte("true"), []byte("false"), []byte("null")} {
		if rest, ok = bytes.CutPrefix(data, word); ok {
			return rest, true
		}
	}
	return nil, false
}

func canonicalArray(data []byte, depth int) (rest []byte, ok bool) {
	if rest, ok = bytes.CutPrefix(data, []byte("]")); ok {
		return rest, true
	}
	for {
		if data, ok = canonicalValue(data, depth+1); !ok || len(data) == 0 {
			return nil, false
		}
		switch data[0] {
		case ']':
			return data[1:], true
		case ',':
			data = data[1:]
		default:
			return nil, false
		}
	}
}

func canonicalObject(data []byte, depth int) (rest []byte, ok bool) {
	if rest, ok = bytes.CutPrefix(data, []byte("}")); ok {
		return rest, true
	}
	var last []byte
	for first := true; ; first = false {
		key, after, ok := canonicalString(data)
		if !ok || !first && bytes.Compare(last, key) >= 0 || len(after) == 0 || after[0] != ':' {
			return nil, false
		}
		last = key
		if data, ok = canonicalValue(after[1:], depth+1); !ok || len(data) == 0 {
			return nil, false
		}
		switch data[0] {
		case '}':
			return data[1:], true
		case ',':
			data = data[1:]
		default:
			return nil, false
		}
	}
}

// canonicalString returns the text of a string of plain ASCII without escapes,
// and what follows it. Other strings have more than one spelling.
func canonicalString(data []byte) (text, rest []byte, ok bool) {
	if len(data) == 0 || data[0] != '"' {
		return nil, nil, false
	}
	for i, c := range data[1:] {
		switch {
		case c == '"':
			return data[1 : i+1], data[i+2:], true
		case c < ' ' || c > '~' || c == '\\':
			return nil, nil, false
		}
	}
	return nil, nil, false
}
