package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/features/image/dicom"
	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
	"github.com/voxgene/voxgene/serve/dicomweb"
	"github.com/voxgene/voxgene/serve/dicomweb/client"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// lesionMask is a segmentation of two lesions of the series: a small one, which is followed over studies and of which the site is known, and a large
// one of which nothing is said.
func lesionMask(t testing.TB, study string) []byte {
	s := identified(study, study+".2", study+".2.1", object.SegmentationStorage, "SEG")
	s.Number(p10.SamplesPerPixel, 1).Text(p10.PhotometricInterpretation, "MONOCHROME2").Number(p10.Rows, columns).Number(p10.Columns, columns).Number(p10.NumberOfFrames, 3)
	s.Number(p10.BitsAllocated, 1).Number(p10.BitsStored, 1).Number(p10.HighBit, 0).Number(p10.PixelRepresentation, 0).Text(p10.SegmentationType, "BINARY")
	code := func(value, scheme, meaning string) *p10.Set {
		return p10.Code{Value: value, Scheme: scheme, Meaning: meaning}.Item()
	}
	s.Items(p10.SegmentSequence,
		(&p10.Set{}).Number(p10.SegmentNumber, 1).Text(p10.SegmentLabel, "Nodule of CANARY").Text(p10.TrackingID, "nodule A").Text(p10.TrackingUID, "1.2.3.77").
			Items(p10.SegmentedPropertyType, code("27925004", "SCT", "Nodule")).
			Items(p10.AnatomicRegionSequence, code("41216001", "SCT", "Prostate").Items(p10.AnatomicRegionModifierSequence, code("7771000", "SCT", "Left"))),
		(&p10.Set{}).Number(p10.SegmentNumber, 2).Text(p10.SegmentLabel, "Second"))
	s.Items(p10.SharedFunctionalGroups, (&p10.Set{}).Items(p10.PixelMeasuresSequence, (&p10.Set{}).Number(p10.PixelSpacing, 1, 1).Number(p10.SliceThickness, 2)).
		Items(p10.PlaneOrientationSequence, (&p10.Set{}).Number(p10.ImageOrientationPatient, 1, 0, 0, 0, 1, 0)))
	boxes := []struct{ segment, slice, from, to int }{{1, 2, 1, 3}, {2, 2, 5, 10}, {2, 3, 5, 10}}
	var frames []*p10.Set
	bits := make([]byte, (len(boxes)*columns*columns+7)/8)
	for f, b := range boxes {
		frames = append(frames, (&p10.Set{}).Items(p10.PlanePositionSequence, (&p10.Set{}).Number(p10.ImagePositionPatient, 0, 0, float64(2*b.slice))).
			Items(p10.SegmentIdentificationSequence, (&p10.Set{}).Number(p10.ReferencedSegmentNumber, float64(b.segment))))
		for y := b.from; y < b.to; y++ {
			for x := b.from; x < b.to; x++ {
				at := f*columns*columns + y*columns + x
				bits[at/8] |= 1 << (at % 8)
			}
		}
	}
	s.Items(p10.PerFrameFunctionalGroups, frames...)
	s.Items(p10.ReferencedSeriesSequence, (&p10.Set{}).Text(p10.SeriesInstanceUID, study+".1"))
	return encode(t, s.Bytes(p10.PixelDataBytes, bits))
}

