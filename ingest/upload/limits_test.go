package upload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/ingest/hostile"
	"github.com/noised/noised/privacy"
)

// ofBytes is an upload with its file.
func ofBytes(t testing.TB, format Format, body []byte) (u *Upload, path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "upload")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return &Upload{Path: path, Format: format, MaxBytes: 1 << 30, Dir: dir, Reject: func(int64, string) {}}, path
}

// looks is what is looked at in a file before its reader sees it.
func (u *Upload) looks(path string) error {
	switch u.Format {
	case FormatParquet:
		return u.checkParquet(path)
	case FormatArrow:
		return u.checkArrow(path)
	case FormatNDJSON:
		_, err := anyDeep(path)
		return err
	default:
		_, err := readCSVHead(path, nil)
		return err
	}
}

func TestWholesomeFilesAreLetThrough(t *testing.T) {
	for _, format := range hostile.Formats {
		u, path := ofBytes(t, Format(format), hostile.Whole(format))
		if err := u.looks(path); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	for _, name := range []string{"../../testdata/insteval.parquet"} {
		if err := (&Upload{MaxBytes: 1 << 30}).checkParquet(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What only a file that means harm has is refused before a reader believes it.
func TestShapesThatNoTableHas(t *testing.T) {
	want := map[string]string{
		"parquet, columns without end":            "columns",
		"parquet, a column of a long name":        "name of a column",
		"parquet, groups in groups":               "more than",
		"parquet, rows in another file":           "other files",
		"parquet, rows beyond the file":           "damaged",
		"parquet, more rows than there can be":    "which cannot be",
		"parquet, a page of two gigabytes":        "a page of the Parquet file",
		"parquet, a dictionary without end":       "damaged",
		"parquet, a group that holds itself":      "damaged",
		"parquet, structures in structures":       "damaged",
		"parquet, lists in lists":                 "damaged",
		"parquet, a list of more than there is":   "damaged",
		"parquet, an encrypted footer":            "encrypted",
		"arrow, columns without end":              "columns",
		"arrow, lists in lists":                   "more than 64 deep",
		"arrow, a tree that grows out of sharing": "columns",
		"arrow, a column of a long name":          "longer than 1024",
		"arrow, a file with a footer":             "a file with a footer is not a stream",
		"arrow that says it is parquet":           "not a Parquet file",
		"parquet that says it is arrow":           "not an Arrow IPC stream",
	}
	for _, f := range hostile.Few() {
		text, ok := want[f.Name]
		if !ok {
			continue
		}
		delete(want, f.Name)
		u, path := ofBytes(t, Format(f.Format), f.Body)
		if err := u.looks(path); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	for name := range want {
		t.Errorf("there is no file %q", name)
	}
}

func TestDepthIsOfListsAndObjectsOnly(t *testing.T) {
	for line, is := range map[string]bool{
		strings.Repeat("[", 64) + strings.Repeat("]", 64):      false,
		strings.Repeat("[", 65):                                true,
		strings.Repeat(`{"a":`, 65):                            true,
		strings.Repeat("[]", 1000):                             false,
		`"` + strings.Repeat("[", 1000) + `"`:                  false,
		`"\"` + strings.Repeat("{", 1000) + `"`:                false,
		`"\\"` + strings.Repeat("[", 1000):                     true,
		`{"a":"` + strings.Repeat(`\"[`, 1000) + `"}`:          false,
		strings.Repeat("]", 1000) + strings.Repeat("[", 1064):  false,
		strings.Repeat("[", 64) + "]" + strings.Repeat("[", 2): true,
	} {
		if deep([]byte(line)) != is {
			t.Errorf("%.40s…: deep is %v", line, !is)
		}
	}
}

func TestNamesAndTheirNumber(t *testing.T) {
	if err := checkNames(slices.Repeat([]string{"a"}, maxColumns)); err != nil {
		t.Error(err)
	}
	for _, names := range [][]string{slices.Repeat([]string{"a"}, maxColumns+1), {strings.Repeat("n", maxName+1)}} {
		if err := checkNames(names); privacy.CodeOf(err) != privacy.CodeLoadRejected {
			t.Error(err)
		}
	}
}

func TestBombsAreNotUnpacked(t *testing.T) {
	for _, f := range hostile.Few() {
		if !strings.Contains(f.Name, "a bomb of") {
			continue
		}
		u, _ := ofBytes(t, Format(f.Format), f.Body)
		u.Encoding = Encoding(f.Encoding)
		_, err := u.Plain(context.Background())
		if privacy.CodeOf(err) != privacy.CodeTooLarge {
			t.Errorf("%s: %v", f.Name, err)
		}
		info, err := os.Stat(filepath.Join(u.Dir, "plain"))
		if most := Largest(int64(len(f.Body)), u.MaxBytes); err != nil || info.Size() > most+1 {
			t.Errorf("%s: %v, at most %d: %v", f.Name, info, most, err)
		}
	}
}

// FuzzLooks feeds rubbish to what is read before the readers: it refuses, and never
// panics or goes round in circles.
func FuzzLooks(f *testing.F) {
	formats := []Format{FormatCSV, FormatNDJSON, FormatParquet, FormatArrow}
	for _, h := range hostile.Few() {
		if len(h.Body) < 1<<16 && h.Encoding == "" {
			f.Add(uint8(slices.Index(formats, Format(h.Format))), h.Body)
		}
	}
	for i, format := range formats {
		f.Add(uint8(i), hostile.Whole(string(format)))
	}
	f.Fuzz(func(t *testing.T, format uint8, body []byte) {
		u, path := ofBytes(t, formats[int(format)%len(formats)], body)
		var refused *privacy.Error
		if err := u.looks(path); err != nil && (!errors.As(err, &refused) || refused.Code == privacy.CodeInternal) {
			t.Errorf("a file gave %v", err)
		}
	})
}
