package server

import (
	"io"
	"strings"
	"testing"

	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/cmd/noised/internal/remote"
)

// What a principal has spent with one key, it has spent with the key that
// replaces it: the cap of a principal is not to be had again.
func TestAReplacedKeyHasNoFreshBudget(t *testing.T) {
	dir, key := newDir(t)
	m := start(t, dir, nil)
	contributor := client(t, m, joinVisits(t, m, key))
	l, err := contributor.Upload(t.Context(), wire.Upload{Dataset: "visits", ContentType: wire.TypeCSV}, strings.NewReader("person\nann\nbob\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := contributor.Wait(t.Context(), l.ID, nil); err != nil {
		t.Fatal(err)
	}
	operator := client(t, m, key)
	create := func(role wire.Role, tenant string) wire.NewKey {
		t.Helper()
		k, err := operator.CreateKey(t.Context(), wire.KeyRequest{Role: role, Tenant: remote.Optional(tenant)})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	admin, analyst := client(t, m, create(wire.BudgetAdmin, "north").Key), create(wire.Analyst, "")
	if _, err := admin.SetTenantBudget(t.Context(), "north", wire.TenantBudgetRequest{
		Epsilon: 10, Delta: 1e-6, PerPrincipal: &wire.Losses{"default": {Epsilon: 1, Delta: 1e-9}},
	}); err != nil {
		t.Fatal(err)
	}
	ask := func(key string, epsilon float64) error {
		r, err := client(t, m, key).Query(t.Context(), wire.QueryRequest{SQL: "SELECT count(*) AS n FROM visits", Epsilon: &epsilon, Delta: remote.Optional(1e-9)}, wire.QueryOptions{Accept: wire.TypeJSON})
		if err != nil {
			return err
		}
		defer r.Body.Close()
		_, err = io.Copy(io.Discard, r.Body)
		return err
	}
	if err := ask(analyst.Key, 0.9); err != nil {
		t.Fatal(err)
	}
	next, err := operator.RotateKey(t.Context(), analyst.ID, "1h")
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(next.Key, 0.8); err == nil || !strings.Contains(err.Error(), "budget-exhausted") {
		t.Errorf("the new key asks for what its principal has spent: %v", err)
	}
	if err := ask(create(wire.Analyst, "").Key, 0.8); err != nil {
		t.Errorf("another principal: %v", err)
	}
}
