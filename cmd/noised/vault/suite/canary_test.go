//go:build vault

package suite

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// aviary keeps tokens of 128 bits, by what they were planted as, and the places where
// they were found.
type aviary struct {
	mu     sync.Mutex
	tokens map[string][][]byte        // by kind, in every form that is looked for
	found  map[string]map[string]bool // places by kind
	looked int64                      // bytes
}

func newAviary() *aviary {
	return &aviary{tokens: map[string][][]byte{}, found: map[string]map[string]bool{}}
}

// fresh returns a token of a kind. It is a name, and no number. Of tokens beyond the
// first few of a kind none is looked for.
func (a *aviary) fresh(kind string) string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	token := "c" + hex.EncodeToString(b)
	a.plant(kind, []byte(token))
	return token
}

// maxTokens bounds the search; each has five forms.
const maxTokens = 15

// plant has a text looked for: as it is, in capitals, and in base64 wherever it may
// begin in what is encoded.
func (a *aviary) plant(kind string, text []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.tokens[kind]) >= maxTokens {
		return
	}
	forms := [][]byte{text, bytes.ToUpper(text)}
	for shift := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), text...))
		forms = append(forms, []byte(encoded[(shift*4+2)/3:len(encoded)-2]))
	}
	a.tokens[kind] = append(a.tokens[kind], forms...)
}

// plantBytes has pieces of a file looked for, as they are.
func (a *aviary) plantBytes(kind string, file []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := 1; i <= 3; i++ {
		at := len(file) * i / 4
		a.tokens[kind] = append(a.tokens[kind], file[at:at+16])
	}
}

// look searches every file below a directory, names included, and what a server has
// logged.
func (a *aviary) look(t testing.TB, stage, dir string, log string) {
	t.Helper()
	a.in(stage+": the log", []byte(log))
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(dir, path)
		a.in(stage+": the name of a file", []byte(relative))
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		a.in(stage+": "+placeOf(relative), text)
		return err
	})
	check(t, err)
}

// placeOf leaves ids out of a path.
func placeOf(path string) string {
	parts := strings.Split(filepath.ToSlash(path), "/")
	for i, p := range parts {
		if before, after, ok := strings.Cut(p, "_"); ok {
			parts[i] = before + "_…" + filepath.Ext(after)
		}
	}
	return strings.Join(parts, "/")
}

func (a *aviary) in(place string, text []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.looked += int64(len(text))
	for kind, forms := range a.tokens {
		for _, form := range forms {
			if bytes.Contains(text, form) {
				if a.found[kind] == nil {
					a.found[kind] = map[string]bool{}
				}
				a.found[kind][place] = true
				break
			}
		}
	}
}

// places are where something was found, in order.
func (a *aviary) places() (out []string) {
	for _, kind := range slices.Sorted(maps.Keys(a.found)) {
		for _, place := range slices.Sorted(maps.Keys(a.found[kind])) {
			out = append(out, fmt.Sprintf("%s in %s", kind, place))
		}
	}
	return out
}
