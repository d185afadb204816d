package scan

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxRecord is the size in bytes of the longest record of a CSV or NDJSON file.
const MaxRecord = 1 << 20

// Field is one field of a CSV record. One that was not quoted and is empty
// means NULL.
type Field struct {
	Text   []byte
	Quoted bool
}

// CSV splits a CSV file (RFC 4180, any of the usual delimiters and line
// ends) into records and knows the line on which each begins. It is slower
// than DuckDB's reader and used where that one finds fault.
type CSV struct {
	r     *bufio.Reader
	delim byte
	line  int64 // of the byte to be read next, from 1

	buf    []byte
	ends   []int
	quoted []bool
	fields []Field
}

// NewCSV returns a scanner of a file, from its beginning.
func NewCSV(r io.Reader, delim byte) *CSV {
	b := bufio.NewReaderSize(r, 1<<20)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3)
	}
	return &CSV{r: b, delim: delim, line: 1}
}

// The states of the scanner within a record.
type csvState uint8

const (
	csvFieldStart csvState = iota
	csvPlain
	csvQuoted
	csvAfterQuote // a quote inside a quoted field: its end, or half of an escape
	csvTrailing   // white space between a closing quote and the delimiter
)

// Next returns the next record and the line it begins on, io.EOF at the end. A
// fault is a defect of that record only, in words; an error ends the file. The
// fields are valid until the next call.
func (s *CSV) Next() (fields []Field, line int64, fault string, err error) {
	s.buf, s.ends, s.quoted = s.buf[:0], s.ends[:0], s.quoted[:0]
	line = s.line
	state, isQuoted, size := csvFieldStart, false, 0
	for {
		c, err := s.r.ReadByte()
		if err == io.EOF {
			switch {
			case state == csvQuoted:
				return nil, line, "", rejected("the quoted field that opens on line %d is not closed", line)
			case size == 0:
				return nil, line, "", io.EOF
			}
			return s.finish(isQuoted), line, fault, nil
		} else if err != nil {
			return nil, line, "", err
		}
		if size++; size > MaxRecord {
			if state == csvQuoted {
				return nil, line, "", rejected("the quoted field that opens on line %d is not closed within %d bytes", line, MaxRecord)
			}
			return nil, line, "", rejected("line %d is longer than %d bytes", line, MaxRecord)
		}
		if c == '\n' || c == '\r' {
			if c == '\r' {
				s.eatLineFeed()
			}
			s.line++
			if state != csvQuoted {
				return s.finish(isQuoted), line, fault, nil
			}
			s.buf = append(s.buf, '\n')
			continue
		}
		if state == csvAfterQuote && c == '"' {
			s.buf, state = append(s.buf, '"'), csvQuoted
			continue
		}
		switch {
		case state == csvQuoted && c == '"':
			state = csvAfterQuote
		case state == csvQuoted:
			s.buf = append(s.buf, c)
		case c == s.delim:
			s.end(isQuoted)
			state, isQuoted = csvFieldStart, false
		case state == csvFieldStart && c == '"':
			state, isQuoted = csvQuoted, true
		case state == csvAfterQuote || state == csvTrailing:
			state = csvTrailing
			if c != ' ' && c != '\t' {
				fault = "has text after a closing quote"
			}
		default:
			s.buf, state = append(s.buf, c), csvPlain
		}
	}
}

// Line returns the number of the line to be read next.
func (s *CSV) Line() int64 { return s.line }

// eatLineFeed makes "\r\n" one line end.
func (s *CSV) eatLineFeed() {
	if c, err := s.r.ReadByte(); err == nil && c != '\n' {
		_ = s.r.UnreadByte()
	}
}

func (s *CSV) end(quoted bool) {
	s.ends, s.quoted = append(s.ends, len(s.buf)), append(s.quoted, quoted)
}

func (s *CSV) finish(quoted bool) []Field {
	s.end(quoted)
	s.fields = s.fields[:0]
	from := 0
	for i, to := range s.ends {
		s.fields = append(s.fields, Field{Text: s.buf[from:to], Quoted: s.quoted[i]})
		from = to
	}
	return s.fields
}

// Blank reports whether a record is an empty line.
func Blank(fields []Field) bool {
	return len(fields) == 1 && !fields[0].Quoted && len(fields[0].Text) == 0
}

// FaultOf returns what is wrong with a record of a file with n columns, of
// which those at the given positions are read.
func FaultOf(fields []Field, n int, read []int) string {
	if len(fields) != n {
		return fmt.Sprintf("has %d fields where the header has %d", len(fields), n)
	}
	for _, i := range read {
		if !utf8.Valid(fields[i].Text) {
			return "is not valid UTF-8"
		}
	}
	return ""
}
