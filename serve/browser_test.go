package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser starts Chromium, or skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// look is how a page is looked at.
type look struct {
	width int64
	dark  bool
}

// looks are a desk and a phone, by day and by night.
var looks = []look{{1280, false}, {390, true}, {1280, true}, {390, false}}

func (l look) String() string {
	return fmt.Sprintf("%d %s", l.width, map[bool]string{false: "light", true: "dark"}[l.dark])
}

// tab is one open page. What its console or its policy has against it fails the test, but for what is expected.
type tab struct {
	testing.TB
	ctx  context.Context
	look look

	mu     sync.Mutex
	faults []string
}

// open opens an address in a new tab. expected are pieces of the console's messages that are no faults.
func open(t *testing.T, browser context.Context, address string, l look, expected ...string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	p := &tab{TB: t, ctx: ctx, look: l}
	fault := func(format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		for _, e := range expected {
			if strings.Contains(text, e) {
				return
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.faults = append(p.faults, text)
	}
	chromedp.ListenTarget(ctx, func(e any) {
		switch e := e.(type) {
		case *runtime.EventExceptionThrown:
			fault("%s", e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
				text, err := json.Marshal(e.Args)
				fault("console: %s %v", text, err)
			}
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning || strings.Contains(e.Entry.Text, "Content Security Policy") {
				fault("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, f := range p.faults {
			t.Errorf("%s: %s", l, f)
		}
	})
	if err := chromedp.Run(ctx); err != nil { // the first run decides how long the tab lives
		t.Fatal(err)
	}
	scheme := map[bool]string{false: "light", true: "dark"}[l.dark]
	p.run(log.Enable(), runtime.Enable(), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.EmulateViewport(l.width, 900), chromedp.Navigate(address))
	return p
}

// run does something with the page, in good time.
func (p *tab) run(actions ...chromedp.Action) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 40*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var said string
		_ = chromedp.Run(p.ctx, chromedp.Evaluate("document.body.innerText.slice(0, 1500)", &said)) // only to tell more
		p.shot("failed")
		p.Fatalf("%s: %v; the page says:\n%s", p.look, err, said)
	}
}

// eval is the value of an expression.
func eval[T any](p *tab, expression string) T {
	p.Helper()
	var v T
	p.run(chromedp.Evaluate(expression, &v))
	return v
}

// text is what an element says.
func (p *tab) text(selector string) string {
	p.Helper()
	return eval[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// until waits until an expression is true.
func (p *tab) until(expression string) {
	p.Helper()
	// The policy forbids what chromedp.Poll does in the page.
	for range 600 {
		if eval[bool](p, "Boolean("+expression+")") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.shot("failed")
	p.Fatalf("%s: it never came to %s; the page says:\n%s", p.look, expression, p.text("body"))
}

// fits reports a page that is wider than its window, texts that cannot be read and controls without a name.
func (p *tab) fits(where string) {
	p.Helper()
	if wide := eval[string](p, `document.documentElement.scrollWidth > window.innerWidth ? [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > window.innerWidth + 1 && !e.closest('.scroll')).map(e => e.tagName + '#' + e.id + '.' + e.className).slice(0, 5).join(' ') : ''`); wide != "" {
		p.Errorf("%s: %s is wider than the window: %s", p.look, where, wide)
	}
	if faults := eval[string](p, legible); faults != "" {
		p.Errorf("%s: %s: %s", p.look, where, faults)
	}
}

// legible is a script that lists texts whose contrast with what is behind them is under 4.5 (WCAG 2.2, 1.4.3), and controls without a name (4.1.2).
const legible = `(() => {
	const numbers = c => c.match(/[\d.]+/g).map(Number)
	const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b }
	const behind = e => { for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0.99) return c } return [255, 255, 255] }
	const out = []
	for (const e of document.querySelectorAll('body *')) {
		const style = getComputedStyle(e), box = e.getBoundingClientRect()
		if (box.width === 0 || box.right < 0 || style.visibility === 'hidden' || e.closest('[hidden], canvas, option')) continue
		if ([...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) {
			const colour = e.closest('svg') ? style.fill : style.color
			if (colour !== 'none') {
				const a = light(numbers(colour)), b = light(behind(e)), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
				if (ratio < 4.5 && !e.disabled) out.push('contrast ' + ratio.toFixed(1) + ' of “' + e.textContent.trim().slice(0, 30) + '”')
			}
		}
		if (e.matches('input, select, textarea, button, canvas, a, [role=img]') && !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim() && !e.matches('select') || e.labels && [...e.labels].some(l => l.textContent.trim())))
			out.push('no name: ' + e.outerHTML.slice(0, 80))
	}
	return out.slice(0, 8).join('; ')
})()`

// shot writes a picture of the page into the folder that VOXGENE_SCREENSHOTS names, for a person to look at.
func (p *tab) shot(name string) {
	dir := os.Getenv("VOXGENE_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	if err := chromedp.Run(p.ctx, chromedp.FullScreenshot(&png, 100)); err != nil {
		p.Error(err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s %s.png", name, p.look)), png, 0o600); err != nil {
		p.Error(err)
	}
}
