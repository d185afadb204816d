package e2e

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/blackbox"
)

// TestKilledRefusalsAreOnRecord: a server writes its refusals by itself, and kill −9
// loses none that are written. That they are is seen through another process, since a
// server that is asked for them writes what it has first.
func TestKilledRefusalsAreOnRecord(t *testing.T) {
	s := newSite(t)
	other := s.another()
	const tries = 400
	seen := map[string]bool{}
	for range tries {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1/admin/tenants/"+s.Tenants[0]+"/budget", nil)
		check(t, err)
		req.Header.Set("Authorization", "Bearer "+s.Loader[s.Tenants[1]])
		res, err := http.DefaultClient.Do(req)
		check(t, err)
		check(t, res.Body.Close())
		if res.StatusCode != http.StatusForbidden {
			t.Fatalf("another tenant's budget answered %d", res.StatusCode)
		}
		seen[res.Header.Get("X-Request-Id")] = true
	}
	began := time.Now()
	eventually(t, func() (bool, bool) { return true, len(s.missing(other, seen)) == 0 })
	t.Logf("all were on record after %s", time.Since(began).Round(time.Millisecond))
	check(t, s.Kill())
	s.start()
	if lost := s.missing(s.Server, seen); len(lost) != 0 {
		t.Errorf("%d of %d refusals are not on record after a kill", len(lost), tries)
	}
}

// missing returns which refusals of some requests a server does not find.
func (s *site) missing(server *blackbox.Server, requests map[string]bool) map[string]bool {
	s.t.Helper()
	api, err := server.API(s.Operator)
	check(s.t, err)
	left, cursor := maps.Clone(requests), ""
	for page := 0; page == 0 || cursor != ""; page++ {
		l, err := api.Refusals(s.t.Context(), wire.RefusalSearch{Tenant: s.Tenants[0], Cursor: cursor, Limit: 500})
		check(s.t, err)
		for _, r := range l.Items {
			delete(left, *r.Request)
		}
		if cursor = ""; l.Next != nil {
			cursor = *l.Next
		}
	}
	return left
}
