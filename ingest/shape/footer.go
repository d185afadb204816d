package shape

import (
	"encoding/binary"
	"io"
	"os"
)

// Limits on what a Parquet file may claim. Its reader believes it, and allocates.
const (
	maxFooter    = 64 << 20
	maxRowGroups = 1 << 16
	maxPage      = 256 << 20 // bytes of a page or a dictionary once it is decompressed
	maxHeader    = 64 << 10  // bytes of a page's header
)

var errNotParquet = rejected("the file is not a Parquet file, or is damaged")

// Parquet reads what a Parquet file says of itself and of its pages, and refuses more
// than there can be in a file that may hold so many bytes. What it cannot make sense of
// is left to the reader.
func Parquet(path string, largest func(size int64) int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p := parquetFile{r: f, size: info.Size(), most: largest(info.Size())}
	footer, err := p.footer()
	if err != nil {
		return err
	}
	if err := p.check(footer); err != nil {
		return err
	}
	return p.allPages()
}

// parquetFile is a file whose claims are looked at.
type parquetFile struct {
	r    io.ReaderAt
	size int64
	most int64 // bytes that it may hold

	elements []schemaElement
	rows     int64
	groups   int
	chunks   []parquetChunk
	fault    error
}

type schemaElement struct {
	name     []byte
	children int64
}

// parquetChunk is the part of a file that has the values of one column of a group.
type parquetChunk struct {
	data, dictionary       int64
	stored, plain, values  int64
	elsewhere, hasMetadata bool
}

// footer returns the bytes that describe the file.
func (p *parquetFile) footer() ([]byte, error) {
	if p.size < 12 {
		return nil, errNotParquet
	}
	var tail [8]byte
	if _, err := p.r.ReadAt(tail[:], p.size-8); err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(tail[:4]))
	switch {
	case string(tail[4:]) == "PARE":
		return nil, rejected("the Parquet file is encrypted; send it plain")
	case string(tail[4:]) != "PAR1", length > p.size-12:
		return nil, errNotParquet
	case length > maxFooter:
		return nil, rejected("the footer of the Parquet file is larger than %d MB: write fewer, larger row groups", maxFooter>>20)
	}
	footer := make([]byte, length)
	_, err := p.r.ReadAt(footer, p.size-8-length)
	return footer, err
}

// check reads the footer.
func (p *parquetFile) check(footer []byte) error {
	t := &thrift{b: footer}
	t.structure(func(id int, kind byte) bool {
		switch {
		case id == 2 && kind == thriftList:
			t.list(thriftStruct, func() { p.element(t) })
		case id == 3 && kind == thriftI64:
			p.rows = t.number()
		case id == 4 && kind == thriftList:
			t.list(thriftStruct, func() { p.group(t) })
		default:
			return false
		}
		return true
	})
	switch {
	case p.fault != nil:
		return p.fault
	case t.err != nil:
		return errNotParquet
	case p.rows < 0:
		return errNotParquet
	case p.rows > p.most:
		return rejected("the Parquet file says that it has %d rows, more than a file of its size may: send it in smaller parts", p.rows)
	}
	return p.tree()
}

// stop keeps the first reason to refuse the file.
func (p *parquetFile) stop(t *thrift, reason error) {
	if p.fault == nil {
		p.fault = reason
	}
	t.fail()
}

func (p *parquetFile) element(t *thrift) {
	var e schemaElement
	t.structure(func(id int, kind byte) bool {
		switch {
		case id == 4 && kind == thriftBinary:
			e.name = t.bytes()
		case id == 5 && kind == thriftI32:
			e.children = t.number()
		default:
			return false
		}
		return true
	})
	if len(e.name) > maxName {
		p.stop(t, rejected("the name of a column of the Parquet file is %d bytes long; at most %d are read", len(e.name), maxName))
	}
	if p.elements = append(p.elements, e); len(p.elements) > 2*maxColumns {
		p.stop(t, rejected("the Parquet file has more than %d columns and groups", 2*maxColumns))
	}
}

// tree checks that the schema is one, and not a deep one.
func (p *parquetFile) tree() error {
	var open []int64 // children that are still to come, of each group that is open
	for i, e := range p.elements {
		for len(open) > 0 && open[len(open)-1] == 0 {
			open = open[:len(open)-1]
		}
		if i > 0 {
			if len(open) == 0 {
				return errNotParquet
			}
			open[len(open)-1]--
		}
		if e.children < 0 || e.children > int64(len(p.elements)-i-1) {
			return errNotParquet
		}
		if e.children > 0 {
			open = append(open, e.children)
		}
		if len(open) > MaxDepth {
			return rejected("the Parquet file has groups more than %d deep in each other", MaxDepth)
		}
	}
	for _, left := range open {
		if left > 0 {
			return errNotParquet
		}
	}
	return nil
}

func (p *parquetFile) group(t *thrift) {
	if p.groups++; p.groups > maxRowGroups {
		p.stop(t, rejected("the Parquet file has more than %d row groups: write fewer, larger ones", maxRowGroups))
	}
	t.structure(func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == thriftList:
			t.list(thriftStruct, func() { p.chunk(t) })
		case id == 3 && kind == thriftI64:
			if rows := t.number(); rows < 0 || rows > p.most {
				p.stop(t, rejected("a row group of the Parquet file says that it has %d rows, which cannot be", rows))
			}
		default:
			return false
		}
		return true
	})
}

func (p *parquetFile) chunk(t *thrift) {
	var c parquetChunk
	t.structure(func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == thriftBinary:
			c.elsewhere = len(t.bytes()) > 0
		case id == 3 && kind == thriftStruct:
			c.hasMetadata = true
			t.structure(func(id int, kind byte) bool { return c.number(t, id, kind) })
		default:
			return false
		}
		return true
	})
	if t.err != nil {
		return
	}
	begin := c.begin()
	switch {
	case c.elsewhere:
		p.stop(t, rejected("the Parquet file has columns in other files; write one file"))
	case !c.hasMetadata, c.values < 0, c.stored < 0, c.plain < 0, begin < 0, begin > p.size, c.stored > p.size-begin:
		p.stop(t, errNotParquet)
	case c.plain > p.most:
		p.stop(t, rejected("a column of a row group of the Parquet file holds %d bytes, more than a file of its size may: write smaller row groups", c.plain))
	default:
		p.chunks = append(p.chunks, c)
	}
}

// number reads what a chunk's metadata say of its place and its sizes.
func (c *parquetChunk) number(t *thrift, id int, kind byte) bool {
	if kind != thriftI64 {
		return false
	}
	switch id {
	case 5:
		c.values = t.number()
	case 6:
		c.plain = t.number()
	case 7:
		c.stored = t.number()
	case 9:
		c.data = t.number()
	case 11:
		c.dictionary = t.number()
	default:
		return false
	}
	return true
}

// begin is where a chunk's pages begin.
func (c *parquetChunk) begin() int64 {
	if c.dictionary > 0 && c.dictionary < c.data {
		return c.dictionary
	}
	return c.data
}
