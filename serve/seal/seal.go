// Package seal encrypts what the server keeps of patients: the audit and the results hold each patient under a key of their own, and
// those keys under one that lies in a file beside the database.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/work"
)

// KeySize is the size of a key in bytes: AES-256.
const KeySize = 32

// Secret reads the key file of a database file (path.key), or makes it for a new one. A database without its key file is refused.
func Secret(path string) ([]byte, error) {
	return SecretIn(path+".key", path, func() (bool, error) {
		_, err := os.Stat(path)
		return errors.Is(err, fs.ErrNotExist), nil
	})
}

// SecretIn reads a key file, or makes it where the database that it is for, as errors call it, is new.
func SecretIn(name, database string, isNew func() (bool, error)) ([]byte, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		switch fresh, err := isNew(); {
		case err != nil:
			return nil, err
		case !fresh:
			return nil, fmt.Errorf("%s is missing, without which %s cannot be read", name, database)
		}
		secret := Random(KeySize)
		return secret, work.WriteFile(name, []byte(hex.EncodeToString(secret)+"\n"), 0o600)
	}
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != KeySize {
		return nil, fmt.Errorf("%s does not hold 64 hexadecimal digits", name)
	}
	return secret, nil
}

// Random returns n random bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

// Derive makes a key for one purpose, or the keyed hash of a text: HMAC-SHA-256.
func Derive(secret []byte, purpose string) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(purpose))
	return m.Sum(nil)
}

// Sealer encrypts and decrypts under one key: AES-GCM with random nonces, which stand in front. It is safe for concurrent use.
type Sealer struct{ aead cipher.AEAD }

// New returns the sealer of a key of KeySize bytes.
func New(key []byte) (Sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return Sealer{}, err
	}
	a, err := cipher.NewGCM(block)
	return Sealer{a}, err
}

// Seal encrypts.
func (s Sealer) Seal(plain []byte) []byte { return s.AppendSeal(nil, plain) }

// AppendSeal appends to b what Seal returns.
func (s Sealer) AppendSeal(b, plain []byte) []byte {
	size := s.aead.NonceSize()
	b = slices.Grow(b, size+len(plain)+s.aead.Overhead())
	at := len(b)
	b = b[:at+size]
	rand.Read(b[at:])
	return s.aead.Seal(b, b[at:], plain, nil)
}

// Open decrypts. What was altered, cut off or sealed under another key is an error.
func (s Sealer) Open(sealed []byte) ([]byte, error) {
	if len(sealed) < s.aead.NonceSize() {
		return nil, errors.New("what is encrypted is cut off")
	}
	return s.aead.Open(nil, sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():], nil)
}
