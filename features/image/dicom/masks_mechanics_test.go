package dicom_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
)

// grid is that of slice(0), slice(2.5), slice(5).
func grid() image.Grid {
	return image.Grid{Size: [3]int{4, 3, 3}, Spacing: [3]float64{0.5, 0.75, 2.5}, Origin: [3]float64{-10, 20, 0}, Direction: image.IdentityDirection}
}

// segmentation is a SEG of two frames, of segment 1 at 2.5 mm and of segment 2 at 0 mm, whose bits are in the pixels.
func segmentation(pixels []byte) set {
	frame := func(segment int, z string) set {
		return set{0x00209113: []set{{0x00200032: "-10\\20\\" + z}}, 0x0062000A: []set{{0x0062000B: segment}}}
	}
	return set{
		0x00080016: "1.2.840.10008.5.1.4.1.1.66.4", 0x00080060: "SEG", 0x00280002: 1, 0x00280008: "2", 0x00280010: 3, 0x00280011: 4,
		0x00280100: 1, 0x00280101: 1, 0x00280102: 0, 0x00280103: 0, 0x00620001: "BINARY",
		0x00620002: []set{{0x00620004: 1, 0x00620005: "core"}, {0x00620004: 2, 0x00620005: "Ödem"}},
		0x52009229: []set{{
			0x00209116: []set{{0x00200037: "1\\0\\0\\0\\1\\0"}}, 0x00289110: []set{{0x00280030: "0.75\\0.5", 0x00180050: "2.5", 0x00180088: "2.5"}},
		}},
		0x52009230: []set{frame(1, "2.5"), frame(2, "0")},
		0x7FE00010: pixels,
	}
}

// counts counts the voxels of each label.
func counts(m *image.Mask) map[uint16]int {
	n := map[uint16]int{}
	for _, l := range m.Labels {
		if l != 0 {
			n[l]++
		}
	}
	return n
}

// Frames of 12 pixels follow one another in the bits: the second begins in the middle of a byte.
func TestSegmentationBits(t *testing.T) {
	path := folder(t, segmentation([]byte{0x03, 0x18, 0x80}))
	m, err := dicom.ReadMaskOn(path, grid())
	if err != nil {
		t.Fatal(err)
	}
	// Bits 0, 1 and 11 are of frame 1 at 2.5 mm; bit 12 is the first pixel and 23 the last of frame 2 at 0 mm.
	for _, c := range []struct {
		i, j, k int
		label   uint16
	}{{0, 0, 1, 1}, {1, 0, 1, 1}, {3, 2, 1, 1}, {0, 0, 0, 2}, {3, 2, 0, 2}} {
		if got := m.Labels[m.Index(c.i, c.j, c.k)]; got != c.label {
			t.Errorf("voxel (%d, %d, %d) is %d, want %d", c.i, c.j, c.k, got, c.label)
		}
	}
	if n := counts(m); n[1] != 3 || n[2] != 2 {
		t.Errorf("counts %v", n)
	}
	if m, err = dicom.ReadMaskOn(path, grid(), 2); err != nil || counts(m)[1] != 0 || counts(m)[2] != 2 {
		t.Errorf("segment 2 alone: %v, %v", counts(m), err)
	}
	own, err := dicom.ReadMask(path)
	if err != nil || own.Size != [3]int{4, 3, 2} || counts(own)[1] != 3 {
		t.Errorf("on its own grid: %+v, %v", own, err)
	}
	labels, err := dicom.Labels(path)
	if err != nil || len(labels) != 2 || labels[1] != (dicom.Segment{Number: 2, Label: "Ödem"}) {
		t.Errorf("%v, %v", labels, err)
	}
}

// A grid that counts its slices downwards and its columns to the other side holds the same voxels.
func TestSegmentationOnMirroredGrid(t *testing.T) {
	g := image.Grid{Size: [3]int{4, 3, 3}, Spacing: [3]float64{0.5, 0.75, 2.5}, Origin: [3]float64{-8.5, 20, 5}, Direction: [9]float64{-1, 0, 0, 0, 1, 0, 0, 0, -1}}
	m, err := dicom.ReadMaskOn(folder(t, segmentation([]byte{0x01, 0, 0})), g)
	if err != nil || m.Labels[m.Index(3, 0, 1)] != 1 || counts(m)[1] != 1 {
		t.Errorf("%v, %v", m, err)
	}
}

