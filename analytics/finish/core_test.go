package finish

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
)

// anyCore draws a plan with keys, declared or secret, and draws of several
// widths, and a core of it.
func anyCore(t *rapid.T) (*plan.Bound, *Core) {
	b := &plan.Bound{Keys: []plan.Key{
		{Column: "s", Type: plan.Of(plan.KindVarchar)}, {Column: "d", Type: plan.Of(plan.KindDate)},
	}}
	for range rapid.IntRange(1, 4).Draw(t, "draws") {
		if !rapid.Bool().Draw(t, "is a tree") {
			b.Draws = append(b.Draws, plan.Draw{Kind: plan.DrawRows})
			continue
		}
		q := plan.Quantum{Mantissa: 1, Hi: rapid.Int64Range(0, 100).Draw(t, "hi")}
		b.Draws = append(b.Draws, plan.Draw{Kind: plan.DrawTree, Quantum: q, Tree: plan.TreeOf(q)})
	}
	core, keys := &Core{Draws: make([][]int64, len(b.Draws))}, [][]plan.Value{}
	for range rapid.IntRange(0, 3).Draw(t, "groups") {
		key := []plan.Value{
			plan.StringValue(rapid.String().Draw(t, "s")),
			plan.IntValue(plan.Of(plan.KindDate), rapid.Int64().Draw(t, "d")),
		}
		if rapid.Bool().Draw(t, "is null") {
			key[0] = plan.Null(key[0].Type)
		}
		keys = append(keys, key)
	}
	groups := len(keys)
	if core.Keys = keys; groups > 0 && rapid.Bool().Draw(t, "declared") {
		core.Keys = nil
		b.Keys[1].Domain = []plan.Value{keys[0][1]}
		for _, key := range keys {
			b.Keys[0].Domain = append(b.Keys[0].Domain, key[0])
		}
	}
	for i, d := range b.Draws {
		n := groups * d.Width()
		core.Draws[i] = rapid.SliceOfN(rapid.Int64(), n, n).Draw(t, "values")
	}
	return b, core
}

func TestStoredCoresReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, core := anyCore(t)
		back, err := DecodeCore(core.Encode(), b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, core) {
			t.Fatalf("%+v came back as %+v", core, back)
		}
	})
}

// TestCoresOfAnotherShapeAreRefused: one value too many or too few is not
// shifted into the next group.
func TestCoresOfAnotherShapeAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, core := anyCore(t)
		i := rapid.IntRange(0, len(core.Draws)-1).Draw(t, "draw")
		if len(core.Draws[i]) > 0 && rapid.Bool().Draw(t, "too few") {
			core.Draws[i] = core.Draws[i][1:]
		} else {
			core.Draws[i] = append(core.Draws[i], 1)
		}
		if _, err := DecodeCore(core.Encode(), b); err == nil {
			t.Fatalf("draw %d of another shape was read", i)
		}
	})
}

// encodeFirst is the stored form of the first version.
func encodeFirst(t *rapid.T, b *plan.Bound, c *Core) []byte {
	keys := c.Keys
	if !b.Secret() {
		keys = b.DeclaredKeys()
	}
	all := make([][]any, len(keys))
	for i, key := range keys {
		for _, v := range key {
			switch {
			case v.Null:
				all[i] = append(all[i], nil)
			case v.Type.Kind == plan.KindVarchar:
				all[i] = append(all[i], v.Str)
			default:
				all[i] = append(all[i], v.Int)
			}
		}
	}
	data, err := json.Marshal(map[string]any{"keys": all, "draws": c.Draws})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestOlderCores holds that a release of the first version still reads.
func TestOlderCores(t *testing.T) {
	v := threeGroups(t, nil)
	core, err := DecodeCore([]byte(`{"keys":[["a"],["b"],["c"]],"draws":[[10,30,20]]}`), v.Plan)
	if err != nil {
		t.Fatal(err)
	}
	cols, err := Columns(v, core)
	if err != nil || rowsText(cols) != "a,10 b,30 c,20" {
		t.Errorf("an older core gives %v, %v", cols, err)
	}
	if _, err := DecodeCore([]byte(`{"keys":[["a"],["b"]],"draws":[[10,30]]}`), v.Plan); err == nil {
		t.Error("a core of fewer groups than the plan declares was read")
	}
	rapid.Check(t, func(t *rapid.T) {
		b, core := anyCore(t)
		if back, err := DecodeCore(encodeFirst(t, b, core), b); err != nil || !reflect.DeepEqual(back, core) {
			t.Fatalf("%+v came back as %+v, %v", core, back, err)
		}
	})
}

// TestDeclaredKeysAreNotStored: they follow from the plan, so that a core of
// many groups takes little more room than its noise has digits.
func TestDeclaredKeysAreNotStored(t *testing.T) {
	b := &plan.Bound{Draws: []plan.Draw{{Kind: plan.DrawRows}}}
	domain := make([]plan.Value, 1000)
	for i := range domain {
		domain[i] = plan.StringValue(strings.Repeat("long", i))
	}
	b.Keys = []plan.Key{{Domain: domain}}
	core := &Core{Draws: [][]int64{make([]int64, len(domain))}}
	if n := len(core.Encode()); n > 1010 {
		t.Errorf("a thousand zeros take %d bytes", n)
	}
	core.Keys = b.DeclaredKeys()
	if _, err := DecodeCore(core.Encode(), b); privacy.CodeOf(err) != privacy.CodeInternal {
		t.Errorf("keys beside those of the plan: %v", err)
	}
}

// FuzzDecodeCore: whatever is stored, reading it fails or gives a core of the
// plan's shape.
func FuzzDecodeCore(f *testing.F) {
	q := plan.Quantum{Mantissa: 1, Lo: 1, Hi: 5}
	b := &plan.Bound{
		Keys:  []plan.Key{{Column: "s", Type: plan.Of(plan.KindVarchar)}},
		Draws: []plan.Draw{{Kind: plan.DrawRows}, {Kind: plan.DrawTree, Quantum: q, Tree: plan.TreeOf(q)}},
	}
	f.Add([]byte(`{"keys":[["a"],[null]],"draws":[[1,2],[1,2,3,4,5,6,7,8,9,10]]}`))
	f.Add([]byte(`{"keys":[],"draws":[null,[]]}`))
	f.Add((&Core{Keys: [][]plan.Value{{plan.StringValue("a")}}, Draws: [][]int64{{-1}, {1, 2, 3, 4, 1 << 60}}}).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		core, err := DecodeCore(data, b)
		if err == nil && (len(core.Draws) != 2 || len(core.Draws[0]) != len(core.Keys) || len(core.Draws[1]) != 5*len(core.Keys)) {
			t.Errorf("%q was read as %+v", data, core)
		}
	})
}
