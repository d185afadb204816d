package rest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/noised/noised/privacy"
)

// canaries are tokens of 128 bits, none of which can be anywhere by chance.
type canaries []string

func (c *canaries) fresh() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	*c = append(*c, hex.EncodeToString(b[:]))
	return (*c)[len(*c)-1]
}

// Whatever a caller writes (literals, names, keys, headers, paths, methods) and
// whatever a panic holds stays out of logs and metrics, however the request ends,
// and comes back to nobody in a header.
func TestCanariesStayOutOfLogsAndMetrics(t *testing.T) {
	for name, change := range map[string]func(*Options){"without slots": func(*Options) {}, "on slots": onSlots} {
		h := newHarness(t, change)
		var c canaries
		analyst := h.secret[privacy.RoleAnalyst]
		asks := func() []ask {
			body := `{"sql": "SELECT \'` + c.fresh() + `\' AS ` + c.fresh() + `", "bounds": {"` + c.fresh() + `": [1, 2]}, "tenants": ["` + c.fresh() + `"]}`
			body = strings.ReplaceAll(body, `\'`, "'")
			return []ask{
				{method: "POST", path: "/v1/query", body: body},
				{method: "POST", path: "/v1/query", body: body, header: once(c.fresh())},
				{method: "POST", path: "/v1/explain", body: body},
				{method: "POST", path: "/v1/query", body: `{"sql": "x", "` + c.fresh() + `": 1}`},
				{method: "POST", path: "/v1/query", body: `{"sql": "` + c.fresh()},
				{method: "POST", path: "/v1/query", body: body, header: map[string]string{"Accept": "text/" + c.fresh(), "User-Agent": c.fresh()}},
				{method: "GET", path: "/v1/query?sql=" + c.fresh() + "&bounds=" + c.fresh()},
				{method: "GET", path: "/v1/query?sql=x&" + c.fresh() + "=1"},
				{method: "GET", path: "/v1/releases/" + c.fresh()},
				{method: "GET", path: "/v1/datasets/" + c.fresh()},
				{method: "GET", path: "/" + c.fresh()},
				{method: "X" + strings.ToUpper(c.fresh()), path: "/v1/query"},
				{method: "GET", path: "/v1/releases", key: "noised_" + c.fresh()},
			}
		}
		var answers []answer
		for _, err := range []error{nil, privacy.Errorf(privacy.CodeUnknownColumn, "there is no such column"), errors.New("failed"), context.DeadlineExceeded} {
			h.queries.fail(err)
			for _, a := range asks() {
				if a.key == "" {
					a.key = analyst
				}
				answers = append(answers, h.do(a))
			}
		}
		h.queries.run = func(context.Context) { panic("row of " + c.fresh()) }
		answers = append(answers, h.do(ask{method: "POST", path: "/v1/query", key: analyst, body: `{"sql": "x"}`}))
		h.stop() // every line is written

		rec := httptest.NewRecorder()
		MetricsHandler(h.metrics).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", http.NoBody))
		seen := strings.ToLower(h.log.String() + rec.Body.String())
		for _, a := range answers {
			var header strings.Builder
			if err := a.header.Write(&header); err != nil {
				t.Fatal(err)
			}
			seen += strings.ToLower(header.String())
		}
		for _, token := range c {
			if at := strings.Index(seen, token); at >= 0 {
				t.Errorf("%s: a canary got out: …%s…", name, seen[max(0, at-150):at+40])
			}
		}
		if len(c) < 60 || !strings.Contains(seen, "noised_http_requests_total") {
			t.Errorf("%s: looked for %d canaries in %d bytes", name, len(c), len(seen))
		}
	}
}
