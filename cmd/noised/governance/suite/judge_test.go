//go:build governance

package suite

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/noised/noised/api/wire"
)

// judge knows what only the victim may read.
type judge struct {
	secrets []string        // texts that no attempt ever says
	ids     map[string]bool // ids in the victim's own answers
}

var idPattern = regexp.MustCompile(`\b[a-z]{2,8}_[0-9a-z]{10,}\b`)

// fault says what is wrong with an answer to an attempt; empty for nothing.
func (j *judge) fault(a attempt, c *caller, r request, got answer) string {
	said := got.body + fmt.Sprint(got.header)
	for _, s := range j.secrets {
		if strings.Contains(said, s) {
			return fmt.Sprintf("the answer has %q", s)
		}
	}
	if a.op.id != "listRefusals" { // which repeats what its reader has tried
		for _, id := range idPattern.FindAllString(said, -1) {
			if j.ids[id] && !strings.Contains(r.text(), id) {
				return "the answer has " + id
			}
		}
	}
	switch {
	case got.status >= http.StatusInternalServerError:
		return "the server failed"
	case !got.ok(), c.dead && a.op.kind == ofSystem:
		return ""
	case r.method == http.MethodOptions && got.body == "":
		return "" // which methods a path has, as the document says to everybody
	case c.dead:
		return "credentials that do not hold were accepted"
	}
	return j.granted(a, c, r, got)
}

// granted says why an answer that is a success should have been none.
func (j *judge) granted(a attempt, c *caller, r request, got answer) string {
	switch a.op.kind {
	case ofSystem, known:
		return ""
	case ofCaller:
		if a.way == "query parameter tenant" {
			return "another tenant was named and not refused"
		}
		return ""
	case asks:
		if a.op.id == "explain" && strings.Contains(got.body, `"permitted":false`) {
			return ""
		}
	case ofOperator, ofOwner, ofTenant:
	}
	if a.own && c.tenant != "" {
		return ""
	}
	return "it was allowed"
}

// alike are answers with what differs by right taken out: the names that were
// asked for, and the request's own id.
func alike(got answer, n names) string {
	text := got.body
	for _, name := range things() {
		if v := n(name); v != "" {
			text = strings.NewReplacer(v, "…", strings.ToUpper(v), "…").Replace(text)
		}
	}
	return fmt.Sprint(got.status, " ", got.header.Get("Content-Type"), " ", text)
}

// look is one way in which the victim sees its own things.
type look struct {
	c *caller
	r request
}

func (l look) String() string { return l.c.name + ": " + l.r.method + " " + l.r.path }

var changing = regexp.MustCompile(`,?"last_used_at":"[^"]*"`)

// looks are all that the victim's principals can read, by the operations of the
// document. Refusals are not among them: attempts are meant to be there.
func (w *world) looks(ops []*operation) []look {
	var all []look
	for _, o := range ops {
		if o.method != http.MethodGet || o.kind == asks || o.kind == ofSystem || o.id == "listRefusals" {
			continue
		}
		for _, c := range w.callers[victim] {
			if c.kind != "key" {
				continue
			}
			for _, a := range w.byPath(o) {
				all = append(all, look{c, a.make(a.victim)})
				if o.id == "getRelease" {
					all = append(all, look{c, a.make(a.victim).saying(http.Header{"Accept": {wire.TypeReleaseInfo}})})
				}
			}
		}
	}
	return slices.DeleteFunc(all, func(l look) bool { return !w.send(l.c, l.r).ok() })
}

// state is what the victim sees now.
func (w *world) state(looks []look) map[string]string {
	seen := map[string]string{}
	for _, l := range looks {
		a := w.send(l.c, l.r)
		seen[l.String()] = fmt.Sprint(a.status, " ", changing.ReplaceAllString(a.body, ""))
	}
	return seen
}

// newJudge learns what the victim alone can read: the ids in its answers without
// those in the attacker's.
func (w *world) newJudge(ops []*operation, looks []look) *judge {
	j := &judge{secrets: []string{canary, "61.0625"}, ids: map[string]bool{}}
	for _, text := range w.state(looks) {
		for _, id := range idPattern.FindAllString(text, -1) {
			j.ids[id] = true
		}
	}
	for _, things := range w.things[victim] {
		for _, thing := range things {
			if idPattern.MatchString(thing.value) {
				j.ids[thing.value] = true
			}
		}
	}
	for _, o := range ops {
		if o.method != http.MethodGet || o.kind == asks || o.id == "listRefusals" {
			continue
		}
		for _, c := range w.callers[attacker] {
			for _, id := range idPattern.FindAllString(w.send(c, o.request(w.first(attacker))).body, -1) {
				delete(j.ids, id)
			}
		}
	}
	if len(j.ids) < 12 {
		w.t.Fatalf("the victim has %d ids only: %v", len(j.ids), slices.Sorted(maps.Keys(j.ids)))
	}
	return j
}
