package build

import (
	"fmt"
	"slices"

	"github.com/noised/noised/ingest/code"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/rank"
)

// carry makes the columns that codes are stored of pass through the sort as
// numbers, as far as they can be carried. It returns the functions that make the
// numbers, by the place of their column among those to store; none where there is
// nothing to carry.
func (t *task) carry(d *duck.DB) (functions map[int]string, err error) {
	functions = map[int]string{}
	t.carriers = make([]*code.Carrier, len(t.spec.Meta.Codes))
	for i, of := range t.spec.Meta.Codes {
		carrier, at := code.NewCarrier(of.Values), t.spec.stored(of.Column)
		if carrier == nil || at < 0 {
			continue
		}
		name := fmt.Sprintf("noised_carry%d", i)
		if err := d.NumberTexts(name, carrier.Number); err != nil {
			return nil, err
		}
		t.carriers[i], functions[at] = carrier, name
	}
	return functions, nil
}

// unload ends carrying, and reports whether some column had more texts than its
// carrier takes.
func (t *task) unload() (full bool) {
	full = slices.ContainsFunc(t.carriers, func(c *code.Carrier) bool { return c != nil && c.Full() })
	for _, c := range t.carriers {
		if c != nil {
			c.Close()
		}
	}
	t.carriers = nil
	return full
}

// numbered are the columns that come to the ranker as numbers, and go where their
// codes are.
func (w *writer) numbered() []rank.Numbered {
	var columns []rank.Numbered
	for _, c := range w.carried {
		columns = append(columns, rank.Numbered{Column: c.Text - 1, To: c.Code, Texts: c.Texts}) // behind the unit
	}
	return columns
}
