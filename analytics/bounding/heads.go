package bounding

// head is the unit at which a cursor stands.
type head struct {
	unit   uint64
	cursor int32
}

// heads is a binary min-heap by unit, then cursor, so that rows of one unit
// come in the order of the sources.
type heads []head

func (x head) before(y head) bool {
	return x.unit < y.unit || x.unit == y.unit && x.cursor < y.cursor
}

func (h heads) build() {
	for i := len(h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

// replace moves the top cursor on to another unit.
func (h heads) replace(unit uint64) {
	h[0].unit = unit
	h.down(0)
}

// pop removes the top cursor.
func (h *heads) pop() {
	old := *h
	last := len(old) - 1
	old[0] = old[last]
	*h = old[:last]
	h.down(0)
}

func (h heads) down(i int) {
	if i >= len(h) {
		return
	}
	moved := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if r := child + 1; r < len(h) && h[r].before(h[child]) {
			child = r
		}
		if !h[child].before(moved) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = moved
}
