package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// SignatureExtension is that of the file beside a bundle that holds its signature, so that signing changes no byte of the bundle.
const SignatureExtension = ".sig"

// statement is what is signed: the version names every byte of the file.
func statement(version string) []byte { return []byte("voxgene bundle " + version + "\n") }

// Sign returns the signature of a bundle (Ed25519, RFC 8032) as a line of base64.
func (b *Bundle) Sign(key ed25519.PrivateKey) (string, error) {
	if b.version == "" {
		return "", errors.New("a bundle is signed after it was saved")
	}
	return base64.StdEncoding.EncodeToString(ed25519.Sign(key, statement(b.version))) + "\n", nil
}

// Verify returns nil when the signature is by one of the keys.
func (b *Bundle) Verify(signature string, keys []ed25519.PublicKey) error {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(signature))
	if err != nil || len(raw) != ed25519.SignatureSize {
		return fmt.Errorf("the signature of %s is not one: want base64 of %d bytes", b.version, ed25519.SignatureSize)
	}
	for _, k := range keys {
		if ed25519.Verify(k, statement(b.version), raw) {
			return nil
		}
	}
	return fmt.Errorf("%s is not signed by a key that is trusted here", b.version)
}

// VerifyFile is Verify with the signature that lies beside the bundle's file.
func (b *Bundle) VerifyFile(path string, keys []ed25519.PublicKey) error {
	f, err := os.Open(path + SignatureExtension)
	if err != nil {
		return fmt.Errorf("%s has no signature: %w", path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err != nil {
		return fmt.Errorf("%s: %w", path+SignatureExtension, err)
	}
	return b.Verify(string(text), keys)
}

// NewKey returns a key pair as PEM: PKCS #8 and SubjectPublicKeyInfo, as OpenSSL writes them.
func NewKey() (private, public []byte, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, nil, err
	}
	open, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open}), nil
}

// ReadPrivateKey reads a private key's PEM file.
func ReadPrivateKey(path string) (ed25519.PrivateKey, error) {
	block, err := readPEM(path, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(block)
	if key, ok := k.(ed25519.PrivateKey); err == nil && ok {
		return key, nil
	}
	return nil, fmt.Errorf("%s is not an Ed25519 private key", path)
}

// ReadPublicKey reads a public key's PEM file.
func ReadPublicKey(path string) (ed25519.PublicKey, error) {
	block, err := readPEM(path, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKIXPublicKey(block)
	if key, ok := k.(ed25519.PublicKey); err == nil && ok {
		return key, nil
	}
	return nil, fmt.Errorf("%s is not an Ed25519 public key", path)
}

func readPEM(path, kind string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s holds no %s in PEM", path, strings.ToLower(kind))
	}
	return block.Bytes, nil
}
