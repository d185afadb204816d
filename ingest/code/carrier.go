package code

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/noised/noised/ingest/duck"
)

// The limits of what a carrier takes: lists that leave room for other texts, and
// texts, in bytes, that are not too long to be held.
const (
	maxCarried     = 1900
	maxCarriedText = 1 << 10
)

var errFull = errors.New("too many texts that are not declared")

// Carrier gives the texts of a column numbers, under which they pass through a
// sort, which is cheaper for it, and gives them back afterwards. A declared text
// has its code, NULL the number behind the codes, and any other text one behind
// that, while there is room. It is for several goroutines.
type Carrier struct {
	declared *table
	full     atomic.Bool

	mu     sync.RWMutex
	others map[string]uint16
	list   []string // the others, in the order of their numbers

	settle sync.Once
	texts  *duck.Texts
}

// NewCarrier returns the carrier of a column with some declared texts; nil where
// they are too many or too long.
func NewCarrier(values []string) *Carrier {
	if len(values) > maxCarried {
		return nil
	}
	for _, v := range values {
		if len(v) > maxCarriedText {
			return nil
		}
	}
	return &Carrier{declared: newTable(values), others: map[string]uint16{}}
}

// Number writes the numbers of texts. It fails where there are more texts that are
// not declared than it has room for.
func (c *Carrier) Number(to []uint16, texts duck.Vector) error {
	c.declared.fill(to, texts)
	words := duck.View[duck.Text](texts, len(to))
	for i, code := range to {
		if code != c.declared.outside() || texts.Null(i) {
			continue
		}
		var err error
		if to[i], err = c.other(words[i].Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// other returns the number of a text that is not declared.
func (c *Carrier) other(text []byte) (uint16, error) {
	c.mu.RLock()
	number, ok := c.others[string(text)]
	c.mu.RUnlock()
	if ok {
		return number, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if number, ok := c.others[string(text)]; ok {
		return number, nil
	}
	number = c.declared.outside() + 1 + uint16(len(c.list))
	if int(number) >= duck.ChunkRows() || len(text) > maxCarriedText {
		c.full.Store(true)
		return 0, errFull
	}
	c.list = append(c.list, string(text))
	c.others[c.list[len(c.list)-1]] = number
	return number, nil
}

// Full reports whether Number has failed.
func (c *Carrier) Full() bool { return c.full.Load() }

// Texts returns the texts that numbers stand for. From then on no number may be
// asked for.
func (c *Carrier) Texts() *duck.Texts {
	c.settle.Do(func() { c.texts = duck.NewTexts(c.declared.values, c.list) })
	return c.texts
}

// Close frees what Texts returned.
func (c *Carrier) Close() {
	if c.texts != nil {
		c.texts.Close()
	}
}

// Carried is a column whose texts come as the numbers of a carrier.
type Carried struct {
	Text, Code int // the positions in the chunk of the texts, and of the codes, where the numbers come
	*Carrier
}

// Carry makes the coder fill texts, too, where their columns have carriers: one for
// each column of codes, or nil. It returns these columns.
func (c *Coder) Carry(carriers []*Carrier) []Carried {
	var carried []Carried
	for i, carrier := range carriers {
		if carrier != nil {
			of := &c.columns[i]
			of.carrier = carrier
			carried = append(carried, Carried{of.text, of.code, carrier})
		}
	}
	return carried
}
