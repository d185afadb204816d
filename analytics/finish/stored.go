package finish

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/noised/noised/analytics/packed"
	"github.com/noised/noised/analytics/plan"
)

// formatBinary is the first byte of the stored form of a core. An older one is
// JSON, and begins with a brace.
//
// After it stand, as varints: the number of groups whose keys are stored, 0
// where they follow from the plan; the columns of the keys, value by value;
// then, for each draw, how many integers it has, and these.
const formatBinary = 2

// Encode returns the stored form of the core.
func (c *Core) Encode() []byte {
	size := 16 + 16*len(c.Keys)
	for _, d := range c.Draws {
		size += 16 + 3*len(d)
	}
	data := binary.AppendUvarint(append(make([]byte, 0, size), formatBinary), uint64(len(c.Keys)))
	for j := 0; len(c.Keys) > 0 && j < len(c.Keys[0]); j++ {
		for _, key := range c.Keys {
			data = appendKey(data, key[j])
		}
	}
	data = binary.AppendUvarint(data, uint64(len(c.Draws)))
	for _, d := range c.Draws {
		data = binary.AppendUvarint(data, uint64(len(d)))
		for _, v := range d {
			data = binary.AppendVarint(data, v)
		}
	}
	return data
}

// appendKey writes 0 for NULL, else 1 and the value. Its type is the plan's.
func appendKey(data []byte, v plan.Value) []byte {
	switch {
	case v.Null:
		return append(data, 0)
	case v.Type.Kind == plan.KindVarchar:
		return packed.AppendText(append(data, 1), v.Str)
	default:
		return binary.AppendVarint(append(data, 1), v.Int)
	}
}

// DecodeCore reads the stored form back under the plan it was made with.
func DecodeCore(data []byte, b *plan.Bound) (*Core, error) {
	decode := decodeBinary
	if len(data) > 0 && data[0] == '{' {
		decode = decodeJSON
	}
	c, err := decode(data, b)
	if err != nil {
		return nil, fmt.Errorf("decode stored core: %w", err)
	}
	return c, c.check(b)
}

func decodeBinary(data []byte, b *plan.Bound) (*Core, error) {
	r := packed.NewReader(data)
	if r.Byte() != formatBinary {
		return nil, errors.New("the format is unknown")
	}
	c := &Core{}
	if groups := r.Count(len(b.Keys)); groups > 0 || b.Secret() {
		c.Keys = make([][]plan.Value, groups)
		values := make([]plan.Value, groups*len(b.Keys))
		for g := range c.Keys {
			c.Keys[g] = values[g*len(b.Keys) : (g+1)*len(b.Keys) : (g+1)*len(b.Keys)]
		}
		for j, k := range b.Keys {
			for g := range c.Keys {
				c.Keys[g][j] = readKey(r, k.Type)
			}
		}
	}
	c.Draws = make([][]int64, r.Count(1))
	for i := range c.Draws {
		c.Draws[i] = make([]int64, r.Count(1))
		for j := range c.Draws[i] {
			c.Draws[i][j] = r.Varint()
		}
	}
	return c, r.Done()
}

func readKey(r *packed.Reader, t plan.Type) plan.Value {
	switch {
	case r.Byte() == 0:
		return plan.Null(t)
	case t.Kind == plan.KindVarchar:
		return plan.Value{Type: t, Str: r.Text()}
	default:
		return plan.IntValue(t, r.Varint())
	}
}

// decodeJSON reads the form of the first version, which has all keys.
func decodeJSON(data []byte, b *plan.Bound) (*Core, error) {
	var s struct {
		Keys  [][]json.RawMessage `json:"keys"`
		Draws [][]int64           `json:"draws"`
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	c := &Core{Draws: s.Draws}
	if !b.Secret() {
		if int64(len(s.Keys)) != b.DeclaredCount(plan.MaxCells) {
			return nil, fmt.Errorf("%d keys are not those of the plan", len(s.Keys))
		}
		return c, nil
	}
	c.Keys = make([][]plan.Value, len(s.Keys))
	for i, raw := range s.Keys {
		if len(raw) != len(b.Keys) {
			return nil, fmt.Errorf("a key has %d parts, the plan %d", len(raw), len(b.Keys))
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
	return c, nil
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
	return v, json.Unmarshal(m, target)
}
