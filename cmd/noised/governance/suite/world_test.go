//go:build governance

package suite

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
)

// missingTenant is a name that no tenant has.
const missingTenant = "zeta"

// world is a server with three tenants that have things of every kind.
type world struct {
	*server
	keys    map[string]map[string]wire.NewKey // by tenant and role
	callers map[string][]*caller              // by tenant; "" for those who belong to none
	dead    []*caller
	things  map[string]map[string][]thing // by tenant, and by the name of a parameter
	alive   *caller                       // the operator
}

// thing is a value that names something in a request, and whose it is.
type thing struct {
	value string
	role  string // of the principal that made it or holds it
}

// newWorld fills a server.
func newWorld(t testing.TB) *world {
	t.Helper()
	authority := newCA(t)
	revoked := authority.service("noised://"+attacker+"/"+tenantAdmin+"/service", nil)
	w := &world{
		server: newServer(t, authority, revoked),
		keys:   map[string]map[string]wire.NewKey{}, callers: map[string][]*caller{}, things: map[string]map[string][]thing{},
	}
	w.alive = &caller{name: "the operator", role: operator, kind: "key", bearer: w.operator, client: w.client()}
	op := w.api(w.operator)
	for _, d := range []string{shared, ofAttacker, ofVictim} {
		_, err := op.ApplyContract(t.Context(), []byte(contractOf(d, 1)))
		check(t, err)
		_, err = op.PutTemplate(t.Context(), d, everyKind+d, wire.TemplateRequest{SQL: "SELECT kind, count(*) AS n FROM " + d + " GROUP BY kind", Epsilon: 0.5})
		check(t, err)
	}
	_, err := op.PutPolicies(t.Context(), map[string]string{"defaults.cedar": w.defaults(), "own.cedar": ownRows})
	check(t, err)
	_, err = op.SetDatasetBudget(t.Context(), ofVictim, wire.DatasetBudgetRequest{Epsilon: 10, Delta: 1e-6, Lifetime: &wire.Loss{Epsilon: 10, Delta: 1e-6}})
	check(t, err)
	for tenant, own := range map[string]string{attacker: ofAttacker, victim: ofVictim, suspended: ""} {
		w.settle(tenant, own)
	}
	none := map[string]wire.NewKey{}
	for _, role := range []string{analyst, auditor} {
		none[role] = w.newKey("", role)
		w.callers[""] = append(w.callers[""], &caller{name: "an " + role + " of no tenant", role: role, kind: "key", bearer: none[role].Key, client: w.client()})
	}
	w.callers[""] = append(w.callers[""], w.alive)
	w.bury(revoked)
	return w
}

// defaults are the policies in force before there are any others.
func (w *world) defaults() string {
	p, err := w.api(w.operator).Policies(w.t.Context(), 0)
	check(w.t, err)
	var text strings.Builder
	for _, file := range p.Files {
		text.WriteString(file)
	}
	return text.String()
}

// secret begins with the mark of what only the victim may read, and with the
// tenant's own name for the others.
func secret(tenant, what string) string {
	if tenant == victim {
		return canary + "-" + what
	}
	return tenant + "-" + what
}

func (w *world) newKey(tenant, role string) wire.NewKey {
	w.t.Helper()
	k := wire.KeyRequest{Role: wire.Role(role), Name: ptr(secret(tenant, "name-of-"+role))}
	if tenant != "" {
		k.Tenant = &tenant
		if role == analyst {
			k.Group = ptr(secret(tenant, "group"))
		}
	}
	key, err := w.api(w.operator).CreateKey(w.t.Context(), k)
	check(w.t, err)
	return key
}