// A fraction counts from one half on; a label map holds the numbers themselves.
func TestSegmentationKinds(t *testing.T) {
	bytes8 := set{0x00280100: 8, 0x00280101: 8, 0x00280102: 7}
	fractions := append(bytes.Repeat([]byte{0}, 12), 99, 100, 200, 1, 0, 0, 0, 0, 0, 0, 0, 0)
	m, err := dicom.ReadMaskOn(folder(t, segmentation(fractions).with(bytes8).with(set{0x00620001: "FRACTIONAL", 0x0062000E: 200})), grid())
	if err != nil || counts(m)[2] != 2 || counts(m)[1] != 0 {
		t.Errorf("fractions: %v, %v", m, err)
	}
	frame := func(z string) set { return set{0x00209113: []set{{0x00200032: "-10\\20\\" + z}}} }
	labels := append(bytes.Repeat([]byte{1}, 12), 0, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0)
	m, err = dicom.ReadMaskOn(folder(t, segmentation(labels).with(bytes8).with(set{
		0x00080016: "1.2.840.10008.5.1.4.1.1.66.7", 0x00620001: "LABELMAP", 0x52009230: []set{frame("0"), frame("5")},
	})), grid())
	if err != nil || counts(m)[1] != 13 || counts(m)[2] != 2 {
		t.Errorf("label map: %v, %v", m, err)
	}
}

func TestSegmentationBad(t *testing.T) {
	good := segmentation([]byte{0x03, 0x18, 0x80})
	other := grid()
	other.Origin[0] += 0.2
	small := grid()
	small.Size[0] = 2
	for name, c := range map[string]struct {
		file    set
		grid    image.Grid
		numbers []int
		want    []string
	}{
		"absent":   {good, grid(), []int{3}, []string{`no segment 3; there are 1 "core", 2 "Ödem"`}},
		"beside":   {good, other, nil, []string{"0.2 mm beside them", "grid: mask_to_image"}},
		"outside":  {good, small, nil, []string{"lies outside the image, at voxel 3 along axis i of 2"}},
		"cut off":  {good.with(set{0x7FE00010: []byte{1, 2}}), grid(), nil, []string{"pixels of 2 frames are 3 bytes, and 2 are there"}},
		"no place": {good.with(set{0x52009230: []set{{}, {}}}), grid(), nil, []string{"frame 1", "ImagePositionPatient is missing"}},
		"groups":   {good.with(set{0x52009230: []set{{}}}), grid(), nil, []string{"2 frames and the functional groups of 1"}},
		"overlap": {segmentation([]byte{0x03, 0x18, 0x80}).with(set{0x52009230: []set{
			{0x00209113: []set{{0x00200032: "-10\\20\\0"}}, 0x0062000A: []set{{0x0062000B: 1}}},
			{0x00209113: []set{{0x00200032: "-10\\20\\0"}}, 0x0062000A: []set{{0x0062000B: 2}}},
		}}), grid(), nil, []string{`segment 1 "core" and segment 2 "Ödem" share voxels (2 in all)`}},
	} {
		_, err := dicom.ReadMaskOn(folder(t, c.file), c.grid, c.numbers...)
		says(t, name, err, c.want...)
	}
	_, err := dicom.ReadMaskOn(folder(t, good, good), grid())
	says(t, "two", err, "2 segmentations")
	_, err = dicom.Read(folder(t, slice(0).with(set{0x00280100: 1, 0x00280101: 1, 0x00280102: 0})))
	says(t, "bits as an image", err, "read it as a mask")
}

// structures is an RTSTRUCT of one structure with the contours given, as lists of x\y\z.
func structures(contours ...string) set {
	var items []set
	for _, c := range contours {
		items = append(items, set{0x30060042: "CLOSED_PLANAR", 0x30060050: c})
	}
	return set{
		0x00080016: "1.2.840.10008.5.1.4.1.1.481.3", 0x00080060: "RTSTRUCT",
		0x30060020: []set{{0x30060022: "7", 0x30060024: "1.9", 0x30060026: "GTV"}},
		0x30060039: []set{{0x30060084: "7", 0x30060040: items}},
	}
}

// contour is a polygon of continuous indices on a slice of a grid of 20×20×3 voxels of 1 mm.
func contour(k string, xy ...string) string {
	points := make([]string, len(xy))
	for i, p := range xy {
		points[i] = strings.ReplaceAll(p, ",", "\\") + "\\" + k
	}
	return strings.Join(points, "\\")
}

func plain() image.Grid {
	return image.Grid{Size: [3]int{20, 20, 3}, Spacing: [3]float64{1, 1, 1}, Direction: image.IdentityDirection}
}

// A voxel is inside when its centre is; contours within contours are holes; two parts on a slice are both filled.
func TestStructureContours(t *testing.T) {
	square := contour("1", "1.5,1.5", "9.5,1.5", "9.5,9.5", "1.5,9.5")
	hole := contour("1", "3.5,3.5", "6.5,3.5", "6.5,6.5", "3.5,6.5")
	part := contour("1", "12.5,12.5", "15.5,12.5", "15.5,14.5", "12.5,14.5")
	slice0 := contour("0.3", "1.5,1.5", "3.5,1.5", "3.5,3.5", "1.5,3.5") // drawn beside the slice
	for _, c := range []struct {
		name     string
		contours []string
		want     int
	}{
		{"square", []string{square}, 64}, {"hole", []string{square, hole}, 55}, {"hole first", []string{hole, square}, 55},
		{"parts", []string{square, hole, part}, 61}, {"two slices", []string{square, slice0}, 68},
		{"backwards", []string{contour("1", "1.5,9.5", "9.5,9.5", "9.5,1.5", "1.5,1.5")}, 64},
		{"on centres", []string{contour("1", "1,1", "9,1", "9,9", "1,9")}, 64}, // half-open, so that neighbours share no voxel
		{"triangle", []string{contour("2", "0,0", "10,0", "0,10")}, 55},        // 10 + 9 + … + 1
	} {
		m, err := dicom.ReadMaskOn(folder(t, structures(c.contours...)), plain())
		if err != nil || counts(m)[7] != c.want {
			t.Errorf("%s: %v (%v), want %d", c.name, counts(m), err, c.want)
		}
	}
}

