package dicomweb_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/extraction"
	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/api"
	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/registry"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/studies"
)

const (
	mrStorage   = "1.2.840.10008.5.1.4.1.1.4"
	columns     = 12
	slicesCount = 6
)

// attributes of which the writer of objects has no keyword.
var sopClass = p10.SOPClassUID

// identified begins an object of a study.
func identified(study, series, instance, class, modality string) *p10.Set {
	return (&p10.Set{}).Text(sopClass, class).Text(p10.SOPInstanceUID, instance).Text(p10.StudyInstanceUID, study).Text(p10.SeriesInstanceUID, series).
		Text(p10.Modality, modality).Text(p10.PatientID, "CANARY-1").Text(p10.PatientName, "CANARY^NAME").Text(p10.IssuerOfPatientID, "HOSPITAL").Text(p10.StudyDate, "20260101").
		Text(p10.Manufacturer, "SCANNER").Text(p10.FrameOfReferenceUID, study+".7")
}

func encode(t testing.TB, s *p10.Set) []byte {
	t.Helper()
	b, err := p10.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// images are the slices of an MR series.
func images(t testing.TB, study string) [][]byte {
	var out [][]byte
	for k := range slicesCount {
		s := identified(study, study+".1", fmt.Sprintf("%s.1.%d", study, k+1), mrStorage, "MR")
		var pixels []byte
		for i := range columns * columns {
			pixels = binary.LittleEndian.AppendUint16(pixels, uint16(500+(i*7+k*31)%97))
		}
		s.Number(p10.SamplesPerPixel, 1).Text(p10.PhotometricInterpretation, "MONOCHROME2").Number(p10.Rows, columns).Number(p10.Columns, columns)
		s.Number(p10.BitsAllocated, 16).Number(p10.BitsStored, 16).Number(p10.HighBit, 15).Number(p10.PixelRepresentation, 0)
		s.Number(p10.PixelSpacing, 1, 1).Number(p10.SliceThickness, 2).Number(p10.ImageOrientationPatient, 1, 0, 0, 0, 1, 0).Number(p10.ImagePositionPatient, 0, 0, float64(2*k))
		s.Text(p10.ImageType, "ORIGINAL", "PRIMARY").Bytes(p10.Attribute{Tag: 0x7FE00010, VR: "OW"}, pixels)
		out = append(out, encode(t, s))
	}
	return out
}

// mask is a segmentation of 4×4 pixels on each of two slices of the series.
func mask(t testing.TB, study string) []byte {
	s := identified(study, study+".2", study+".2.1", "1.2.840.10008.5.1.4.1.1.66.4", "SEG")
	s.Number(p10.SamplesPerPixel, 1).Text(p10.PhotometricInterpretation, "MONOCHROME2").Number(p10.Rows, columns).Number(p10.Columns, columns).Number(p10.NumberOfFrames, 2)
	s.Number(p10.BitsAllocated, 1).Number(p10.BitsStored, 1).Number(p10.HighBit, 0).Number(p10.PixelRepresentation, 0).Text(p10.SegmentationType, "BINARY")
	s.Items(p10.SegmentSequence, (&p10.Set{}).Number(p10.SegmentNumber, 1).Text(p10.SegmentLabel, "Lesion"))
	s.Items(p10.SharedFunctionalGroups, (&p10.Set{}).Items(p10.PixelMeasuresSequence, (&p10.Set{}).Number(p10.PixelSpacing, 1, 1).Number(p10.SliceThickness, 2)).
		Items(p10.PlaneOrientationSequence, (&p10.Set{}).Number(p10.ImageOrientationPatient, 1, 0, 0, 0, 1, 0)).
		Items(p10.SegmentIdentificationSequence, (&p10.Set{}).Number(p10.ReferencedSegmentNumber, 1)))
	var frames []*p10.Set
	for k := 2; k < 4; k++ {
		frames = append(frames, (&p10.Set{}).Items(p10.PlanePositionSequence, (&p10.Set{}).Number(p10.ImagePositionPatient, 0, 0, float64(2*k))))
	}
	s.Items(p10.PerFrameFunctionalGroups, frames...)
	s.Items(p10.ReferencedSeriesSequence, (&p10.Set{}).Text(p10.SeriesInstanceUID, study+".1"))
	bits := make([]byte, 2*columns*columns/8)
	for f := range 2 {
		for y := 4; y < 8; y++ {
			for x := 4; x < 8; x++ {
				at := f*columns*columns + y*columns + x
				bits[at/8] |= 1 << (at % 8)
			}
		}
	}
	return encode(t, s.Bytes(p10.PixelDataBytes, bits))
}

// intake is one over the bundle prostate, with its store.
func intake(t testing.TB, log io.Writer, edit func(*extraction.Source)) (*dicomweb.Intake, *results.Store) {
	t.Helper()
	store := open(t)
	return intakeTo(t, store, nil, log, edit), store
}

// intakeTo is an intake whose results go to an outbox.
func intakeTo(t testing.TB, store *results.Store, o *results.Outbox, log io.Writer, edit func(*extraction.Source)) *dicomweb.Intake {
	t.Helper()
	b := bundletest.Images(t)
	if edit != nil {
		edit(&b.Sources[0])
	}
	return intakeOf(t, b, store, o, log)
}

// intakeOf is an intake over a bundle.
func intakeOf(t testing.TB, b *bundle.Bundle, store *results.Store, o *results.Outbox, log io.Writer) *dicomweb.Intake {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.voxgene")
	bundletest.Save(t, b, path)
	bundles, err := registry.Open([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	limits := studies.DefaultLimits()
	limits.Temp, limits.Upload, limits.Stall = t.TempDir(), 1<<20, 2*time.Second
	logger := slog.New(slog.NewJSONHandler(log, nil))
	front := studies.New(studies.Options{Registry: bundles, Limits: limits, Patients: api.DefaultLimits(), Log: logger, Results: store, Outbox: o, Program: "test"})
	t.Cleanup(front.Close)
	return &dicomweb.Intake{Registry: bundles, Results: store, Studies: front, Limits: limits, Log: logger}
}
