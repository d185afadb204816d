package keyring_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/keyring"
	"github.com/noised/noised/privacy/translog"
)

// house is a data directory with a keyset beside it.
type house struct {
	db   *controldb.DB
	path string
	file *keyring.File
	ring *keyring.Ring
}

func newHouse(t *testing.T) house {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db := controltest.Open(t, filepath.Join(dir, "control.db"))
	h := house{db: db, path: dir + ".keyset"}
	if err := keyring.CreateFile(h.path, dir); err != nil {
		t.Fatal(err)
	}
	h.file = h.open(t)
	h.ring = keyring.New(db, h.file, time.Now)
	return h
}

func (h house) open(t *testing.T) *keyring.File {
	t.Helper()
	f, err := keyring.OpenFile(h.path, filepath.Join(filepath.Dir(h.path), "data"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (h house) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	err := h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func key(t *testing.T, r *keyring.Ring, s keyring.Scope) []byte {
	t.Helper()
	k, err := r.Key(t.Context(), nil, s)
	if err != nil || len(k) != keyring.KeySize {
		t.Fatalf("%d bytes, %v", len(k), err)
	}
	return k
}

func TestKeysStayAndDiffer(t *testing.T) {
	h := newHouse(t)
	a, b := keyring.Scope{Tenant: "t", Name: "segment:a"}, keyring.Scope{Tenant: "t", Name: "segment:b"}
	first := key(t, h.ring, a)
	if !bytes.Equal(first, key(t, keyring.New(h.db, h.open(t), time.Now), a)) {
		t.Error("another process has another key")
	}
	if bytes.Equal(first, key(t, h.ring, b)) || bytes.Equal(first, key(t, h.ring, keyring.Scope{Tenant: "u", Name: a.Name})) {
		t.Error("two scopes share a key")
	}
	if _, err := h.ring.Find(t.Context(), nil, keyring.Scope{Name: "none"}); !errors.Is(err, keyring.ErrNoKey) {
		t.Error(err)
	}
}

func TestOneKeyIsMadeByManyAtOnce(t *testing.T) {
	h := newHouse(t)
	keys := make([][]byte, 16)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() { keys[i], _ = h.ring.Key(context.Background(), nil, keyring.Scope{Name: "releases"}) })
	}
	all.Wait()
	for _, k := range keys {
		if len(k) != keyring.KeySize || !bytes.Equal(k, keys[0]) {
			t.Fatal("keys differ")
		}
	}
}

func TestAMovedKeyDoesNotOpen(t *testing.T) {
	h := newHouse(t)
	a := keyring.Scope{Tenant: "t", Name: "segment:a"}
	key(t, h.ring, a)
	h.exec(t, `INSERT INTO data_keys (tenant, name, wrapped, created_at) SELECT 'u', name, wrapped, created_at FROM data_keys`)
	h.exec(t, `INSERT INTO data_keys (tenant, name, wrapped, created_at) SELECT tenant, 'segment:b', wrapped, created_at FROM data_keys WHERE tenant = 't'`)
	for _, moved := range []keyring.Scope{{Tenant: "u", Name: "segment:a"}, {Tenant: "t", Name: "segment:b"}} {
		if _, err := h.ring.Key(t.Context(), nil, moved); err == nil || errors.Is(err, keyring.ErrNoKey) {
			t.Errorf("%v: %v", moved, err)
		}
	}
}

func TestAKeyIsPartOfTheTransaction(t *testing.T) {
	h := newHouse(t)
	s, undone := keyring.Scope{Name: "secrets"}, errors.New("undone")
	err := h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		first, err := h.ring.Key(ctx, tx, s)
		if err != nil {
			return err
		}
		again, err := h.ring.Key(ctx, tx, s)
		if err != nil || !bytes.Equal(first, again) {
			t.Error("the key changed within the transaction", err)
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if _, err := h.ring.Find(t.Context(), nil, s); !errors.Is(err, keyring.ErrNoKey) {
		t.Error(err)
	}
}

func TestShred(t *testing.T) {
	h := newHouse(t)
	own, other := keyring.Scope{Tenant: "t", Name: "segment:a"}, keyring.Scope{Tenant: "t", Name: "releases"}
	another := keyring.Scope{Tenant: "u", Name: "segment:a"}
	for _, s := range []keyring.Scope{own, other, another} {
		key(t, h.ring, s)
	}
	left := func(want ...keyring.Scope) {
		t.Helper()
		n := 0
		if err := h.db.QueryRowContext(t.Context(), `SELECT count(*) FROM data_keys`).Scan(&n); err != nil || n != len(want) {
			t.Errorf("%d keys are left, %v", n, err)
		}
		for _, s := range want {
			if _, err := h.ring.Find(t.Context(), nil, s); err != nil {
				t.Error(err)
			}
		}
	}
	shred := func(off *keyring.Ring, m keyring.Match) {
		t.Helper()
		if err := h.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return off.Shred(ctx, tx, m) }); err != nil {
			t.Fatal(err)
		}
	}
	shred(h.ring, keyring.OfScope(keyring.Scope{Tenant: "t", Name: "segment:"}))
	left(own, other, another)
	shred(h.ring, keyring.WithPrefix("t", "segment:"))
	left(other, another)
	shred(keyring.New(h.db, nil, time.Now), keyring.OfTenant("t"))
	left(another)
}

