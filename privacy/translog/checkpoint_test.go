package translog

import (
	"bytes"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// testKey returns a key that is the same in every run.
func testKey(t testing.TB, name string, seed byte) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)), name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := ParseVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

func TestCheckpointsAreSigned(t *testing.T) {
	signer, verifier := testKey(t, "noised/log/a", 1)
	want := Checkpoint{Origin: "noised/log/a", Size: 12, Root: tlog.RecordHash([]byte("x"))}
	signed, err := want.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenCheckpoint(signed, verifier); err != nil || got != want {
		t.Errorf("opened %+v, %v", got, err)
	}
	_, same := testKey(t, "noised/log/a", 2)
	_, other := testKey(t, "noised/log/b", 1)
	for name, key := range map[string]note.Verifier{"another key of the same name": same, "the key of another log": other} {
		if _, err := OpenCheckpoint(signed, key); err == nil {
			t.Errorf("%s opens it", name)
		}
	}
	for i := range signed {
		changed := bytes.Clone(signed)
		changed[i] ^= 1
		if got, err := OpenCheckpoint(changed, verifier); err == nil && got != want {
			t.Errorf("byte %d changed: it says %+v", i, got)
		}
	}
	if forged, err := note.Sign(&note.Note{Text: "noised/log/b\n12\n" + want.Root.String() + "\n"}, signer); err != nil {
		t.Error(err)
	} else if _, err := OpenCheckpoint(forged, verifier); err == nil {
		t.Error("a key signs for the log of another")
	}
}

func TestKeysOfLogs(t *testing.T) {
	file, verifier, err := NewKey("abc")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(file)
	if err != nil || key.Verifier() != verifier || key.Name() != "noised/log/abc" {
		t.Fatalf("read %+v, %v", key, err)
	}
	second, _, err := NewKey("abc")
	if err != nil {
		t.Fatal(err)
	}
	private, _, _ := bytes.Cut(second, []byte("\n"))
	for name, data := range map[string][]byte{
		"nothing": nil, "half": private, "two halves": append(append(private, '\n'), verifier...), "text": []byte("a\nb\n"),
	} {
		if _, err := ParseKey(data); err == nil {
			t.Errorf("%s is a key", name)
		}
	}
}

// FuzzCheckpoint: what is read as the text of a checkpoint is written the same.
func FuzzCheckpoint(f *testing.F) {
	f.Add("noised/log/a\n12\n" + tlog.Hash{}.String() + "\n")
	f.Add("a\n-1\n\n")
	f.Add("a\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parseCheckpoint(text); err == nil && (c.text() != text || c.Size < 0) {
			t.Errorf("%q is read as %+v", text, c)
		}
	})
}
