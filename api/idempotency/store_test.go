package idempotency

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
)

type fixture struct {
	*Store
	db  *controldb.DB
	now time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	f := &fixture{db: db, now: time.Unix(1.7e9, 0)}
	f.Store = New(db, func() time.Time { return f.now }, time.Minute)
	return f
}

// begin expects an attempt.
func (f *fixture) begin(t *testing.T, r Request) *Attempt {
	t.Helper()
	a, stored, err := f.Begin(t.Context(), r)
	if err != nil || a == nil || stored != nil {
		t.Fatalf("begin: attempt %v, answer %v, %v", a, stored, err)
	}
	return a
}

func (f *fixture) wantCode(t *testing.T, r Request, want privacy.Code) {
	t.Helper()
	if _, _, err := f.Begin(t.Context(), r); privacy.CodeOf(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

var (
	post = Request{Principal: "key_1", Secret: "noised_secret", Key: "k", Method: "POST", Path: "/v1/x", Body: []byte(`{"a": 1}`)}
	made = Answer{Status: 201, Header: map[string]string{"Content-Type": "application/json", "Location": "/v1/x/1"}, Body: []byte(`{"key": "shown once"}`)}
)

func TestAnAnswerIsGivenAgain(t *testing.T) {
	f := newFixture(t)
	if err := f.begin(t, post).Finish(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, stored, err := f.Begin(t.Context(), post)
		if err != nil || stored == nil || !reflect.DeepEqual(*stored, made) {
			t.Errorf("got %+v, %v\nwant %+v", stored, err, made)
		}
	}
}

func TestAKeyBelongsToOneRequest(t *testing.T) {
	f := newFixture(t)
	running := f.begin(t, post)
	for name, change := range map[string]func(*Request){
		"method":              func(r *Request) { r.Method = "PUT" },
		"path":                func(r *Request) { r.Path = "/v1/y" },
		"query":               func(r *Request) { r.Query = "a=1" },
		"body":                func(r *Request) { r.Body = []byte("{}") },
		"where one part ends": func(r *Request) { r.Path, r.Query = "/v1/", "x" },
	} {
		t.Run(name, func(t *testing.T) {
			other := post
			change(&other)
			f.wantCode(t, other, privacy.CodeIdempotencyMismatch)
		})
	}
	if err := running.Finish(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	stranger := post
	stranger.Secret = "noised_another"
	f.wantCode(t, stranger, privacy.CodeIdempotencyMismatch)
	someoneElse := post
	someoneElse.Principal = "key_2"
	f.begin(t, someoneElse)
}

func TestOneAttemptRunsAtATime(t *testing.T) {
	f := newFixture(t)
	first := f.begin(t, post)
	f.wantCode(t, post, privacy.CodeConflict)
	f.now = f.now.Add(59 * time.Second)
	f.wantCode(t, post, privacy.CodeConflict)

	f.now = f.now.Add(2 * time.Second) // its server is dead
	second := f.begin(t, post)
	if err := first.Finish(t.Context(), Answer{Status: 200}); err != nil {
		t.Fatal(err)
	}
	if err := first.Abandon(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantCode(t, post, privacy.CodeConflict) // the late one changed nothing
	if err := second.Finish(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	if _, stored, err := f.Begin(t.Context(), post); err != nil || stored == nil || stored.Status != 201 {
		t.Errorf("%+v, %v", stored, err)
	}
}

// A repeatable request does not wait for the lease of an attempt that may be
// dead; the newest attempt's answer is the one that is kept.
func TestARepeatableRequestRunsAgain(t *testing.T) {
	f := newFixture(t)
	q := post
	q.Repeatable = true
	first := f.begin(t, q)
	second := f.begin(t, q)
	if err := first.Finish(t.Context(), Answer{Status: 200}); err != nil {
		t.Fatal(err)
	}
	if err := second.Finish(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	if _, stored, err := f.Begin(t.Context(), q); err != nil || stored == nil || !reflect.DeepEqual(*stored, made) {
		t.Errorf("%+v, %v", stored, err)
	}
}

func TestAnAbandonedKeyIsFree(t *testing.T) {
	f := newFixture(t)
	if err := f.begin(t, post).Abandon(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := post
	other.Body = []byte("{}")
	f.begin(t, other)
}

func TestAnAnswerExpires(t *testing.T) {
	f := newFixture(t)
	if err := f.begin(t, post).Finish(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(Retention)
	f.begin(t, post)
	var n int
	if err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM idempotency`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d records, %v", n, err)
	}
}

func TestALargeAnswerIsRunAgain(t *testing.T) {
	f := newFixture(t)
	if err := f.begin(t, post).Finish(t.Context(), Answer{Status: 200, Body: make([]byte, MaxAnswer+1)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again := f.begin(t, post)
		if err := again.Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := again.Finish(t.Context(), Answer{Status: 500}); err != nil {
			t.Fatal(err)
		}
	}
	other := post
	other.Body = nil
	f.wantCode(t, other, privacy.CodeIdempotencyMismatch)
}

func TestExactlyOneOfManyMayRun(t *testing.T) {
	f := newFixture(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	attempts := 0
	for range 8 {
		wg.Go(func() {
			a, _, err := f.Begin(t.Context(), post)
			mu.Lock()
			defer mu.Unlock()
			if a != nil {
				attempts++
			} else if privacy.CodeOf(err) != privacy.CodeConflict {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if attempts != 1 {
		t.Errorf("%d attempts run", attempts)
	}
}

// TestAnAnswerOpensOnlyUnderItsOwnKeys states the seal: another secret, key,
// salt or request does not open it, nor does a changed byte.
func TestAnAnswerOpensOnlyUnderItsOwnKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Request{Secret: rapid.String().Draw(t, "secret"), Key: rapid.String().Draw(t, "key"), Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body")}
		salt := newSalt()
		k, err := deriveKeys(r, salt)
		if err != nil {
			t.Fatal(err)
		}
		bound := k.fingerprint(r)
		answer := Answer{Status: 200, Header: map[string]string{"A": "b"}, Body: rapid.SliceOfN(rapid.Byte(), 16, 64).Draw(t, "answer")}
		sealed, err := k.close(answer, bound)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.open(sealed, bound); err != nil || !reflect.DeepEqual(got, answer) {
			t.Fatalf("%+v, %v", got, err)
		}
		if bytes.Contains(sealed, answer.Body) {
			t.Fatal("the answer can be read")
		}
		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "byte")
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := k.open(changed, bound); err == nil {
			t.Fatal("a changed answer opened")
		}
		if _, err := k.open(sealed, append(bytes.Clone(bound), 0)); err == nil {
			t.Fatal("it opened for another request")
		}
		for _, other := range []Request{{Secret: r.Secret + "x", Key: r.Key}, {Secret: r.Secret, Key: r.Key + "x"}} {
			o, err := deriveKeys(other, salt)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.open(sealed, bound); err == nil {
				t.Fatalf("it opened for %+v", other)
			}
		}
	})
}

func TestNothingOfAnAnswerIsReadableInTheStore(t *testing.T) {
	f := newFixture(t)
	if err := f.begin(t, post).Finish(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	rows, err := f.db.QueryContext(t.Context(), `SELECT principal, hex(key_hash), hex(salt), hex(fingerprint), state, attempt, hex(sealed) FROM idempotency`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		cells := make([]string, 7)
		pointers := make([]any, len(cells))
		for i := range cells {
			pointers[i] = &cells[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(cells, "|")
		for _, hidden := range []string{"shown once", "noised_secret", `{"a": 1}`, "/v1/x"} {
			if strings.Contains(all, hidden) || strings.Contains(all, fmt.Sprintf("%X", hidden)) {
				t.Errorf("the record shows %q", hidden)
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestOnePrincipalCannotFillTheDisk: what can be answered again without a second
// effect is kept up to a limit for each principal; the rest is always kept.
func TestOnePrincipalCannotFillTheDisk(t *testing.T) {
	f := newFixture(t)
	n := 0
	kept := func(principal string, repeatable bool) bool {
		n++
		r := post
		r.Principal, r.Key, r.Repeatable = principal, fmt.Sprint("k", n), repeatable
		if err := f.begin(t, r).Finish(t.Context(), Answer{Status: 200, Body: make([]byte, MaxAnswer)}); err != nil {
			t.Fatal(err)
		}
		_, stored, err := f.Begin(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return stored != nil
	}
	most := MaxKept / MaxAnswer
	for i := range most + 2 {
		if got := kept("key_1", true); got != (i < most) {
			t.Errorf("answer %d of %d bytes: kept %t", i, MaxAnswer, got)
		}
	}
	if !kept("key_2", true) || !kept("key_1", false) {
		t.Error("another principal's, or one with an effect of its own, was not kept")
	}
	f.now = f.now.Add(Retention + time.Second)
	if !kept("key_1", true) {
		t.Error("a day later nothing is kept")
	}
}
