package highwater

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
)

// TestEveryChargeIsMarkedBeforeItReturns, and so is every other act in the log.
func TestEveryChargeIsMarkedBeforeItReturns(t *testing.T) {
	p := newPlace(t)
	s := p.mustServe()
	for i := range 5 {
		p.ok(s.charge(t.Context(), fmt.Sprint(i)))
		if m, head := p.marked(), sizeOf(t, s.db); m.Size != head {
			t.Errorf("the mark is at %d, the log at %d", m.Size, head)
		}
	}
	p.ok(s.SetBudget(t.Context(), privacy.TenantAccount("b"), budget(), privacy.Principal{ID: "key_admin"}))
	r := request("0")
	r.Principal = "key_q"
	p.ok(s.SetDefault(t.Context(), privacy.AccountTenantPrincipal, "a", &privacy.Loss{Epsilon: 1, Delta: 1e-6}, privacy.Principal{ID: "key_admin"}))
	p.ok(s.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return s.Join(ctx, tx, r) }))
	head, err := Head(t.Context(), s.db)
	p.ok(err)
	if m := p.marked(); m != head {
		t.Errorf("the mark is %+v, the store %+v", m, head)
	}
	p.ok(s.db.Close())
	p.mustServe()
}

// TestARestoredBackupIsRefused, whether it was used since or not, until the
// operator accepts it.
func TestARestoredBackupIsRefused(t *testing.T) {
	for name, since := range map[string]int{"as it was": 0, "used a little since": 1, "used as much": 3, "used more": 7} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			restore := p.backUp()
			s := p.mustServe()
			for i := range 3 {
				p.ok(s.charge(t.Context(), fmt.Sprint("q", i)))
			}
			p.ok(s.db.Close())
			restore()
			db := p.store() // a server that was told of no mark
			for i := range since {
				p.ok((&server{Ledger: newLedger(db)}).charge(t.Context(), fmt.Sprint("other", i)))
			}
			p.ok(db.Close())
			err := p.refused(privacy.CodeConflict)
			if !strings.Contains(err.Error(), "spent") {
				t.Errorf("it does not say what is at stake: %v", err)
			}
			p.accept(p.store())
			p.ok(p.mustServe().charge(t.Context(), "after all"))
		})
	}
}

// TestTwoCopiesOfAStoreStopEachOther: a copy that is served beside the original
// would spend every budget a second time.
func TestTwoCopiesOfAStoreStopEachOther(t *testing.T) {
	p := newPlace(t)
	copied := &place{t: t, data: t.TempDir(), mark: p.mark}
	data, err := os.ReadFile(p.control())
	p.ok(err)
	p.ok(os.WriteFile(copied.control(), data, 0o600))
	original, second := p.mustServe(), copied.mustServe()
	p.ok(original.charge(t.Context(), "q"))
	err = second.charge(t.Context(), "q")
	if privacy.CodeOf(err) != privacy.CodeUnavailable {
		t.Fatalf("the copy's charge: %v", err)
	}
	if _, err := second.State(t.Context(), privacy.TenantAccount("a")); err == nil {
		t.Error("the copy still answers")
	}
	p.ok(original.charge(t.Context(), "q2"))
}

func TestWhatIsRefusedAtTheStart(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(p *place)
		want   privacy.Code
	}{
		"no mark":        {func(p *place) { p.ok(os.Remove(p.mark)) }, privacy.CodeNotFound},
		"an empty mark":  {func(p *place) { p.ok(os.Truncate(p.mark, 0)) }, privacy.CodeConflict},
		"half a mark":    {func(p *place) { p.ok(os.Truncate(p.mark, 60)) }, privacy.CodeConflict},
		"another's mark": {func(p *place) { p.mark = newPlace(p.t).mark }, privacy.CodeConflict},
		"a higher mark": {func(p *place) {
			m := p.marked()
			m.Size++
			p.set(m)
		}, privacy.CodeConflict},
		"a flipped byte": {func(p *place) {
			data, err := os.ReadFile(p.mark)
			p.ok(err)
			data[len(data)/3] ^= 4
			p.ok(os.WriteFile(p.mark, data, 0o600))
		}, privacy.CodeConflict},
		"more than a mark": {func(p *place) { p.ok(os.Truncate(p.mark, 3*slotSize)) }, privacy.CodeConflict},
		"another root": {func(p *place) {
			m := p.marked()
			m.Root[0] ^= 1
			p.set(m)
		}, privacy.CodeConflict},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			tt.change(p)
			_ = p.refused(tt.want)
			p.accept(p.store())
			p.mustServe()
		})
	}
}

