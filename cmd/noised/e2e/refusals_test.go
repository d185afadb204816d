package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/noised/noised/api/wire"
)

// TestKilledRefusalsAreOnRecord: kill −9 loses the refusals of the last moment at
// most. Those that are older than several windows are there afterwards.
func TestKilledRefusalsAreOnRecord(t *testing.T) {
	s := newSite(t)
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
	<-time.After(2 * time.Second) // twenty windows, on a machine that others use
	check(t, s.Kill())
	s.start()
	cursor := ""
	for page := 0; page == 0 || cursor != ""; page++ {
		l, err := s.api(s.Operator).Refusals(t.Context(), wire.RefusalSearch{Tenant: s.Tenants[0], Cursor: cursor, Limit: 500})
		check(t, err)
		for _, r := range l.Items {
			delete(seen, *r.Request)
		}
		if cursor = ""; l.Next != nil {
			cursor = *l.Next
		}
	}
	if len(seen) != 0 {
		t.Errorf("%d of %d refusals are not on record after a kill two seconds later", len(seen), tries)
	}
}
