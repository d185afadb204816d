package worker

import (
	"io"

	"github.com/noised/noised/privacy"
)

// CSVScanner gives tests the scanner.
type CSVScanner struct{ s *csvScanner }

func NewCSVScanner(r io.Reader, delim byte) CSVScanner { return CSVScanner{newCSVScanner(r, delim)} }

func (c CSVScanner) Next() (line int64, fields int, err error) {
	f, line, _, err := c.s.next()
	return line, len(f), err
}

func IsRejected(err error) bool { return privacy.CodeOf(err) == privacy.CodeLoadRejected }