// settle gives a tenant its principals, memberships, budgets, loads and releases.
func (w *world) settle(tenant, own string) {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := w.api(w.operator).CreateTenant(ctx, tenant, "")
	check(w.t, err)
	keys := map[string]wire.NewKey{}
	for _, role := range rolesOfTenants() {
		keys[role] = w.newKey(tenant, role)
	}
	w.keys[tenant] = keys
	w.callers[tenant] = w.callersOf(tenant, keys)
	datasets := []string{shared}
	if own != "" {
		datasets = append(datasets, own)
	}
	for _, d := range datasets {
		_, err := w.api(keys[tenantAdmin].Key).AcceptContract(ctx, d, tenant, 1)
		check(w.t, err)
	}
	limit := 61.0625 // a figure that shows nowhere else
	if tenant != victim {
		limit = 52
	}
	_, err = w.api(keys[budgetAdmin].Key).SetTenantBudget(ctx, tenant, wire.TenantBudgetRequest{
		Epsilon: limit, Delta: 1e-6, Lifetime: &wire.Loss{Epsilon: 100, Delta: 1e-5},
		PerGroup: &wire.Losses{secret(tenant, "group"): {Epsilon: 40, Delta: 1e-6}},
	})
	check(w.t, err)
	w.things[tenant] = map[string][]thing{"tenant": {{tenant, tenantAdmin}}}
	for _, role := range rolesOfTenants() {
		w.note(tenant, "key", keys[role].ID, role)
		w.note(tenant, "principal", keys[role].Principal, role)
	}
	if own == "" {
		return // the suspended tenant has nothing but credentials
	}
	w.note(tenant, "dataset", own, contributor)
	w.note(tenant, "template", everyKind+own, operator)
	w.fill(tenant, datasets)
	w.askOf(tenant, datasets)
	w.repeatable(tenant)
	w.propose(tenant, own)
	w.note(tenant, "colleague", keys[analyst].Principal, analyst)
	c := &caller{bearer: keys[tenantAdmin].Key, client: w.client()}
	a := w.send(c, request{method: http.MethodPut, path: "/v1/admin/suspensions/principal/" + w.newKey(tenant, analyst).Principal,
		body: fmt.Sprintf(`{"reason": %q}`, secret(tenant, "reason")), media: wire.TypeJSON})
	if !a.ok() {
		w.t.Fatalf("a suspension by %s: %d %s", tenant, a.status, a.body)
	}
}

// propose leaves a change of a dataset that waits for its one member.
func (w *world) propose(tenant, dataset string) {
	w.t.Helper()
	a := w.send(w.alive, request{method: http.MethodPost, path: "/v1/admin/datasets", body: wider(dataset), media: "application/yaml"})
	where := a.header.Get("Location")
	if a.status != http.StatusAccepted {
		w.t.Fatalf("a change that waits: %d %s", a.status, a.body)
	}
	w.note(tenant, "proposal", where[strings.LastIndexByte(where, '/')+1:], operator)
}

func (w *world) note(tenant, name, value, role string) {
	w.things[tenant][name] = append(w.things[tenant][name], thing{value, role})
}

// fill loads rows: into every dataset, once with rows that are rejected, and once a
// file that is rejected as a whole.
func (w *world) fill(tenant string, datasets []string) {
	w.t.Helper()
	var many strings.Builder
	many.WriteString("person,kind,minutes\n")
	for i := range 2000 {
		fmt.Fprintf(&many, "%s-%d,%s,%d\n", tenant, i, []string{"x", "y"}[i%2], i%100)
	}
	for _, d := range datasets {
		w.load(tenant, wire.Upload{Dataset: d}, many.String())
	}
	own := datasets[len(datasets)-1]
	w.erase(tenant, own)
	w.load(tenant, wire.Upload{Dataset: own, LoadID: "load-of-" + tenant}, victimsRows)
	w.load(tenant, wire.Upload{Dataset: own, LoadID: secret(tenant, "load"), MaxBadRecords: ptr(int64(5))}, victimsRows+"eve,x,"+secret(tenant, "row")+"\n")
	w.load(tenant, wire.Upload{Dataset: own}, "person,kind,minutes\neve,x,"+secret(tenant, "row")+"\n")
}

// erase has somebody erased who is not there, before there are rejected rows, which
// would go with it.
func (w *world) erase(tenant, dataset string) {
	w.t.Helper()
	api := w.api(w.keys[tenant][contributor].Key)
	e, err := api.Erase(w.t.Context(), dataset, tenant, "", []string{"nobody"})
	check(w.t, err)
	_, err = api.WaitErased(w.t.Context(), e.ID, nil)
	check(w.t, err)
	w.note(tenant, "erasure", e.ID, contributor)
}

