package policy_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
	"github.com/noised/noised/privacy/policy"
)

var operator = privacy.Principal{ID: "key_operator", Role: privacy.RoleOperator}

// office is services over one control store, with a clock that is moved by hand.
type office struct {
	t   *testing.T
	db  *controldb.DB
	now atomic.Int64
	log bytes.Buffer
	out *slog.Logger // to log
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	o := &office{t: t, db: db}
	o.out = slog.New(slog.NewTextHandler(&o.log, nil))
	return o
}

func (o *office) clock() time.Time { return monday.Add(time.Duration(o.now.Load())) }

func (o *office) try(dir string) (*policy.Service, error) {
	return policy.Open(o.t.Context(), policy.Options{
		DB: o.db, Schema: newSchema(o.t), Log: o.out, Now: o.clock, Dir: dir,
	})
}

func (o *office) open(dir string) *policy.Service {
	o.t.Helper()
	s, err := o.try(dir)
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

func (o *office) allowed(s *policy.Service) bool {
	o.t.Helper()
	d, err := s.Decide(o.t.Context(), question())
	if err != nil {
		o.t.Fatal(err)
	}
	return d.Allowed
}

func (o *office) put(s *policy.Service, text string) policy.Version {
	o.t.Helper()
	v, _, err := s.Put(o.t.Context(), policy.Files{"p.cedar": text}, operator)
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

const nobodyAsks = all + `@id("closed") forbid (principal, action in Action::"question", resource);`

func TestVersionsAreKeptAndTheLatestIsInForce(t *testing.T) {
	o := newOffice(t)
	s := o.open("")
	if !o.allowed(s) || s.InForce() != 1 {
		t.Fatalf("version %d of the defaults is in force", s.InForce())
	}
	if v := o.put(s, nobodyAsks); v.Number != 2 || v.CreatedBy != operator.ID || o.allowed(s) {
		t.Fatalf("%+v", v)
	}
	if v := o.put(s, all); v.Number != 3 || !o.allowed(s) {
		t.Fatalf("%+v", v)
	}
	if again := o.open(""); again.InForce() != 3 {
		t.Errorf("after a start version %d is in force", again.InForce())
	}
	old, err := s.Version(t.Context(), 2)
	if err != nil || old.Files["p.cedar"] != nobodyAsks {
		t.Errorf("%+v, %v", old, err)
	}
	if _, err := s.Version(t.Context(), 9); privacy.CodeOf(err) != privacy.CodeNotFound {
		t.Errorf("a version that is not: %v", err)
	}
	list, err := s.Versions(t.Context())
	if err != nil || len(list) != 3 || list[0].Number != 3 || list[2].Source != policy.SourceDefault || list[0].Files != nil {
		t.Errorf("%+v, %v", list, err)
	}
	var leaves int
	if err := o.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM log_leaves WHERE CAST(leaf AS TEXT) LIKE '%"kind":"policy"%'`).Scan(&leaves); err != nil || leaves != 2 {
		t.Errorf("%d leaves of the log, %v; want one for each that somebody put", leaves, err)
	}
	for _, change := range []string{"UPDATE policy_versions SET document = '{}'", "DELETE FROM policy_versions"} {
		if err := o.exec(change); err == nil {
			t.Errorf("%s: done", change)
		}
	}
}

func TestSetsThatArePutAndRefused(t *testing.T) {
	o := newOffice(t)
	s := o.open("")
	for text, code := range map[string]privacy.Code{
		`permit (principal, action == Action::"fly", resource);`:                            privacy.CodeInvalidRequest,
		`permit (principal, action in Action::"ask", resource);`:                            privacy.CodeConflict, // nobody could change it again
		all + `forbid (principal, action, resource) when { principal.role == "operator" };`: privacy.CodeConflict,
	} {
		if _, _, err := s.Put(t.Context(), policy.Files{"p.cedar": text}, operator); privacy.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", text, err, code)
		}
	}
	if s.InForce() != 1 || !o.allowed(s) {
		t.Error("a set that was refused is in force")
	}
}

// TestAnotherProcessIsHeard: what one process puts in force, another decides by
// a moment later.
func TestAnotherProcessIsHeard(t *testing.T) {
	o := newOffice(t)
	one, two := o.open(""), o.open("")
	o.put(one, nobodyAsks)
	o.now.Add(int64(time.Second))
	if o.allowed(two) || two.InForce() != 2 {
		t.Errorf("version %d is in force in the other process", two.InForce())
	}
}

// TestAnotherProcessIsHeardWhenTheClockIsSetBack: the time until the next look must
// not grow by what the clock was set back.
func TestAnotherProcessIsHeardWhenTheClockIsSetBack(t *testing.T) {
	o := newOffice(t)
	one, two := o.open(""), o.open("")
	o.put(one, nobodyAsks)
	o.now.Add(int64(-time.Hour))
	if o.allowed(two) {
		t.Error("rules that were replaced decide")
	}
}

// TestWhatIsNotUnderstoodStops: a version that another program put, with a schema
// of its own, is neither ignored nor half obeyed.
func TestWhatIsNotUnderstoodStops(t *testing.T) {
	o := newOffice(t)
	s := o.open("")
	o.newer()
	o.now.Add(int64(time.Second))
	for range 2 {
		if _, err := s.Decide(t.Context(), question()); privacy.CodeOf(err) != privacy.CodeUnavailable {
			t.Errorf("%v, want unavailable", err)
		}
	}
	if _, err := o.try(""); err == nil || !strings.Contains(err.Error(), "fly") {
		t.Errorf("a server starts with it: %v", err)
	}
	o.put(s, all)
	if !o.allowed(s) {
		t.Error("a newer version that is understood is not in force")
	}
}

// policyDir makes a directory that only its owner may write.
func policyDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreInForce(t *testing.T) {
	o := newOffice(t)
	o.put(o.open(""), nobodyAsks)
	dir := policyDir(t)
	if _, err := o.try(dir); err == nil {
		t.Error("a directory without policies starts a server")
	}
	write(t, dir, "a.cedar", "permit (")
	if _, err := o.try(dir); err == nil || !strings.Contains(err.Error(), "a.cedar, line 1") {
		t.Errorf("a faulty file: %v", err)
	}
	write(t, dir, "a.cedar", all)
	write(t, dir, "notes.txt", "not a policy")
	s := o.open(dir)
	if !o.allowed(s) {
		t.Error("the files are not in force")
	}
	if _, _, err := s.Put(t.Context(), policy.Files{"p.cedar": all}, operator); privacy.CodeOf(err) != privacy.CodeConflict {
		t.Errorf("put beside files: %v", err)
	}

	before := s.InForce()
	write(t, dir, "b.cedar", `@id("closed") forbid (principal, action in Action::"question", resource);`)
	s.Reload(t.Context())
	if o.allowed(s) || s.InForce() == before {
		t.Error("a file that was added is not in force")
	}
	now := s.InForce()
	write(t, dir, "b.cedar", "forbid (")
	s.Reload(t.Context())
	s.Reload(t.Context())
	if o.allowed(s) || s.InForce() != now {
		t.Error("a faulty file took what was in force away")
	}
	if n := strings.Count(o.log.String(), "are refused"); n != 1 {
		t.Errorf("a faulty file was reported %d times", n)
	}
	if err := os.Chmod(filepath.Join(dir, "a.cedar"), 0o622); err != nil {
		t.Fatal(err)
	}
	if _, err := o.try(dir); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a file that others may write: %v", err)
	}
	if err := os.Chmod(filepath.Join(dir, "a.cedar"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := o.try(dir); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a directory that others may write: %v", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "b.cedar")); err != nil {
		t.Fatal(err)
	}
	s.Reload(t.Context())
	if !o.allowed(s) || s.InForce() != before {
		t.Errorf("the same files again are version %d, want %d", s.InForce(), before)
	}
}

// TestASetIsSwappedAsAWhole: while sets are put in force, every decision is that
// of one of them, and its version says which.
func TestASetIsSwappedAsAWhole(t *testing.T) {
	o := newOffice(t)
	s := o.open("")
	other := o.open("")
	done := make(chan struct{})
	var work sync.WaitGroup
	for _, asked := range []*policy.Service{s, s, other} {
		work.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				o.now.Add(int64(time.Millisecond))
				d, err := asked.Decide(t.Context(), question())
				if err != nil {
					t.Error(err)
					return
				}
				if closed := d.Version%2 == 0; d.Allowed == closed {
					t.Errorf("version %d decided %v by %v", d.Version, d.Allowed, d.Policies)
					return
				}
			}
		})
	}
	for n := range 20 {
		if n%2 == 0 {
			o.put(s, nobodyAsks)
		} else {
			o.put(s, all)
		}
	}
	close(done)
	work.Wait()
	if s.InForce() != 21 {
		t.Errorf("version %d is in force", s.InForce())
	}
}

func (o *office) exec(statement string, args ...any) error {
	return o.db.InTx(o.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, statement, args...)
		return err
	})
}

// newer puts a version in force as a program with other actions would.
func (o *office) newer() {
	o.t.Helper()
	err := o.exec(`INSERT INTO policy_versions (version, source, digest, document, created_at, created_by) VALUES (2, 'api', 'x', ?, 0, 'k')`,
		`{"p.cedar": "permit (principal, action == Action::\"fly\", resource);"}`)
	if err != nil {
		o.t.Fatal(err)
	}
}

// TestAWatchedDirectoryIsReadWhenTold: a server that is told need not wait for
// the next look.
func TestAWatchedDirectoryIsReadWhenTold(t *testing.T) {
	o := newOffice(t)
	dir := policyDir(t)
	write(t, dir, "a.cedar", all)
	s := o.open(dir)
	ctx, cancel := context.WithCancel(t.Context())
	told, ended := make(chan os.Signal), make(chan struct{})
	go func() {
		defer close(ended)
		s.Watch(ctx, told)
	}()
	write(t, dir, "a.cedar", nobodyAsks)
	told <- syscall.SIGHUP
	told <- syscall.SIGHUP // is taken once the first was obeyed
	if o.allowed(s) {
		t.Error("what the directory says is not in force")
	}
	cancel()
	<-ended
}

func BenchmarkServiceDecides(b *testing.B) {
	db, err := controldb.Open(b.Context(), filepath.Join(b.TempDir(), "control.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	s, err := policy.Open(b.Context(), policy.Options{DB: db, Schema: newSchema(b), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	r := question()
	for b.Loop() {
		if d, err := s.Decide(b.Context(), r); err != nil || !d.Allowed {
			b.Fatal(d, err)
		}
	}
}
