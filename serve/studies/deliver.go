package studies

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/dicomweb/object"
	"github.com/voxgene/voxgene/serve/results"
)

// deliver makes a new result due at the systems that take it, with the objects that need its images: the region, maps, pictures. Where writing is
// not permitted it stays here. Objects that cannot be made take nothing away from the result: the notes say why.
func (f *Front) deliver(s *study, x models.Matrix, p bundle.Prediction, a *answer) error {
	if !a.made || f.Outbox == nil {
		return nil
	}
	r, err := f.Results.Get(a.Result)
	if err != nil || !f.Outbox.Wants(&r) {
		return err
	}
	var objects []results.Object
	for i := range s.read {
		made, err := f.objects(s, &s.read[i], &r, x, p)
		if err != nil {
			s.notes = append(s.notes, s.hide(fmt.Sprintf("no segmentation, map or picture of %s is sent to other systems: %v", s.read[i].source.Name, err)))
		}
		objects = append(objects, made...)
	}
	a.Notes = s.notes
	if err := f.Results.Attach(r.ID, objects); err != nil {
		return err
	}
	if _, err := f.Outbox.Write(r.ID); err != nil && !errors.Is(err, results.ErrNotPermitted) && !errors.Is(err, results.ErrState) {
		return err
	}
	return nil
}

// objects are those of one source; none where its images were not DICOM.
func (f *Front) objects(s *study, from *reading, r *results.Result, x models.Matrix, p bundle.Prediction) ([]results.Object, error) {
	if len(r.Evidence) == 0 {
		return nil, nil
	}
	scan, err := object.Read(from.source, from.files)
	if err != nil {
		return nil, err
	}
	var out []results.Object
	var faults []error
	add := func(kind, name string, in results.Instance, content []byte, err error) {
		if err != nil {
			faults = append(faults, err)
			return
		}
		out = append(out, results.Object{Kind: kind, Name: name, Source: scan.Source, Series: scan.Series, Instance: in, Content: content})
	}
	b, err := object.Segmentation(r, scan, f.Program)
	add("seg", scan.Source, object.SegmentationOf(r, scan.Source), b, err)
	for _, about := range s.pictured(scan) {
		b, err = object.Capture(r, about, nil, f.Program)
		add("capture", object.CaptureName(about, nil), results.Instance{Class: object.CaptureStorage, Instance: object.CaptureUID(r, about, nil)}, b, err)
	}
	for _, m := range append(s.overlays(from, x, p), s.voxelwise(from, scan, p)...) {
		b, err = object.Map(r, scan, &m, f.Program)
		add("map", m.Name, results.Instance{Class: object.MapStorage, Instance: object.MapUID(r, &m)}, b, err)
		b, err = object.Capture(r, scan, &m, f.Program)
		add("capture", m.Name, results.Instance{Class: object.CaptureStorage, Instance: object.CaptureUID(r, scan, &m)}, b, err)
	}
	return out, errors.Join(faults...)
}

// mostPictured is how many lesions of a source have a picture of their own.
const mostPictured = 20

// pictured is what pictures are made of: the region, or the largest lesions one by one.
func (s *study) pictured(scan *object.Scan) []*object.Scan {
	if s.lesions == nil {
		return []*object.Scan{scan}
	}
	var out []*object.Scan
	for _, l := range s.lesions {
		for _, r := range l.regions {
			if r.Source == scan.Source && r.Number <= mostPictured {
				out = append(out, scan.Lesion(r.Number, l.name))
			}
		}
	}
	if out == nil { // a source whose regions are the patient's
		out = append(out, scan)
	}
	return out
}

// overlays are the maps over one source: where networks looked.
func (s *study) overlays(from *reading, x models.Matrix, p bundle.Prediction) []object.Overlay {
	b := s.entry.Bundle
	var out []object.Overlay
	if p.Abstained != nil {
		return nil
	}
	for _, o := range p.Outcomes {
		i := slices.IndexFunc(b.Outcomes, func(have bundle.Outcome) bool { return have.Name == o.Name })
		if _, ok := bundle.Beneath(b.Outcomes[i].Model).(models.Located); !ok || from.crop == nil {
			continue
		}
		maps, err := b.Locate(x, o.Name, o.Label)
		if err != nil || len(maps[0]) == 0 {
			s.notes = append(s.notes, s.hide(fmt.Sprintf("no map of %s: %v", o.Name, err)))
			continue
		}
		v := &image.Volume{Grid: from.grid, Values: make([]float64, len(maps[0]))}
		for n, value := range maps[0] {
			v.Values[n] = float64(value)
		}
		title := "Grad-CAM: " + o.Name
		if o.Label != "" {
			title += " " + o.Label
		}
		out = append(out, object.Overlay{Name: "cam." + o.Name, Title: title, Note: gradCAM, Volume: v})
	}
	return out
}

// gradCAM is how maps of where a network looked are to be read.
const gradCAM = "Where the network looked. It does not say why, nor that it is right."

// mostVoxels is the largest region of which a feature is computed voxel by voxel.
const mostVoxels = 50_000

// voxelwise is the feature of a source that counted most in the prediction, voxel by voxel of the region; none where no feature of the source counted,
// or the region is too large for that.
func (s *study) voxelwise(from *reading, scan *object.Scan, p bundle.Prediction) []object.Overlay {
	strongest, amount := "", 0.0
	for _, o := range p.Outcomes {
		for _, e := range o.Explanations {
			for _, v := range e.Values {
				name, own := strings.CutPrefix(v.Feature, from.source.Name+".")
				if own && !strings.Contains(name, "_shape") && !table.Missing(v.Value) && math.Abs(v.Amount) > amount {
					strongest, amount = v.Feature, math.Abs(v.Amount)
				}
			}
		}
	}
	voxels := 0
	for _, l := range scan.Region.Labels {
		if l != 0 {
			voxels++
		}
	}
	if strongest == "" || p.Abstained != nil || voxels > mostVoxels {
		return nil
	}
	m, err := from.source.Voxelwise(from.files, strongest)
	if err != nil {
		s.notes = append(s.notes, s.hide(fmt.Sprintf("no map of %s: %v", strongest, err)))
		return nil
	}
	note := "The feature in a cube of three voxels around each voxel of the region, of the voxels in it. The map is of the feature, not of its contribution."
	return []object.Overlay{{Name: "feature." + strongest, Title: strings.TrimPrefix(strongest, from.source.Name+".") + " of " + from.source.Name, Note: note, Volume: m.Volume}}
}
