package dicom

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/voxgene/voxgene/features/image"
)

// How far the slices of one series may be from an even stack.
const (
	orientationTolerance = 1e-3 // of the direction cosines
	evenTolerance        = 0.02 // of the distance between slices
	sameTolerance        = 0.01 // mm between two slices that are at one place
	tiltTolerance        = 0.5  // degrees
)

// stack sorts slices by position along their normal and makes one grid of them. Mixed sizes, spacings or orientations, two slices at one
// place, a missing slice, uneven distances and a tilted gantry are errors that name the files.
func stack(planes []slice) (image.Grid, error) {
	var none image.Grid
	if len(planes) == 0 {
		return none, fmt.Errorf("no slice")
	}
	first := &planes[0]
	for i := range planes {
		if err := first.alike(&planes[i]); err != nil {
			return none, err
		}
	}
	normal := cross(first.row, first.column)
	if n := math.Sqrt(dot(normal, normal)); !(math.Abs(n-1) < 1e-2) {
		return none, fmt.Errorf("%s: ImageOrientationPatient is not of two unit vectors at a right angle", first.name())
	}
	row, column, normal := unit(first.row), unit(first.column), unit(normal)
	along := func(s *slice) float64 { return dot(s.position, normal) }
	sort := func() {
		slices.SortStableFunc(planes, func(a, b slice) int { return cmp.Compare(along(&a), along(&b)) })
	}
	sort()
	// The directions are those of the first slice of the stack, whichever file came first: those of others differ in their last digits.
	first = &planes[0]
	row, column, normal = unit(first.row), unit(first.column), unit(cross(first.row, first.column))
	sort()
	gap, err := distance(planes, along)
	if err != nil {
		return none, err
	}
	if err := straight(planes, normal, gap); err != nil {
		return none, err
	}
	first = &planes[0]
	out := image.Grid{
		Size: [3]int{first.columns(), first.rowCount(), len(planes)}, Spacing: [3]float64{first.spacing[0], first.spacing[1], gap}, Origin: first.position,
	}
	for r := range 3 {
		out.Direction[3*r], out.Direction[3*r+1], out.Direction[3*r+2] = row[r], column[r], normal[r]
	}
	if err := out.Validate(); err != nil {
		return none, fmt.Errorf("%s: %w", first.name(), err)
	}
	return out, nil
}

func (s *slice) columns() int {
	n, _, _ := s.file.number(columns)
	return int(n)
}

func (s *slice) rowCount() int {
	n, _, _ := s.file.number(rows)
	return int(n)
}

// alike says in what a slice does not fit the first one.
func (s *slice) alike(o *slice) error {
	for r := range 3 {
		if math.Abs(s.row[r]-o.row[r]) > orientationTolerance || math.Abs(s.column[r]-o.column[r]) > orientationTolerance {
			return fmt.Errorf("%s is oriented otherwise than %s: a scout among the slices, or several stacks in one series; move them into folders of their own", o.name(), s.name())
		}
	}
	if s.columns() != o.columns() || s.rowCount() != o.rowCount() {
		return fmt.Errorf("%s has %d×%d pixels and %s %d×%d: one series, two sizes", o.name(), o.columns(), o.rowCount(), s.name(), s.columns(), s.rowCount())
	}
	for a := range 2 {
		if math.Abs(s.spacing[a]-o.spacing[a]) > 1e-4*s.spacing[a] {
			return fmt.Errorf("%s has pixels of %g×%g mm and %s of %g×%g mm: one series, two spacings", o.name(), o.spacing[0], o.spacing[1], s.name(), s.spacing[0], s.spacing[1])
		}
	}
	return nil
}

