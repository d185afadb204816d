package edge_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/noised/noised/api/rest"
	"github.com/noised/noised/api/rest/resttest"
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
	for name, change := range map[string]func(*rest.Options){"without slots": func(*rest.Options) {}, "on slots": onSlots} {
		h := resttest.New(t, change)
		var c canaries
		analyst := h.Secret[privacy.RoleAnalyst]
		asks := func() []resttest.Ask {
			body := `{"sql": "SELECT \'` + c.fresh() + `\' AS ` + c.fresh() + `", "bounds": {"` + c.fresh() + `": [1, 2]}, "tenants": ["` + c.fresh() + `"]}`
			body = strings.ReplaceAll(body, `\'`, "'")
			return []resttest.Ask{
				{Method: "POST", Path: "/v1/query", Body: body},
				{Method: "POST", Path: "/v1/query", Body: body, Header: resttest.Once(c.fresh())},
				{Method: "POST", Path: "/v1/explain", Body: body},
				{Method: "POST", Path: "/v1/query", Body: `{"sql": "x", "` + c.fresh() + `": 1}`},
				{Method: "POST", Path: "/v1/query", Body: `{"sql": "` + c.fresh()},
				{Method: "POST", Path: "/v1/query", Body: body, Header: map[string]string{"Accept": "text/" + c.fresh(), "User-Agent": c.fresh()}},
				{Method: "GET", Path: "/v1/query?sql=" + c.fresh() + "&bounds=" + c.fresh()},
				{Method: "GET", Path: "/v1/query?sql=x&" + c.fresh() + "=1"},
				{Method: "GET", Path: "/v1/releases/" + c.fresh()},
				{Method: "GET", Path: "/v1/datasets/" + c.fresh()},
				{Method: "GET", Path: "/" + c.fresh()},
				{Method: "X" + strings.ToUpper(c.fresh()), Path: "/v1/query"},
				{Method: "GET", Path: "/v1/releases", Key: "noised_" + c.fresh()},
			}
		}
		var answers []resttest.Answer
		for _, err := range []error{nil, privacy.Errorf(privacy.CodeUnknownColumn, "there is no such column"), errors.New("failed"), context.DeadlineExceeded} {
			h.Queries.Fail(err)
			for _, a := range asks() {
				if a.Key == "" {
					a.Key = analyst
				}
				answers = append(answers, h.Do(a))
			}
		}
		h.Queries.Run = func(context.Context) { panic("row of " + c.fresh()) }
		answers = append(answers, h.Do(resttest.Ask{Method: "POST", Path: "/v1/query", Key: analyst, Body: `{"sql": "x"}`}))
		h.Stop() // every line is written

		rec := httptest.NewRecorder()
		rest.MetricsHandler(h.Metrics).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", http.NoBody))
		seen := strings.ToLower(h.Log.String() + rec.Body.String())
		for _, a := range answers {
			var header strings.Builder
			if err := a.Header.Write(&header); err != nil {
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
