package keyring

import (
	"io"

	"github.com/noised/noised/privacy"
)

// FileKey is the key of one sealed file, for a process that has no ring.
type FileKey struct {
	Scope Scope  `json:"scope"`
	Key   []byte `json:"key"`
}

// Seal is Ring.SealFile.
func (k FileKey) Seal(w io.Writer) (io.WriteCloser, error) {
	stream, err := fileCipher(k.Key)
	if err != nil {
		return nil, privacy.Internal(err, "sealing a file")
	}
	if _, err := io.WriteString(w, filePrefix); err != nil {
		return nil, err
	}
	return stream.NewEncryptingWriter(w, k.Scope.ofFile())
}

// Open is Ring.OpenFile.
func (k FileKey) Open(from io.Reader) (io.Reader, error) {
	return OpenFileWith(func() ([]byte, error) { return k.Key, nil }, k.Scope, from)
}

// A sealed file has a header, with a salt of the key's size and a nonce's prefix, and
// a tag behind every block.
const (
	fileHeader = 1 + KeySize + 7
	fileTag    = 16
)

// FileSize is the size of a sealed file of so many bytes.
func FileSize(plain int64) int64 {
	first := int64(blockSize - fileHeader - fileTag)
	blocks := int64(1)
	if plain > first {
		each := int64(blockSize - fileTag)
		blocks += (plain - first + each - 1) / each
	}
	return int64(len(filePrefix)) + fileHeader + plain + blocks*fileTag
}
