package code

import (
	"errors"
	"slices"

	"github.com/noised/noised/analytics/plan"
	"github.com/noised/noised/ingest/duck"
	"github.com/noised/noised/ingest/segment"
)

var errColumn = errors.New("codes of a column that holds no texts, or of none that is stored")

// Coder fills the code columns of a segment's rows. It is for one goroutine.
type Coder struct {
	columns []coded
}

// coded is a column of codes.
type coded struct {
	text, code int // positions in the chunk
	texts      *table
	carrier    *Carrier // of the texts; nil where they come as they are
}

// New returns what fills the code columns of a segment with the given columns,
// where they stand behind the ranks.
func New(m segment.Meta, columns []segment.Column) (*Coder, error) {
	first := 1 // behind the unit
	if m.Public {
		first = 0
	}
	at := first + len(columns) + len(m.RankColumns())
	c := &Coder{}
	for i, codes := range m.Codes {
		text := slices.IndexFunc(columns, func(of segment.Column) bool {
			return of.Name == codes.Column && of.Type.Kind == plan.KindVarchar
		})
		if text < 0 || len(codes.Values) > plan.MaxCoded {
			return nil, errColumn
		}
		c.columns = append(c.columns, coded{text: first + text, code: at + i, texts: newTable(codes.Values)})
	}
	return c, nil
}

// Fill writes the codes of a chunk's texts into it, and texts that were carried.
func (c *Coder) Fill(rows *duck.Chunk) {
	if len(c.columns) == 0 {
		return
	}
	rows.Refresh()
	for _, of := range c.columns {
		codes := duck.View[uint16](rows.Columns[of.code], rows.Rows)
		if of.carrier == nil {
			of.texts.fill(codes, rows.Columns[of.text])
			continue
		}
		rows.CopyTexts(of.text, of.carrier.Texts(), codes)
		for i, number := range codes {
			codes[i] = min(number, of.texts.outside())
		}
	}
}
