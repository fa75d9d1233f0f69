package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A signed bundle is served by a server that trusts the key; unsigned, altered and otherwise signed ones are not.
func TestSign(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	text, err := os.ReadFile(trained)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("model.voxgene"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	serve := func(key string) (int, string) {
		// An address that cannot be listened on ends the command once the bundles are loaded.
		code, _, errs := voxgene("serve", at("model.voxgene"), "--trust", key, "--addr", "127.0.0.1:99999")
		return code, errs
	}
	for _, args := range [][]string{{"sign", "--new", "--key", at("one.pem")}, {"sign", "--new", "--key", at("two.pem")}} {
		if code, _, errs := voxgene(args...); code != 0 {
			t.Fatal(errs)
		}
	}
	if info, err := os.Stat(at("one.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key can be read by others: %v", info.Mode())
	}
	if code, errs := serve(at("one.pem.pub")); code != 2 || !strings.Contains(errs, "has no signature") {
		t.Errorf("unsigned: %d %s", code, errs)
	}
	if code, _, errs := voxgene("sign", at("model.voxgene"), "--key", at("one.pem")); code != 0 {
		t.Fatal(errs)
	}
	if code, errs := serve(at("one.pem.pub")); code != 1 || !strings.Contains(errs, "99999") {
		t.Errorf("signed: %d %s", code, errs)
	}
	if code, errs := serve(at("two.pem.pub")); code != 2 || !strings.Contains(errs, "is not signed by a key that is trusted here") {
		t.Errorf("another key: %d %s", code, errs)
	}
	signature, err := os.ReadFile(at("model.voxgene.sig"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "AAAA", string(signature[:40]), "A" + string(signature[1:])} {
		if bad == string(signature) {
			continue
		}
		if err := os.WriteFile(at("model.voxgene.sig"), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, errs := serve(at("one.pem.pub")); code != 2 {
			t.Errorf("signature %q: %d %s", bad, code, errs)
		}
	}
	for _, args := range [][]string{{"sign"}, {"sign", at("model.voxgene")}, {"sign", "--new", "--key", at("one.pem")}, {"sign", at("model.voxgene"), "--key", at("one.pem.pub")}, {"sign", at("one.pem"), "--key", at("one.pem")}} {
		if code, _, errs := voxgene(args...); code != 2 {
			t.Errorf("%v: exit %d %s", args, code, errs)
		}
	}
}
