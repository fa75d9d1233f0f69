package object

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/results"
)

// Capture returns a picture of a scan as a Secondary Capture in colour: the slice with most of the region, its outline, the map over it where
// there is one, and the words on use, the model, its version and the date burned in. It is for people; what can be measured is in the
// segmentation and the map.
func Capture(r *results.Result, s *Scan, m *Overlay, program string) ([]byte, error) {
	name, title, number := "region."+s.Source, "Region of "+s.Source, instance(r, s)
	if m != nil {
		name, title = m.Name, m.Title
	}
	k := kind{class: CaptureStorage, uid: CaptureUID(r, s, m), series: p10.UID("voxgene result", r.ID, "capture series", name), number: 9804, instance: number, modality: "OT",
		description: "Voxgene: " + title, at: r.Time}
	slice := s.fullest()
	pixels := s.picture(slice, m, []string{title, bundle.Words(r.Use), r.Model + " " + short(r.Version) + ", voxgene " + program, r.Time.UTC().Format("2006-01-02") + ", not verified by a person"})
	o := common(r, program, k)
	o.Text(p10.ImageType, "DERIVED", "SECONDARY").Text(p10.ConversionType, "WSD").Text(p10.PatientOrientation).Text(p10.Laterality).Text(p10.BurnedInAnnotation, "YES").Text(p10.LossyImageCompression, "00")
	o.Clip(p10.DerivationDescription, title+". "+bundle.Words(r.Use))
	o.Items(p10.SourceImageSequence, source(s.Planes[slice]).Items(p10.PurposeOfReferenceCodeSequence, code("121322", "DCM", "Source image for image processing operation").Item()))
	size := pixels.Bounds().Size()
	o.Number(p10.SamplesPerPixel, 3).Text(p10.PhotometricInterpretation, "RGB").Number(p10.PlanarConfiguration, 0).Number(p10.Rows, float64(size.Y)).Number(p10.Columns, float64(size.X))
	o.Number(p10.BitsAllocated, 8).Number(p10.BitsStored, 8).Number(p10.HighBit, 7).Number(p10.PixelRepresentation, 0)
	rgb := make([]byte, 0, 3*size.X*size.Y)
	for i := 0; i < len(pixels.Pix); i += 4 {
		rgb = append(rgb, pixels.Pix[i:i+3]...)
	}
	return p10.Encode(o.Bytes(p10.PixelDataBytes, rgb))
}

// CaptureUID is the identifier of a picture of a result.
func CaptureUID(r *results.Result, s *Scan, m *Overlay) string {
	if m == nil {
		return p10.UID("voxgene result", r.ID, "capture", "region", s.Source)
	}
	return p10.UID("voxgene result", r.ID, "capture", m.Name)
}

// fullest is the slice with most voxels of the region.
func (s *Scan) fullest() int {
	size, best, most := s.Region.Size[0]*s.Region.Size[1], 0, -1
	for k := range s.Region.Size[2] {
		n := 0
		for _, l := range s.Region.Labels[k*size : (k+1)*size] {
			n += int(l)
		}
		if n > most {
			best, most = k, n
		}
	}
	return best
}

const (
	canvas = 640 // pixels of the longer side of the picture of a slice
	line   = 16  // pixels of a line of text
	margin = 6
)

