package limits

import (
	"testing"
	"time"
)

func TestIdlePrincipalsAreForgotten(t *testing.T) {
	now := time.Unix(1e9, 0)
	r := NewRates(10, 1, func() time.Time { return now })
	for _, p := range []string{"a", "b", "c"} {
		if err := r.Allow(p); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(2 * time.Minute)
	if err := r.Allow("d"); err != nil || len(r.arrivals) != 1 {
		t.Errorf("%d remembered, %v", len(r.arrivals), err)
	}
}
