package serve_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/auth"
	"github.com/voxgene/voxgene/serve/web"
)

// The page's files are served to anyone, under a policy that loads nothing from elsewhere.
func TestPageFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	address, _, stop := start(t, path, io.Discard, func(c *serve.Config) {
		c.Auth.Keys = []auth.Key{{Name: "a", Hash: "sha256:" + strings.Repeat("0", 64)}}
	})
	for _, p := range web.Paths {
		r, err := http.Get("http://" + address + p)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %s %v", p, r.Status, r.Header)
		}
		for _, outside := range []string{"https://", "style=\"", "onclick"} {
			if strings.Contains(string(text), outside) {
				t.Errorf("%s has %s", p, outside)
			}
		}
	}
	if r, err := http.Get("http://" + address + "/other.js"); err != nil || r.StatusCode != 401 {
		t.Errorf("another path: %v %v", r, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Each route of the document is served by the whole server, and its methods are the ones that it lists.
func TestDocumentRoutes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	address, _, stop := start(t, path, io.Discard, nil)
	r, err := http.Get("http://" + address + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct{ Paths map[string]map[string]any }
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if len(d.Paths) < 20 {
		t.Errorf("%d paths", len(d.Paths))
	}
	for p, item := range d.Paths {
		for _, method := range []string{"get", "post"} {
			_, listed := item[method]
			q, err := http.NewRequest(strings.ToUpper(method), "http://"+address+strings.NewReplacer("{model}", "glioma", "{version}", b.Version()).Replace(p), strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			a, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			if served := a.StatusCode != 404 && a.StatusCode != 405; served != listed {
				t.Errorf("%s %s: listed %v, answered %d", method, p, listed, a.StatusCode)
			}
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// In a real browser, at the width of a phone and of a desk: a table is opened, a patient predicted with the keyboard alone, and the
// curve, the contributions, the warnings and the words on use are there. The policy blocks nothing that the page does.
func TestPageInBrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			browser = p
			break
		}
	}
	if browser == "" {
		t.Skip("no Chromium on this machine")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "model.voxgene")
	b, _ := bundletest.New(t)
	bundletest.Save(t, b, path)
	table := filepath.Join(dir, "new.csv")
	if err := os.WriteFile(table, []byte("patient,age,clinical.sex,volume,EGFR\n\"A, 1\",61,M,900.5,0.1\nB,99,F,1000,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const key = "a key of thirty-two characters ok"
	address, _, stop := start(t, path, io.Discard, func(c *serve.Config) {
		c.Auth.Keys = []auth.Key{{Name: "page", Hash: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(key)))}}
	})
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	var use, said, warnings, blocked string
	var wide bool
	for _, width := range []int64{360, 1280} {
		err := chromedp.Run(ctx,
			chromedp.EmulateViewport(width, 800),
			chromedp.Navigate("http://"+address+"/"),
			chromedp.WaitVisible("#key"), // nobody may ask without
			chromedp.Evaluate(`window.blocked = ''; document.addEventListener('securitypolicyviolation', e => window.blocked += e.violatedDirective + ' '); 0`, nil),
			chromedp.SendKeys("#key", key+"\t"),
			chromedp.WaitVisible("#inputs tr"),
			chromedp.SetUploadFiles("#file", []string{table}),
			chromedp.WaitVisible("#row"),
			chromedp.WaitReady(`#row option[value="1"]`), // a value without its option cannot be set
			chromedp.SetValue("#row", "1"),
			chromedp.Evaluate(`document.getElementById('row').dispatchEvent(new Event('change')); 0`, nil),
			chromedp.Focus("#go"), chromedp.SendKeys("#go", "\r"),
			chromedp.WaitVisible("#outcomes svg"),
			chromedp.Text("#use", &use), chromedp.Text("#outcomes", &said), chromedp.Text("#warnings", &warnings),
			chromedp.Evaluate("window.blocked", &blocked),
			chromedp.Evaluate("document.documentElement.scrollWidth > window.innerWidth", &wide),
		)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(use, "For research use only") || !strings.Contains(said, "clinical.age = 99") || !strings.Contains(said, "risk") ||
			!strings.Contains(warnings, "clinical.age is 99; training values lie between 20 and 80") || !strings.Contains(warnings, "rna") {
			t.Errorf("width %d: %s\n%s\n%s", width, use, said, warnings)
		}
		if blocked != "" || wide {
			t.Errorf("width %d: blocked %q, wider than the window %v", width, blocked, wide)
		}
	}
	if shot := os.Getenv("VOXGENE_SCREENSHOT"); shot != "" {
		var png []byte
		if err := chromedp.Run(ctx, chromedp.FullScreenshot(&png, 90)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(shot, png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := stop(); err != nil {
		t.Error(err)
	}
}
