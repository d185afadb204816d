package upload

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/noised/noised/ingest/scan"
	"github.com/noised/noised/ingest/segment"
)

// csvHead is what the first record of a CSV file says.
type csvHead struct {
	delim byte
	names []string
	plain bool // the header is the first line of the file, and one line long
}

// delimiters are tried in this order; ties go to the earlier.
const delimiters = ",;\t|"

// readCSVHead finds the delimiter and the column names. The delimiter is the
// one under which the header has the most wanted columns.
func readCSVHead(path string, wanted []segment.Column) (csvHead, error) {
	f, err := os.Open(path)
	if err != nil {
		return csvHead{}, err
	}
	defer func() { _ = f.Close() }()
	start := make([]byte, scan.MaxRecord)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return csvHead{}, err
	}
	start = start[:n]
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) {
		return csvHead{}, rejected("the file is UTF-16: send it as UTF-8")
	}
	best, bestHits := csvHead{}, -1
	var fault error
	for i := range len(delimiters) {
		head, err := headWith(start, delimiters[i])
		if err != nil {
			if fault == nil {
				fault = err
			}
			continue
		}
		hits := 0
		for _, c := range wanted {
			for _, name := range head.names {
				if strings.EqualFold(strings.TrimSpace(name), c.Name) {
					hits++
					break
				}
			}
		}
		if hits > bestHits {
			best, bestHits = head, hits
		}
	}
	if bestHits < 0 {
		return csvHead{}, fault
	}
	return best, nil
}

func headWith(start []byte, delim byte) (csvHead, error) {
	s := scan.NewCSV(bytes.NewReader(start), delim)
	for {
		fields, line, fault, err := s.Next()
		switch {
		case errors.Is(err, io.EOF):
			return csvHead{}, rejected("the file is empty: its first line must name the columns")
		case err != nil:
			return csvHead{}, err
		case scan.Blank(fields):
			continue
		case fault != "":
			return csvHead{}, rejected("the header (line %d) %s", line, fault)
		}
		head := csvHead{delim: delim, plain: line == 1 && s.Line() == 2}
		for _, f := range fields {
			head.names = append(head.names, string(f.Text))
		}
		return head, nil
	}
}

// csvSource describes a CSV file. Its columns are named by position, so that
// no name in the file can collide with another or with ours.
func (u *Upload) csvSource(path string) (*Source, error) {
	head, err := readCSVHead(path, u.Wanted)
	if err != nil {
		return nil, err
	}
	at, ignored, err := match(u.Wanted, head.names)
	if err != nil {
		return nil, err
	}
	var names strings.Builder
	for i := range head.names {
		if i > 0 {
			names.WriteString(", ")
		}
		fmt.Fprintf(&names, "'c%d': 'VARCHAR'", i)
	}
	src := &Source{
		Relation: csvRelation(path, head.delim, names.String(), true, 2*scan.MaxRecord),
		Ignored:  ignored,
		Rewrite:  func(ctx context.Context) (*Source, error) { return u.rewriteCSV(ctx, path, head, at, ignored) },
	}
	for _, i := range at {
		src.Columns = append(src.Columns, Column{Expr: fmt.Sprintf("c%d", i), Text: true})
	}
	long, err := endsInLongLine(path)
	if err != nil {
		return nil, err
	}
	if !head.plain || long {
		// DuckDB takes the first line for the header, and drops a last line of many
		// megabytes without a word: let our own scanner read.
		src.Relation = ""
	}
	return src, nil
}

// endsInLongLine reports whether a file's last line has no line end and is
// longer than a record may be.
func endsInLongLine(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || info.Size() <= scan.MaxRecord {
		return false, err
	}
	tail := make([]byte, scan.MaxRecord)
	if _, err := f.ReadAt(tail, info.Size()-scan.MaxRecord); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return !bytes.ContainsAny(tail, "\r\n"), nil
}

// csvRelation reads a CSV file whose every property is stated, so that nothing
// is left to detection.
func csvRelation(path string, delim byte, columns string, header bool, longest int) string {
	return fmt.Sprintf("read_csv(%s, auto_detect = false, header = %t, delim = %s, quote = '\"', escape = '\"', "+
		"nullstr = '', allow_quoted_nulls = false, null_padding = false, strict_mode = true, compression = 'none', "+
		"max_line_size = %d, columns = {%s})",
		segment.Literal(path), header, segment.Literal(string(rune(delim))), longest, columns)
}

// rewriteCSV copies the wanted columns of the well-formed records to a new
// file, each with its line number, and rejects the rest.
func (u *Upload) rewriteCSV(ctx context.Context, path string, head csvHead, at []int, ignored []string) (*Source, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	out, err := u.newLined()
	if err != nil {
		return nil, err
	}
	defer out.close()
	s := scan.NewCSV(&contextReader{ctx: ctx, r: in}, head.delim)
	for header := true; ; {
		fields, line, fault, err := s.Next()
		switch {
		case errors.Is(err, io.EOF):
			return out.source(len(at), ignored)
		case err != nil:
			return nil, err
		case scan.Blank(fields) && (header || len(head.names) > 1):
			continue
		case header:
			header = false
			continue
		}
		if fault == "" {
			fault = scan.FaultOf(fields, len(head.names), at)
		}
		if fault != "" {
			u.Reject(line, "the line "+fault)
			continue
		}
		out.begin(line)
		for _, i := range at {
			out.field(fields[i].Text, len(fields[i].Text) == 0 && !fields[i].Quoted)
		}
		if err := out.end(); err != nil {
			return nil, err
		}
	}
}

// lined writes a CSV file of our own making: the line number in the upload,
// then one field per wanted column, NULL unquoted and all else quoted.
type lined struct {
	f *scratch
	w *bufio.Writer
}

func (u *Upload) newLined() (*lined, error) {
	f, err := u.create("lined.csv")
	if err != nil {
		return nil, err
	}
	return &lined{f: f, w: bufio.NewWriterSize(f, 1<<20)}, nil
}

func (l *lined) close() { _ = l.f.Close() }

func (l *lined) begin(line int64) { _, _ = fmt.Fprintf(l.w, "%d", line) }

func (l *lined) field(text []byte, null bool) {
	_ = l.w.WriteByte(',')
	if null {
		return
	}
	_ = l.w.WriteByte('"')
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			break
		}
		_, _ = l.w.Write(text[:i+1])
		_ = l.w.WriteByte('"')
		text = text[i+1:]
	}
	_, _ = l.w.Write(text)
	_ = l.w.WriteByte('"')
}

// end ends a record and reports a failure to write any of it.
func (l *lined) end() error { return l.w.WriteByte('\n') }

func (l *lined) source(columns int, ignored []string) (*Source, error) {
	if err := l.w.Flush(); err != nil {
		return nil, err
	}
	names := "'line': 'BIGINT'"
	src := &Source{Line: "line", Ignored: ignored}
	for i := range columns {
		names += fmt.Sprintf(", 'c%d': 'VARCHAR'", i)
		src.Columns = append(src.Columns, Column{Expr: fmt.Sprintf("c%d", i), Text: true})
	}
	src.Relation = csvRelation(l.f.path, ',', names, false, 4*scan.MaxRecord)
	return src, nil
}
