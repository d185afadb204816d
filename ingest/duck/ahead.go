package duck

// Ahead reads the chunks of a query in a goroutine of its own, some ahead of those
// that are asked for. DuckDB computes rows of a result only while one is waited for;
// so whoever works on a chunk would keep it waiting, and it them.
type Ahead struct {
	rows    *Chunks
	chunks  chan *Chunk
	stopped chan struct{}
	err     error // why reading ended early; set when chunks is closed
}

// Ahead begins to read, up to n chunks ahead. From then on rows are had from what it
// returns, which must be closed in place of c.
func (c *Chunks) Ahead(n int) *Ahead {
	a := &Ahead{rows: c, chunks: make(chan *Chunk, n), stopped: make(chan struct{})}
	go a.read()
	return a
}

func (a *Ahead) read() {
	defer close(a.chunks)
	for {
		c, err := a.rows.Next()
		if c == nil || err != nil {
			a.err = err
			return
		}
		select {
		case a.chunks <- c:
		case <-a.stopped:
			c.Close()
			return
		}
	}
}

// Next returns the next chunk, or nil after the last. The caller closes it.
func (a *Ahead) Next() (*Chunk, error) {
	c, ok := <-a.chunks
	if !ok {
		return nil, a.err
	}
	return c, nil
}

// NewChunk returns an empty chunk with the result's columns.
func (a *Ahead) NewChunk() *Chunk { return a.rows.NewChunk() }

// Close ends the query.
func (a *Ahead) Close() error {
	close(a.stopped)
	for c := range a.chunks { // it is closed when nothing is read any more
		c.Close()
	}
	return a.rows.Close()
}
