package serve_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve"
	"github.com/voxgene/voxgene/serve/results"
)

// At the width of a phone and of a desk, by day and by night: a table is opened, a patient predicted with the keyboard alone, and the
// curve, the contributions, the warnings and the words on use are there.
func TestPagePatient(t *testing.T) {
	b := browser(t)
	address, _ := paged(t, nil)
	table := filepath.Join(t.TempDir(), "new.csv")
	if err := os.WriteFile(table, []byte("patient,age,clinical.sex,volume,EGFR\n\"A, 1\",61,M,900.5,0.1\nB,99,F,1000,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, l := range looks {
		p := open(t, b, address+"#patient", l, unknown)
		p.enter()
		p.until("document.querySelectorAll('#inputs tr').length === 5")
		p.run(chromedp.SetUploadFiles("#file", []string{table}))
		p.until("document.querySelectorAll('#row option').length === 2")
		p.run(chromedp.SetValue("#row", "1"), chromedp.Evaluate("document.getElementById('row').dispatchEvent(new Event('change'))", nil))
		p.until("document.querySelector('#inputs input').value === '99'")
		if !eval[bool](p, "document.querySelector('#inputs input').classList.contains('outside')") {
			t.Errorf("%s: a value outside the range of training is not marked", l)
		}
		p.run(chromedp.Focus("#go"), chromedp.SendKeys("#go", kb.Enter))
		p.until("document.querySelectorAll('#prediction svg').length === 4")
		said := p.text("#answer")
		for _, want := range []string{"clinical.age is 99; training values lie between 20 and 80", "rna", "high risk", "Contributed to this estimate", "90 % of patients", "Without the event: "} {
			if !strings.Contains(said, want) {
				t.Errorf("%s: without %q:\n%s", l, want, said)
			}
		}
		for _, wrong := range []string{"reason", "cause", "because", "NaN", "undefined", "null"} {
			if strings.Contains(strings.ToLower(said), strings.ToLower(wrong)) {
				t.Errorf("%s: says %q:\n%s", l, wrong, said)
			}
		}
		drawn := eval[string](p, "[...document.querySelectorAll('#prediction svg')].map(s => s.getAttribute('aria-label')).join('|')")
		if !strings.Contains(drawn, "clinical.age = 99") || !strings.Contains(drawn, "Probability of being without the event") {
			t.Errorf("%s: drawn is %s", l, drawn)
		}
		if use := p.text("#use"); use != "For research use only. Not for diagnosis or treatment." {
			t.Errorf("%s: %q", l, use)
		}
		p.fits("a patient")
		p.shot("patient")
		p.run(chromedp.SetValue("#group", "source"), chromedp.Evaluate("document.getElementById('group').dispatchEvent(new Event('change'))", nil))
		p.until("[...document.querySelectorAll('#prediction svg')].some(s => /clinical [+−]/.test(s.getAttribute('aria-label')))")
	}
}

// Files are sent through the page, and the result has the scan in three planes: moved by keys, pointer and sliders, with the region and
// heat maps over it; verified, taken back, and the images removed.
func TestPageScan(t *testing.T) {
	b := browser(t)
	address, db := paged(t, nil)
	files := studyFiles(t)
	for i, l := range looks {
		p := open(t, b, address, l, unknown, "410", "willReadFrequently", "422")
		p.enter()
		p.run(chromedp.SetValue("#model", "prostate"), chromedp.Evaluate("document.getElementById('model').dispatchEvent(new Event('change'))", nil))
		p.until("!document.getElementById('upload').hidden")
		p.run(chromedp.SetUploadFiles("#files", files))
		p.until("document.querySelectorAll('#parts select').length === 3")
		if as := eval[string](p, "[...document.querySelectorAll('#parts select')].map(s => s.value).join()"); as != "image,mask,features" {
			t.Errorf("%s: files are sent as %s", l, as)
		}
		p.fits("the upload")
		p.run(chromedp.SendKeys("#send-patient", fmt.Sprintf("CANARY-%d", i)), chromedp.Focus("#send"), chromedp.SendKeys("#send", kb.Enter))
		p.until("document.querySelector('.axial canvas')?.dataset.painted")
		p.until("document.querySelectorAll('#kept svg').length === 2")
		if said := p.text("#result"); strings.Contains(said, fmt.Sprintf("CANARY-%d", i)) || !strings.Contains(said, "CANARY-scan.nii") || !strings.Contains(said, "Preliminary") {
			t.Errorf("%s: names of the files are this machine's to show, the patient's is not:\n%s", l, said)
		}
		if hash := eval[string](p, "location.href"); strings.Contains(hash, "CANARY") {
			t.Errorf("the address names the patient: %s", hash)
		}
		// The crosshair begins in the region: the ball of radius 8 about voxel (27, 21, 16) of the patient's axes.
		axial := func() string { return p.text(".axial output") }
		if got := axial(); got != "17 / 30" {
			t.Errorf("%s: begins at slice %s", l, got)
		}
		p.run(chromedp.Focus(".axial canvas"), chromedp.KeyEvent(kb.PageUp), chromedp.KeyEvent(kb.PageUp), chromedp.KeyEvent(kb.PageDown))
		if got := axial(); got != "18 / 30" {
			t.Errorf("%s: after Page Up, Page Up, Page Down: %s", l, got)
		}
		voxel := func() string { return strings.SplitN(p.text("#viewer-said p:last-child"), ":", 2)[0] }
		p.until("document.querySelector('#viewer-said p:last-child').innerText.startsWith('Voxel 28, 22, 18:')")
		p.run(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown))
		p.until("document.querySelector('#viewer-said p:last-child').innerText.startsWith('Voxel 29, 24, 18:')")
		p.run(chromedp.KeyEvent(kb.Home))
		p.until("document.querySelector('#viewer-said p:last-child').innerText.startsWith('Voxel 28, 22, 17:')")
		// A click moves the crosshair; the sliders of the other planes follow.
		p.run(chromedp.Evaluate(`{ const c = document.querySelector('.axial canvas'); c.scrollIntoView({block: 'center'}); const b = c.getBoundingClientRect();
			for (const t of ['pointerdown', 'pointerup']) c.dispatchEvent(new PointerEvent(t, {pointerId: 1, isPrimary: true, button: 0, clientX: b.left + 0.26 * b.width, clientY: b.top + 0.51 * b.height, bubbles: true})) }`, nil))
		if got := voxel(); !strings.HasPrefix(got, "Voxel 13, 21") {
			t.Errorf("%s: a quarter from the left is %s", l, got)
		}
		p.until("document.querySelector('.sagittal input').value === '12'")
		p.run(chromedp.Evaluate("{ const s = document.querySelector('.axial input'); s.value = 3; s.dispatchEvent(new Event('input')) }", nil))
		p.until("document.querySelector('.axial canvas').dataset.painted.startsWith('axial 3 ')")
		p.run(chromedp.Focus(".axial canvas"), chromedp.KeyEvent(kb.Home))
		p.until("document.querySelector('.axial canvas').dataset.painted.startsWith('axial 16 ')")
		// The outline's colour is there with the region, and gone without; the heat map likewise.
		colours := func(test string) int {
			return eval[int](p, `{ const c = document.querySelector('.axial canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 0; i < d.length; i += 4) { const [r, g, b] = [d[i], d[i + 1], d[i + 2]]; if (`+test+`) n++ } n }`)
		}
		const green, warm, bright = "g > 190 && r < 120 && b < 230 && b > 140", "r > b + 60", "r > 200 && g > 200 && b > 200"
		if colours(green) < 50 || colours(warm) < 200 {
			t.Errorf("%s: %d pixels of the outline, %d of the heat map", l, colours(green), colours(warm))
		}
		p.shot("scan")
		p.run(chromedp.SetValue("#viewer-map", "-1"), chromedp.Evaluate("document.getElementById('viewer-map').dispatchEvent(new Event('change'))", nil))
		p.until("document.querySelector('.axial canvas').dataset.painted.endsWith(' -1')")
		for range 3 {
			p.run(chromedp.Evaluate("document.querySelectorAll('#viewer-tools .tick input')["+"0].click()", nil))
			time.Sleep(100 * time.Millisecond)
		}
		if colours(green) > 0 {
			t.Errorf("%s: an outline that was switched off is drawn", l)
		}
		was := colours(bright)
		p.run(chromedp.SetValue("#viewer-level", "2000"), chromedp.Evaluate("document.getElementById('viewer-level').dispatchEvent(new Event('change'))", nil))
		time.Sleep(200 * time.Millisecond)
		if now := colours(bright); was < 50 || now >= was {
			t.Errorf("%s: a higher level leaves %d bright pixels of %d", l, now, was)
		}
		p.fits("a result")
		// Verified, then taken back.
		p.run(chromedp.Click("//button[text()='Verify…']"), chromedp.WaitVisible("#ask"), chromedp.Click("#ask-do"))
		p.until("document.getElementById('ask-fault').innerText.includes('say who')")
		p.run(chromedp.SendKeys("#ask-by", "Dr A"+kb.Enter))
		p.until("document.querySelector('#result-bar .tag.final')")
		p.run(chromedp.Click("//button[text()='Retract…']"), chromedp.WaitVisible("#ask"), chromedp.SendKeys("#ask-reason", "another lesion"))
		p.fits("the question before a retraction")
		p.shot("retract")
		p.run(chromedp.SetValue("#ask-rejection", "quality"), chromedp.Click("#ask-do"))
		p.until("document.querySelector('#result-bar .tag.entered-in-error')")
		if said := p.text("#result-bar"); !strings.Contains(said, "Dr A (page): another lesion") || !strings.Contains(said, "do not use") {
			t.Errorf("%s: %s", l, said)
		}
		p.until("document.querySelector('.axial canvas')?.dataset.painted")
		if sign := eval[string](p, "getComputedStyle(document.querySelector('.axial .plane-head strong'), '::after').content"); !strings.Contains(sign, "taken back") {
			t.Errorf("%s: the planes of what was taken back say %s", l, sign)
		}
		p.fits("a result that was taken back")
		p.shot("taken back, with the scan")
		// The images go when a person says so, on the server too.
		id := held(t, address)
		p.until("document.querySelector('.axial canvas')?.dataset.painted")
		p.run(chromedp.Click("//button[text()='Remove images now']"))
		p.until("document.getElementById('scan').innerText.includes('removed') && !document.querySelector('canvas')")
		if status := fetch(t, address+"v1/scans/"+id, nil); status != http.StatusGone {
			t.Errorf("%s: after they were removed, the images answer %d", l, status)
		}
		p.shot("taken back")
		p.run(chromedp.Evaluate("location.hash = 'worklist'", nil), chromedp.Click("#refresh"))
		p.until(fmt.Sprintf("document.querySelectorAll('#cases tr.retracted .tag.entered-in-error').length === %d", i+1))
		if said := p.text("#cases tr.retracted"); !strings.Contains(said, "Taken back") || !strings.Contains(said, "do not use") {
			t.Errorf("%s: %s", l, said)
		}
		p.fits("the worklist with what was taken back")
		p.shot("worklist, taken back")
	}
	store, err := results.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if list, err := store.List(results.Filter{State: results.EnteredInError}); err != nil || len(list) != len(looks) || list[0].Rejection != results.Quality {
		t.Errorf("%d results were taken back (%v)", len(list), err)
	}
}