func TestAMarkInTheDataDirectoryIsRefused(t *testing.T) {
	data, elsewhere := t.TempDir(), t.TempDir()
	for _, dir := range []string{"inner", "inner/deep"} {
		if err := os.Mkdir(filepath.Join(data, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) string {
		path := filepath.Join(elsewhere, name)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	inside := filepath.Join(data, "inner", "mark")
	if err := os.WriteFile(inside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dataLink := link(data, "data")
	second := filepath.Join(elsewhere, "second")
	if err := os.Link(inside, second); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"in it":                              filepath.Join(data, "mark"),
		"deep in it":                         filepath.Join(data, "inner", "deep", "mark"),
		"by way of its parent":               filepath.Join(data, "..", filepath.Base(data), "mark"),
		"in a directory linked to it":        filepath.Join(dataLink, "mark"),
		"in one linked to one within it":     filepath.Join(link(filepath.Join(data, "inner"), "sub"), "mark"),
		"a link to a file in it":             link(inside, "file"),
		"a second name of a file in it":      second,
		"a link to a file that is not there": link(filepath.Join(data, "later"), "dangling"),
		"the directory itself":               data,
		"a directory":                        elsewhere,
		"in no directory":                    filepath.Join(elsewhere, "missing", "mark"),
	} {
		for _, dir := range []string{data, dataLink} {
			if _, err := Open(path, dir); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	good := filepath.Join(elsewhere, "mark")
	if err := os.WriteFile(good, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"beside it": filepath.Join(filepath.Dir(data), "mark-"+filepath.Base(data)),
		"elsewhere": good, "a link elsewhere": link(good, "good-link"),
	} {
		f, err := Open(path, data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if fi, err := os.Lstat(f.Path()); err == nil && !fi.Mode().IsRegular() {
			t.Errorf("%s: kept at %s", name, f.Path())
		}
	}
}

// TestWhileTheMarkCannotMoveNobodyIsAnswered: neither the charge, nor anybody
// who might see what it wrote; and all is well once it can.
func TestAMissingDirectoryOfTheMarkIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	_, err := Open(filepath.Join(dir, "mark"), t.TempDir())
	if privacy.CodeOf(err) != privacy.CodeInvalidRequest || !strings.Contains(err.Error(), "its directory "+dir+" does not exist") {
		t.Errorf("a mark in a directory that is not there: %v", err)
	}
}

func TestWhileTheMarkCannotMoveNobodyIsAnswered(t *testing.T) {
	p := newPlace(t)
	s := p.mustServe()
	ctx := t.Context()
	p.ok(s.charge(ctx, "before"))
	away := filepath.Dir(p.mark) + "-away"
	p.ok(os.Rename(filepath.Dir(p.mark), away))
	before := sizeOf(t, s.db)
	_, readErr := s.State(ctx, privacy.TenantAccount("a")) // nothing was missed yet
	p.ok(readErr)
	if err := s.charge(ctx, "q"); privacy.CodeOf(err) != privacy.CodeUnavailable {
		t.Errorf("the charge: %v", err)
	}
	_, lookErr := func() (bool, error) { _, found, err := s.Lookup(ctx, "q"); return found, err }()
	_, _, listErr := s.Charges(ctx, privacy.TenantAccount("a"), "", 0)
	for what, err := range map[string]error{"looking it up": lookErr, "listing": listErr, "another charge": s.charge(ctx, "q2"), "any act": touch(ctx, s.db)} {
		if code := privacy.CodeOf(err); code != privacy.CodeUnavailable && code != privacy.CodeInternal {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := sizeOf(t, s.db); n != before+1 {
		t.Errorf("the log grew by %d, want the one charge", n-before)
	}
	p.ok(os.Rename(away, filepath.Dir(p.mark)))
	if c, found, err := s.Lookup(ctx, "q"); err != nil || !found || c.ID == "" {
		t.Errorf("the charge is there, found: %v, %v", found, err)
	}
	if m, head := p.marked(), sizeOf(t, s.db); m.Size != head {
		t.Errorf("the mark is at %d, the log at %d", m.Size, head)
	}
	p.ok(s.charge(ctx, "q2"))
}

// TestReadsWaitForAMarkThatTakesLong: what is committed can be read before its
// mark is written, which must not go on for as long as a disk hangs.
func TestReadsWaitForAMarkThatTakesLong(t *testing.T) {
	p := newPlace(t)
	s := p.mustServe()
	held := make(chan struct{})
	release, freed := make(chan struct{}), make(chan error, 1)
	go func() {
		freed <- p.file().locked(context.Background(), os.O_RDWR, func(*os.File) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	before := sizeOf(t, s.db)
	charged := make(chan error, 1)
	go func() { charged <- s.charge(context.Background(), "slow") }()
	for sizeOf(t, s.db) == before || !s.failing.Load() { // until it is committed, and overdue
		runtime.Gosched()
	}
	read := make(chan Mark, 1)
	go func() {
		var n int
		if err := s.db.QueryRowContext(context.Background(), `SELECT count(*) FROM charges`).Scan(&n); err != nil || n != 1 {
			t.Errorf("read %d charges, %v", n, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		read <- s.reached
	}()
	close(release)
	p.ok(<-freed)
	p.ok(<-charged)
	if m := <-read; m.Size <= before {
		t.Errorf("a charge was read at the mark %d, which does not cover it", m.Size)
	}
	if s.failing.Load() {
		t.Error("the store waits for nothing")
	}
}

// TestARemovedMarkStopsTheServer: it is not made anew under a running server,
// whose store may no longer be the one that it was.
func TestARemovedMarkStopsTheServer(t *testing.T) {
	p := newPlace(t)
	s := p.mustServe()
	p.ok(os.Remove(p.mark))
	if err := s.charge(t.Context(), "q"); privacy.CodeOf(err) != privacy.CodeUnavailable {
		t.Errorf("the charge: %v", err)
	}
	if _, err := os.Stat(p.mark); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mark came back: %v", err)
	}
}

// TestAStoreThatShrinksUnderTheServerIsRefused before anything commits to it.
func TestAStoreThatShrinksUnderTheServerIsRefused(t *testing.T) {
	p := newPlace(t)
	s := p.mustServe()
	p.ok(s.charge(t.Context(), "q"))
	shorter := newPlace(t).store()
	err := shorter.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := s.Observe(ctx, tx)
		return err
	})
	if privacy.CodeOf(err) != privacy.CodeUnavailable {
		t.Errorf("a shorter store under the same guard: %v", err)
	}
}

// TestManyChargesShareAMark: two servers' clients at once; each charge is
// covered when it returns, and writes are fewer than charges.
func TestManyChargesShareAMark(t *testing.T) {
	p := newPlace(t)
	servers := []*server{p.mustServe(), p.mustServe()}
	const clients, each = 16, 10
	var wg sync.WaitGroup
	for i := range clients {
		s := servers[i%2]
		wg.Go(func() {
			for n := range each {
				if err := s.charge(t.Context(), fmt.Sprint(i, "-", n)); err != nil {
					t.Error(err)
					return
				}
				// Read one after the other: a mark covers nothing that is not there yet.
				m := p.marked()
				if head := sizeOf(t, s.db); m.Size > head {
					t.Errorf("the mark is at %d and the log at %d", m.Size, head)
				}
			}
		})
	}
	wg.Wait()
	if m, head := p.marked(), sizeOf(t, servers[0].db); m.Size != head || head < clients*each {
		t.Errorf("the mark is at %d, the log at %d", m.Size, head)
	}
	for _, s := range servers {
		p.ok(s.db.Close())
	}
	p.mustServe()
}

// TestMarksReadBackAsWritten, and no change of a byte goes unnoticed.
func TestMarksReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Mark{Store: rapid.StringMatching(`[0-9a-f]{32}`).Draw(t, "store"), Size: rapid.Int64Min(0).Draw(t, "size")}
		copy(m.Root[:], rapid.SliceOfN(rapid.Byte(), tlog.HashSize, tlog.HashSize).Draw(t, "root"))
		data := m.encode()
		if got, err := decode(data); err != nil || got != m {
			t.Fatalf("%+v reads back as %+v, %v", m, got, err)
		}
		at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
		changed := append([]byte(nil), data...)
		changed[at] ^= rapid.ByteRange(1, 255).Draw(t, "bits")
		if got, err := decode(changed); err == nil {
			t.Fatalf("byte %d was changed and %+v was read", at, got)
		}
		if _, err := decode(data[:at]); err == nil {
			t.Fatalf("%d bytes of %d were read as a mark", at, len(data))
		}
		file := append(m.encode(), m.encode()...)
		at = rapid.IntRange(0, len(file)-1).Draw(t, "at in the file")
		file[at] ^= 1
		if got, _, err := decodeFile(file); err == nil {
			t.Fatalf("byte %d of the file was changed and %+v was read", at, got)
		}
	})
}

// TestTheOlderSlotIsWrittenNext, so that the newer mark is whole all the time.
func TestTheOlderSlotIsWrittenNext(t *testing.T) {
	mark := func(size int64) Mark { return Mark{Store: "s", Size: size} }
	for _, tt := range []struct {
		first, second Mark
		want          int64
		next          int
		ok            bool
	}{
		{mark(3), mark(4), 4, 0, true},
		{mark(5), mark(4), 5, 1, true},
		{mark(5), mark(5), 5, 0, true},
		{mark(5), Mark{Store: "other", Size: 4}, 0, 0, false},
		{mark(5), Mark{Store: "s", Size: 5, Root: tlog.Hash{1}}, 0, 0, false},
	} {
		m, next, err := decodeFile(append(tt.first.encode(), tt.second.encode()...))
		if (err == nil) != tt.ok || m.Size != tt.want || next != tt.next {
			t.Errorf("%+v, %+v: %+v, next %d, %v", tt.first, tt.second, m, next, err)
		}
	}
}

// FuzzDecode: whatever is read as a mark is what that mark is written as.
func FuzzDecode(f *testing.F) {
	f.Add(Mark{Store: "s", Size: 7}.encode())
	f.Add([]byte(header + "\nstore s\nsize 07\nroot \n"))
	f.Add(append(Mark{Store: "s", Size: 7}.encode(), Mark{Store: "s", Size: 8}.encode()...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := decode(data); err == nil && string(m.encode()) != string(data) {
			t.Errorf("%q was read as %+v", data, m)
		}
		if m, _, err := decodeFile(data); err == nil && !bytes.Contains(data, m.encode()) {
			t.Errorf("%q was read as %+v", data, m)
		}
	})
}

var _ controldb.Witness = (*Guard)(nil)
