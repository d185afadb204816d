package finish

import (
	"encoding/json"
	"fmt"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/privacy"
	"github.com/noised/noised/privacy/mechanism"
)

// Core is what a release stores: the keys that may be shown, and the noised
// integers of each draw, in steps of the draw's quantum: one per group, or one
// per node of a tree, group by group.
type Core struct {
	Keys  [][]plan.Value // [group][key]
	Draws [][]int64      // [draw][group·Width + node]
}

// View is the query as planned: how draws become columns.
type View struct {
	Plan       *plan.Bound
	Noise      []mechanism.Spec // one per draw
	Confidence float64          // of the intervals, e.g. 0.95
}

// storedCore is the JSON form of a Core. Key values lose their types, which
// the plan knows.
type storedCore struct {
	Keys  [][]any   `json:"keys"`
	Draws [][]int64 `json:"draws"`
}

// Encode returns the stored form of the core.
func (c *Core) Encode() ([]byte, error) {
	s := storedCore{Keys: make([][]any, len(c.Keys)), Draws: c.Draws}
	for i, key := range c.Keys {
		s.Keys[i] = make([]any, len(key))
		for j, v := range key {
			switch {
			case v.Null:
			case v.Type.Kind == plan.KindVarchar:
				s.Keys[i][j] = v.Str
			default:
				s.Keys[i][j] = v.Int
			}
		}
	}
	return json.Marshal(s)
}

// DecodeCore reads the stored form back under the plan it was made with.
func DecodeCore(data []byte, b *plan.Bound) (*Core, error) {
	var s struct {
		Keys  [][]json.RawMessage `json:"keys"`
		Draws [][]int64           `json:"draws"`
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("decode stored core: %w", err)
	}
	c := &Core{Keys: make([][]plan.Value, len(s.Keys)), Draws: s.Draws}
	for i, raw := range s.Keys {
		if len(raw) != len(b.Keys) {
			return nil, fmt.Errorf("decode stored core: a key has %d parts, the plan %d", len(raw), len(b.Keys))
		}
		c.Keys[i] = make([]plan.Value, len(raw))
		for j, m := range raw {
			v, err := decodeValue(m, b.Keys[j].Type)
			if err != nil {
				return nil, err
			}
			c.Keys[i][j] = v
		}
	}
	return c, c.check(b)
}

func decodeValue(m json.RawMessage, t plan.Type) (plan.Value, error) {
	if string(m) == "null" {
		return plan.Null(t), nil
	}
	v := plan.Value{Type: t}
	var target any = &v.Int
	if t.Kind == plan.KindVarchar {
		target = &v.Str
	}
	if err := json.Unmarshal(m, target); err != nil {
		return v, fmt.Errorf("decode stored key: %w", err)
	}
	return v, nil
}

// check holds the core's shape against the plan's.
func (c *Core) check(b *plan.Bound) error {
	if len(c.Draws) != len(b.Draws) {
		return privacy.Internal(fmt.Errorf("%d draws for a plan of %d", len(c.Draws), len(b.Draws)), "core shape")
	}
	for i, d := range c.Draws {
		if width := b.Draws[i].Width(); len(d) != len(c.Keys)*width {
			return privacy.Internal(fmt.Errorf("%d values for %d groups of %d", len(d), len(c.Keys), width), "core shape")
		}
	}
	return nil
}
