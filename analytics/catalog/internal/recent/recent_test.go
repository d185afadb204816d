package recent

import (
	"fmt"
	"sync"
	"testing"
)

func TestTheLatestVersionIsKept(t *testing.T) {
	c := New[string](10)
	if _, _, ok := c.Get("a"); ok {
		t.Error("an empty cache has a value")
	}
	for _, step := range []struct {
		version int64
		value   string
		want    string
	}{{3, "three", "three"}, {2, "two", "three"}, {3, "three again", "three again"}, {5, "five", "five"}} {
		c.Put("a", step.version, step.value, 1)
		if got, version, ok := c.Get("a"); !ok || got != step.want || version < step.version {
			t.Errorf("after version %d: %q of version %d, want %q", step.version, got, version, step.want)
		}
	}
}

func TestWhatWasNotUsedForLongestGoes(t *testing.T) {
	c := New[int](10)
	has := func(want ...string) {
		t.Helper()
		if len(c.byKey) != len(want) || c.order.Len() != len(want) {
			t.Errorf("%d values are kept, want %v", len(c.byKey), want)
		}
		for _, key := range want {
			if _, ok := c.byKey[key]; !ok {
				t.Errorf("%s was dropped, want %v", key, want)
			}
		}
		weight := 0
		for _, at := range c.byKey {
			weight += at.Value.(*entry[int]).weight
		}
		if weight != c.weight || weight > c.limit {
			t.Errorf("what is kept weighs %d, counted as %d of %d", weight, c.weight, c.limit)
		}
	}
	c.Put("a", 1, 0, 4)
	c.Put("b", 1, 0, 4)
	has("a", "b")
	c.Get("a")
	c.Put("c", 1, 0, 4)
	has("a", "c")
	c.Put("a", 2, 0, 6) // grows, and is the one used last
	has("a", "c")
	c.Put("a", 3, 0, 7)
	has("a")
	c.Put("b", 1, 0, 11) // too heavy for all
	has("a")
	c.Put("a", 4, 0, 11)
	has()
	c.Put("d", 1, 0, 10)
	has("d")
}

func TestManyUseOneCache(t *testing.T) {
	c := New[int64](40) // enough for all, so that versions only grow
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			last := map[string]int64{}
			for n := range int64(500) {
				key := fmt.Sprint((n + int64(i)) % 7)
				c.Put(key, n, n, int(n%5))
				value, version, ok := c.Get(key)
				if !ok || value != version || version < last[key] {
					t.Errorf("%s: value %d of version %d (%t), after version %d", key, value, version, ok, last[key])
				}
				last[key] = version
			}
		})
	}
	all.Wait()
}
