package scan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// Member is one key of a JSON object with its value as written.
type Member struct {
	Key   string
	value json.RawMessage
}

// Text returns a value as the text that is cast to the column's type: strings
// without quotes, null as NULL, everything else as it is written.
func (m Member) Text() (text []byte, null bool) {
	switch m.value[0] {
	case 'n':
		return nil, true
	case '"':
		var s string
		if json.Unmarshal(m.value, &s) == nil {
			return []byte(s), false
		}
	case '{', '[':
		var b bytes.Buffer
		if json.Compact(&b, m.value) == nil {
			return b.Bytes(), false
		}
	}
	return m.value, false
}

// ParseObject reads one line. A fault says what is wrong with it.
func ParseObject(line []byte) (object []Member, fault string) {
	if !utf8.Valid(line) {
		return nil, "is not valid UTF-8"
	}
	if !json.Valid(line) {
		return nil, "is not valid JSON"
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, "is not a JSON object"
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return nil, "is not valid JSON"
		}
		if seen[name] {
			return nil, "has the key " + ShortName(name) + " twice"
		}
		seen[name] = true
		m := Member{Key: name}
		if err := d.Decode(&m.value); err != nil {
			return nil, "is not valid JSON"
		}
		object = append(object, m)
	}
	return object, ""
}

// Lines returns the lines of a file that are not blank.
type Lines struct {
	r    *bufio.Reader
	line int64
	buf  []byte
}

// NewLines returns a scanner of a file, from its beginning.
func NewLines(r io.Reader) *Lines {
	b := bufio.NewReaderSize(r, 1<<16)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3)
	}
	return &Lines{r: b}
}

// Next returns a line without its end, and its number; io.EOF at the end.
func (s *Lines) Next() ([]byte, int64, error) {
	for {
		s.line++
		s.buf = s.buf[:0]
		for {
			part, err := s.r.ReadSlice('\n')
			s.buf = append(s.buf, part...)
			if len(s.buf) > MaxRecord {
				return nil, 0, rejected("line %d is longer than %d bytes", s.line, MaxRecord)
			}
			if err == nil || errors.Is(err, io.EOF) && len(s.buf) > 0 {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return nil, 0, err
			}
		}
		if text := bytes.TrimSpace(s.buf); len(text) > 0 {
			return text, s.line, nil
		}
	}
}
