package upload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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

// FuzzCSVHead feeds rubbish to what is read of a CSV file before its reader sees it: it
// refuses, and never panics or goes round in circles.
func FuzzCSVHead(f *testing.F) {
	for _, h := range hostile.Few() {
		if h.Format == string(FormatCSV) && len(h.Body) < 1<<16 && h.Encoding == "" {
			f.Add(h.Body)
		}
	}
	f.Add(hostile.Whole(string(FormatCSV)))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, path := ofBytes(t, FormatCSV, body)
		var refused *privacy.Error
		if _, err := readCSVHead(path, nil); err != nil && (!errors.As(err, &refused) || refused.Code == privacy.CodeInternal) {
			t.Errorf("a file gave %v", err)
		}
	})
}
