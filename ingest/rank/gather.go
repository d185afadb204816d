package rank

import "github.com/noised/noised/ingest/duck"

// gather copies rows of chunks into another chunk, many at a time.
type gather struct {
	first, columns int   // of the chunks that rows come from, to be copied
	elsewhere      []int // where the columns go; nil: in their order

	to     *duck.Chunk
	at     int // rows that have been copied
	from   *duck.Chunk
	picked *duck.Selection
	n      int // rows of from to copy behind those
}

// rows is the number of rows that the chunk has.
func (g *gather) rows() int { return g.at + g.n }

// into begins to fill a chunk.
func (g *gather) into(to *duck.Chunk) { g.to, g.at, g.n = to, 0, 0 }

// add adds a row. There must be room for it.
func (g *gather) add(from *duck.Chunk, row uint32) {
	if from != g.from {
		g.flush()
		g.from = from
	}
	g.picked.Rows[g.n] = row
	g.n++
}

// flush copies what was added. From then on the chunks that it came from may be
// freed.
func (g *gather) flush() {
	for i := 0; g.n > 0 && i < g.columns; i++ {
		to := i
		if g.elsewhere != nil {
			to = g.elsewhere[i]
		}
		g.to.Copy(to, g.at, g.from, g.first+i, g.picked, g.n)
	}
	g.at, g.n, g.from = g.at+g.n, 0, nil
}

// take ends the chunk and returns it, or nil when there is none with rows.
func (g *gather) take() *duck.Chunk {
	g.flush()
	to := g.to
	g.to = nil
	if to != nil {
		to.Resize(g.at)
	}
	return to
}