// distance is the distance between sorted slices in mm; for a single slice, its thickness.
func distance(planes []slice, along func(*slice) float64) (float64, error) {
	if len(planes) == 1 {
		if planes[0].thickness <= 0 {
			return 0, fmt.Errorf("%s: one slice, and SliceThickness is missing", planes[0].name())
		}
		return planes[0].thickness, nil
	}
	gaps := make([]float64, len(planes)-1)
	for i := range gaps {
		gaps[i] = along(&planes[i+1]) - along(&planes[i])
		if gaps[i] < sameTolerance {
			return 0, fmt.Errorf("%s and %s are at one place (%.6g mm along the normal)%s", planes[i].name(), planes[i+1].name(), along(&planes[i]), difference(&planes[i], &planes[i+1]))
		}
	}
	sorted := slices.Clone(gaps)
	slices.Sort(sorted)
	usual := sorted[len(sorted)/2]
	if len(sorted)%2 == 0 && len(sorted) < 4 {
		usual = sorted[len(sorted)/2-1] // of two distances the larger one is the gap
	}
	for i, g := range gaps {
		if math.Abs(g-usual) <= evenTolerance*usual {
			continue
		}
		if missing := int(math.Round(g/usual)) - 1; missing >= 1 {
			return 0, fmt.Errorf("%d of the slices are missing between %s and %s: they are %.4g mm apart, and the others %.4g mm", missing, planes[i].name(), planes[i+1].name(), g, usual)
		}
		return 0, fmt.Errorf("%s and %s are %.4g mm apart, and the others %.4g mm: an uneven stack; resample it to even slices first", planes[i].name(), planes[i+1].name(), g, usual)
	}
	return (along(&planes[len(planes)-1]) - along(&planes[0])) / float64(len(planes)-1), nil
}

// difference says in what two slices at one place differ, which is how to tell their series apart.
func difference(a, b *slice) string {
	for _, what := range []struct {
		tag  tag
		name string
	}{
		{acquisitionNumber, "AcquisitionNumber"}, {temporalPositionIdentifier, "TemporalPositionIdentifier"}, {echoTime, "EchoTime"},
		{diffusionBValue, "DiffusionBValue"}, {sequenceName, "SequenceName"}, {imageType, "ImageType"}, {acquisitionTime, "AcquisitionTime"},
	} {
		x, y := a.file.text(what.tag), b.file.text(what.tag)
		if x != y {
			return fmt.Sprintf(": their %s is %q and %q; separate the files by it", what.name, x, y)
		}
	}
	if a.file.text(sopInstanceUID) == b.file.text(sopInstanceUID) && a.file != b.file {
		return ": the same image twice; remove one"
	}
	return ""
}

// straight checks that the slices lie above one another.
func straight(planes []slice, normal [3]float64, gap float64) error {
	if len(planes) == 1 {
		return nil
	}
	first, last := planes[0].position, planes[len(planes)-1].position
	step := scale(sub(last, first), 1/float64(len(planes)-1))
	sideways := sub(step, scale(normal, dot(step, normal)))
	if tilt := math.Atan2(math.Sqrt(dot(sideways, sideways)), gap) * 180 / math.Pi; tilt > tiltTolerance {
		return fmt.Errorf("%s to %s: the gantry was tilted by %.2g° (each slice lies %.3g mm beside the one before): resample the series onto an upright grid first",
			planes[0].name(), planes[len(planes)-1].name(), tilt, math.Sqrt(dot(sideways, sideways)))
	}
	allowed := 0.1*min(planes[0].spacing[0], planes[0].spacing[1]) + sameTolerance
	for i := range planes {
		off := sub(planes[i].position, first)
		off = sub(off, scale(step, float64(i)))
		off = sub(off, scale(normal, dot(off, normal)))
		if d := math.Sqrt(dot(off, off)); d > allowed {
			return fmt.Errorf("%s lies %.3g mm beside the other slices: it is of another stack", planes[i].name(), d)
		}
	}
	return nil
}

func cross(a, b [3]float64) [3]float64 {
	return [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

func dot(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func sub(a, b [3]float64) [3]float64 { return [3]float64{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

func unit(a [3]float64) [3]float64 { return scale(a, 1/math.Sqrt(dot(a, a))) }

func scale(a [3]float64, f float64) [3]float64 { return [3]float64{a[0] * f, a[1] * f, a[2] * f} }
