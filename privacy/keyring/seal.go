package keyring

import (
	"bufio"
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"io"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"

	"github.com/noised/noised/privacy"
)

// What is sealed begins so. Neither is the beginning of a text, of JSON, of Arrow,
// Parquet, gzip or zstd.
const (
	valuePrefix = "\xf7noised:v1"
	filePrefix  = "\xf7noised:f1"
)

// blockSize is what is encrypted of a file at a time.
const blockSize = 256 << 10

// Sealed reports whether a value, or the beginning of a file, is sealed.
func Sealed(value []byte) bool {
	return bytes.HasPrefix(value, []byte(valuePrefix)) || bytes.HasPrefix(value, []byte(filePrefix))
}

// Seal encrypts a value under the scope's key and binds it to the scope. A ring
// that is off returns it as it is.
func (r *Ring) Seal(ctx context.Context, s Scope, plaintext []byte) ([]byte, error) {
	return r.SealIn(ctx, nil, s, plaintext)
}

// SealIn is Seal within the caller's transaction.
func (r *Ring) SealIn(ctx context.Context, in Reader, s Scope, plaintext []byte) ([]byte, error) {
	if !r.On() {
		return plaintext, nil
	}
	key, err := r.Key(ctx, in, s)
	if err != nil {
		return nil, err
	}
	gcm, err := valueCipher(key)
	if err != nil {
		return nil, privacy.Internal(err, "sealing a value")
	}
	out := make([]byte, len(valuePrefix), len(valuePrefix)+len(plaintext)+gcm.Overhead())
	copy(out, valuePrefix)
	return gcm.Seal(out, nil, plaintext, s.ofValue()), nil
}

// Open returns what Seal was given for the same scope. What was never sealed is
// returned as it is.
func (r *Ring) Open(ctx context.Context, s Scope, sealed []byte) ([]byte, error) {
	return r.OpenIn(ctx, nil, s, sealed)
}

// OpenIn is Open within the caller's transaction.
func (r *Ring) OpenIn(ctx context.Context, in Reader, s Scope, sealed []byte) ([]byte, error) {
	body, is := bytes.CutPrefix(sealed, []byte(valuePrefix))
	if !is {
		return sealed, nil
	}
	key, err := r.Find(ctx, in, s)
	if err != nil {
		return nil, err
	}
	gcm, err := valueCipher(key)
	if err != nil {
		return nil, privacy.Internal(err, "opening a sealed value")
	}
	plain, err := gcm.Open(nil, nil, body, s.ofValue())
	if err != nil {
		return nil, privacy.Internal(ErrChanged, "opening a sealed value")
	}
	return plain, nil
}

// valueCipher is AES-256-GCM with random nonces, of which a key must not see more
// than 2^32: no scope has that many values.
func valueCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// SealFile returns a writer that encrypts what is written to it into w, block by
// block. Nothing can be opened before it is closed without an error; w stays open.
// A ring that is off writes it as it is.
func (r *Ring) SealFile(ctx context.Context, s Scope, w io.Writer) (io.WriteCloser, error) {
	if !r.On() {
		return plainWriter{w}, nil
	}
	key, err := r.Key(ctx, nil, s)
	if err != nil {
		return nil, err
	}
	stream, err := fileCipher(key)
	if err != nil {
		return nil, privacy.Internal(err, "sealing a file")
	}
	if _, err := io.WriteString(w, filePrefix); err != nil {
		return nil, err
	}
	return stream.NewEncryptingWriter(w, s.ofFile())
}

// OpenFile returns what was written to SealFile. A file that was cut short, changed
// or moved to another scope fails with an error, at its end at the latest, and never
// with io.EOF. A file that was never sealed is read as it is.
func (r *Ring) OpenFile(ctx context.Context, s Scope, from io.Reader) (io.Reader, error) {
	return OpenFileWith(func() ([]byte, error) { return r.Find(ctx, nil, s) }, s, from)
}

// OpenFileWith is OpenFile for a process that has no ring and was given the key. It
// asks for the key only if the file is sealed.
func OpenFileWith(key func() ([]byte, error), s Scope, from io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(from, 64<<10)
	begin, err := in.Peek(len(filePrefix))
	if string(begin) != filePrefix {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return in, nil
	}
	_, _ = in.Discard(len(filePrefix)) // it was peeked
	k, err := key()
	if err != nil {
		return nil, err
	}
	stream, err := fileCipher(k)
	if err != nil {
		return nil, privacy.Internal(err, "opening a sealed file")
	}
	return stream.NewDecryptingReader(in, s.ofFile())
}

// fileCipher is the streaming AES-256-GCM-HKDF, whose blocks cannot be reordered,
// dropped or cut off.
func fileCipher(key []byte) (*subtle.AESGCMHKDF, error) {
	return subtle.NewAESGCMHKDF(key, "SHA256", KeySize, blockSize, 0)
}

type plainWriter struct{ io.Writer }

// Close implements io.Closer.
func (plainWriter) Close() error { return nil }
