package translog

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"

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
	nonces []Nonce
	levels [][]tlog.Hash // from the leaves to the root
}

// NewParties returns the tree over the texts of the parties of a leaf, of whom there
// is at least one, in the order of their places.
func NewParties(n Nonce, texts [][]byte) *Parties {
	p := &Parties{nonces: n.Places(len(texts))}
	level := make([]tlog.Hash, len(texts), 2*len(texts)+8) // with room for those above
	var buffer [256]byte
	for i, text := range texts {
		level[i] = sha256.Sum256(append(append(append(buffer[:0], 0), p.nonces[i][:]...), text...))
	}
	p.levels = append(p.levels, level)
	for len(level) > 1 {
		above := level[len(level):]
		for ; len(level) > 1; level = level[2:] {
			above = append(above, tlog.NodeHash(level[0], level[1]))
		}
		level = append(above, level...) // one that is left over moves up as it is
		p.levels = append(p.levels, level)
	}
	return p
}

// Places derives the nonces of parts that are told apart by their place, a hundred
// in the time that [Nonce.Parts] takes for ten: what AES-256 makes of a counter,
// under a key that is for nothing else.
func (n Nonce) Places(count int) []Nonce {
	key := n.Parts()("parties")
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // of keys of another length alone
	}
	var zero [aes.BlockSize]byte
	stream := make([]byte, count*len(n))
	cipher.NewCTR(block, zero[:]).XORKeyStream(stream, stream)
	out := make([]Nonce, count)
	for i := range out {
		out[i] = Nonce(stream[i*len(n):])
	}
	return out
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
	return p.nonces[place], path
}