// probability is what the bundle predicts of a lesion by itself: that of its voxels, which images fills.
func probability(t testing.TB, b *bundle.Bundle, slices []int, from, to int) (volume, high float64) {
	t.Helper()
	n, sum := 0.0, 0.0
	for _, k := range slices {
		for y := from; y < to; y++ {
			for x := from; x < to; x++ {
				n, sum = n+1, sum+float64(500+((y*columns+x)*7+k*31)%97)
			}
		}
	}
	x := models.NewMatrix(b.Columns(), 1)
	copy(x.Values, []float64{math.NaN(), 2 * n, sum / n}) // a voxel has 2 mm³
	p, err := b.Predict(t.Context(), x, bundle.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return 2 * n, p[0].Outcomes[0].Probabilities[1]
}

// A study of two lesions that comes by itself is one result with a prediction a lesion, and is written back: a report with a group for each (TID 1411,
// under the identifiers by which the study's segmentation follows it), a segmentation of both, a picture of each. It becomes final as a whole, and a
// retraction rejects all of it.
func TestLesions(t *testing.T) {
	b := bundletest.Lesions(t)
	s, to := open(t), newPACS(t)
	system, err := dicomweb.NewSystem(dicomweb.SystemConfig{Name: "pacs", Config: client.Config{URL: to.URL + "/dicom-web"}}, s, "1.0")
	if err != nil {
		t.Fatal(err)
	}
	o := &results.Outbox{Store: s, Systems: []results.System{system}, Log: slog.New(slog.DiscardHandler), Writeback: permitted()}
	var log bytes.Buffer
	stow, err := dicomweb.NewStow(dicomweb.StowConfig{Path: "/dicom-web", Spool: t.TempDir(), Settle: time.Nanosecond, Keep: time.Hour}, intakeOf(t, b, s, o, &log))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	stow.Register(mux)
	send(t, mux, "/dicom-web/studies", append(images(t, "1.2.3"), lesionMask(t, "1.2.3"))...)
	if err := stow.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := only(t, s)
	if c.Status != results.Done {
		t.Fatalf("%+v\n%s", c, log.String())
	}
	r, err := s.Get(c.Result)
	if err != nil || len(r.Lesions) != 2 || len(r.Prediction) != 0 || len(r.Features) != 1 || r.Features[0].Name != "clinical.age" {
		t.Fatalf("%+v (%v)", r.Content, err)
	}
	wants := []struct {
		name                   string
		slices                 []int
		from, to, segment      int
		tracking, uid, finding string
	}{{"2", []int{2, 3}, 5, 10, 2, "lesion 2", "", ""}, {"1", []int{2}, 1, 3, 1, "nodule A", "1.2.3.77", "Nodule"}}
	deliver := func() results.Delivery {
		t.Helper()
		d, err := o.Deliver(t.Context(), r.ID)
		if err != nil || len(d) != 1 || !d[0].Accepted {
			t.Fatalf("%+v (%v)", d, err)
		}
		return d[0]
	}
	first := deliver()
	var names []string
	for name := range first.Objects {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, ", "); got != "capture lesion.1.adc, capture lesion.2.adc, seg adc, sr" {
		t.Errorf("written: %s", got)
	}
	objects := map[string][]byte{}
	for _, f := range to.sent("1.2.3") {
		path := filepath.Join(t.TempDir(), "object")
		if err := os.WriteFile(path, f, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := dicom.ReadObject(path)
		if err != nil {
			t.Fatal(err)
		}
		objects[got.Class] = f
		if got.Class == object.SegmentationStorage {
			labels, err := dicom.Labels(path)
			if err != nil || len(labels) != 2 || labels[0].TrackingUID == "" || labels[1].TrackingUID != "1.2.3.77" || labels[1].Site.Meaning != "Prostate" || labels[1].Side.Meaning != "Left" || labels[1].Type.Meaning != "Nodule" {
				t.Errorf("%+v (%v)", labels, err)
			}
			m, err := dicom.ReadMask(path)
			if err != nil {
				t.Fatal(err)
			}
			counts := map[uint16]int{}
			for _, l := range m.Labels {
				counts[l]++
			}
			if counts[1] != 50 || counts[2] != 4 {
				t.Errorf("voxels of the segments: %v", counts)
			}
		}
	}
	report, err := clinical.DecodeMeasurementReport(bytes.NewReader(objects[object.ReportStorage]))
	if err != nil || len(report.Groups) != 2 {
		t.Fatalf("%d groups (%v)", len(report.Groups), err)
	}
	for i, w := range wants {
		l, g := r.Lesions[i], report.Groups[i]
		volume, high := probability(t, b, w.slices, w.from, w.to)
		var p struct {
			Lesion   string
			Outcomes map[string]struct{ Probabilities map[string]float64 }
		}
		if err := json.Unmarshal(l.Prediction, &p); err != nil || l.Name != w.name || p.Lesion != w.name || math.Abs(p.Outcomes["grade"].Probabilities["high"]-high) > 1e-12 {
			t.Errorf("lesion %s: %+v (%v), want %g", l.Name, p, err, high)
		}
		if at := l.Regions[0]; at.Segment == nil || at.Segment.Segment != w.segment || at.Segment.Instance != "1.2.3.2.1" || at.Volume != volume || at.TrackingUID != w.uid || at.Series != "1.2.3.1" {
			t.Errorf("lesion %s lies in %+v", l.Name, at)
		}
		if g.Tracking != w.tracking || w.uid != "" && g.TrackingUID != w.uid || !p10.ValidUID(g.TrackingUID) || g.Finding != w.finding || strings.HasPrefix(g.Site, "Prostate") != (w.finding != "") {
			t.Errorf("group %d: %+v", i, g)
		}
		found := map[string]float64{}
		for _, m := range g.Measurements {
			found[m.Label] = m.Value
		}
		if found["Volume"] != volume || math.Abs(found["Probability of grade high"]-high) > 1e-12 {
			t.Errorf("group %d measures %v, want %g mm³ and %g", i, found, volume, high)
		}
	}
	if text := log.String(); strings.Contains(text, "CANARY") || strings.Contains(text, "1.2.3.77") {
		t.Error("the log names the patient or the lesion")
	}

	if r, err = s.Finalise(r.ID, "Dr A"); err != nil {
		t.Fatal(err)
	}
	if err := o.Verified(r.ID); err != nil {
		t.Fatal(err)
	}
	if d := deliver(); d.Objects["sr final"] != object.ReportUID(&r) {
		t.Errorf("final: %+v", d)
	}
	if r, err = s.Retract(r.ID, "Dr A", "mask of another patient", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Withdraw(r.ID); err != nil {
		t.Fatal(err)
	}
	deliver()
	sent := to.sent("1.2.3")
	for _, f := range sent[len(sent)-2:] {
		if bytes.Contains(f, []byte("Rejected for Patient Safety Reasons")) {
			for name, uid := range first.Objects {
				if !bytes.Contains(f, []byte(uid)) {
					t.Errorf("the note does not reject %s", name)
				}
			}
		} else if !bytes.Contains(f, []byte("Retracted")) || bytes.Contains(f, []byte("Probability of grade")) {
			t.Error("the report of the retraction says what was predicted")
		}
	}
}
