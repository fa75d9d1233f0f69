package dicom_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
)

// Slices are sorted by place, whatever their names; values are rescaled; a region is cropped in reading.
func TestReadSeries(t *testing.T) {
	dir := folder(t, slice(5), slice(0), slice(7.5), slice(2.5))
	write(t, dir, "notes.txt", []byte("not an image"))
	r, err := dicom.ReadRegion(dir, image.Selection{
		Statistics: true,
		Region:     func(image.Grid) (image.Box, error) { return image.Box{Min: [3]int{1, 0, 1}, Max: [3]int{3, 3, 4}}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	want := image.Grid{Size: [3]int{4, 3, 4}, Spacing: [3]float64{0.5, 0.75, 2.5}, Origin: [3]float64{-10, 20, 0}, Direction: image.IdentityDirection}
	if r.Whole != want {
		t.Errorf("grid %+v, want %+v", r.Whole, want)
	}
	// Voxel (1, 2, 3) of the region is (2, 2, 3) … of the whole: pixel 4·2+1+1 = 10 of the slice at 7.5.
	if got := r.Volume.Values[r.Volume.Index(1, 2, 2)]; got != 2*(750+10)-1000 || !r.Volume.Integer {
		t.Errorf("value %g, integer %t", got, r.Volume.Integer)
	}
	if r.Statistics.Min != -1000 || r.Statistics.Max != 2*(750+11)-1000 || r.Statistics.Count != 48 {
		t.Errorf("%+v", r.Statistics)
	}
	v, err := dicom.Read(dir)
	if err != nil || v.Voxels() != len(v.Values) {
		t.Errorf("%v", err)
	}
}

// A zip archive is a folder.
func TestReadZip(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, s := range map[string]set{"a/2.dcm": slice(0), "b/1": slice(2.5)} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(s.file()); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	v, err := dicom.Read(write(t, t.TempDir(), "series.zip", b.Bytes()))
	if err != nil || v.Size != [3]int{4, 3, 2} || v.Values[v.Index(1, 0, 1)] != 2*251-1000 {
		t.Errorf("%+v, %v", v, err)
	}
}

// Slices that are scaled one by one, as those of PET are.
func TestReadScaledSlices(t *testing.T) {
	v, err := dicom.Read(folder(t, slice(0), slice(2.5).with(set{0x00281053: "0.5", 0x00281052: "0"})))
	if err != nil || v.Values[1] != -998 || v.Values[13] != 125.5 || v.Integer {
		t.Errorf("%v, %v", v, err)
	}
	v, err = dicom.Read(folder(t, slice(0), slice(2.5).with(set{0x00281053: "3"})))
	if err != nil || v.Values[13] != 3*251-1000 || !v.Integer {
		t.Errorf("%v, %v", v, err)
	}
}

// Bits above BitsStored are not part of the number, and the sign is that of the stored bits.
func TestReadStoredBits(t *testing.T) {
	pixels := bytes.Repeat([]byte{0xFE, 0xAF}, 12) // an overlay above the number −2 of 12 bits
	v, err := dicom.Read(folder(t, slice(0).with(set{0x00280101: 12, 0x00280102: 11, 0x7FE00010: pixels})))
	if err != nil || v.Values[0] != 2*-2-1000 {
		t.Errorf("%v, %v", v, err)
	}
	v, err = dicom.Read(folder(t, slice(0).with(set{0x00280101: 12, 0x00280102: 11, 0x00280103: 0, 0x7FE00010: pixels})))
	if err != nil || v.Values[0] != 2*4094-1000 {
		t.Errorf("%v, %v", v, err)
	}
}

// What does not make one even stack is an error that names the file.
func TestReadBadSeries(t *testing.T) {
	at := func(z float64, change set) set { return slice(z).with(change) }
	for name, c := range map[string]struct {
		files []set
		want  []string
	}{
		"gap":           {[]set{slice(0), slice(2.5), slice(7.5), slice(10)}, []string{"1 of the slices are missing between", ".dcm and ", "5 mm apart"}},
		"gap of three":  {[]set{slice(0), slice(2.5), slice(7.5)}, []string{"1 of the slices are missing between"}},
		"duplicate":     {[]set{slice(0), slice(2.5), slice(2.5), slice(5)}, []string{"at one place", "the same image twice"}},
		"time points":   {[]set{slice(0), at(0, set{0x00200012: "2", 0x00080018: "1.7"}), slice(2.5)}, []string{"at one place", "AcquisitionNumber"}},
		"uneven":        {[]set{slice(0), slice(2.5), slice(5), slice(8)}, []string{"an uneven stack"}},
		"tilt":          {[]set{slice(0), at(2.5, set{0x00200032: "-10\\20.6\\2.5"}), at(5, set{0x00200032: "-10\\21.2\\5"})}, []string{"tilted by 13", "0.6 mm beside"}},
		"beside":        {[]set{slice(0), at(2.5, set{0x00200032: "-10\\24\\2.5"}), slice(5)}, []string{"4 mm beside the other slices"}},
		"scout":         {[]set{slice(0), slice(2.5), at(5, set{0x00200037: "1\\0\\0\\0\\0\\-1"})}, []string{"oriented otherwise"}},
		"sizes":         {[]set{slice(0), at(2.5, set{0x00280010: 4, 0x00280011: 3})}, []string{"one series, two sizes"}},
		"spacings":      {[]set{slice(0), at(2.5, set{0x00280030: "0.75\\0.6"})}, []string{"one series, two spacings"}},
		"no place":      {[]set{at(0, set{0x00200032: nil})}, []string{"ImagePositionPatient is missing", ".dcm"}},
		"no spacing":    {[]set{at(0, set{0x00280030: nil})}, []string{"PixelSpacing is missing"}},
		"zero spacing":  {[]set{at(0, set{0x00280030: "0\\0"})}, []string{"spacing along i is 0"}},
		"no thickness":  {[]set{at(0, set{0x00180050: nil})}, []string{"SliceThickness is missing"}},
		"bad number":    {[]set{at(0, set{0x00200032: "1\\x\\2"})}, []string{`"x" is not a number`}},
		"few numbers":   {[]set{at(0, set{0x00200032: "1\\2"})}, []string{"has 2 numbers: want 3"}},
		"axes":          {[]set{at(0, set{0x00200037: "1\\0\\0\\1\\0\\0"})}, []string{"not of two unit vectors"}},
		"colour":        {[]set{at(0, set{0x00280002: 3})}, []string{"3 samples a pixel"}},
		"bits":          {[]set{at(0, set{0x00280100: 24})}, []string{"24 bits allocated"}},
		"zero slope":    {[]set{at(0, set{0x00281053: "0"})}, []string{"RescaleSlope is 0"}},
		"cut off":       {[]set{at(0, set{0x7FE00010: []byte("123")})}, []string{"pixels of 1 frames of 4×3 are 24 bytes, and 3 are there"}},
		"frames":        {[]set{at(0, set{0x00280008: "3"})}, []string{"3 frames, and nothing says where"}},
		"two series":    {[]set{slice(0), at(2.5, set{0x0020000E: "1.77", 0x0008103E: "other"})}, []string{"2 series: choose one", `"thorax"`, `"other"`}},
		"no image":      {[]set{at(0, set{0x7FE00010: nil})}, []string{"no DICOM image"}},
		"absent bits":   {[]set{at(0, set{0x00280100: nil})}, []string{"BitsAllocated is missing"}},
		"palette":       {[]set{at(0, set{0x00280004: "PALETTE COLOR"})}, []string{"colours of a palette"}},
		"not PT's unit": {[]set{at(0, set{0x00080060: "PT", 0x00541001: "CM2"})}, []string{`Units is "CM2"`}},
	} {
		_, err := dicom.Read(folder(t, c.files...))
		says(t, name, err, c.want...)
	}
}

// A damaged file among others is named, and so is the next one.
func TestReadDamagedFiles(t *testing.T) {
	dir := folder(t, slice(0), slice(2.5))
	b := slice(5).file()
	write(t, dir, "torn.dcm", b[:200])
	write(t, dir, "broken.dcm", append(b[:170:170], "\xff\xff\xff\xff\xff\xff\xff\xff"...))
	_, err := dicom.Read(dir)
	says(t, "damaged", err, "torn.dcm", "broken.dcm")
	_, err = dicom.Read(write(t, dir, "text", []byte(strings.Repeat("no DICOM here", 30))))
	says(t, "text", err, "not a DICOM file")
	_, err = dicom.Read(t.TempDir())
	says(t, "empty folder", err, "no DICOM image, segmentation or structure set among 0 files")
	if _, err := dicom.Read(filepath.Join(dir, "absent")); !os.IsNotExist(err) {
		t.Errorf("absent: %v", err)
	}
}

// Enhanced images: the place of each frame is in its functional groups, the scaling in those that all share.
func TestReadEnhanced(t *testing.T) {
	frame := func(z string) set {
		return set{0x00209113: []set{{0x00200032: "-10\\20\\" + z}}}
	}
	one := slice(0).with(set{
		0x00200032: nil, 0x00200037: nil, 0x00280030: nil, 0x00281052: nil, 0x00281053: nil, 0x00280008: "3",
		0x52009229: []set{{
			0x00209116: []set{{0x00200037: "1\\0\\0\\0\\1\\0"}}, 0x00289110: []set{{0x00280030: "0.75\\0.5", 0x00180050: "2"}},
			0x00289145: []set{{0x00281052: "-5", 0x00281053: "1"}},
		}},
		0x52009230: []set{frame("4"), frame("0"), frame("2")},
		0x7FE00010: append(append(bytes.Repeat([]byte{4, 0}, 12), bytes.Repeat([]byte{0, 0}, 12)...), bytes.Repeat([]byte{2, 0}, 12)...),
	})
	v, err := dicom.Read(folder(t, one))
	if err != nil {
		t.Fatal(err)
	}
	if v.Size != [3]int{4, 3, 3} || v.Spacing != [3]float64{0.5, 0.75, 2} || v.Values[0] != -5 || v.Values[12] != -3 || v.Values[24] != -1 {
		t.Errorf("%+v", v)
	}
	_, err = dicom.Read(folder(t, one.with(set{0x52009230: []set{frame("4"), frame("0"), frame("4")}})))
	says(t, "two frames at one place", err, "frame 1 and ", "frame 3 are at one place")
	_, err = dicom.Read(folder(t, one.with(set{0x52009230: []set{frame("4")}})))
	says(t, "groups", err, "3 frames and the functional groups of 1")
}
