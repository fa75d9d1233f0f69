//go:build interoperability

package object_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/image/dicom"
	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/features/radiomics"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// python runs a script of testdata with pydicom and returns what it says.
func python(t *testing.T, script string, args ...string) string {
	t.Helper()
	interpreter := "/usr/bin/python3" // which has Debian's packages python3-pydicom and python3-numpy
	if _, err := os.Stat(interpreter); err != nil {
		interpreter = "python3"
	}
	out, err := exec.Command(interpreter, append([]string{filepath.Join("testdata", script)}, args...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// placed is how a series lies in the patient.
type placed struct {
	along, down [3]float64 // of rows and columns: ImageOrientationPatient
	step        float64    // mm from a slice to the next along the normal; below zero runs against it
	reversed    bool       // instance numbers run against the slices
}

const (
	rows, columns, count = 9, 14, 7
	betweenRows          = 0.71 // mm, PixelSpacing
	betweenColumns       = 1.13
)

// inside is the region: scattered, so that no flip or shift of it is the same.
func inside(x, y, k int) bool { return k > 0 && k < count-1 && (3*x*x+5*y*y+7*k*k+x*y)%5 == 0 }

// write writes the series, and a segmentation of the region, and returns their folder and file.
func (p placed) write(t *testing.T) (series, mask string) {
	t.Helper()
	series, mask = filepath.Join(t.TempDir(), "series"), filepath.Join(t.TempDir(), "mask.dcm")
	if err := os.Mkdir(series, 0o700); err != nil {
		t.Fatal(err)
	}
	normal := [3]float64{p.along[1]*p.down[2] - p.along[2]*p.down[1], p.along[2]*p.down[0] - p.along[0]*p.down[2], p.along[0]*p.down[1] - p.along[1]*p.down[0]}
	origin := func(k int) []float64 {
		out := []float64{-31.25, 17.5, 204.125}
		for a := range out {
			out[a] += float64(k) * p.step * normal[a]
		}
		return out
	}
	orientation := append(append([]float64{}, p.along[:]...), p.down[:]...)
	identified := func(series, instance, class, modality string) *p10.Set {
		return (&p10.Set{}).Text(p10.SOPClassUID, class).Text(p10.SOPInstanceUID, instance).Text(p10.StudyInstanceUID, "1.2.3").Text(p10.SeriesInstanceUID, series).Text(p10.Modality, modality).
			Text(p10.PatientID, "P1").Text(p10.FrameOfReferenceUID, "1.2.3.77").Number(p10.SamplesPerPixel, 1).Text(p10.PhotometricInterpretation, "MONOCHROME2").
			Number(p10.Rows, rows).Number(p10.Columns, columns).Number(p10.PixelRepresentation, 0)
	}
	save := func(path string, s *p10.Set) {
		b, err := p10.Encode(s)
		if err := errors.Join(err, os.WriteFile(path, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	seg := identified("1.2.3.8", "1.2.3.9", object.SegmentationStorage, "SEG")
	var bits []byte
	var frames []*p10.Set
	at := 0
	for k := range count {
		pixels := make([]byte, 0, 2*rows*columns)
		for y := range rows {
			for x := range columns {
				v := 200*k + columns*y + x
				if at%8 == 0 {
					bits = append(bits, 0)
				}
				if inside(x, y, k) {
					v += 20000
					bits[at/8] |= 1 << (at % 8)
				}
				pixels, at = binary.LittleEndian.AppendUint16(pixels, uint16(v)), at+1
			}
		}
		number := float64(k + 1)
		if p.reversed {
			number = float64(count - k)
		}
		slice := identified("1.2.3.1", fmt.Sprint("1.2.3.1.", k+1), "1.2.840.10008.5.1.4.1.1.4", "MR")
		slice.Text(p10.ImageType, "ORIGINAL", "PRIMARY").Number(p10.BitsAllocated, 16).Number(p10.BitsStored, 16).Number(p10.HighBit, 15).Number(p10.PixelSpacing, betweenRows, betweenColumns).
			Number(p10.SliceThickness, 2).Number(p10.ImageOrientationPatient, orientation...).Number(p10.ImagePositionPatient, origin(k)...).Number(p10.InstanceNumber, number)
		save(filepath.Join(series, fmt.Sprintf("%02d.dcm", (5*k+3)%count)), slice.Bytes(p10.Attribute{Tag: 0x7FE00010, VR: "OW"}, pixels))
		frames = append(frames, (&p10.Set{}).Items(p10.PlanePositionSequence, (&p10.Set{}).Number(p10.ImagePositionPatient, origin(k)...)))
	}
	seg.Number(p10.NumberOfFrames, count).Number(p10.BitsAllocated, 1).Number(p10.BitsStored, 1).Number(p10.HighBit, 0).Text(p10.SegmentationType, "BINARY")
	seg.Items(p10.SegmentSequence, (&p10.Set{}).Number(p10.SegmentNumber, 1).Text(p10.SegmentLabel, "Lesion"))
	seg.Items(p10.SharedFunctionalGroups, (&p10.Set{}).Items(p10.PixelMeasuresSequence, (&p10.Set{}).Number(p10.PixelSpacing, betweenRows, betweenColumns).Number(p10.SliceThickness, 2)).
		Items(p10.PlaneOrientationSequence, (&p10.Set{}).Number(p10.ImageOrientationPatient, orientation...)).
		Items(p10.SegmentIdentificationSequence, (&p10.Set{}).Number(p10.ReferencedSegmentNumber, 1)))
	seg.Items(p10.PerFrameFunctionalGroups, frames...).Items(p10.ReferencedSeriesSequence, (&p10.Set{}).Text(p10.SeriesInstanceUID, "1.2.3.1"))
	save(mask, seg.Bytes(p10.PixelDataBytes, bits))
	return series, mask
}

// Wherever a series lies in the patient and however its slices are numbered, pydicom finds the region of our segmentation and the values of our map
// at the positions of the pixels that they are of, and our own reader the same region. Spacing differs in all three directions.
func TestInteroperabilityGeometry(t *testing.T) {
	c, s := math.Cos, math.Sin
	a, b, g := 0.35, -0.52, 1.1 // an oblique plane: turned about all three axes
	oblique := placed{along: [3]float64{c(a) * c(b), s(a) * c(b), -s(b)}, down: [3]float64{c(a)*s(b)*s(g) - s(a)*c(g), s(a)*s(b)*s(g) + c(a)*c(g), c(b) * s(g)}, step: 2.7}
	turned := oblique
	turned.step, turned.reversed = -2.7, true
	for name, p := range map[string]placed{
		"axial":                       {along: [3]float64{1, 0, 0}, down: [3]float64{0, 1, 0}, step: 2.7},
		"axial, from head to foot":    {along: [3]float64{1, 0, 0}, down: [3]float64{0, 1, 0}, step: -2.7},
		"axial, numbered in reverse":  {along: [3]float64{1, 0, 0}, down: [3]float64{0, 1, 0}, step: 2.7, reversed: true},
		"axial, mirrored":             {along: [3]float64{-1, 0, 0}, down: [3]float64{0, 1, 0}, step: 2.7},
		"sagittal":                    {along: [3]float64{0, 1, 0}, down: [3]float64{0, 0, -1}, step: 2.7},
		"coronal":                     {along: [3]float64{1, 0, 0}, down: [3]float64{0, 0, -1}, step: 2.7},
		"oblique":                     oblique,
		"oblique, against its normal": turned,
	} {
		t.Run(name, func(t *testing.T) {
			series, mask := p.write(t)
			source := &extraction.Source{Name: "adc", Modality: "MR", Plan: extraction.Plan{Label: &extraction.Label{Name: "Lesion"}, Parameters: radiomics.DefaultParams()}}
			scan, err := object.Read(source, extraction.Files{Image: series, Mask: mask})
			if err != nil {
				t.Fatal(err)
			}
			r := result()
			r.Time = r.Changed
			seg, err := object.Segmentation(&r, scan, "1.0")
			if err != nil {
				t.Fatal(err)
			}
			parametric, err := object.Map(&r, scan, &object.Overlay{Name: "values", Title: "the image itself", Volume: scan.Volume}, "1.0")
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			paths := []string{filepath.Join(dir, "seg.dcm"), filepath.Join(dir, "map.dcm")}
			if err := errors.Join(os.WriteFile(paths[0], seg, 0o600), os.WriteFile(paths[1], parametric, 0o600)); err != nil {
				t.Fatal(err)
			}
			region := 0
			for k := range count {
				for y := range rows {
					for x := range columns {
						if inside(x, y, k) {
							region++
						}
					}
				}
			}
			if got, want := python(t, "geometry.py", series, paths[0], paths[1]), fmt.Sprint(region, " ", rows*columns*(count-2)); got != want {
				t.Errorf("voxels compared: %q, want %q", got, want)
			}
			for _, path := range paths {
				if !strings.HasPrefix(name, "oblique") {
					break
				}
				checked(t, name, path, map[string][]string{"dcmdump": {"PlanePositionSequence"}, "dcm2json": {"52009230"}})
			}
			m, err := dicom.ReadMaskOn(paths[0], scan.Volume.Grid)
			if err != nil {
				t.Fatal(err)
			}
			for i, l := range m.Labels {
				if (scan.Volume.Values[i] >= 20000) != (l == 1) {
					t.Fatalf("our reader has voxel %d as %d", i, l)
				}
			}
		})
	}
}

// The content of reports follows the rows of its templates, with the regions as segments of the study or as segmentations of our own, and as far as
// nothing is left of it after a retraction.
func TestInteroperabilityTemplates(t *testing.T) {
	own := result()
	own.Evidence = own.Evidence[:1]
	back := result()
	back.State, back.Reason = results.EnteredInError, "why"
	for want, c := range map[string]struct {
		r results.Result
		d object.Document
	}{
		"1 2": {result(), object.Document{Program: "1.0"}},
		"0 3": {own, object.Document{Program: "1.0"}},
		"1 2 ": {own, object.Document{Program: "1.0", Masks: map[string]object.Region{"adc": {
			Instance: results.Instance{Class: object.SegmentationStorage, Instance: "1.2.4.1", Series: "1.2.4", Segment: 1}, Series: "1.2.3.1"}}}},
		"0 0": {back, object.Document{Program: "1.0"}},
	} {
		b, err := object.Report(&c.r, c.d)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "report.dcm")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := python(t, "templates.py", path); got != strings.TrimSpace(want) {
			t.Errorf("groups of TID 1411 and 1501: %q, want %q", got, want)
		}
	}
}
