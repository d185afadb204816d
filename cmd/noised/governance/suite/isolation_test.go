//go:build governance

package suite

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/noised/noised/api/wire"
)

// tally counts what the suite did and saw.
type tally struct {
	attempts, allowed, twins int
	refused                  map[string]string // request id → what it was
	named                    map[string]string // the same, of those that the victim must be able to read of
	pairs                    map[string]bool   // the attacker's role and the victim's
	faults                   []string
	told                     map[string]int
}

// fault counts what should not have been. Of faults alike only one is told at length.
func (s *tally) fault(of, format string, args ...any) {
	s.allowed++
	if s.told[of]++; s.told[of] == 1 {
		s.faults = append(s.faults, fmt.Sprintf(format, args...))
	}
}

// TestIsolation: no attempt of one tenant on another is allowed, each that was
// refused is on record, and the same requests succeed for those whose things they
// name.
func TestIsolation(t *testing.T) {
	w := newWorld(t)
	ops := w.document()
	looks := w.looks(ops)
	j := w.newJudge(ops, looks)
	before := w.state(looks)
	s := &tally{refused: map[string]string{}, named: map[string]string{}, pairs: map[string]bool{}, told: map[string]int{}}
	for _, o := range ops {
		w.attack(o, j, s)
		if after := w.state(looks); !maps.Equal(before, after) {
			s.fault(o.id, "%s: the victim's things are not what they were:\n%s", o.id, gocmp.Diff(before, after))
			before = after
		}
	}
	audited, seen := w.audited(s)
	controls := w.controls(ops, j)
	for _, f := range s.faults {
		t.Error(f)
	}
	if s.attempts < 2000 {
		t.Errorf("%d attempts are too few", s.attempts)
	}
	if len(s.pairs) < len(rolesOfTenants())*len(rolesOfTenants()) {
		t.Errorf("not every pair of roles was tried: %v", slices.Sorted(maps.Keys(s.pairs)))
	}
	ids := map[string]bool{}
	for _, o := range ops {
		ids[o.id] = true
	}
	for name, value := range map[string]any{
		"attempts": s.attempts, "allowed": s.allowed, "refusals_audited": audited, "refusals_seen_by_victim": seen,
		"operations": len(ids), "compared_with_missing": s.twins, "controls": controls,
	} {
		report(t, name, value)
	}
}

// attack tries one operation as everybody whose it is not.
func (w *world) attack(o *operation, j *judge, s *tally) {
	all := w.attempts(o)
	plain := w.byPath(o)
	for _, c := range w.callers[attacker] {
		if c.kind == "key" {
			w.try(all, c, j, s)
			continue
		}
		w.try(plain, c, j, s)
		if o.kind == asks && c.role == analyst {
			w.try(w.bySQL(o), c, j, s)
		}
	}
	for _, c := range w.callers[""] {
		if o.kind != asks && c.role != o.owner && !slices.Contains(o.none, c.role) || o.kind == ofOwner && c.role == analyst && !slices.Contains(o.none, c.role) {
			w.try(plain, c, j, s)
		}
	}
	for _, c := range w.dead {
		w.try(plain[:1], c, j, s)
		for _, own := range plain[:1] { // not even one's own
			own.way, own.make = "dead credentials", func(names) request { return o.request(w.first(attacker)) }
			w.try([]attempt{own}, c, j, s)
		}
	}
}

// try makes attempts as one caller.
func (w *world) try(all []attempt, c *caller, j *judge, s *tally) {
	for _, a := range all {
		if a.astray && c.role != a.op.owner && c.role != tenantAdmin {
			continue
		}
		r := a.make(a.victim)
		got := w.send(c, r)
		s.attempts++
		s.pairs[c.role+" → "+a.role] = true
		what := fmt.Sprintf("%s, %s (%s): %s %s", a.op.id, a.way, c.name, r.method, r.path)
		if fault := j.fault(a, c, r, got); fault != "" {
			s.fault(a.op.id+a.way+fault, "%s: %s: %d %s\n  headers %v\n  body %s", what, fault, got.status, clip(got.body), r.header, clip(r.body))
		}
		s.record(a, c, got, what)
		if c.dead || c.kind != "key" || a.missing == nil || a.own {
			continue
		}
		twin := w.send(c, a.make(a.missing))
		s.twins++
		s.record(attempt{op: a.op}, c, twin, what)
		x, y := alike(got, a.victim), alike(twin, a.missing)
		// Refusals and alerts of before may have come on record between the two. What
		// tells the victim's things from none does so whenever it is asked.
		for end := time.Now().Add(time.Minute); x != y && a.op.kind == ofCaller && time.Now().Before(end); {
			time.Sleep(100 * time.Millisecond)
			x, y = alike(w.send(c, r), a.victim), alike(w.send(c, a.make(a.missing)), a.missing)
		}
		if x != y {
			s.fault(a.op.id+a.way, "%s: what exists differs from what does not:\n  %s\n  %s", what, clip(x), clip(y))
		}
	}
}