func (w *world) load(tenant string, u wire.Upload, rows string) {
	w.t.Helper()
	api := w.api(w.keys[tenant][contributor].Key)
	u.ContentType = wire.TypeCSV
	l, err := api.Upload(w.t.Context(), u, strings.NewReader(rows))
	check(w.t, err)
	_, err = api.Wait(w.t.Context(), l.ID, nil)
	check(w.t, err)
	w.note(tenant, "load", l.ID, contributor)
}

// askOf makes releases of the tenant's own rows.
func (w *world) askOf(tenant string, datasets []string) {
	w.t.Helper()
	for _, d := range datasets {
		sql := fmt.Sprintf(`SELECT kind, count(*) AS "%s" FROM %s GROUP BY kind`, secret(tenant, "column"), d)
		r, err := w.api(w.keys[tenant][analyst].Key).Query(w.t.Context(), wire.QueryRequest{
			SQL: sql, Epsilon: ptr(0.5), Tenants: []string{tenant}, Purpose: ptr(secret(tenant, "purpose")),
		}, wire.QueryOptions{Accept: wire.TypeJSON, IdempotencyKey: idempotencyKey(tenant)})
		check(w.t, err)
		_, err = io.Copy(io.Discard, r.Body)
		check(w.t, err)
		w.note(tenant, "release", r.Release, analyst)
		break
	}
}

// idempotencyKey is one that a tenant's principals have used.
func idempotencyKey(tenant string) string { return "idempotency-key-of-" + tenant }

// repeatable makes a key under an Idempotency-Key, whose answer holds a secret.
func (w *world) repeatable(tenant string) {
	w.t.Helper()
	c := &caller{bearer: w.keys[tenant][tenantAdmin].Key, client: w.client()}
	a := w.send(c, request{method: http.MethodPost, path: "/v1/admin/tenants/" + tenant + "/keys", body: `{"role": "analyst"}`, media: wire.TypeJSON,
		header: http.Header{wire.HeaderIdempotencyKey: {idempotencyKey(tenant)}}})
	var k wire.NewKey
	if err := json.Unmarshal([]byte(a.body), &k); err != nil || a.status != http.StatusCreated {
		w.t.Fatalf("a key of %s: %d %s", tenant, a.status, a.body)
	}
	w.note(tenant, "key", k.ID, tenantAdmin)
}

// bury makes the credentials that hold no more: of keys, tokens, certificates and a
// tenant.
func (w *world) bury(revoked tls.Certificate) {
	w.t.Helper()
	ctx := w.t.Context()
	op := w.api(w.operator)
	add := func(name, role, bearer string, own ...tls.Certificate) {
		w.dead = append(w.dead, &caller{name: name, tenant: attacker, role: role, kind: name, bearer: bearer, client: w.client(own...), dead: true})
	}
	gone := w.newKey(attacker, tenantAdmin)
	check(w.t, op.RevokeKey(ctx, gone.ID))
	add("a revoked key", tenantAdmin, gone.Key)
	replaced := w.newKey(attacker, budgetAdmin)
	_, err := op.RotateKey(ctx, replaced.ID, "0s")
	check(w.t, err)
	add("a replaced key", budgetAdmin, replaced.Key)
	refused := w.newKey(attacker, contributor)
	check(w.t, op.RevokePrincipal(ctx, refused.Principal))
	add("a key of a revoked principal", contributor, refused.Key)
	short, err := op.CreateKey(ctx, wire.KeyRequest{Role: wire.Analyst, Tenant: ptr(attacker), ExpiresAt: ptr(time.Now().Add(10 * time.Second))})
	check(w.t, err)
	add("an expired key", analyst, short.Key)
	add("nothing", auditor, "")
	for name, token := range w.deadTokens(attacker, analyst) {
		add(name, analyst, token)
	}
	for name, cert := range w.deadCertificates(tenantAdmin, revoked) {
		add(name, tenantAdmin, "", cert)
	}
	add("another tenant's certificate beside the key", tenantAdmin, w.keys[attacker][tenantAdmin].Key,
		w.ca.service("noised://"+victim+"/"+tenantAdmin+"/other", nil))
	_, err = op.SetSuspended(ctx, suspended, true)
	check(w.t, err)
	for _, c := range w.callers[suspended] {
		c.dead = true
		w.dead = append(w.dead, c)
	}
	<-time.After(time.Until(*short.ExpiresAt))
}

func ptr[T any](v T) *T { return &v }
