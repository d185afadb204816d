package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// generous is a budget that no test spends.
var generous = wire.Loss{Epsilon: 1e5, Delta: 0.5}

// site is one data directory with a server on it, and everybody's keys.
type site struct {
	*blackbox.Server
	*blackbox.Parties
	t   testing.TB
	dir string
}

// newSite starts a server on a fresh copy of the loaded sample. Budgets are
// unset, so that nothing can be asked yet.
func newSite(t testing.TB, flags ...string) *site {
	t.Helper()
	tpl, err := loadedTemplate()
	check(t, err)
	return siteOf(t, tpl, flags...)
}

func siteOf(t testing.TB, tpl *template, flags ...string) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "data"), Parties: tpl.parties}
	check(t, blackbox.CopyDir(tpl.dir, s.dir))
	s.start(flags...)
	return s
}

// start starts a server on the site's directory in the place of one that ended.
func (s *site) start(flags ...string) {
	s.t.Helper()
	s.Server = s.another(flags...)
}

// another starts a further server on the same directory.
func (s *site) another(flags ...string) *blackbox.Server {
	s.t.Helper()
	server, err := program.Start(s.t.Context(), s.dir, flags...)
	check(s.t, err)
	s.t.Cleanup(func() {
		check(s.t, server.Kill())
		for _, alarm := range []string{"DATA RACE", "panic"} {
			if strings.Contains(server.Log(), alarm) {
				s.t.Errorf("the server logged a %s:\n%s", alarm, server.Log())
			}
		}
	})
	return server
}

// budget gives every account the same cap, which is also its lifetime ceiling.
func (s *site) budget(limit wire.Loss) {
	s.t.Helper()
	check(s.t, s.SetBudgets(s.t.Context(), s.Server, limit, limit))
}

// api returns a client with a key of the site's.
func (s *site) api(key string) *wire.API {
	s.t.Helper()
	api, err := s.API(key)
	check(s.t, err)
	return api
}

// request is one HTTP request, as raw as tests need it.
type request struct {
	key, method, path string
	header            map[string]string
	body              any // a []byte or string as it is, nil for none, else as JSON
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call makes a request to the site's server.
func (s *site) call(r request) answer {
	s.t.Helper()
	return callOn(s.t, s.Server, r)
}

func callOn(t testing.TB, server *blackbox.Server, r request) answer {
	t.Helper()
	a, err := try(t, server, r)
	check(t, err)
	return a
}

// try makes a request that may break off.
func try(t testing.TB, server *blackbox.Server, r request) (answer, error) {
	t.Helper()
	var body io.Reader
	contentType := ""
	switch b := r.body.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(b)
	case string:
		body = bytes.NewReader([]byte(b))
	default:
		text, err := json.Marshal(b)
		check(t, err)
		body, contentType = bytes.NewReader(text), wire.TypeJSON
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method, server.URL+r.path, body)
	check(t, err)
	if r.key != "" {
		req.Header.Set("Authorization", "Bearer "+r.key)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	res, err := (&http.Client{Transport: server.Trans}).Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, text}, err
}

// query is the request of an analyst for one release.
func (s *site) query(q wire.QueryRequest) request {
	return request{key: s.Analyst, method: http.MethodPost, path: "/v1/query", body: q}
}

// ask expects an answer.
func (s *site) ask(q wire.QueryRequest) answer {
	s.t.Helper()
	a := s.call(s.query(q))
	if a.status != http.StatusOK {
		s.t.Fatalf("%s: %d %s\n%s", q.SQL, a.status, a.body, s.Log())
	}
	return a
}

// explain prices a query.
func (s *site) explain(q wire.QueryRequest) wire.Explanation {
	s.t.Helper()
	x, err := s.api(s.Analyst).Explain(s.t.Context(), q)
	check(s.t, err)
	if !x.Permitted {
		s.t.Fatalf("%s is refused: %+v", q.SQL, x.Problem)
	}
	return x
}

func ptr[T any](v T) *T { return &v }
