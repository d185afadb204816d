//go:build governance

package suite

import (
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/noised/noised/api/wire"
)

// attempt is a request that names what is the victim's, made with one way of naming.
type attempt struct {
	op   *operation
	way  string
	role string // of the victim's principal whose thing is named
	make func(names) request
	// victim is how the victim's things are called in it, missing how those that do
	// not exist are. Answers to both must be alike.
	victim, missing names
	// astray is a request that no route takes, most likely: nobody looks at who made
	// it. Of what unknown callers try only so much is kept on record, and two roles do.
	astray bool
	own    bool // it names the attacker's own things, beside the victim's
}

// missingOf makes of a value one of the same form that names nothing. Datasets are
// the operator's, and known: each tenant's admins read all contracts.
func missingOf(name, value string) string {
	switch name {
	case "tenant":
		return missingTenant
	case "dataset":
		return value
	}
	prefix, rest, ok := strings.Cut(value, "_")
	if !ok {
		return "missing-" + value[:min(len(value), 8)]
	}
	return prefix + "_" + strings.Repeat("0", len(rest))
}

// things are the kinds of things that requests name. A dataset may be named after
// its tenant, and comes before it.
func things() []string {
	return []string{"dataset", "tenant", "load", "key", "release", "principal", "colleague", "proposal", "erasure"}
}

// fixed names things by a map, and by others what the map does not have.
func fixed(values map[string]string, otherwise names) names {
	return func(name string) string {
		if v, ok := values[name]; ok {
			return v
		}
		return otherwise(name)
	}
}

// first names the first thing of each kind that a tenant has.
func (w *world) first(tenant string) names {
	return func(name string) string {
		if name == "version" {
			return "1"
		}
		if of := w.things[tenant][name]; len(of) > 0 {
			return of[0].value
		}
		return ""
	}
}

// attempts are all ways in which an operation can be called on the victim's things.
func (w *world) attempts(o *operation) []attempt {
	all := w.byPath(o)
	all = append(all, w.byQuery(o)...)
	all = append(all, w.byBody(o)...)
	all = append(all, w.byHeader(o)...)
	all = append(all, w.bySpelling(o)...)
	if o.kind == asks {
		all = append(all, w.bySQL(o)...)
	}
	return all
}

// plain is the attempt that names the first of the victim's things.
func (w *world) plain(o *operation, way string, make func(names) request) attempt {
	values := map[string]string{}
	for _, name := range things() {
		values[name] = missingOf(name, w.first(victim)(name))
	}
	a := attempt{op: o, way: way, role: o.owner, make: make, victim: w.first(victim)}
	if o.kind != asks && o.kind != known { // whether a dataset or a member exists is no secret to those who ask
		a.missing = fixed(values, a.victim)
	}
	return a
}

// byPath names each of the victim's things in the path, alone and beside the
// attacker's own.
func (w *world) byPath(o *operation) []attempt {
	var all []attempt
	for _, name := range o.parameters {
		things := w.things[victim][name]
		if len(things) == 0 {
			w.t.Fatalf("%s: the victim has no %q: give it one in newWorld", o.id, name)
		}
		for _, thing := range things {
			a := w.plain(o, "path", o.request)
			a.role = thing.role
			a.victim = fixed(map[string]string{name: thing.value}, a.victim)
			if a.missing != nil {
				a.missing = fixed(map[string]string{name: missingOf(name, thing.value)}, a.missing)
			}
			all = append(all, a)
			if len(o.parameters) > 1 { // the victim's thing in the attacker's tenant, and so on
				b := a
				b.way = "path, beside one's own"
				own := w.first(attacker)
				b.victim, b.missing = fixed(map[string]string{name: thing.value}, own), fixed(map[string]string{name: missingOf(name, thing.value)}, own)
				if o.kind != ofTenant || name != "dataset" { // a dataset of others, for one's own tenant, is the catalog's to refuse
					all = append(all, b)
				}
			}
		}
	}
	if len(all) == 0 {
		all = append(all, w.plain(o, "plain", o.request))
	}
	return all
}

// byQuery names the victim in parameters, those of the operation and others.
func (w *world) byQuery(o *operation) []attempt {
	var all []attempt
	for _, p := range o.query {
		if p == "tenants" || p == "sql" {
			continue // bySQL
		}
		for _, name := range []string{"tenant", "load", "key", "release"} {
			all = append(all, w.plain(o, "query parameter "+p, func(n names) request { return o.request(n).with(p, n(name)) }))
		}
	}
	for _, p := range []string{"tenant", "as_tenant", "owner", "principal", "role"} {
		if !slices.Contains(o.query, p) {
			all = append(all, w.plain(o, "unknown query parameter", func(n names) request { return o.request(n).with(p, n("tenant")) }))
		}
	}
	return all
}

// byBody names the victim in each member of the body that is a text, and in members
// that the body does not have.
func (w *world) byBody(o *operation) []attempt {
	if o.text == nil {
		return nil
	}
	members := []string{"tenant", "owner", "principal"}
	for _, name := range slices.Sorted(maps.Keys(o.text.Properties)) {
		if t := o.text.Properties[name].Value.Type; t.Is("string") && name != "sql" {
			members = append(members, name)
		}
	}
	var all []attempt
	for _, member := range members {
		for _, name := range []string{"tenant", "key"} {
			all = append(all, w.plain(o, "body member "+member, func(n names) request {
				r := o.request(n)
				var body map[string]any
				check(w.t, json.Unmarshal([]byte(r.body), &body))
				body[member] = n(name)
				text, err := json.Marshal(body)
				check(w.t, err)
				r.body = string(text)
				return r
			}))
		}
	}
	return all
}

