package rank

import "github.com/noised/noised/ingest/duck"

// elsewhere returns where the unit and the columns go in the chunks to fill; nil
// where all keep their places.
func elsewhere(o Options) []int {
	if len(o.Numbered) == 0 {
		return nil
	}
	to := make([]int, 1+len(o.Columns))
	for i := range to {
		to[i] = i
	}
	for _, n := range o.Numbered {
		to[1+n.Column] = n.To
	}
	return to
}

// read makes the columns of a chunk show texts where they have numbers of them.
// What is copied of the chunk are the numbers.
func (r *Ranker) read(c *duck.Chunk) {
	for _, n := range r.o.Numbered {
		at := r.unitAt + 1 + n.Column
		c.Columns[at] = n.Texts().Of(c.Columns[at], c.Rows)
	}
}