// Images that are over are taken off an open page, and a server that keeps none says so.
func TestPageImagesEnd(t *testing.T) {
	b := browser(t)
	for _, keep := range []time.Duration{0, 4 * time.Second} {
		address, _ := paged(t, func(c *serve.Config) {
			if c.Studies.KeepImages = keep; keep == 0 {
				c.Results.Path = ""
			}
		})
		p := open(t, b, address, looks[0], unknown, "410", "404")
		p.enter()
		if keep == 0 {
			p.until("document.getElementById('worklist-note').innerText.includes('keeps no results') && document.getElementById('cases').hidden")
		}
		p.run(chromedp.SetValue("#model", "prostate"), chromedp.Evaluate("document.getElementById('model').dispatchEvent(new Event('change'))", nil))
		p.until("!document.getElementById('upload').hidden")
		p.run(chromedp.SetUploadFiles("#files", studyFiles(t)))
		p.until("document.querySelectorAll('#parts select').length === 3")
		p.run(chromedp.Click("#send"))
		p.until("document.querySelectorAll('#kept svg').length === 2")
		if said := p.text("#result-bar"); !strings.Contains(said, "not kept") {
			t.Errorf("a prediction of no known patient: %s", said)
		}
		if keep == 0 {
			p.until("document.getElementById('scan').innerText.includes('keeps no images')")
		} else {
			p.until("document.getElementById('scan').innerText.includes('were removed from the server')")
		}
		if eval[bool](p, "Boolean(document.querySelector('canvas'))") {
			t.Error("a canvas is left")
		}
	}
}

