package finish

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/noised/noised/analytics/plan"
)

// anyCore draws a plan with keys and draws of several widths, and a core of it.
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
	core := &Core{Draws: make([][]int64, len(b.Draws)), Keys: [][]plan.Value{}}
	for range rapid.IntRange(0, 3).Draw(t, "groups") {
		key := []plan.Value{
			plan.StringValue(rapid.String().Draw(t, "s")),
			plan.IntValue(plan.Of(plan.KindDate), rapid.Int64().Draw(t, "d")),
		}
		if rapid.Bool().Draw(t, "is null") {
			key[0] = plan.Null(key[0].Type)
		}
		core.Keys = append(core.Keys, key)
		for i, d := range b.Draws {
			core.Draws[i] = append(core.Draws[i], rapid.SliceOfN(rapid.Int64(), d.Width(), d.Width()).Draw(t, "values")...)
		}
	}
	return b, core
}

func TestStoredCoresReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, core := anyCore(t)
		data, err := core.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeCore(data, b)
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
		data, err := core.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeCore(data, b); err == nil {
			t.Fatalf("draw %d of another shape was read", i)
		}
	})
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
	f.Fuzz(func(t *testing.T, data []byte) {
		core, err := DecodeCore(data, b)
		if err == nil && (len(core.Draws) != 2 || len(core.Draws[0]) != len(core.Keys) || len(core.Draws[1]) != 5*len(core.Keys)) {
			t.Errorf("%q was read as %+v", data, core)
		}
	})
}
