package object

import (
	"maps"
	"slices"
	"strings"

	p10 "github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/serve/results"
)

// measuredLesion is the group of one lesion: what it is and where, the segment, its measured features and what was predicted of it (TID 1411; TID 1501
// where its region is no segment). A lesion that several sources have has a group for each, followed under one identifier; the predictions stand in
// the first.
func measuredLesion(r *results.Result, a answered, masks map[string]Region) []*p10.Set {
	var predictions []*p10.Set
	for _, name := range slices.Sorted(maps.Keys(a.Outcomes)) {
		o := a.Outcomes[name]
		predictions = append(predictions, o.items(name)...)
	}
	regions := a.lesion.Regions
	if len(regions) == 0 {
		regions = make([]results.Region, 1)
	}
	var groups []*p10.Set
	for i := range regions {
		at := &regions[i]
		id, uid := tracking(r, a.lesion, followed(regions))
		all, of := tracked(r, id, uid), "1501"
		if at.Type != nil {
			all = append(all, coded(code("121071", "DCM", "Finding"), p10.Code(*at.Type), "CONTAINS"))
		}
		if at.Site != nil {
			site := coded(code("363698007", "SCT", "Finding Site"), p10.Code(*at.Site), "HAS CONCEPT MOD")
			if at.Side != nil {
				site.Items(p10.ContentSequence, coded(code("272741003", "SCT", "Laterality"), p10.Code(*at.Side), "HAS CONCEPT MOD"))
			}
			all = append(all, site)
		}
		if in := at.Segment; in != nil {
			all, of = append(all, segmented(*in, list(at.Series))...), "1411"
		} else if m, made := masks[at.Source]; made && at.Number > 0 {
			in := m.Instance
			in.Segment = at.Number
			all, of = append(all, segmented(in, list(m.Series))...), "1411"
		}
		for _, f := range a.lesion.Features {
			source, _, named := strings.Cut(f.Name, ".")
			if f.Value != nil && named && source == at.Source && extracted(f.Name) {
				all = append(all, number(feature(f.Name), *f.Value, f.Unit))
			}
		}
		if i == 0 {
			all = append(all, predictions...)
		}
		groups = append(groups, container(code("125007", "DCM", "Measurement Group"), "CONTAINS").
			Items(p10.ContentTemplateSequence, template(of)).Items(p10.ContentSequence, all...))
	}
	return groups
}

// followed is the region of a lesion by which it is followed over studies: the first that the study's segmentations follow.
func followed(regions []results.Region) *results.Region {
	if i := slices.IndexFunc(regions, func(at results.Region) bool { return at.TrackingUID != "" }); i >= 0 {
		return &regions[i]
	}
	return &regions[0]
}

// list is a series where it is known.
func list(series string) []string {
	if !p10.ValidUID(series) {
		return nil
	}
	return []string{series}
}
