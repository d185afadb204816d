package shape

// allPages looks at the pages of all chunks. Chunks of a table have places of their
// own: a footer that names one place many times would have it looked at as often.
func (p *parquetFile) allPages() error {
	var stored int64
	for _, c := range p.chunks {
		if stored += c.stored; stored > p.size {
			return errNotParquet
		}
	}
	for _, c := range p.chunks {
		if err := p.pages(c); err != nil {
			return err
		}
	}
	return nil
}

// page is what the header of a page says.
type page struct {
	plain, stored, values int64
	dictionary            bool
}

// pages looks at the headers of a chunk's pages. A header that is none ends the look:
// whether that is a fault is for the reader to say.
func (p *parquetFile) pages(c parquetChunk) error {
	head := make([]byte, maxHeader)
	var held int64
	for at, end := c.begin(), c.begin()+c.stored; at < end; {
		h, length, err := p.header(head, at)
		if length == 0 {
			return err
		}
		switch {
		case h.plain < 0, h.stored < 0, h.values < 0, h.dictionary && h.values > h.plain:
			return errNotParquet
		case h.plain > maxPage:
			return rejected("a page of the Parquet file holds more than %d MB: write smaller pages and dictionaries", maxPage>>20)
		}
		if held += h.plain; held > p.most {
			return rejected("a column of the Parquet file holds more than a file of its size may")
		}
		at += length + h.stored
	}
	return nil
}

// header reads the header of a page at a place, and returns its length, 0 if there is
// none. Most are short: only of one that is not, all that may be of it is read.
func (p *parquetFile) header(head []byte, at int64) (h page, length int64, err error) {
	for _, most := range []int64{shortHeader, maxHeader} {
		n, err := p.r.ReadAt(head[:min(most, p.size-at)], at)
		if n == 0 {
			return page{}, 0, err
		}
		t := &thrift{b: head[:n]}
		if h = readPage(t); t.err == nil {
			return h, int64(n - len(t.b)), nil
		}
	}
	return page{}, 0, nil
}

// shortHeader is longer than the header of a page without long statistics.
const shortHeader = 512

// readPage reads a page's header.
func readPage(t *thrift) (h page) {
	t.structure(func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == thriftI32:
			h.dictionary = t.number() == 2
		case id == 2 && kind == thriftI32:
			h.plain = t.number()
		case id == 3 && kind == thriftI32:
			h.stored = t.number()
		case (id == 5 || id == 7 || id == 8) && kind == thriftStruct:
			t.structure(func(id int, kind byte) bool {
				if id != 1 || kind != thriftI32 {
					return false
				}
				h.values = t.number()
				return true
			})
		default:
			return false
		}
		return true
	})
	return h
}
