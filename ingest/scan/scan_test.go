package scan_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/noised/noised/ingest/scan"
	"github.com/noised/noised/privacy"
)

// FuzzCSV feeds anything to the CSV scanner: lines ascend, records have fields,
// and what ends a file is its sender's fault.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("person,rating\n1,2\n3,\"4\"\n"), byte(','))
	f.Add([]byte("a;\"b\r\nc\";\n\r\n\"\"\"\";x"), byte(';'))
	f.Fuzz(func(t *testing.T, body []byte, delim byte) {
		s := scan.NewCSV(bytes.NewReader(body), delim)
		last := int64(0)
		for {
			fields, line, _, err := s.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) && privacy.CodeOf(err) != privacy.CodeLoadRejected {
					t.Fatal(err)
				}
				return
			}
			if line <= last || len(fields) < 1 {
				t.Fatalf("a record of %d fields on line %d after line %d", len(fields), line, last)
			}
			last = line
		}
	})
}

// TestCSVRecords: quotes, line ends and lines; what is wrong with one record does
// not end the file.
func TestCSVRecords(t *testing.T) {
	const file = "\xef\xbb\xbfa;b\r\n\"x\r\ny\";\"say \"\"hi\"\"\"\n\n\"1\" \t;\"\"\r2;\n\"3\"x;4\n5"
	type record struct {
		line  int64
		text  string
		fault string
	}
	want := []record{
		{1, "a b", ""}, {2, "\"x\ny\" \"say \"hi\"\"", ""}, {4, "", ""}, {5, "\"1\" \"\"", ""}, {6, "2 ", ""},
		{7, "\"3\" 4", "has text after a closing quote"}, {8, "5", ""},
	}
	s := scan.NewCSV(strings.NewReader(file), ';')
	for _, w := range want {
		fields, line, fault, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, f := range fields {
			text := string(f.Text)
			if f.Quoted {
				text = `"` + text + `"`
			}
			texts = append(texts, text)
		}
		if got := (record{line, strings.Join(texts, " "), fault}); got != w {
			t.Errorf("%+v, want %+v", got, w)
		}
	}
	if _, _, _, err := s.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

// TestRecordsAreBounded: a quote that is never closed, or a line without end, is
// not read into memory.
func TestRecordsAreBounded(t *testing.T) {
	long := strings.Repeat("x", scan.MaxRecord+1)
	for _, file := range []string{long, "\"" + long, "\"\n"} {
		if _, _, _, err := scan.NewCSV(strings.NewReader(file), ',').Next(); privacy.CodeOf(err) != privacy.CodeLoadRejected {
			t.Errorf("a record of %d bytes: %v", len(file), err)
		}
	}
	if _, _, err := scan.NewLines(strings.NewReader(long)).Next(); privacy.CodeOf(err) != privacy.CodeLoadRejected {
		t.Errorf("a line of %d bytes: %v", len(long), err)
	}
}

// TestObjects: what a line of NDJSON says, or what is wrong with it.
func TestObjects(t *testing.T) {
	tests := []struct{ line, text, fault string }{
		{`{"a": 1.50, "b": "x\n", "c": null, "d": [1, 2]}`, "a=1.50 b=x\n c=NULL d=[1,2]", ""},
		{`{}`, "", ""},
		{`[1]`, "", "is not a JSON object"},
		{`{"a": 1, "a": 2}`, "", "has the key a twice"},
		{`{"a": `, "", "is not valid JSON"},
		{"{\"a\": \"\xff\"}", "", "is not valid UTF-8"},
	}
	for _, tt := range tests {
		object, fault := scan.ParseObject([]byte(tt.line))
		var texts []string
		for _, m := range object {
			text, null := m.Text()
			if null {
				text = []byte("NULL")
			}
			texts = append(texts, m.Key+"="+string(text))
		}
		if got := strings.Join(texts, " "); fault != tt.fault || fault == "" && got != tt.text {
			t.Errorf("%q is %q, %q, want %q, %q", tt.line, got, fault, tt.text, tt.fault)
		}
	}
}
