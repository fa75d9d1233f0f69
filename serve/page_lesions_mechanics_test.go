package serve_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
)

// A study of a model whose rows are lesions is one case of the worklist: a row and a prediction a lesion, the scan with all of them, in which each is found,
// and verified as a whole.
func TestPageLesions(t *testing.T) {
	b := browser(t)
	address, _ := paged(t, func(c *serve.Config) {
		lesions := bundletest.Images(t)
		lesions.Sources[0].Series, lesions.Sources[0].Label = nil, nil
		lesions.Unit, lesions.Sources[0].Lesions = table.PerLesion, &extraction.Lesions{From: "components"}
		bundletest.Save(t, lesions, filepath.Join(c.Models[0], "prostate.voxgene"))
	})
	files := studyFiles(t)
	g := image.Grid{Size: [3]int{48, 40, 30}, Spacing: [3]float64{1, 1, 1.5}, Direction: [9]float64{-1, 0, 0, 0, -1, 0, 0, 0, 1}, Origin: [3]float64{24, 20, -20}}
	m := &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}
	for i := range m.Labels {
		if x, y, z := i%48, i/48%40, i/48/40; x > 10 && x < 20 && y > 10 && y < 20 && z > 10 && z < 20 || x > 30 && x < 36 && y > 30 && y < 36 && z > 20 && z < 25 {
			m.Labels[i] = 1
		}
	}
	if err := nifti.WriteMask(files[1], m); err != nil {
		t.Fatal(err)
	}
	for _, l := range looks[:2] {
		p := open(t, b, address, l, unknown)
		p.enter()
		p.run(chromedp.SetValue("#model", "prostate"), chromedp.Evaluate("document.getElementById('model').dispatchEvent(new Event('change'))", nil))
		p.until("!document.getElementById('upload').hidden")
		p.run(chromedp.SetUploadFiles("#files", files))
		p.until("document.querySelectorAll('#parts select').length === 3")
		p.run(chromedp.SendKeys("#send-patient", "CANARY-1"), chromedp.Focus("#send"), chromedp.SendKeys("#send", kb.Enter))
		p.until("document.querySelectorAll('#kept section.lesion svg').length === 4")
		if got := eval[string](p, "[...document.querySelectorAll('#kept section.lesion > h2')].map(h => h.innerText).join()"); got != "Lesion 1,Lesion 2" {
			t.Errorf("%s: %s", l, got)
		}
		if got := eval[string](p, "[...document.querySelectorAll('table.lesions tbody tr')].map(r => r.innerText.replace(/\\s+/g, ' ')).join('; ')"); !strings.Contains(got, "Lesion 1") || !strings.Contains(got, "ml") || !strings.Contains(got, "%") || strings.Count(got, ";") != 1 {
			t.Errorf("%s: %s", l, got)
		}
		if said := p.text("#result"); strings.Contains(said, "CANARY-1") || !strings.Contains(said, "all together") {
			t.Errorf("%s: %s", l, said)
		}
		p.until("document.querySelector('.plane.axial canvas').dataset.painted")
		at := func() string {
			return eval[string](p, "document.getElementById('viewer-said').innerText.split(':')[0]")
		}
		p.until("document.getElementById('viewer-said').innerText.includes('Voxel')")
		before := at()
		p.run(chromedp.Click("//button[text()='Lesion 2']"))
		p.until("document.getElementById('viewer-lesion').value === '2'")
		p.until("document.getElementById('viewer-said').innerText.includes('Voxel') && document.getElementById('viewer-said').innerText.split(':')[0] !== " + strconv.Quote(before))
		p.fits("lesions")
		p.shot("lesions")
		p.run(chromedp.Navigate(address + "#worklist"))
		p.until("document.querySelector('#cases .headline')")
		if said := p.text("#cases"); !strings.Contains(said, "2 lesions") || strings.Contains(said, "CANARY-1") {
			t.Errorf("%s: %s", l, said)
		}
		p.shot("lesions-worklist")
	}
}