// The area of a disc of many points, wherever it lies between voxels.
func TestStructureDisc(t *testing.T) {
	g := image.Grid{Size: [3]int{400, 400, 1}, Spacing: [3]float64{0.05, 0.05, 1}, Direction: image.IdentityDirection}
	for _, at := range []float64{10, 10.0123, 9.98765} {
		var points []string
		for i := range 720 {
			a := float64(i) * math.Pi / 360
			points = append(points, decimal(at+5*math.Cos(a))+","+decimal(at+5*math.Sin(a)))
		}
		m, err := dicom.ReadMaskOn(folder(t, structures(contour("0", points...))), g)
		if err != nil {
			t.Fatal(err)
		}
		area := float64(counts(m)[7]) * 0.05 * 0.05
		if math.Abs(area-math.Pi*25) > 0.05 {
			t.Errorf("at %g: area %g, want %g", at, area, math.Pi*25)
		}
	}
}

func TestStructureBad(t *testing.T) {
	square := contour("1", "1.5,1.5", "9.5,1.5", "9.5,9.5", "1.5,9.5")
	point := structures(square)
	point[0x30060039].([]set)[0][0x30060040].([]set)[0][0x30060042] = "POINT"
	empty := structures(square)
	empty[0x30060039] = []set{}
	for name, c := range map[string]struct {
		file set
		want []string
	}{
		"absent":      {structures(square), []string{`no segment 3; there are 7 "GTV"`}},
		"outside":     {structures(square, contour("9", "1,1", "2,1", "2,2")), []string{`structure 7 "GTV": 1 of its 2 contours lie outside the image`}},
		"across":      {structures("1\\1\\0\\5\\1\\2\\5\\5\\1"), []string{"runs through 3 slices"}},
		"point":       {point, []string{`contour 1 is "POINT"`}},
		"no contours": {empty, []string{"no contours"}},
		"coordinates": {structures("1\\2\\3\\4"), []string{"4 coordinates: want three a point"}},
		"not numbers": {structures("1\\2\\x"), []string{`"x" is not a number`}},
	} {
		numbers := []int{7}
		if name == "absent" {
			numbers = []int{3}
		}
		_, err := dicom.ReadMaskOn(folder(t, c.file), plain(), numbers...)
		says(t, name, err, c.want...)
	}
	// A point is no region: it is left out where all are asked for, and refused where it is.
	two := structures(square)
	two[0x30060020] = append(two[0x30060020].([]set), set{0x30060022: "8", 0x30060026: "isocentre"}, set{0x30060022: "9", 0x30060026: "never drawn"})
	two[0x30060039] = append(two[0x30060039].([]set), set{0x30060084: "8", 0x30060040: []set{{0x30060042: "POINT", 0x30060050: "1\\2\\1"}}})
	m, err := dicom.ReadMaskOn(folder(t, two), plain())
	if err != nil || counts(m)[7] != 64 || len(counts(m)) != 1 {
		t.Errorf("%v, %v", counts(m), err)
	}
	if labels, err := dicom.Labels(folder(t, two)); err != nil || len(labels) != 1 {
		t.Errorf("%v, %v", labels, err)
	}
	_, err = dicom.ReadMaskOn(folder(t, two), plain(), 8)
	says(t, "isocentre", err, `structure 8 "isocentre": contour 1 is "POINT"`)
	_, err = dicom.ReadMask(folder(t, structures(square)))
	says(t, "no grid", err, "read on the grid of its image")
}

// A structure belongs to one frame of reference.
func TestStructureFrameOfReference(t *testing.T) {
	dir := folder(t, slice(0), slice(2.5), structures("-9.6\\20.1\\0\\-8.9\\20.1\\0\\-8.9\\21\\0\\-9.6\\21\\0"))
	for uid, want := range map[string]string{"1.9": "", "1.8": "drawn in the frame of reference 1.9"} {
		f, err := dicom.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		f.Series[0].FrameOfReference = uid
		m, err := f.Structures[0].MaskOn(f.Series[0], 7)
		if want == "" && (err != nil || counts(m)[7] != 2) {
			t.Errorf("%v, %v", m, err)
		}
		if want != "" {
			says(t, uid, err, want)
		}
	}
}