// record keeps the id of a refusal, which must be found in the table.
func (s *tally) record(a attempt, c *caller, got answer, what string) {
	if got.ok() || got.id() == "" || slices.Contains([]string{"", "internal", "unavailable", "load-rejected"}, got.code()) {
		return
	}
	s.refused[got.id()] = what
	owned := slices.ContainsFunc([]string{"{tenant}", "{load}", "{key}", "{release}", "{proposal}", "{erasure}"}, func(name string) bool { return strings.Contains(a.op.path, name) })
	if a.way == "path" && owned {
		s.named[got.id()] = what
	}
}

func clip(s string) string { return s[:min(len(s), 300)] }

// audited is the share of refusals that the operator finds by their request's id, and
// of those that named the victim the share that the victim's auditor finds.
func (w *world) audited(s *tally) (all, seen float64) {
	share := func(key string, of map[string]string) float64 {
		found := map[string]bool{}
		cursor := ""
		for page := 0; page == 0 || cursor != ""; page++ {
			l, err := w.api(key).Refusals(w.t.Context(), wire.RefusalSearch{Cursor: cursor, Limit: 500})
			check(w.t, err)
			for _, r := range l.Items {
				if r.Request != nil {
					found[*r.Request] = true
				}
			}
			if cursor = ""; l.Next != nil {
				cursor = *l.Next
			}
		}
		missing := 0
		for id, what := range of {
			if !found[id] {
				if missing++; missing <= 5 {
					w.t.Errorf("%s: the refusal is not on record", what)
				}
			}
		}
		return 1 - float64(missing)/float64(max(len(of), 1))
	}
	return share(w.operator, s.refused), share(w.keys[victim][auditor].Key, s.named)
}

// controls makes the attempts' plain requests as those whose things they name: they
// succeed, and the judge would have said so of the attacker. What changes things
// comes last, what destroys them at the end.
func (w *world) controls(ops []*operation, j *judge) int {
	rank := func(o *operation) int {
		order := slices.Index([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, o.method)
		switch o.id {
		case "putSuspension", "deleteSuspension": // the one, then the other
			order += 6
		case "deleteDataset":
			order += 9
		case "deleteTenant", "revokePrincipal":
			order += 10
		}
		return order
	}
	sorted := slices.SortedStableFunc(slices.Values(ops), func(a, b *operation) int { return cmp.Compare(rank(a), rank(b)) })
	count := 0
	for _, o := range sorted {
		if o.kind == ofSystem {
			continue
		}
		c := w.alive
		if o.owner != operator {
			c = w.callers[victim][3*slices.Index(rolesOfTenants(), o.owner)]
		}
		spare := w.newKey(victim, auditor)
		a := w.byPath(o)[0]
		r := a.make(fixed(map[string]string{"key": spare.ID, "principal": spare.Principal, "tenant": victim}, w.first(victim)))
		got := w.send(c, r)
		if !got.ok() && (o.finds == "" || got.code() != o.finds) {
			w.t.Errorf("control: %s as %s: %s %s: %d %s", o.id, c.name, r.method, r.path, got.status, clip(got.body))
			continue
		}
		count++
		if mustSay := o.kind != ofCaller && o.kind != known && o.finds == ""; mustSay && j.fault(a, w.callers[attacker][0], r, got) == "" {
			w.t.Errorf("control: the judge lets %s pass", o.id)
		}
	}
	return count
}
