package highwater

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Mark is how far a control store has come.
type Mark struct {
	Store string    // the store's identity
	Size  int64     // number of leaves in its log
	Root  tlog.Hash // over them
}

const header = "noised high-water mark, format 1"

// slotSize is that of a page, so that a write to one slot cannot hurt the other.
const slotSize = 4096

// encode returns the mark as a slot. The checksum guards it against damage, not
// against forgers.
func (m Mark) encode() []byte {
	text := fmt.Sprintf("%s\nstore %s\nsize %d\nroot %s\n", header, m.Store, m.Size, m.Root)
	sum := sha256.Sum256([]byte(text))
	text += "sha256 " + hex.EncodeToString(sum[:]) + "\n"
	return append([]byte(text), bytes.Repeat([]byte{'\n'}, slotSize-len(text))...)
}

var errDamaged = errors.New("it is not what was written")

// decode reads a slot. What decodes encodes to the same bytes, so that no change
// of any byte goes unnoticed.
func decode(slot []byte) (Mark, error) {
	lines := strings.SplitN(string(slot), "\n", 5)
	if len(lines) != 5 || lines[0] != header {
		return Mark{}, errDamaged
	}
	store, ok1 := strings.CutPrefix(lines[1], "store ")
	number, ok2 := strings.CutPrefix(lines[2], "size ")
	hash, ok3 := strings.CutPrefix(lines[3], "root ")
	if !ok1 || !ok2 || !ok3 || store == "" || len(store) > slotSize/2 {
		return Mark{}, errDamaged
	}
	size, err1 := strconv.ParseInt(number, 10, 64)
	root, err2 := tlog.ParseHash(hash)
	m := Mark{Store: store, Size: size, Root: root}
	if err1 != nil || err2 != nil || size < 0 || !bytes.Equal(m.encode(), slot) {
		return Mark{}, errDamaged
	}
	return m, nil
}

// decodeFile reads both slots. It returns the newer mark, and the number of the
// slot that the next one goes to.
func decodeFile(data []byte) (m Mark, next int, err error) {
	if len(data) != 2*slotSize {
		return Mark{}, 0, errDamaged
	}
	first, err1 := decode(data[:slotSize])
	second, err2 := decode(data[slotSize:])
	switch {
	case err1 != nil && err2 != nil:
		return Mark{}, 0, errDamaged
	case err1 != nil || err2 != nil:
		whole := max(first.Size, second.Size) // the other is zero
		return Mark{}, 0, fmt.Errorf("one of its two entries is not what was written; the other says that the log had %d entries", whole)
	case first.Store != second.Store || first.Size == second.Size && first.Root != second.Root:
		return Mark{}, 0, errDamaged
	case first.Size > second.Size:
		return first, 1, nil
	default:
		return second, 0, nil
	}
}
