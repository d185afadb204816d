//go:build governance

package suite

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/noised/noised/api/wire"
)

// question is a text that reaches for the victim's rows, with the tenants that it
// says to ask; @ begins the name of a template.
type question struct {
	sql     string
	tenants []string
}

// questions reach for the victim: through the tenants that they name or leave out,
// through conditions that seem to leave it out, through its dataset, and past SQL.
func questions() []question {
	own := []string{"{own}"}
	return []question{
		{"SELECT count(*) AS n FROM {shared}", []string{"{tenant}"}},
		{"SELECT count(*) AS n FROM {shared}", []string{"{own}", "{tenant}"}},
		{"SELECT count(*) AS n FROM {shared}", nil},
		{"SELECT count(*) AS n FROM {shared} WHERE tenant = '{tenant}'", nil},
		{"SELECT count(*) AS n FROM {shared} WHERE tenant <> '{own}'", nil},
		{"SELECT count(*) AS n FROM {shared} WHERE tenant = '{own}' OR kind = 'x'", nil},
		{"SELECT count(*) AS n FROM {shared} WHERE tenant IN ('{own}', '{tenant}')", nil},
		{"SELECT count(*) AS n FROM {shared} WHERE NOT (tenant <> '{tenant}')", nil},
		{"SELECT count(*) AS n FROM {shared} WHERE tenant LIKE '{tenant}%'", nil},
		{"SELECT count(*) AS n FROM {shared} WHERE lower(tenant) = '{tenant}'", nil},
		{"SELECT count(*) AS n FROM {shared} WHERE tenant > '{own}'", nil},
		{"SELECT tenant, count(*) AS n FROM {shared} GROUP BY tenant", nil},
		{"SELECT CASE WHEN tenant = '{tenant}' THEN 'them' ELSE 'us' END AS who, count(*) AS n FROM {shared} GROUP BY 1", nil},
		{"SELECT count(CASE WHEN tenant = '{tenant}' THEN 1 END) AS n FROM {shared}", nil},
		{"SELECT count(*) AS n FROM {dataset}", nil},
		{"SELECT count(*) AS n FROM {dataset}", own},
		{"SELECT count(*) AS n FROM {dataset}", []string{"{tenant}"}},
		{`SELECT count(*) AS n FROM "{dataset}"`, nil},
		{"SELECT sum(minutes) AS s FROM {dataset} WHERE person = 'ann'", nil},
		{"SELECT count(*) AS n FROM {tenant}.{shared}", own},
		{`SELECT count(*) AS n FROM "{tenant}"."{dataset}"`, own},
		{"SELECT count(*) AS n FROM main.{dataset}", own},
		{"SELECT count(*) AS n FROM {shared} a JOIN {dataset} b ON a.person = b.person", own},
		{"SELECT count(*) AS n FROM {shared}, {dataset}", own},
		{"SELECT count(*) AS n FROM (SELECT * FROM {dataset}) t", own},
		{"WITH t AS (SELECT * FROM {dataset}) SELECT count(*) AS n FROM t", own},
		{"SELECT count(*) AS n FROM {shared} WHERE person IN (SELECT person FROM {dataset})", own},
		{"SELECT count(*) AS n FROM {shared} UNION ALL SELECT count(*) FROM {dataset}", own},
		{"SELECT (SELECT count(*) FROM {dataset}) AS n FROM {shared}", own},
		{"@{dataset}/{template}", nil},
		{"@{dataset}/{template}", []string{"{tenant}"}},
		{"@{shared}/every_kind_of_{shared}", nil},
		{"@{shared}/every_kind_of_{shared}", own},
		{"SELECT person FROM {shared}", own},
		{"SELECT * FROM {dataset}", []string{"{tenant}"}},
		{"SELECT any_value(person) AS p FROM {dataset}", []string{"{tenant}"}},
		{"SELECT list(minutes) AS p FROM {shared}", own},
		{"SELECT count(*) AS n FROM read_csv('data/{tenant}/*')", own},
		{"SELECT count(*) AS n FROM 'data/{tenant}/x.duckdb'", own},
		{"SELECT count(*) AS n FROM glob('**')", own},
		{"SELECT count(*) AS n FROM duckdb_tables()", own},
		{"SELECT count(*) AS n FROM information_schema.tables", own},
		{"SELECT getenv('HOME') AS h, count(*) AS n FROM {shared}", own},
		{"ATTACH 'data/{tenant}/x.duckdb' AS t; SELECT count(*) AS n FROM t.rows", own},
		{"COPY {dataset} TO '/tmp/x'", own},
		{"PRAGMA database_list", own},
		{"SELECT count(*) AS n FROM {shared}; SELECT count(*) AS n FROM {dataset}", own},
		{"SELECT count(*) AS n FROM {shared} -- WHERE tenant = '{own}'", nil},
	}
}

// bySQL asks every question.
func (w *world) bySQL(o *operation) []attempt {
	var all []attempt
	for _, q := range questions() {
		all = append(all, w.plain(o, "SQL", func(n names) request {
			n = fixed(map[string]string{"own": attacker, "shared": shared}, n)
			body := wire.QueryRequest{SQL: n.fill(q.sql, asItIs), Epsilon: ptr(0.5)}
			if name, ok := strings.CutPrefix(body.SQL, "@"); ok {
				body.SQL, body.Template = "", &name
			}
			for _, t := range q.tenants {
				body.Tenants = append(body.Tenants, n.fill(t, asItIs))
			}
			if o.method == http.MethodGet {
				v := url.Values{"sql": {n.fill(q.sql, asItIs)}, "epsilon": {"0.5"}}
				if body.Tenants != nil {
					v["tenants"] = body.Tenants
				}
				return request{method: o.method, path: o.path + "?" + v.Encode()}
			}
			text, err := json.Marshal(body)
			check(w.t, err)
			return request{method: o.method, path: o.path, body: string(text), media: wire.TypeJSON}
		}))
	}
	return all
}
