package translog

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"math/bits"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// Parties is what a leaf commits to for several parties, each of whom is shown its
// own part and nothing of the others'. It is a Merkle tree, hashed as the log is
// (RFC 6962): its leaves are the parties' texts, each behind a nonce of 256 bits.
// The leaf of the log has its root and how many parties there are. A part is opened
// by its nonce, its place, and its path: the hashes beside the way from it to the
// root.
//
// # What a path tells of the others
//
// A hash on a path is that of a text behind a nonce that its holder is not shown, or
// of such hashes: without the nonce no text can be tried. Nonces are fresh for each
// charge, so that no hash is seen twice and charges cannot be compared by them. The
// path's length and the place depend on two numbers alone: how many parties there
// are, and how many of them come before in the order of names. Leaves that list a
// commitment for each party, as they did before there were trees, show both to
// everybody who sees the leaf. Here the second is seen by those alone who are shown
// a part, and of their own part; the first stays in the leaf, since whoever paid is
// told how many others did.
//
// # What it binds
//
// To open one place as two texts takes a collision of SHA-256: with the number of
// parties in the leaf, each place has one path of one length, and leaves and nodes
// of the tree are hashed behind different bytes. That nobody has two places follows
// from their order.
type Parties struct {
	stream []byte        // the nonces, one after the other
	hashes []tlog.Hash   // of all levels
	levels [][]tlog.Hash // of hashes, from the leaves to the root
}

// NewParties returns the tree over the texts of the parties of a leaf, of whom there
// is at least one, in the order of their places.
func NewParties(n Nonce, texts [][]byte) *Parties {
	p := &Parties{}
	p.grow(n, texts)
	return p
}

// trees are those whose roots alone were asked for: every charge needs one, and none
// of them for long.
var trees = sync.Pool{New: func() any { return &Parties{} }}

// PartiesRoot returns the root of the tree over texts as it stands in a leaf.
func PartiesRoot(n Nonce, texts [][]byte) string {
	p := trees.Get().(*Parties)
	defer trees.Put(p)
	p.grow(n, texts)
	return p.Root()
}

// grow makes the tree, in the memory of the one before.
func (p *Parties) grow(n Nonce, texts [][]byte) {
	p.stream = slices.Grow(p.stream[:0], len(texts)*len(n))[:len(texts)*len(n)]
	n.fill(p.stream)
	hashes := slices.Grow(p.hashes[:0], 2*len(texts)+bits.Len(uint(len(texts)))) // a level has half of the one below, rounded up
	var buffer [256]byte
	for i, text := range texts {
		leaf := append(append(append(buffer[:0], 0), p.nonce(i)...), text...)
		hashes = append(hashes, sha256.Sum256(leaf))
	}
	p.levels = append(p.levels[:0], hashes)
	for level := hashes; len(level) > 1; {
		from := len(hashes)
		for ; len(level) > 1; level = level[2:] {
			hashes = append(hashes, tlog.NodeHash(level[0], level[1]))
		}
		hashes = append(hashes, level...) // one that is left over moves up as it is
		level = hashes[from:]
		p.levels = append(p.levels, level)
	}
	p.hashes = hashes
}

func (p *Parties) nonce(place int) []byte {
	return p.stream[place*len(Nonce{}) : (place+1)*len(Nonce{})]
}

// Places derives the nonces of parts that are told apart by their place.
func (n Nonce) Places(count int) []Nonce {
	stream := make([]byte, count*len(n))
	n.fill(stream)
	out := make([]Nonce, count)
	for i := range out {
		out[i] = Nonce(stream[i*len(n):])
	}
	return out
}

// fill writes what AES-256 makes of a counter, under a key that is for nothing else:
// a hundred nonces in the time that [Nonce.Parts] takes for thirty.
func (n Nonce) fill(stream []byte) {
	key := n.Parts()("parties")
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // of keys of another length alone
	}
	clear(stream)
	var zero [aes.BlockSize]byte
	cipher.NewCTR(block, zero[:]).XORKeyStream(stream, stream)
}

// Root returns the root as it stands in a leaf, in hexadecimal.
func (p *Parties) Root() string {
	root := p.levels[len(p.levels)-1][0]
	return hex.EncodeToString(root[:])
}

// Open returns what opens the part at a place, its nonce and its path.
func (p *Parties) Open(place int) (Nonce, []tlog.Hash) {
	path := []tlog.Hash{}
	at := place
	for _, level := range p.levels {
		if beside := at ^ 1; beside < len(level) {
			path = append(path, level[beside])
		}
		at /= 2
	}
	return Nonce(p.nonce(place)), path
}
