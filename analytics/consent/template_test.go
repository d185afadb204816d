package consent

import (
	"context"
	"database/sql"
	"testing"

	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/privacy"
)

func TestTemplatesWaitWhereNothingElseIsAsked(t *testing.T) {
	b := newBench(t, both)
	count := &template.Template{SQL: "SELECT COUNT(*) FROM visits", Epsilon: 0.5}
	b.made(b.PutTemplate(t.Context(), "visits", "count", count, operator)) // every query is free
	b.made(b.put(2, both+"\nqueries: templates"))
	b.waits(b.put(3, both))
	p := b.waits(b.PutTemplate(t.Context(), "visits", "count", &template.Template{SQL: "SELECT COUNT(DISTINCT person) FROM visits", Epsilon: 1}, operator))
	b.approve(p.ID, admin("a"), StatePending)
	if v, err := b.Template(t.Context(), "visits", "count"); err != nil || v.Number != 1 {
		t.Errorf("version %d is asked while the next one waits: %v", v.Number, err)
	}
	b.approve(p.ID, admin("b"), StateApplied)
	if v, err := b.Template(t.Context(), "visits", "count"); err != nil || v.Number != 2 || v.Template.Epsilon != 1 {
		t.Errorf("%+v, %v", v, err)
	}
	waits := b.waits(b.PutTemplate(t.Context(), "visits", "count", count, operator))
	b.made(b.PutTemplate(t.Context(), "visits", "count", nil, operator)) // withdrawn at once
	_, err := b.Approve(t.Context(), waits.ID, admin("a"))
	b.refused(privacy.CodeConflict, err)
	_, err = b.Template(t.Context(), "visits", "count")
	b.refused(privacy.CodeNotFound, err)
	if all, err := b.Templates(t.Context(), "visits"); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// Some members are still under a version that promises them approved templates
// alone. That the latest version frees queries is no promise of theirs.
func TestTemplatesWaitForThoseWhoAreUnderTemplates(t *testing.T) {
	few := "approvals: {budget_admins: 1, expires_after: 1h}"
	b := newBench(t, few+"\nqueries: templates")
	free := b.waits(b.put(2, few))
	b.approve(free.ID, keeper("a", "k"), StateApplied)
	count := &template.Template{SQL: "SELECT COUNT(*) FROM visits", Epsilon: 0.5}
	p := b.waits(b.PutTemplate(t.Context(), "visits", "count", count, operator)) // a and b are under version 1
	b.approve(p.ID, keeper("b", "k"), StateApplied)
	for _, m := range []string{"a", "b"} {
		b.made(b.Accept(t.Context(), "visits", m, 2, admin(m)))
	}
	b.made(b.PutTemplate(t.Context(), "visits", "other", count, operator))
}

// What may be asked is all on the list that members look at.
func TestTemplatesAreAllListed(t *testing.T) {
	b := newBench(t, "")
	count := &template.Template{SQL: "SELECT COUNT(*) FROM visits", Epsilon: 0.5}
	b.ok(b.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO template_versions (dataset, name, version, document, created_at, created_by)
			SELECT 'visits', 'a' || i, 1, '{"sql": "SELECT COUNT(*) FROM visits", "epsilon": 0.5}', 0, 'o' FROM n`, template.MaxTemplates-1)
		return err
	}))
	b.made(b.PutTemplate(t.Context(), "visits", "y", count, operator))
	_, err := b.PutTemplate(t.Context(), "visits", "z", count, operator)
	b.refused(privacy.CodeConflict, err)
	b.made(b.PutTemplate(t.Context(), "visits", "y", count, operator)) // another version of one
	b.made(b.PutTemplate(t.Context(), "visits", "a1", nil, operator))
	b.made(b.PutTemplate(t.Context(), "visits", "z", count, operator))
	if all, err := b.Templates(t.Context(), "visits"); err != nil || all[len(all)-1].Name != "z" {
		t.Errorf("%d templates, %v", len(all), err)
	}
}
