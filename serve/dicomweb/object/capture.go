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
	name, number := CaptureName(s, m), instance(r, s)
	title := "Region of " + s.Source
	switch {
	case m != nil:
		title = m.Title
	case s.lesion != "":
		title = "Lesion " + s.lesion + " of " + s.Source
	}
	k := kind{class: CaptureStorage, uid: CaptureUID(r, s, m), series: captureSeries(r, name), number: 9804, instance: number, modality: "OT",
		description: "Voxgene: " + title, at: r.Time}
	slice := s.fullest()
	pixels := s.picture(slice, m, []string{title, bundle.Words(r.Use), r.Model + " " + short(r.Version) + ", voxgene " + program, "Made by a program on " + r.Time.UTC().Format("2006-01-02") + ". The report of this result (SR) says where it stands: verified by a person, replaced, taken back"})
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
	switch {
	case m != nil:
		return p10.UID("voxgene result", r.ID, "capture", m.Name)
	case s.lesion != "":
		return p10.UID("voxgene result", r.ID, "capture", "lesion", s.lesion, s.Source)
	}
	return p10.UID("voxgene result", r.ID, "capture", "region", s.Source)
}

// CaptureName is what a picture is called among the objects of a result.
func CaptureName(s *Scan, m *Overlay) string {
	switch {
	case m != nil:
		return m.Name
	case s.lesion != "":
		return "lesion." + s.lesion + "." + s.Source
	}
	return "region." + s.Source
}

func captureSeries(r *results.Result, name string) string {
	return p10.UID("voxgene result", r.ID, "capture series", name)
}

// fullest is the slice with most voxels of the region.
func (s *Scan) fullest() int {
	size, best, most := s.Region.Size[0]*s.Region.Size[1], 0, -1
	for k := range s.Region.Size[2] {
		n := 0
		for _, l := range s.Region.Labels[k*size : (k+1)*size] {
			if l != 0 {
				n++
			}
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

// picture draws a slice, whole and closer about the region, with square millimetres, and lines of words below.
func (s *Scan) picture(slice int, m *Overlay, words []string) *image.RGBA {
	g := s.Volume.Grid
	p := painter{scan: s, from: slice * g.Size[0] * g.Size[1]}
	area := g.Size[0] * g.Size[1]
	p.low, p.high = window(s.Volume.Values[p.from : p.from+area])
	if m != nil {
		p.heat = m.on(s)
		for _, x := range p.heat {
			p.most = max(p.most, math.Abs(float64(x)))
		}
	}
	whole := image.Rect(0, 0, g.Size[0], g.Size[1])
	views := []image.Rectangle{whole, closer(s.Region.Labels[p.from:p.from+area], whole)}
	high := 0
	var sizes []image.Point
	for _, v := range views {
		scale := canvas / max(float64(v.Dx())*g.Spacing[0], float64(v.Dy())*g.Spacing[1])
		size := image.Pt(max(int(float64(v.Dx())*g.Spacing[0]*scale), 1), max(int(float64(v.Dy())*g.Spacing[1]*scale), 1))
		sizes, high = append(sizes, size), max(high, size.Y)
	}
	out := image.NewRGBA(image.Rect(0, 0, 2*canvas+margin, high+line*len(words)+2*margin))
	draw.Draw(out, out.Rect, image.Black, image.Point{}, draw.Src)
	d := &font.Drawer{Dst: out, Src: image.White, Face: basicfont.Face7x13}
	for n, text := range words {
		d.Dot = fixed.P(margin, high+margin+line*n+12)
		d.DrawString(fit(text, (out.Rect.Dx()-2*margin)/7))
	}
	side := func(text string, x, y int) {
		draw.Draw(out, image.Rect(x-2, y-11, x+9, y+3), image.Black, image.Point{}, draw.Src)
		d.Dot = fixed.P(x, y)
		d.DrawString(text)
	}
	for n, v := range views {
		at := image.Pt(n*(canvas+margin)+(canvas-sizes[n].X)/2, (high-sizes[n].Y)/2)
		p.view(out, at, sizes[n], v)
		side(toward(g.Direction, 0, -1), at.X+margin, at.Y+sizes[n].Y/2)
		side(toward(g.Direction, 1, -1), at.X+sizes[n].X/2, at.Y+margin+12)
	}
	return out
}

// closer is the part of a slice about the region: its box and as much again to each side, at least a quarter of the slice.
func closer(labels []uint16, whole image.Rectangle) image.Rectangle {
	var box image.Rectangle
	for i, l := range labels {
		if l != 0 {
			box = box.Union(image.Rect(i%whole.Dx(), i/whole.Dx(), i%whole.Dx()+1, i/whole.Dx()+1))
		}
	}
	side := max(3*max(box.Dx(), box.Dy()), min(whole.Dx(), whole.Dy())/4, 8)
	middle := box.Min.Add(box.Max).Div(2)
	return image.Rect(middle.X-side/2, middle.Y-side/2, middle.X+(side+1)/2, middle.Y+(side+1)/2).Intersect(whole)
}

// painter draws parts of one slice.
type painter struct {
	scan      *Scan
	from      int // index of the slice's first voxel
	low, high float64
	heat      []float32 // over all slices; nil for none
	most      float64   // its largest amount
}

// view draws a part of the slice at a place of a picture, with the outline of the region.
func (p *painter) view(out *image.RGBA, to, size image.Point, part image.Rectangle) {
	columns := p.scan.Volume.Size[0]
	at := func(x, y int) int {
		x, y = min(max(x, 0), size.X-1), min(max(y, 0), size.Y-1)
		return p.from + (part.Min.Y+y*part.Dy()/size.Y)*columns + part.Min.X + x*part.Dx()/size.X
	}
	inside := p.scan.Region.Labels
	for y := range size.Y {
		for x := range size.X {
			i := at(x, y)
			v := uint8(255 * min(max((p.scan.Volume.Values[i]-p.low)/(p.high-p.low), 0), 1))
			c := color.RGBA{v, v, v, 255}
			if p.most > 0 {
				c = over(c, float64(p.heat[i])/p.most)
			}
			// A pixel of the region, or of a lesion, beside one that is not: the outline, one pixel of the picture.
			if l := inside[i]; l != 0 && (inside[at(x-1, y)] != l || inside[at(x+1, y)] != l || inside[at(x, y-1)] != l || inside[at(x, y+1)] != l) {
				c = color.RGBA{0, 230, 118, 255}
			}
			out.SetRGBA(to.X+x, to.Y+y, c)
		}
	}
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
