package worker

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxRecord is the size in bytes of the longest record of a CSV or NDJSON file.
const maxRecord = 1 << 20

// field is one field of a CSV record. One that was not quoted and is empty
// means NULL.
type field struct {
	text   []byte
	quoted bool
}

// csvScanner splits a CSV file (RFC 4180, any of the usual delimiters and line
// ends) into records and knows the line on which each begins. It is slower
// than DuckDB's reader and used where that one finds fault.
type csvScanner struct {
	r     *bufio.Reader
	delim byte
	line  int64 // of the byte to be read next, from 1

	buf    []byte
	ends   []int
	quoted []bool
	fields []field
}

func newCSVScanner(r io.Reader, delim byte) *csvScanner {
	b := bufio.NewReaderSize(r, 1<<20)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3)
	}
	return &csvScanner{r: b, delim: delim, line: 1}
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

// next returns the next record and the line it begins on, io.EOF at the end. A
// fault is a defect of that record only, in words; an error ends the file. The
// fields are valid until the next call.
func (s *csvScanner) next() (fields []field, line int64, fault string, err error) {
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
		if size++; size > maxRecord {
			if state == csvQuoted {
				return nil, line, "", rejected("the quoted field that opens on line %d is not closed within %d bytes", line, maxRecord)
			}
			return nil, line, "", rejected("line %d is longer than %d bytes", line, maxRecord)
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

// eatLineFeed makes "\r\n" one line end.
func (s *csvScanner) eatLineFeed() {
	if c, err := s.r.ReadByte(); err == nil && c != '\n' {
		_ = s.r.UnreadByte()
	}
}

func (s *csvScanner) end(quoted bool) {
	s.ends, s.quoted = append(s.ends, len(s.buf)), append(s.quoted, quoted)
}

func (s *csvScanner) finish(quoted bool) []field {
	s.end(quoted)
	s.fields = s.fields[:0]
	from := 0
	for i, to := range s.ends {
		s.fields = append(s.fields, field{text: s.buf[from:to], quoted: s.quoted[i]})
		from = to
	}
	return s.fields
}

// blank reports whether a record is an empty line.
func blank(fields []field) bool {
	return len(fields) == 1 && !fields[0].quoted && len(fields[0].text) == 0
}

// faultOf returns what is wrong with a record of a file with n columns, of
// which those at the given positions are read.
func faultOf(fields []field, n int, read []int) string {
	if len(fields) != n {
		return fmt.Sprintf("has %d fields where the header has %d", len(fields), n)
	}
	for _, i := range read {
		if !utf8.Valid(fields[i].text) {
			return "is not valid UTF-8"
		}
	}
	return ""
}
