package serve_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/auth"
)

const pageKey = "a key of thirty-two characters ok"

// unknown is what the console says when the page first asks without a key.
const unknown = "401"

// paged runs a server with a model of numbers, glioma, and one of images, prostate, that keeps results and images.
func paged(t *testing.T, edit func(*serve.Config)) (address, db string) {
	t.Helper()
	dir := t.TempDir()
	numbers, _ := bundletest.New(t)
	images := bundletest.Images(t)
	images.Sources[0].Series, images.Sources[0].Label = nil, nil
	bundletest.Save(t, numbers, filepath.Join(dir, "glioma.voxgene"))
	bundletest.Save(t, images, filepath.Join(dir, "prostate.voxgene"))
	db = filepath.Join(dir, "results.db")
	address, _, stop := start(t, dir, io.Discard, func(c *serve.Config) {
		c.Auth.Keys = []auth.Key{{Name: "page", Hash: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(pageKey)))}}
		c.Results.Path, c.Studies.KeepImages = db, time.Hour
		if edit != nil {
			edit(c)
		}
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + address + "/", db
}

// enter gives the key, with the keyboard.
func (p *tab) enter() {
	p.Helper()
	p.run(chromedp.WaitVisible("#key"), chromedp.SendKeys("#key", pageKey+"\t"))
	p.until("document.querySelectorAll('#model option').length > 0")
}

// studyFiles are a volume with a bright ball, its mask, and the other features.
func studyFiles(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	g := image.Grid{Size: [3]int{48, 40, 30}, Spacing: [3]float64{1, 1, 1.5}, Direction: [9]float64{-1, 0, 0, 0, -1, 0, 0, 0, 1}, Origin: [3]float64{24, 20, -20}}
	v, m := &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}, &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for i := range v.Values {
		x, y, z := i%48, i/48%40, i/48/40
		d := (x-20)*(x-20) + (y-18)*(y-18) + 2*(z-16)*(z-16)
		v.Values[i] = float64(300 + 3*x + (i*7919)%60)
		if d < 64 {
			v.Values[i] += 600 - 4*float64(d)
			m.Labels[i] = 1
		}
	}
	names := []string{filepath.Join(dir, "CANARY-scan.nii"), filepath.Join(dir, "CANARY-mask.nii"), filepath.Join(dir, "features.json")}
	if err := errors.Join(nifti.Write(names[0], v, image.Int16), nifti.WriteMask(names[1], m), os.WriteFile(names[2], []byte(`{"clinical.age": 61}`), 0o600)); err != nil {
		t.Fatal(err)
	}
	return names
}

// fetch asks with the page's key and returns the status.
func fetch(t *testing.T, url string, into any) int {
	t.Helper()
	q, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("X-API-Key", pageKey)
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if into != nil {
		if err := json.NewDecoder(r.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return r.StatusCode
}

// held is the newest scan that the server holds for the page.
func held(t *testing.T, address string) string {
	t.Helper()
	var d struct{ Scans []struct{ Scan string } }
	if status := fetch(t, address+"v1/scans", &d); status != 200 || len(d.Scans) == 0 {
		t.Fatalf("%d, %d scans", status, len(d.Scans))
	}
	return d.Scans[0].Scan
}
