package object_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// scan is an oblique stack of five slices with a ball in it.
func scan() *object.Scan {
	g := image.Grid{Size: [3]int{23, 17, 5}, Spacing: [3]float64{0.75, 0.5, 3}, Origin: [3]float64{-10, 20, 5}, Direction: [9]float64{1, 0, 0, 0, 0.8, -0.6, 0, 0.6, 0.8}}
	s := &object.Scan{Source: "adc", Modality: "MR", Series: "1.2.3.1", FrameOfReference: "1.2.3.77",
		Volume: &image.Volume{Grid: g, Values: make([]float64, g.Voxels())}, Region: &image.Mask{Grid: g, Labels: make([]uint16, g.Voxels())}}
	for k := range g.Size[2] {
		s.Planes = append(s.Planes, dicom.Plane{Instance: dicom.Instance{Class: "1.2.840.10008.5.1.4.1.1.4", UID: fmt.Sprintf("1.2.3.1.%d", k+1)}, Position: g.World(0, 0, float64(k))})
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				n := g.Index(i, j, k)
				s.Volume.Values[n] = 500 + 300*math.Sin(float64(i)/3)*math.Cos(float64(j)/2)
				if x, y, z := float64(i-11)*0.75, float64(j-8)*0.5, float64(k-2)*3; x*x+y*y+z*z < 12 && k != 2 || k == 2 && i == 11 {
					s.Region.Labels[n] = 1
				}
			}
		}
	}
	return s
}

// A picture is the same whatever has become of its result since: where that stands is said in the report, which has a document for each state. What is
// burned in would stay as it was.
func TestPicturesSayNoState(t *testing.T) {
	r := result()
	r.Time = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var first []byte
	for _, state := range []results.State{results.Preliminary, results.Final, results.Amended, results.EnteredInError} {
		r.State, r.By, r.Reason, r.Changed = state, "Dr A", "why", r.Time.AddDate(0, 0, len(state))
		b, err := object.Capture(&r, scan(), nil, "1.0")
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if !bytes.Equal(b, first) {
			t.Errorf("the picture of a result that is %s is another", state)
		}
	}
}

// lesionScan is the scan with two lesions, of which the second is what reaches to the right.
func lesionScan() *object.Scan {
	s := scan()
	for n, l := range s.Region.Labels {
		if l != 0 && n%23 > 11 {
			s.Region.Labels[n] = 2
		}
	}
	return s
}

// Our reader finds each lesion in our segmentation of several, as it was written, and a scan of one lesion has no other.
func TestSegmentationOfLesions(t *testing.T) {
	r, s := lesioned(), lesionScan()
	b, err := object.Segmentation(&r, s, "1.0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "seg.dcm")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := dicom.ReadMaskOn(path, s.Volume.Grid)
	if err != nil {
		t.Fatal(err)
	}
	second := s.Lesion(2, "2")
	counts := map[uint16]int{}
	for i, l := range m.Labels {
		counts[l]++
		if l != s.Region.Labels[i] || (second.Region.Labels[i] == 1) != (l == 2) {
			t.Fatalf("voxel %d is %d, want %d", i, l, s.Region.Labels[i])
		}
	}
	if counts[1] == 0 || counts[2] == 0 {
		t.Errorf("%v", counts)
	}
	if object.CaptureName(second, nil) != "lesion.2.adc" || object.CaptureUID(&r, second, nil) == object.CaptureUID(&r, s.Lesion(1, "1"), nil) {
		t.Error("two lesions have one picture")
	}
}

// overlay is a map that is signed, over the middle of the scan.
func overlay() *object.Overlay {
	s := scan()
	v := &image.Volume{Grid: s.Volume.Grid, Values: make([]float64, len(s.Volume.Values))}
	for i, l := range s.Region.Labels {
		if l == 1 {
			v.Values[i] = 0.002 * math.Sin(float64(i)) // as narrow as a Grad-CAM map may be
		}
	}
	return &object.Overlay{Name: "feature.adc.original_firstorder_Mean", Title: "original_firstorder_Mean of adc", Note: "Each voxel's part of the feature.", Volume: v}
}

// files are all objects of a result that are images.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	r := result()
	r.Time = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	r.Identity.Module = map[string]string{"00101010": "076Y", "00101030": "71.5", "00081030": "Prostate"}
	s, m := scan(), overlay()
	out := map[string][]byte{}
	add := func(name string, b []byte, err error) {
		if err != nil {
			t.Fatal(name, err)
		}
		out[name] = b
	}
	b, err := object.Segmentation(&r, s, "1.0")
	add("seg", b, err)
	b, err = object.Map(&r, s, m, "1.0")
	add("map", b, err)
	b, err = object.Capture(&r, s, m, "1.0")
	add("capture", b, err)
	b, err = object.Capture(&r, s, nil, "1.0")
	add("region", b, err)
	return out
}

// Our reader finds in our segmentation the voxels that were written, on the grid of the series.
func TestSegmentationIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seg.dcm")
	if err := os.WriteFile(path, files(t)["seg"], 0o600); err != nil {
		t.Fatal(err)
	}
	s := scan()
	m, err := dicom.ReadMaskOn(path, s.Volume.Grid)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range m.Labels {
		if l != s.Region.Labels[i] {
			t.Fatalf("voxel %d is %d, want %d", i, l, s.Region.Labels[i])
		}
	}
	labels, err := dicom.Labels(path)
	if err != nil || len(labels) != 1 || labels[0].Label != "Region of adc" {
		t.Errorf("%+v (%v)", labels, err)
	}
	folder, err := dicom.OpenFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if masks := folder.Masks(); len(masks) != 1 || masks[0].Patient != "P1" || masks[0].Series[0] != "1.2.3.1" {
		t.Errorf("%+v", masks)
	}
}

// The same result gives the same bytes, and the words are burned in and stand in the attributes.
func TestImagesAreTheSame(t *testing.T) {
	first, second := files(t), files(t)
	for name, b := range first {
		if !bytes.Equal(b, second[name]) {
			t.Errorf("%s differs", name)
		}
		for _, want := range []string{"research use only", "076Y", "71.5", "Prostate", "M\xfcller^\xc4nne", "HOSPITAL", "Processing Equipment"} {
			if !bytes.Contains(b, []byte(want)) {
				t.Errorf("%s has no %q", name, want)
			}
		}
	}
}