// The worklist has every status with its reason, is filtered, found by the patient's identifier, and opens a result.
func TestPageWorklist(t *testing.T) {
	b := browser(t)
	address, db := paged(t, nil)
	store, err := results.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	const prediction = `{"id":"CANARY","outcomes":{"idh":{"kind":"class","label":"1","probabilities":{"0":0.12,"1":0.88},"set":["1"],"explanations":[]}},"warnings":[{"code":"out_of_range","feature":"clinical.age","message":"clinical.age is 99"}]}`
	for i := range 12 {
		id := results.Identity{Patient: fmt.Sprintf("CANARY-%d", i), Issuer: "H", Study: fmt.Sprint("1.2.", i)}
		c := results.Case{Source: "orthanc", Model: "glioma", Status: []results.Status{results.Waiting, results.NeedsMask, results.Refused, results.Done}[i%4], Content: results.CaseContent{Identity: id}}
		switch c.Status {
		case results.Waiting:
			c.Reason = "waits for the series T1c"
		case results.NeedsMask:
			c.Reason = "no segmentation was drawn on the series"
		case results.Refused:
			c.Reason = "<img src=x onerror=alert(1)> two series fit"
		case results.Done:
			r, _, err := store.Keep(results.Kept{Model: "glioma", Version: "sha256:gone", Use: "research", Inputs: fmt.Sprint(i), Content: results.Content{Identity: id, Prediction: []byte(prediction)}})
			if err != nil {
				t.Fatal(err)
			}
			c.Result = r.ID
		}
		if _, err := store.PutCase(c); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range looks {
		p := open(t, b, address, l, unknown, "404")
		p.enter()
		p.until("document.querySelectorAll('#cases tbody tr').length === 12")
		p.fits("the worklist")
		p.shot("worklist")
		if said := p.text("#worklist"); strings.Contains(said, "CANARY") || !strings.Contains(said, "<img src=x") || !strings.Contains(said, "idh 1 (88 %)") {
			t.Errorf("%s: %s", l, said)
		}
		p.run(chromedp.Focus("#statuses button:nth-child(3)"), chromedp.KeyEvent(kb.Enter))
		p.until("document.querySelectorAll('#cases tbody tr').length === 3")
		if focus := eval[string](p, "document.activeElement.innerText"); !strings.HasPrefix(focus, "Needs mask") {
			t.Errorf("%s: the focus is lost: %s", l, focus)
		}
		p.run(chromedp.Click("#statuses button:nth-child(1)"), chromedp.SendKeys("#words", "T1c"))
		p.until("document.querySelectorAll('#cases tbody tr').length === 3")
		p.run(chromedp.SendKeys("#words", strings.Repeat(kb.Backspace, 3)), chromedp.SendKeys("#who-patient", "CANARY-3"), chromedp.SendKeys("#who-issuer", "H"+kb.Enter))
		p.until("document.querySelectorAll('#cases tbody tr').length === 1")
		p.run(chromedp.Click("#cases tbody a"))
		p.until("document.querySelectorAll('#kept svg').length === 1 && document.getElementById('result-title').innerText.startsWith('Case')")
		if said := p.text("#result"); !strings.Contains(said, "clinical.age is 99") || strings.Contains(said, "CANARY") || !strings.Contains(said, "no images") && !strings.Contains(said, "none were sent") {
			t.Errorf("%s: %s", l, said)
		}
		p.fits("a kept result")
	}
}

// Many patients at once: their spread, what contributed in how many, a list that is sorted and from which one is opened.
func TestPageCohort(t *testing.T) {
	b := browser(t)
	address, _ := paged(t, nil)
	var rows strings.Builder
	rows.WriteString("patient\tage\tsex\tt1.volume\tEGFR\tTP53\n")
	for i := range 230 {
		fmt.Fprintf(&rows, "P%03d\t%d\t%s\t%d\t%.2f\t%.2f\n", i, 20+i%61, []string{"F", "M"}[i%2], 300+i*7, float64(i%13)/6-1, float64(i%7)/3-1)
	}
	rows.WriteString("bad\told\tF\t1\t1\t1\n")
	table := filepath.Join(t.TempDir(), "cohort.tsv")
	if err := os.WriteFile(table, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, l := range looks {
		p := open(t, b, address+"#cohort", l, unknown)
		p.enter()
		p.until("document.querySelectorAll('#cohort-outcome option').length === 2")
		p.run(chromedp.SetUploadFiles("#cohort-file", []string{table}))
		p.until("document.querySelectorAll('#cohort-said svg').length === 2")
		if note := p.text("#cohort-note"); !strings.Contains(note, "230 of 231 patients") || !strings.Contains(note, "bad: clinical.age: “old” is not a number") {
			t.Errorf("%s: %s", l, note)
		}
		if dots := eval[int](p, "document.querySelectorAll('.beeswarm circle').length"); dots < 1000 || dots > 1150 {
			t.Errorf("%s: %d points of 230 patients and 5 features", l, dots)
		}
		score := "[...document.querySelectorAll('#cohort-said tbody td:nth-child(3)')].map(c => parseFloat(c.innerText))"
		if !eval[bool](p, score+".every((v, i, all) => i === 0 || v <= all[i - 1])") || eval[int](p, score+".length") != 230 {
			t.Errorf("%s: the list is not sorted by probability", l)
		}
		p.run(chromedp.Focus("[data-by=name]"), chromedp.KeyEvent(kb.Enter))
		p.until("document.querySelector('#cohort-said tbody th').innerText === 'P000'")
		p.until("document.activeElement.dataset.by === 'name'")
		p.fits("a cohort")
		p.shot("cohort")
		p.run(chromedp.SetValue("#cohort-outcome", "os"), chromedp.Evaluate("document.getElementById('cohort-outcome').dispatchEvent(new Event('change'))", nil))
		p.until("document.getElementById('cohort-said').innerText.includes('Risk group')")
		p.run(chromedp.Evaluate("document.querySelector('.beeswarm circle[data-patient=\"7\"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))", nil))
		p.until("document.querySelectorAll('#prediction svg').length === 4 && !document.getElementById('patient').hidden")
		if age := eval[string](p, "document.querySelector('#inputs input').value"); age != "27" {
			t.Errorf("%s: the eighth patient is 27 years old, not %s", l, age)
		}
	}
}

// Names are texts, whatever they hold: of models, sources, features, units, levels, classes, outcomes and patients.
func TestPageHostileNames(t *testing.T) {
	b := browser(t)
	const evil = `<img src=x onerror="window.evil=1"></script><script>window.evil=1</script>${window.evil=1}'"&amp;`
	dir := t.TempDir()
	path := filepath.Join(dir, "evil.voxgene")
	model := bundletest.Hostile(t, evil)
	bundletest.Save(t, model, path)
	address, _, stop := start(t, path, io.Discard, nil)
	quoted := func(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }
	table := filepath.Join(dir, "new.csv")
	text := "patient," + quoted(model.Inputs[0].Name) + "," + quoted(model.Inputs[1].Name) + "\n" + quoted(evil) + ",7," + quoted(evil) + "\nB,900,\n"
	if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, l := range looks[:2] {
		p := open(t, b, "http://"+address+"/#patient", l)
		p.until("document.querySelectorAll('#inputs tr').length === 2")
		p.run(chromedp.SetUploadFiles("#file", []string{table}))
		p.until("document.querySelectorAll('#row option').length === 2")
		for _, row := range []string{"1", "0"} {
			p.run(chromedp.SetValue("#row", row), chromedp.Evaluate("document.getElementById('row').dispatchEvent(new Event('change'))", nil), chromedp.Click("#go"))
			p.until("document.querySelectorAll('#prediction svg').length === 2")
		}
		said := p.text("body")
		p.fits("hostile names")
		p.run(chromedp.Evaluate("location.hash = 'cohort'", nil), chromedp.SetUploadFiles("#cohort-file", []string{table}))
		p.until("document.querySelectorAll('#cohort-said svg').length === 2")
		said += p.text("body")
		p.fits("hostile names of a cohort")
		if eval[bool](p, "window.evil === 1 || document.querySelectorAll('img, body script').length > 0") {
			t.Errorf("%s: a name became markup", l)
		}
		if strings.Count(said, evil) < 10 {
			t.Errorf("%s: names are not shown as they are:\n%s", l, said)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Files without a mask are refused in words, stay on the page to be completed, and are on the worklist at once as what needs a mask.
func TestPageRefused(t *testing.T) {
	b := browser(t)
	address, _ := paged(t, nil)
	p := open(t, b, address, looks[1], unknown, "422")
	p.enter()
	p.run(chromedp.SetValue("#model", "prostate"), chromedp.Evaluate("document.getElementById('model').dispatchEvent(new Event('change'))", nil))
	p.until("!document.getElementById('upload').hidden")
	p.run(chromedp.SetUploadFiles("#files", studyFiles(t)[:1]))
	p.until("document.querySelectorAll('#parts select').length === 1")
	p.run(chromedp.SendKeys("#send-patient", "CANARY-1"), chromedp.Click("#send"))
	p.until("document.getElementById('state').className === 'error' && document.getElementById('state').innerText.includes('needs a mask')")
	p.until("document.querySelector('#cases tbody').innerText.includes('Needs mask')")
	if n := eval[int](p, "document.querySelectorAll('#parts select').length"); n != 1 {
		t.Errorf("%d files are left to be completed", n)
	}
	p.fits("refused")
	p.shot("refused")
}
