package plan

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestDeclaredKeys: every combination once, the last key varying fastest, and
// none can be extended into the next one's room.
func TestDeclaredKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, want := &Bound{}, [][]Value{{}}
		for k := range rapid.IntRange(0, 3).Draw(t, "keys") {
			var domain []Value
			for v := range rapid.Int64Range(1, 5).Draw(t, "values") {
				domain = append(domain, IntValue(Of(KindBigint), 10*int64(k)+v))
			}
			b.Keys = append(b.Keys, Key{Domain: domain})
			var next [][]Value
			for _, prefix := range want {
				for _, v := range domain {
					next = append(next, append(slices.Clone(prefix), v))
				}
			}
			want = next
		}
		got := b.DeclaredKeys()
		if !slices.EqualFunc(got, want, slices.Equal) || int64(len(got)) != b.DeclaredCount(1000) {
			t.Fatalf("got %v, want %v", got, want)
		}
		one := make([]Value, len(b.Keys))
		for i, key := range got {
			if b.DeclaredKey(i, one); !slices.Equal(one, key) || cap(key) != len(key) {
				t.Fatalf("combination %d is %v, then %v", i, key, one)
			}
		}
	})
}

func TestASecretKeyDeclaresNothing(t *testing.T) {
	b := &Bound{Keys: []Key{{Domain: []Value{BoolValue(true)}}, {}}}
	if keys := b.DeclaredKeys(); len(keys) != 0 || b.DeclaredCount(10) != 0 {
		t.Errorf("%v, %d", keys, b.DeclaredCount(10))
	}
}
