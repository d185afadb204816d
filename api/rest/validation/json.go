package validation

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/noised/noised/privacy"
)

// maxDepth is how deep a body may nest, and maxDigits how long its numbers may
// be. No schema of the document needs a tenth of either.
const (
	maxDepth  = 64
	maxDigits = 500
)

// checkJSON requires of a body or parameter exactly one JSON value that means the same to every reader:
// valid UTF-8, where a decoder would put a replacement character, and no member
// twice in an object, of which some readers take the first and some the last. A
// second epsilon would be charged where an auditor's tool showed the first. NaN
// and infinities are not JSON.
func checkJSON(what string, body []byte) error {
	var value json.RawMessage
	if err := json.Unmarshal(body, &value); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return privacy.Errorf(privacy.CodeInvalidRequest, "%s is not JSON: %s at byte %d", what, syntax.Error(), syntax.Offset)
		}
		return privacy.Errorf(privacy.CodeInvalidRequest, "%s is not JSON", what)
	}
	if !utf8.Valid(body) {
		return privacy.Errorf(privacy.CodeInvalidRequest, "%s is not valid UTF-8", what)
	}
	return checkMembers(what, body)
}

// checkMembers walks through a JSON value that is known to parse.
func checkMembers(what string, body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // a number may be out of any range: the schema and the planner judge that
	var open []scope
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return privacy.Errorf(privacy.CodeInvalidRequest, "%s is not JSON", what).Because(err)
		}
		switch token {
		case json.Delim('{'):
			open = append(open, scope{members: map[string]bool{}, name: true})
		case json.Delim('['):
			open = append(open, scope{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
			endValue(open)
		default:
			if number, ok := token.(json.Number); ok && len(number) > maxDigits {
				return privacy.Errorf(privacy.CodeInvalidRequest, "%s has a number of more than %d characters", what, maxDigits)
			}
			if name, isText := token.(string); isText && len(open) > 0 && open[len(open)-1].name {
				if err := open[len(open)-1].add(what, name); err != nil {
					return err
				}
				continue
			}
			endValue(open)
		}
		if len(open) > maxDepth {
			return privacy.Errorf(privacy.CodeInvalidRequest, "%s is nested more than %d levels deep", what, maxDepth)
		}
	}
}

// scope is an object or array that has begun and not ended.
type scope struct {
	members map[string]bool // of an object; nil for an array
	name    bool            // the next token of an object is the name of a member
}

// add notes a member's name.
func (s *scope) add(what, name string) error {
	if s.members[name] {
		return privacy.Errorf(privacy.CodeInvalidRequest, "%s names the member %.100q twice in one object", what, name)
	}
	s.members[name], s.name = true, false
	return nil
}

// endValue says that a value has ended: in an object, a name follows.
func endValue(open []scope) {
	if n := len(open); n > 0 && open[n-1].members != nil {
		open[n-1].name = true
	}
}
