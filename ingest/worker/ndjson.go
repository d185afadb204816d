package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/noised/noised/ingest/segment"
)

// sampledLines is the number of lines of an NDJSON file whose keys are looked
// at to tell which columns it has.
const sampledLines = 1000

// ndjsonSource describes a file with one JSON object on each line. Keys are
// matched exactly; a key that a line does not have is NULL there.
func (t *task) ndjsonSource(path string) (*source, error) {
	keys, err := t.sampleKeys(path)
	if err != nil {
		return nil, err
	}
	src := &source{rewrite: func(ctx context.Context) (*source, error) { return t.rewriteNDJSON(ctx, path, keys) }}
	src.ignored = t.unwanted(keys)
	if err := t.noneMissing(keys); err != nil {
		// The keys may all come later than the sample: the scanner finds out.
		return src, nil //nolint:nilerr // see above
	}
	var names []string
	for _, c := range t.wanted() {
		names = append(names, segment.Literal(c.Name)+": 'VARCHAR'")
		src.columns = append(src.columns, rawColumn{expr: segment.Quote(c.Name), text: true})
	}
	src.relation = fmt.Sprintf("read_json(%s, auto_detect = false, format = 'newline_delimited', compression = 'uncompressed', "+
		"maximum_object_size = %d, columns = {%s})", segment.Literal(path), 2*maxRecord, strings.Join(names, ", "))
	return src, nil
}

func (t *task) unwanted(keys []string) (ignored []string) {
	for _, k := range keys {
		if !slices.ContainsFunc(t.wanted(), func(c segment.Column) bool { return c.Name == k }) {
			ignored = append(ignored, shortName(k))
		}
	}
	return ignored
}

func (t *task) noneMissing(keys []string) error {
	for _, c := range t.wanted() {
		if !slices.Contains(keys, c.Name) {
			return rejected("column %s is missing; the file has %s", c.Name, listNames(keys))
		}
	}
	return nil
}

// sampleKeys returns the keys of the first lines, in order of appearance.
func (t *task) sampleKeys(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	s := newLineScanner(f)
	var keys []string
	seen := map[string]bool{}
	for range sampledLines {
		text, _, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		object, fault := parseObject(text)
		if fault != "" {
			continue
		}
		for _, m := range object {
			if !seen[m.key] && len(keys) < 10*maxListedNames {
				seen[m.key] = true
				keys = append(keys, m.key)
			}
		}
	}
	return keys, nil
}

// rewriteNDJSON is what rewriteCSV is, for lines of JSON.
func (t *task) rewriteNDJSON(ctx context.Context, path string, sampled []string) (*source, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	out, err := newLined(filepath.Join(t.spec.Dir, "lined.csv"))
	if err != nil {
		return nil, err
	}
	defer out.close()
	wanted := t.wanted()
	found, objects := make([]bool, len(wanted)), false
	s := newLineScanner(&contextReader{ctx: ctx, r: in})
	for {
		text, line, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		object, fault := parseObject(text)
		if fault != "" {
			t.reject(Reject{Line: line, Reason: "the line " + fault})
			continue
		}
		objects = true
		out.begin(line)
		for i, c := range wanted {
			j := slices.IndexFunc(object, func(m member) bool { return m.key == c.Name })
			found[i] = found[i] || j >= 0
			if j < 0 {
				out.field(nil, true)
			} else {
				out.field(object[j].text())
			}
		}
		if err := out.end(); err != nil {
			return nil, err
		}
	}
	for i, c := range wanted {
		if objects && !found[i] {
			return nil, rejected("column %s is missing: no line has it; the file has %s", c.Name, listNames(sampled))
		}
	}
	return out.source(len(wanted), t.unwanted(sampled))
}

// member is one key of a JSON object with its value as written.
type member struct {
	key   string
	value json.RawMessage
}

// text returns a value as the text that is cast to the column's type: strings
// without quotes, null as NULL, everything else as it is written.
func (m member) text() (text []byte, null bool) {
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

// parseObject reads one line. A fault says what is wrong with it.
func parseObject(line []byte) (object []member, fault string) {
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
			return nil, "has the key " + shortName(name) + " twice"
		}
		seen[name] = true
		m := member{key: name}
		if err := d.Decode(&m.value); err != nil {
			return nil, "is not valid JSON"
		}
		object = append(object, m)
	}
	return object, ""
}

// lineScanner returns the lines of a file that are not blank.
type lineScanner struct {
	r    *bufio.Reader
	line int64
	buf  []byte
}

func newLineScanner(r io.Reader) *lineScanner {
	b := bufio.NewReaderSize(r, 1<<16)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3)
	}
	return &lineScanner{r: b}
}

// next returns a line without its end, and its number; io.EOF at the end.
func (s *lineScanner) next() ([]byte, int64, error) {
	for {
		s.line++
		s.buf = s.buf[:0]
		for {
			part, err := s.r.ReadSlice('\n')
			s.buf = append(s.buf, part...)
			if len(s.buf) > maxRecord {
				return nil, 0, rejected("line %d is longer than %d bytes", s.line, maxRecord)
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