func TestSealedValuesOpenInTheirPlaceOnly(t *testing.T) {
	h := newHouse(t)
	s := keyring.Scope{Tenant: "t", Name: "releases", Row: "rel_1"}
	plain := []byte("fourteen departments")
	sealed, err := h.ring.Seal(t.Context(), s, plain)
	if err != nil || bytes.Contains(sealed, plain[:8]) || !keyring.Sealed(sealed) {
		t.Fatal("not sealed", err)
	}
	if got, err := h.ring.Open(t.Context(), s, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q %v", got, err)
	}
	for _, bad := range []keyring.Scope{{Tenant: "t", Name: "releases", Row: "rel_2"}, {Tenant: "u", Name: "releases", Row: "rel_1"}} {
		if _, err := h.ring.Open(t.Context(), bad, sealed); err == nil {
			t.Errorf("it opens as %v", bad)
		}
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := h.ring.Open(t.Context(), s, sealed); err == nil {
		t.Error("a changed value opens")
	}
	if got, err := h.ring.Open(t.Context(), s, plain); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("what was never sealed: %q %v", got, err)
	}
}

func TestARingThatIsOffStoresPlain(t *testing.T) {
	h := newHouse(t)
	s := keyring.Scope{Name: "releases"}
	sealed, err := h.ring.Seal(t.Context(), s, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []*keyring.Ring{nil, keyring.New(h.db, nil, time.Now)} {
		if off.On() {
			t.Error("it is on")
		}
		if got, err := off.Seal(t.Context(), s, []byte("x")); err != nil || string(got) != "x" {
			t.Errorf("%q %v", got, err)
		}
		if _, err := off.Open(t.Context(), s, sealed); !errors.Is(err, keyring.ErrOff) {
			t.Error(err)
		}
	}
	if err := keyring.New(h.db, nil, time.Now).Check(t.Context()); !errors.Is(err, keyring.ErrOff) {
		t.Error("a directory that is encrypted is taken without its keyset:", err)
	}
}

func TestSealedFiles(t *testing.T) {
	h := newHouse(t)
	s := keyring.Scope{Tenant: "t", Name: "upload:load_1"}
	plain := bytes.Repeat([]byte("a row of an upload\n"), 1<<16)
	var sealed bytes.Buffer
	w, err := h.ring.SealFile(t.Context(), s, &sealed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(s keyring.Scope, file []byte) ([]byte, error) {
		r, err := h.ring.OpenFile(t.Context(), s, bytes.NewReader(file))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	if got, err := read(s, sealed.Bytes()); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if bytes.Contains(sealed.Bytes(), []byte("upload")) {
		t.Error("in clear")
	}
	for _, cut := range []int{20, sealed.Len() / 2, sealed.Len() - 1} {
		if _, err := read(s, sealed.Bytes()[:cut]); err == nil {
			t.Errorf("a file cut to %d bytes is read to its end", cut)
		}
	}
	key(t, h.ring, keyring.Scope{Tenant: "u", Name: s.Name})
	if _, err := read(keyring.Scope{Tenant: "u", Name: s.Name}, sealed.Bytes()); err == nil {
		t.Error("it opens as another tenant's")
	}
	for _, never := range []string{"", "a", "a,b\n1,2\n"} {
		if got, err := read(s, []byte(never)); err != nil || string(got) != never {
			t.Errorf("%q: %q %v", never, got, err)
		}
	}
}

func TestRotateUnderRunningServers(t *testing.T) {
	h := newHouse(t)
	old, err := os.ReadFile(h.path)
	if err != nil {
		t.Fatal(err)
	}
	seg := keyring.Scope{Tenant: "t", Name: "segment:a"}
	before := key(t, h.ring, seg)
	stop := make(chan struct{})
	var all sync.WaitGroup
	server := keyring.New(h.db, h.open(t), time.Now)
	all.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			s := keyring.Scope{Tenant: "t", Name: "release:" + string(rune('a'+i%26)) + time.Now().String()}
			sealed, err := server.Seal(context.Background(), s, []byte("x"))
			if err == nil {
				_, err = server.Open(context.Background(), s, sealed)
			}
			if err == nil {
				_, err = server.Find(context.Background(), nil, seg)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 5 {
		done, err := keyring.Rotate(t.Context(), h.ring, h.file, false)
		if err != nil || done.Wrapped == 0 || done.Disabled != 1 {
			t.Fatalf("%+v %v", done, err)
		}
	}
	close(stop)
	all.Wait()
	if got := key(t, h.ring, seg); !bytes.Equal(got, before) {
		t.Error("a data key changed")
	}
	if n := len(h.file.Keys()); n != 6 {
		t.Errorf("%d keys", n)
	}
	if leaves, err := translog.Size(t.Context(), h.db); err != nil || leaves != 5 {
		t.Errorf("%d leaves of rotations, %v", leaves, err)
	}
	// The keyset from before opens nothing.
	if err := os.WriteFile(h.path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := keyring.New(h.db, h.open(t), time.Now).Check(t.Context()); err == nil {
		t.Error("the old keyset opens what was wrapped anew")
	}
}

func TestForgottenAndEnabledKeys(t *testing.T) {
	h := newHouse(t)
	key(t, h.ring, keyring.Scope{Name: "secrets"})
	first := h.file.Keys()[0].ID
	if _, err := keyring.Rotate(t.Context(), h.ring, h.file, false); err != nil {
		t.Fatal(err)
	}
	if err := h.file.Enable(first); err != nil || !h.file.Keys()[0].Enabled {
		t.Error(err, h.file.Keys())
	}
	if done, err := keyring.Rotate(t.Context(), h.ring, h.file, true); err != nil || done.Disabled != 2 || len(h.file.Keys()) != 1 {
		t.Errorf("%+v %v %v", done, h.file.Keys(), err)
	}
	if err := h.file.Enable(first); err == nil {
		t.Error("a forgotten key was enabled")
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	h := newHouse(t)
	data := filepath.Join(filepath.Dir(h.path), "data")
	if err := keyring.CreateFile(h.path, data); err == nil {
		t.Error("a keyset was overwritten")
	}
	if err := keyring.CreateFile(filepath.Join(data, "k"), data); err == nil {
		t.Error("a keyset was made in the data directory")
	}
	link := filepath.Join(filepath.Dir(h.path), "link")
	if err := os.Symlink(data, link); err != nil {
		t.Fatal(err)
	}
	if err := keyring.CreateFile(filepath.Join(link, "k"), data); err == nil {
		t.Error("a keyset was made in the data directory, by another path")
	}
	if err := os.Chmod(h.path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.OpenFile(h.path, data); err == nil {
		t.Error("a keyset that others may read was taken")
	}
	bad := filepath.Join(filepath.Dir(h.path), "bad")
	if err := os.WriteFile(bad, []byte(`{"primaryKeyId": 1, "key": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.OpenFile(bad, data); err == nil {
		t.Error("an empty keyset was taken")
	}
	if _, err := keyring.OpenFile(filepath.Join(filepath.Dir(h.path), "none"), data); err == nil {
		t.Error("a missing keyset was taken")
	}
}

// overtaken fails once as a key-encryption key does that was disabled between the
// reading of a data key and its opening.
type overtaken struct {
	keyring.Wrapper
	fails int
}

func (o *overtaken) Unwrap(ctx context.Context, wrapped, scope []byte) ([]byte, error) {
	if o.fails--; o.fails >= 0 {
		return nil, errors.New("wrapped by a key that is disabled")
	}
	return o.Wrapper.Unwrap(ctx, wrapped, scope)
}

// A rotation may come between the two steps of finding a key, of whatever scope.
func TestAKeyIsFoundDuringARotation(t *testing.T) {
	h := newHouse(t)
	for _, s := range []keyring.Scope{{Name: "releases"}, {Tenant: "a", Name: "segment:1"}} {
		want := key(t, h.ring, s)
		got, err := h.ring.With(&overtaken{h.file, 1}).Find(t.Context(), nil, s)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}
