package shape

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/noised/noised/ingest/hostile"
	"github.com/noised/noised/privacy"
)

// write writes a file.
func write(t testing.TB, body []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "upload")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// most is what files of tests may hold.
func most(int64) int64 { return 1 << 30 }

// looks is what is looked at in a file of a format before its reader sees it.
func looks(format, path string) error {
	switch format {
	case "parquet":
		return Parquet(path, most)
	case "arrow":
		return ArrowStream(path)
	default:
		_, err := AnyDeep(path)
		return err
	}
}

func TestWholesomeFilesAreLetThrough(t *testing.T) {
	for _, format := range hostile.Formats {
		if err := looks(format, write(t, hostile.Whole(format))); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	for _, name := range []string{"../../testdata/insteval.parquet"} {
		if err := Parquet(name, most); err != nil {
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
		"parquet, row groups without end":         "damaged", // all in one place
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
		if err := looks(f.Format, write(t, f.Body)); err == nil || !strings.Contains(err.Error(), text) {
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
		if Deep([]byte(line)) != is {
			t.Errorf("%.40s…: deep is %v", line, !is)
		}
	}
}

func TestNamesAndTheirNumber(t *testing.T) {
	if err := Names(slices.Repeat([]string{"a"}, maxColumns)); err != nil {
		t.Error(err)
	}
	for _, names := range [][]string{slices.Repeat([]string{"a"}, maxColumns+1), {strings.Repeat("n", maxName+1)}} {
		if err := Names(names); privacy.CodeOf(err) != privacy.CodeLoadRejected {
			t.Error(err)
		}
	}
}

// FuzzLooks feeds rubbish to what is read before the readers: it refuses, and never
// panics or goes round in circles.
func FuzzLooks(f *testing.F) {
	formats := []string{"ndjson", "parquet", "arrow"}
	for _, h := range hostile.Few() {
		if at := slices.Index(formats, h.Format); at >= 0 && len(h.Body) < 1<<16 && h.Encoding == "" {
			f.Add(uint8(at), h.Body)
		}
	}
	for i, format := range formats {
		f.Add(uint8(i), hostile.Whole(format))
	}
	f.Fuzz(func(t *testing.T, format uint8, body []byte) {
		var refused *privacy.Error
		if err := looks(formats[int(format)%len(formats)], write(t, body)); err != nil && (!errors.As(err, &refused) || refused.Code == privacy.CodeInternal) {
			t.Errorf("a file gave %v", err)
		}
	})
}