// headers are those by which a proxy, a framework or this server might be told who
// calls, and what.
func (w *world) headers(n names) []http.Header {
	certificate := url.QueryEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.ca.cert.Raw})))
	one := func(name, value string) http.Header { return http.Header{name: {value}} }
	all := []http.Header{
		one("Noised-Tenant", n("tenant")), one("X-Tenant", n("tenant")), one("X-Tenant-Id", n("tenant")), one("Noised-Principal", n("principal")),
		one("X-Forwarded-User", n("principal")), one("X-Remote-User", n("principal")), one("X-Forwarded-For", "127.0.0.1"), one("Forwarded", "for=127.0.0.1;host="+n("tenant")),
		one("X-Forwarded-Host", n("tenant")+".example"), one("Host", n("tenant")+".example"), one("X-Forwarded-Prefix", "/v1/admin/tenants/"+n("tenant")),
		one("X-Original-Url", "/v1/admin/tenants/"+n("tenant")+"/keys"), one("X-Rewrite-Url", "/v1/admin/tenants/"+n("tenant")+"/keys"),
		one("X-Forwarded-Client-Cert", certificate), one("X-Ssl-Client-Cert", certificate), one("X-Http-Method-Override", http.MethodGet),
		one("Authorization", "Bearer "+n("key")), one("Cookie", "key="+n("key")+"; tenant="+n("tenant")), one("X-Api-Key", n("key")),
		one("X-Request-Id", n("load")), one(wire.HeaderIdempotencyKey, idempotencyKey(n("tenant"))),
	}
	for _, role := range append(rolesOfTenants(), operator) {
		all = append(all, one(wire.HeaderRole, role))
	}
	return append(all, http.Header{wire.HeaderRole: {analyst, operator}})
}

// byHeader says in headers to be the victim: on the victim's things, and where
// that is harmless on the attacker's own.
func (w *world) byHeader(o *operation) []attempt {
	var all []attempt
	for i := range w.headers(w.first(victim)) {
		a := w.plain(o, "header", func(n names) request { return o.request(n).saying(w.headers(n)[i]) })
		all = append(all, a)
		if o.rule.own && len(o.parameters) > 0 {
			a.way, a.own = "header, on one's own", true
			a.make = func(n names) request { return o.request(w.first(attacker)).saying(w.headers(n)[i]) }
			all = append(all, a)
		}
	}
	return all
}

// bySpelling writes names, paths and methods in other ways than the document does.
func (w *world) bySpelling(o *operation) []attempt {
	var all []attempt
	for _, name := range o.parameters {
		for _, spell := range spellings() {
			all = append(all, w.plain(o, "spelling of "+name, func(n names) request {
				r := o.request(n)
				r.path = fixed(map[string]string{name: "\x00"}, n).fill(o.path, func(v string) string {
					if v == "\x00" {
						return spell(n(name), w.first(attacker)(name))
					}
					return url.PathEscape(v)
				})
				if _, query, ok := strings.Cut(o.request(n).path, "?"); ok {
					r.path += "?" + query
				}
				return r
			}))
		}
	}
	astray := func(way string, make func(names) request) {
		a := w.plain(o, way, make)
		a.astray, a.missing = true, nil
		all = append(all, a)
	}
	for _, spell := range []func(string) string{
		func(p string) string { return p + "/" }, func(p string) string { return "/" + p }, func(p string) string { return "/v1/." + p }, strings.ToUpper,
		func(p string) string { return p + "%2f" }, func(p string) string { return p + ";x=y" }, func(p string) string { return p + "%00" },
	} {
		astray("spelling of the path", func(n names) request {
			r := o.request(n)
			path, query, ok := strings.Cut(r.path, "?")
			if r.path = spell(path); ok {
				r.path += "?" + query
			}
			return r
		})
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, "get"} {
		as := method
		if method == http.MethodHead {
			as = http.MethodGet
		}
		if method != o.method && (as == o.method || !slices.Contains(o.siblings, as)) {
			astray("method", func(n names) request {
				r := o.request(n)
				r.method = method
				return r.saying(http.Header{"X-Http-Method-Override": {o.method}})
			})
		}
	}
	return all
}

// spellings write a name so that some part of a server may take it for another.
func spellings() []func(theirs, own string) string {
	encoded := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			b.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
		}
		return b.String()
	}
	wide := func(s string) string {
		return strings.Map(func(c rune) rune {
			if c > ' ' && c < 0x7f {
				return c + 0xfee0
			}
			return c
		}, s)
	}
	return []func(theirs, own string) string{
		func(theirs, _ string) string { return encoded(theirs) },
		func(theirs, _ string) string { return strings.ToUpper(theirs) },
		func(theirs, _ string) string { return url.PathEscape(wide(theirs)) },
		func(theirs, _ string) string { return strings.Replace(theirs, "e", "e%cc%81", 1) },
		func(theirs, _ string) string { return theirs + "%20" },
		func(theirs, _ string) string { return theirs + "%00" },
		func(theirs, _ string) string { return theirs + "." },
		func(theirs, own string) string { return own + "%2f..%2f" + theirs },
		func(theirs, own string) string { return own + "/../" + theirs },
		func(theirs, own string) string { return own + "%2c" + theirs },
		func(theirs, own string) string { return theirs + ";" + own },
		func(theirs, own string) string { return own + "%27%20OR%20%27" + theirs },
		func(theirs, _ string) string { return "%2e%2f" + theirs },
		func(theirs, _ string) string { return "*" },
		func(theirs, _ string) string { return "%25" },
	}
}
