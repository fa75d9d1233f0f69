package serve_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/auth"
)

// authority makes certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func certificate(t *testing.T, name string, parent *authority) (authority, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: parent == nil, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	signer := &authority{key: key, cert: template}
	if parent != nil {
		signer = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.cert, &key.PublicKey, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return authority{key, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})
}

// With a client authority, who shows a certificate that it signed is answered, and who does not is not; plain HTTP is not spoken.
func TestMutualTLS(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	root, _ := certificate(t, "root", nil)
	server, serverKey := certificate(t, "server", &root)
	client, clientKey := certificate(t, "pacs", &root)
	other, _ := certificate(t, "other root", nil)
	foreign, foreignKey := certificate(t, "stranger", &other)
	path := filepath.Join(dir, "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	address, _, stop := start(t, path, io.Discard, func(c *serve.Config) {
		c.TLS = auth.TLS{Cert: file("cert.pem", server.pem), Key: file("key.pem", serverKey), ClientCA: file("ca.pem", root.pem)}
	})
	ask := func(certs ...tls.Certificate) (int, error) {
		pool := x509.NewCertPool()
		pool.AddCert(root.cert)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certs}}
		defer transport.CloseIdleConnections()
		r, err := (&http.Client{Transport: transport}).Get("https://" + address + "/v1/models")
		if err != nil {
			return 0, err
		}
		defer r.Body.Close()
		return r.StatusCode, nil
	}
	pair := func(cert authority, key []byte) tls.Certificate {
		t.Helper()
		p, err := tls.X509KeyPair(cert.pem, key)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if code, err := ask(pair(client, clientKey)); err != nil || code != 200 {
		t.Errorf("a known client: %d %v", code, err)
	}
	if _, err := ask(); err == nil {
		t.Error("a client without a certificate was answered")
	}
	if _, err := ask(pair(foreign, foreignKey)); err == nil {
		t.Error("a client with a stranger's certificate was answered")
	}
	if r, err := http.Get("http://" + address + "/v1/models"); err == nil {
		if r.Body.Close(); r.StatusCode == 200 {
			t.Error("plain HTTP was answered")
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A client that asks more often than the rate is told when to come back; another is not held up.
func TestRate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	address, _, stop := start(t, path, io.Discard, func(c *serve.Config) {
		c.Limits.Rate = 3
		c.Auth = auth.Config{Anonymous: "everywhere", Keys: []auth.Key{{Name: "another", Hash: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("another")))}}}
	})
	ask := func(key string) (int, string) {
		t.Helper()
		r, err := http.NewRequest("GET", "http://"+address+"/v1/models", nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			r.Header.Set("X-API-Key", key)
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		return a.StatusCode, a.Header.Get("Retry-After")
	}
	refused := 0
	for range 8 {
		if code, after := ask(""); code == 429 && after != "" {
			refused++
		}
	}
	if refused < 2 { // a window that turns over in between lets three more through
		t.Errorf("%d of 8 requests were refused at a rate of 3", refused)
	}
	if code, _ := ask("another"); code != 200 {
		t.Errorf("another client: %d", code)
	}
	refused = 0
	for i := range 8 { // who tries keys is one client, whatever they try
		if code, _ := ask(fmt.Sprint("guess", i)); code == 429 {
			refused++
		} else if code != 401 {
			t.Errorf("an unknown key: %d", code)
		}
	}
	if refused < 2 {
		t.Errorf("%d of 8 unknown keys were refused at a rate of 3", refused)
	}
	for range 8 {
		r, err := http.Get("http://" + address + "/healthz")
		if err != nil || r.StatusCode != 200 {
			t.Fatal(err, r.StatusCode)
		}
		r.Body.Close()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
