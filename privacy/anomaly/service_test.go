package anomaly_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/anomaly"
	"github.com/noised/noised/privacy/audit"
	"github.com/noised/noised/privacy/containment"
	"github.com/noised/noised/privacy/controldb"
	"github.com/noised/noised/privacy/controldb/controltest"
)

// record is a control store on which refusals are recorded.
type record struct {
	t     *testing.T
	db    *controldb.DB
	audit *audit.Recorder
	now   time.Time
	log   bytes.Buffer
	sent  []anomaly.Alert
}

func newRecord(t *testing.T) *record {
	t.Helper()
	db := controltest.Open(t, filepath.Join(t.TempDir(), "control.db"))
	r := &record{t: t, db: db, now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	r.audit = audit.New(audit.Options{DB: db, Log: slog.New(slog.DiscardHandler), Now: r.clock})
	return r
}

func (r *record) clock() time.Time { return r.now }

func (r *record) service(suspendOn ...anomaly.Signal) *anomaly.Service {
	return anomaly.New(anomaly.Options{
		DB: r.db, Log: slog.New(slog.NewTextHandler(&r.log, nil)), Now: r.clock, SuspendOn: suspendOn,
		Question: func(_ context.Context, _ string, payload []byte) (string, string, error) {
			var p struct {
				Request struct{ SQL string }
				Tenant  string
			}
			err := json.Unmarshal(payload, &p)
			return p.Request.SQL, p.Tenant, err
		},
		Send: func(a anomaly.Alert) { r.sent = append(r.sent, a) },
	})
}

func (r *record) refused(n int, refusal audit.Refusal) {
	r.t.Helper()
	for range n {
		refusal.At = r.now
		refusal.Params = map[string]string{}
		r.audit.Record(refusal)
	}
	if err := r.audit.Flush(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// charged puts a charge on record as the query service does.
func (r *record) charged(n int, principal, sqlText string) {
	r.t.Helper()
	err := r.db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		var next int64
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) + 1 FROM charges`).Scan(&next); err != nil {
			return err
		}
		for i := range int64(n) {
			if _, err := tx.ExecContext(ctx, `INSERT INTO log_leaves (idx, leaf) VALUES (?, x'00')`, next+i-1); err != nil {
				return err
			}
			payload := fmt.Sprintf(`{"request":{"sql":%q},"tenant":"a"}`, fmt.Sprintf(sqlText, i))
			if _, err := tx.ExecContext(ctx, `INSERT INTO charges (seq, id, key, principal, dataset, tenants, epsilon, delta, mu2, delta_units, payload, state, nonce, leaf, at)
				VALUES (?, ?, ?, ?, 'visits', '[]', 0.01, 0, 1, 0, ?, 'pending', randomblob(32), ?, ?)`,
				next+i, fmt.Sprintf("chg_%d", next+i), fmt.Sprint(next+i), principal, []byte(payload), next+i-1, r.now.UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *record) look(s *anomaly.Service) {
	r.t.Helper()
	if err := s.Look(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func foreign(principal string) audit.Refusal {
	return audit.Refusal{Principal: principal, Tenant: "a", Operation: "getTenantBudget", Code: privacy.CodeForbidden, Concerned: []string{"b"}}
}

// TestAQuestionAtTheWrongServerIsNoAttempt: whoever asks where the rows of a tenant
// may not be read is told so, and has tried nobody's door. What repeats it, as a
// dashboard does, must not be suspended for that.
func TestAQuestionAtTheWrongServerIsNoAttempt(t *testing.T) {
	r := newRecord(t)
	s := r.service(anomaly.Foreign)
	for _, operation := range []string{"query", "queryByURL", "explain"} {
		r.refused(50, audit.Refusal{Principal: "key_ann", Operation: operation, Code: privacy.CodeForbidden, Concerned: []string{"b"}})
	}
	r.look(s)
	if len(r.sent) > 0 {
		t.Errorf("%+v", r.sent)
	}
}

func TestAnAlertIsRaisedOnceAndListedByTenant(t *testing.T) {
	r := newRecord(t)
	first, second := r.service(), r.service() // two processes
	r.refused(30, foreign("key_thief"))
	r.refused(30, audit.Refusal{Principal: "key_clumsy", Tenant: "a", Code: privacy.CodeForbidden}) // of its own only
	r.look(first)
	r.look(second)
	if len(r.sent) != 1 || r.sent[0].Signal != anomaly.Foreign || r.sent[0].Principal != "key_thief" || r.sent[0].Suspended {
		t.Errorf("sent: %+v", r.sent)
	}
	for tenant, want := range map[string]int{"": 1, "a": 1, "b": 0} {
		items, next, err := first.List(t.Context(), tenant, "", 10)
		if err != nil || len(items) != want || next != "" {
			t.Errorf("tenant %q: %+v, %q, %v", tenant, items, next, err)
		}
	}
	// A process that starts finds it again, and does not repeat it.
	r.look(r.service())
	if len(r.sent) != 1 {
		t.Errorf("sent: %+v", r.sent)
	}
	if strings.Count(r.log.String(), "behaves unlike itself") != 1 {
		t.Errorf("log: %s", &r.log)
	}
}

func TestFailedAuthenticationsAlertForNobody(t *testing.T) {
	r := newRecord(t)
	s := r.service(anomaly.Foreign)
	r.refused(40, audit.Refusal{Code: privacy.CodeUnauthenticated})
	r.refused(40, audit.Refusal{Code: privacy.CodeRateLimited})
	r.look(s)
	if len(r.sent) != 1 || r.sent[0].Signal != anomaly.Logins || r.sent[0].Principal != "" {
		t.Errorf("sent: %+v", r.sent)
	}
}

func TestWhatIsUsualSurvivesARestart(t *testing.T) {
	r := newRecord(t)
	for range 100 {
		r.refused(60, foreign("key_busy"))
		r.look(r.service()) // a process that lives an hour
		r.now = r.now.Add(time.Hour)
	}
	if len(r.sent) != 1 { // in its first hour nobody knew it
		t.Errorf("%d alerts of what is usual", len(r.sent))
	}
}

func TestProbingSuspendsWhereTheConfigurationSaysSo(t *testing.T) {
	for _, on := range [][]anomaly.Signal{nil, {anomaly.Repeats}} {
		r := newRecord(t)
		s := r.service(on...)
		r.charged(300, "key_prober", "SELECT COUNT(*) FROM visits WHERE person_age = %d")
		r.look(s)
		signals := map[anomaly.Signal]bool{}
		for _, a := range r.sent {
			signals[a.Signal] = a.Suspended
			if a.Tenant != "a" {
				t.Errorf("%+v", a)
			}
		}
		if _, ok := signals[anomaly.Repeats]; !ok || len(signals) != 2 {
			t.Errorf("%v", signals)
		}
		suspended := containment.Is(containment.New(r.db, r.clock).Check(t.Context(), containment.Touches{Principal: privacy.Principal{ID: "key_prober", Role: privacy.RoleAnalyst}}))
		if suspended != (on != nil) || signals[anomaly.Repeats] != suspended || signals[anomaly.Filters] {
			t.Errorf("suspended %t, %v", suspended, signals)
		}
		if strings.Contains(r.log.String(), "person_age") {
			t.Error("the log quotes a question")
		}
	}
}

func TestAlertsComeInPages(t *testing.T) {
	r := newRecord(t)
	s := r.service()
	for i := range 5 {
		r.refused(30, foreign(fmt.Sprintf("key_%d", i)))
	}
	r.look(s)
	var seen []string
	for cursor := ""; ; {
		items, next, err := s.List(t.Context(), "", cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range items {
			seen = append(seen, a.Principal)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if fmt.Sprint(seen) != "[key_4 key_3 key_2 key_1 key_0]" {
		t.Errorf("%v", seen)
	}
	if _, _, err := s.List(t.Context(), "", "alt_unknown", 2); privacy.CodeOf(err) != privacy.CodeInvalidRequest {
		t.Errorf("%v", err)
	}
}
