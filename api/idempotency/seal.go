package idempotency

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
)

// keys are what protects one record: both derive from the caller's secret, the
// Idempotency-Key and the record's salt.
type keys struct {
	mac  []byte
	seal cipher.AEAD
}

func deriveKeys(r Request, salt []byte) (keys, error) {
	derived, err := hkdf.Key(sha256.New, []byte(r.Secret), salt, "noised idempotency v1 "+r.Key, 64)
	if err != nil {
		return keys{}, err
	}
	block, err := aes.NewCipher(derived[32:])
	if err != nil {
		return keys{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return keys{}, err
	}
	return keys{mac: derived[:32], seal: aead}, nil
}

// fingerprint identifies a request without revealing it. Each part is preceded
// by its length, so that parts cannot run into one another.
func (k keys) fingerprint(r Request) []byte {
	h := hmac.New(sha256.New, k.mac)
	for _, part := range [][]byte{[]byte(r.Method), []byte(r.Path), []byte(r.Query), r.Body} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return h.Sum(nil)
}

func (k keys) close(a Answer, bound []byte) ([]byte, error) {
	var plain bytes.Buffer
	if err := json.NewEncoder(&plain).Encode(a); err != nil {
		return nil, err
	}
	return k.seal.Seal(nil, nil, plain.Bytes(), bound), nil
}

// open is the inverse of close. bound ties an answer to the request it answers.
func (k keys) open(sealed, bound []byte) (Answer, error) {
	plain, err := k.seal.Open(nil, nil, sealed, bound)
	if err != nil {
		return Answer{}, errors.New("the stored answer does not open")
	}
	var a Answer
	err = json.Unmarshal(plain, &a)
	return a, err
}

func newSalt() []byte {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails: crypto/rand aborts the process instead
	return salt
}
