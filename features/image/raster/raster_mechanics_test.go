package raster_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	goimage "image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/raster"
)

var one = raster.Options{Spacing: [3]float64{0.5, 0.75, 2}}

// grey is a slice of 4×3 pixels of 16 bits with 1000·k + 100·y + x.
func grey(k int) *goimage.Gray16 {
	m := goimage.NewGray16(goimage.Rect(0, 0, 4, 3))
	for y := range 3 {
		for x := range 4 {
			m.SetGray16(x, y, color.Gray16{Y: uint16(1000*k + 100*y + x)})
		}
	}
	return m
}

func write(t testing.TB, path string, m goimage.Image) {
	t.Helper()
	var b bytes.Buffer
	var err error
	if strings.HasSuffix(path, "png") {
		err = png.Encode(&b, m)
	} else {
		err = tiff.Encode(&b, m, &tiff.Options{Compression: tiff.Deflate})
	}
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Slices are in the order of their numbers, 10 after 9, whatever their format and depth.
func TestReadFolder(t *testing.T) {
	for _, extension := range []string{"png", "tif"} {
		dir := t.TempDir()
		for k := range 12 {
			write(t, filepath.Join(dir, fmt.Sprintf("slice_%d.%s", k, extension)), grey(k))
		}
		write(t, filepath.Join(dir, "slice_3_mask."+extension), grey(0))
		o := one
		o.Files = "*[0-9]." + extension
		r, err := raster.ReadRegion(dir, o, image.Selection{Statistics: true})
		if err != nil {
			t.Fatal(err)
		}
		v := r.Volume
		if v.Size != [3]int{4, 3, 12} || v.Spacing != one.Spacing || !v.Integer || r.Statistics.Max != 11203 {
			t.Errorf("%+v, %+v", v.Grid, r.Statistics)
		}
		for k := range 12 {
			if got := v.Values[v.Index(3, 2, k)]; got != float64(1000*k+203) {
				t.Errorf("%s: slice %d has %g", extension, k, got)
			}
		}
	}
}

// multipage joins TIFFs of one page, as encoded here without compression, into one of several: each page's offsets are moved.
func multipage(t *testing.T, slices ...goimage.Image) []byte {
	t.Helper()
	var out []byte
	link := 4 // where the offset of the next page is written
	for _, m := range slices {
		var b bytes.Buffer
		if err := tiff.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		page := b.Bytes()
		base := uint32(len(out))
		le := binary.LittleEndian
		first := le.Uint32(page[4:])
		n := int(le.Uint16(page[first:]))
		for i := range n {
			entry := page[int(first)+2+12*i:][:12]
			kind, count := le.Uint16(entry[2:]), le.Uint32(entry[4:])
			size := map[uint16]uint32{1: 1, 2: 1, 3: 2, 4: 4, 5: 8}[kind] * count
			if tag := le.Uint16(entry); size > 4 || tag == 273 { // an offset, or StripOffsets
				le.PutUint32(entry[8:], le.Uint32(entry[8:])+base)
			}
		}
		out = append(out, page...)
		le.PutUint32(out[link:], base+first)
		link = int(base) + int(first) + 2 + 12*n
	}
	return out
}

func TestReadPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stack.tif")
	if err := os.WriteFile(path, multipage(t, grey(0), grey(1), grey(2)), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := raster.Read(path, one)
	if err != nil {
		t.Fatal(err)
	}
	if v.Size != [3]int{4, 3, 3} || v.Values[v.Index(1, 2, 2)] != 2201 {
		t.Errorf("%+v", v)
	}
}

// A channel of colour slices; grey slices that were saved as colours need none.
func TestChannels(t *testing.T) {
	dir := t.TempDir()
	m := goimage.NewRGBA(goimage.Rect(0, 0, 2, 2))
	for i := range 4 {
		m.SetRGBA(i%2, i/2, color.RGBA{uint8(i), uint8(10 + i), 7, 255})
	}
	write(t, filepath.Join(dir, "1.png"), m)
	o := one
	for channel, want := range map[string]float64{"red": 3, "green": 13, "blue": 7} {
		o.Channel = channel
		v, err := raster.Read(dir, o)
		if err != nil || v.Values[3] != want {
			t.Errorf("%s: %v, %v", channel, v, err)
		}
	}
	for i := range 4 {
		m.SetRGBA(i%2, i/2, color.RGBA{uint8(i), uint8(i), uint8(i), 255})
	}
	write(t, filepath.Join(dir, "1.png"), m)
	if v, err := raster.Read(dir, one); err != nil || v.Values[3] != 3 {
		t.Errorf("%v, %v", v, err)
	}
}

func TestReadBad(t *testing.T) {
	colours, clear := goimage.NewRGBA(goimage.Rect(0, 0, 4, 3)), goimage.NewNRGBA(goimage.Rect(0, 0, 4, 3))
	for i := range colours.Pix {
		colours.Pix[i] = byte(i)
		if i%4 == 3 {
			colours.Pix[i] = 255
		}
	}
	palette := goimage.NewPaletted(goimage.Rect(0, 0, 4, 3), color.Palette{color.Black, color.White})
	small := goimage.NewGray16(goimage.Rect(0, 0, 2, 3))
	for name, c := range map[string]struct {
		slices  []goimage.Image
		options raster.Options
		want    string
	}{
		"no spacing":  {[]goimage.Image{grey(0)}, raster.Options{}, "spacing along axis i is 0 mm"},
		"no files":    {nil, one, "no PNG or TIFF file"},
		"pattern":     {[]goimage.Image{grey(0)}, raster.Options{Spacing: one.Spacing, Files: "x*"}, "of the form x*"},
		"bad pattern": {[]goimage.Image{grey(0)}, raster.Options{Spacing: one.Spacing, Files: "[x"}, "is not a pattern"},
		"sizes":       {[]goimage.Image{grey(0), small}, one, "1.png has 2×3 pixels of 16 bits, and 0.png 4×3 of 16"},
		"depths":      {[]goimage.Image{grey(0), goimage.NewGray(goimage.Rect(0, 0, 4, 3))}, one, "of 8 bits, and 0.png 4×3 of 16"},
		"colours":     {[]goimage.Image{colours}, one, "say which channel is meant"},
		"channel":     {[]goimage.Image{colours}, raster.Options{Spacing: one.Spacing, Channel: "cyan"}, `no channel "cyan"`},
		"transparent": {[]goimage.Image{clear}, one, "alpha channel"},
		"palette":     {[]goimage.Image{palette}, one, "colours of a palette"},
	} {
		dir := t.TempDir()
		for i, m := range c.slices {
			write(t, filepath.Join(dir, fmt.Sprintf("%d.png", i)), m)
		}
		if _, err := raster.Read(dir, c.options); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "x.tif")
	whole := multipage(t, grey(0), grey(1))
	for _, b := range [][]byte{nil, []byte("II*\x00"), []byte("II*\x00\x08\x00\x00\x00"), whole[:len(whole)-20], []byte("hello, world")} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := raster.Read(path, one); err == nil {
			t.Errorf("%q…: no error", b[:min(len(b), 8)])
		}
	}
	loop := append([]byte(nil), whole...)
	first := binary.LittleEndian.Uint32(loop[4:])
	binary.LittleEndian.PutUint32(loop[int(first)+2+12*int(binary.LittleEndian.Uint16(loop[first:])):], first)
	if err := os.WriteFile(path, loop, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := raster.Read(path, one); err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("loop: %v", err)
	}
}

func ExampleRead() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for k := range 3 {
		var b bytes.Buffer
		if err := png.Encode(&b, grey(k)); err != nil {
			fmt.Println(err)
			return
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("slice%d.png", k)), b.Bytes(), 0o600); err != nil {
			fmt.Println(err)
			return
		}
	}
	v, err := raster.Read(dir, raster.Options{Spacing: [3]float64{0.9, 0.9, 5}})
	fmt.Println(v.Size, v.Spacing, v.Values[v.Index(1, 2, 2)], err)
	// Output: [4 3 3] [0.9 0.9 5] 2201 <nil>
}
