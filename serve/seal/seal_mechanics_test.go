package seal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/serve/seal"
)

func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	made, err := seal.Secret(path)
	if err != nil || len(made) != seal.KeySize {
		t.Fatalf("%d bytes: %v", len(made), err)
	}
	if info, err := os.Stat(path + ".key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file %v (%v)", info, err)
	}
	if read, err := seal.Secret(path); err != nil || !bytes.Equal(read, made) {
		t.Errorf("read again: %x (%v)", read, err)
	}
	if err := os.WriteFile(path+".key", []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Secret(path); err == nil || !strings.Contains(err.Error(), "64 hexadecimal digits") {
		t.Errorf("damaged: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + ".key"); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Secret(path); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("lost: %v", err)
	}
}

func TestSealer(t *testing.T) {
	key := seal.Random(seal.KeySize)
	s, err := seal.New(key)
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte("what nobody else may read")
	a, b := s.Seal(plain), s.Seal(plain)
	if bytes.Equal(a, b) || bytes.Contains(a, plain) {
		t.Error("two seals of one text are alike, or show it")
	}
	if got, err := s.Open(a); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q (%v)", got, err)
	}
	a[len(a)-1] ^= 1
	if _, err := s.Open(a); err == nil {
		t.Error("an altered text opens")
	}
	if _, err := s.Open(a[:5]); err == nil {
		t.Error("a text that is cut off opens")
	}
	other, err := seal.New(seal.Derive(key, "another"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(b); err == nil {
		t.Error("another key opens it")
	}
	if _, err := seal.New(key[:7]); err == nil {
		t.Error("a key of 7 bytes")
	}
}
