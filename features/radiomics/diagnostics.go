package radiomics

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// describe adds PyRadiomics' diagnostics of an image and a region at a stage of preprocessing. A nil image leaves its columns out;
// within is the image that the region's intensities come from, nil where PyRadiomics does not give them.
func (e *extraction) describe(stage string, picture, within *scan, r *roi) {
	if !e.AdditionalInfo {
		return
	}
	add := func(name, text string) {
		e.diagnostics = append(e.diagnostics, Diagnostic{"diagnostics_" + name, text})
	}
	if stage == "original" {
		e.configuration(add)
	}
	if picture != nil {
		if stage == "original" {
			if e.hashes[0] != "" { // a volume that was never a file has none
				add("Image-original_Hash", e.hashes[0])
			}
			add("Image-original_Dimensionality", "3D")
		}
		add("Image-"+stage+"_Spacing", tuple(picture.Spacing[:]))
		add("Image-"+stage+"_Size", intTuple(picture.Size[:]))
		if picture.whole.Count > 0 {
			add("Image-"+stage+"_Mean", number(picture.whole.Mean))
			add("Image-"+stage+"_Minimum", number(picture.whole.Min))
			add("Image-"+stage+"_Maximum", number(picture.whole.Max))
		}
	}
	grid := e.scan.Grid
	if stage == "original" {
		grid = e.mask.Grid
	}
	mask := "Mask-" + stage
	if stage == "original" {
		add(mask+"_Hash", e.hashes[1])
	}
	add(mask+"_Spacing", tuple(grid.Spacing[:]))
	add(mask+"_Size", intTuple(grid.Size[:]))
	size := r.Size()
	add(mask+"_BoundingBox", intTuple([]int{r.Min[0], r.Min[1], r.Min[2], size[0], size[1], size[2]}))
	add(mask+"_VoxelNum", strconv.Itoa(r.count))
	add(mask+"_VolumeNum", strconv.Itoa(r.components()))
	c := r.centre()
	add(mask+"_CenterOfMassIndex", tuple(c[:]))
	w := grid.World(c[0], c[1], c[2])
	add(mask+"_CenterOfMass", tuple(w[:]))
	if within != nil {
		x := r.pick(within.take(r.Box))
		low, high, sum := x[0], x[0], pairwise(x, func(v float64) float64 { return v })
		for _, v := range x {
			low, high = min(low, v), max(high, v)
		}
		add(mask+"_Mean", number(sum/float64(len(x))))
		add(mask+"_Minimum", number(low))
		add(mask+"_Maximum", number(high))
	}
}

// configuration adds the settings and the image types, as JSON under PyRadiomics' names; null stands for None.
func (e *extraction) configuration(add func(name, text string)) {
	plain := func(fields map[string]field) map[string]any {
		m := make(map[string]any, len(fields))
		for name, f := range fields {
			v := reflect.ValueOf(f.into).Elem()
			if m[name] = v.Interface(); f.nullable && v.IsZero() {
				m[name] = nil
			}
		}
		return m
	}
	general := plain(e.segmentFields())
	types := map[string]map[string]any{}
	for _, i := range e.Images {
		own := plain(i.Settings.segmentFields())
		for name, v := range own {
			if name == "label" || reflect.DeepEqual(v, general[name]) {
				delete(own, name)
			}
		}
		types[i.Name] = own
	}
	for name, v := range plain(e.voxelFields()) {
		general[name] = v
	}
	for _, c := range []struct {
		name  string
		value any
	}{{"Configuration_Settings", general}, {"Configuration_EnabledImageTypes", types}} {
		if b, err := json.Marshal(c.value); err == nil { // settings are numbers, texts and lists, which always marshal
			add(c.name, string(b))
		}
	}
}

// centre is the mean index of the region's voxels.
func (r *roi) centre() [3]float64 {
	size := r.Size()
	var sum [3]int
	for o, in := range r.inside {
		if in {
			sum[0] += o % size[0]
			sum[1] += o / size[0] % size[1]
			sum[2] += o / size[0] / size[1]
		}
	}
	var c [3]float64
	for a := range 3 {
		c[a] = float64(sum[a])/float64(r.count) + float64(r.Min[a])
	}
	return c
}

// components is the number of parts of the region whose voxels touch, corners counted.
func (r *roi) components() int {
	levels, p := pad(r.inside, r.Size())
	var near []int
	for z := -1; z <= 1; z++ {
		for y := -1; y <= 1; y++ {
			for x := -1; x <= 1; x++ {
				if o := (z*p[1]+y)*p[0] + x; o != 0 {
					near = append(near, o)
				}
			}
		}
	}
	n := 0
	var stack []int
	for start, in := range levels {
		if in == 0 {
			continue
		}
		n++
		levels[start] = 0
		stack = append(stack[:0], start)
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for _, o := range near {
				if levels[at+o] == 1 {
					levels[at+o] = 0
					stack = append(stack, at+o)
				}
			}
		}
	}
	return n
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// tuple writes numbers as Python writes a tuple.
func tuple(x []float64) string {
	parts := make([]string, len(x))
	for i, v := range x {
		parts[i] = pythonFloat(v)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func intTuple(x []int) string {
	parts := make([]string, len(x))
	for i, v := range x {
		parts[i] = fmt.Sprint(v)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}