// picture draws a slice, as large as the canvas and with square millimetres, and lines of words below it.
func (s *Scan) picture(slice int, m *Overlay, words []string) *image.RGBA {
	g := s.Volume.Grid
	wide, high := float64(g.Size[0])*g.Spacing[0], float64(g.Size[1])*g.Spacing[1]
	scale := canvas / max(wide, high)
	w, h := max(int(wide*scale), 1), max(int(high*scale), 1)
	out := image.NewRGBA(image.Rect(0, 0, max(w, canvas), h+line*len(words)+2*margin))
	for i := 3; i < len(out.Pix); i += 4 {
		out.Pix[i] = 255
	}
	left := (out.Rect.Dx() - w) / 2
	area := g.Size[0] * g.Size[1]
	grey := s.Volume.Values[slice*area : (slice+1)*area]
	inside := s.Region.Labels[slice*area : (slice+1)*area]
	var heat []float32
	var most float64
	if m != nil {
		all := m.on(s)
		for _, x := range all {
			most = max(most, math.Abs(float64(x)))
		}
		heat = all[slice*area : (slice+1)*area]
	}
	low, top := window(grey)
	at := func(x, y int) int {
		return min(int(float64(y)*float64(g.Size[1])/float64(h)), g.Size[1]-1)*g.Size[0] + min(int(float64(x)*float64(g.Size[0])/float64(w)), g.Size[0]-1)
	}
	for y := range h {
		for x := range w {
			i := at(x, y)
			v := uint8(255 * min(max((grey[i]-low)/(top-low), 0), 1))
			c := color.RGBA{v, v, v, 255}
			if heat != nil && most > 0 {
				c = over(c, float64(heat[i])/most)
			}
			// A pixel of the region beside one that is not: the outline, one pixel of the picture.
			if inside[i] == 1 && (inside[at(max(x-1, 0), y)] == 0 || inside[at(min(x+1, w-1), y)] == 0 || inside[at(x, max(y-1, 0))] == 0 || inside[at(x, min(y+1, h-1))] == 0) {
				c = color.RGBA{0, 230, 118, 255}
			}
			out.SetRGBA(left+x, y, c)
		}
	}
	d := &font.Drawer{Dst: out, Src: image.White, Face: basicfont.Face7x13}
	for n, text := range words {
		d.Dot = fixed.P(margin, h+margin+line*n+12)
		d.DrawString(fit(text, (out.Rect.Dx()-2*margin)/7))
	}
	side := func(text string, x, y int) {
		draw.Draw(out, image.Rect(x-2, y-11, x+9, y+3), image.Black, image.Point{}, draw.Src)
		d.Dot = fixed.P(x, y)
		d.DrawString(text)
	}
	side(toward(g.Direction, 0, -1), left+margin, h/2)
	side(toward(g.Direction, 1, -1), left+w/2, margin+12)
	return out
}

// fit cuts a text to so many characters of the picture's font, which has those of ASCII alone.
func fit(text string, most int) string {
	out := []rune(text)
	for i, r := range out {
		if r < ' ' || r > '~' {
			out[i] = '?'
		}
	}
	if len(out) > most {
		out = append(out[:max(most-3, 0)], '.', '.', '.')
	}
	return string(out)
}

// toward names the side of the patient to which an index axis points, or away from which it does.
func toward(direction [9]float64, axis int, sign float64) string {
	names := [3][2]string{{"L", "R"}, {"P", "A"}, {"H", "F"}}
	best := 0
	for r := range 3 {
		if math.Abs(direction[3*r+axis]) > math.Abs(direction[3*best+axis]) {
			best = r
		}
	}
	if sign*direction[3*best+axis] > 0 {
		return names[best][0]
	}
	return names[best][1]
}

// window is what is drawn black and white: the first and the last hundredth of the values.
func window(values []float64) (low, high float64) {
	sorted := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(sorted) == 0 {
		return 0, 1
	}
	slices.Sort(sorted)
	low, high = sorted[len(sorted)/100], sorted[len(sorted)-1-len(sorted)/100]
	if !(high > low) {
		return low, low + 1
	}
	return low, high
}

// over lays a value from −1 to 1 over a grey: nothing at 0, through orange to yellow above, blue below.
func over(c color.RGBA, x float64) color.RGBA {
	if x == 0 {
		return c
	}
	a := 0.25 + 0.5*min(math.Abs(x), 1)
	r, g, b := 255.0, 255*min(math.Abs(x), 1), 0.0
	if x < 0 {
		r, g, b = 30, 120*(1-min(-x, 1))+60, 255
	}
	mix := func(under uint8, value float64) uint8 { return uint8((1-a)*float64(under) + a*value) }
	return color.RGBA{mix(c.R, r), mix(c.G, g), mix(c.B, b), 255}
}
