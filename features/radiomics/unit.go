package radiomics

import "strings"

// dimensions are the powers of length of features of shape; those that are not here are ratios.
var dimensions = map[string]int{
	"MeshVolume": 3, "VoxelVolume": 3, "SurfaceArea": 2, "SurfaceVolumeRatio": -1,
	"Maximum3DDiameter": 1, "Maximum2DDiameterSlice": 1, "Maximum2DDiameterRow": 1, "Maximum2DDiameterColumn": 1, "MajorAxisLength": 1, "MinorAxisLength": 1, "LeastAxisLength": 1,
	"MeshSurface": 2, "PixelSurface": 2, "Perimeter": 1, "PerimeterSurfaceRatio": -1, "MaximumDiameter": 1,
}

// Unit is the unit (UCUM) of a feature by its column, such as original_shape_MeshVolume: lengths are mm, by the definition of PyRadiomics. It is "" for features
// whose unit is that of the image, or depends on how it was discretised, and for changes between visits.
func Unit(column string) string {
	_, name, found := strings.Cut(column, "original_shape")
	if !found || strings.Contains(column, "delta_") {
		return ""
	}
	name, found = strings.CutPrefix(strings.TrimPrefix(name, "2D"), "_")
	if !found {
		return ""
	}
	if n, ok := dimensions[name]; ok {
		return map[int]string{3: "mm3", 2: "mm2", 1: "mm", -1: "mm-1"}[n]
	}
	for _, class := range []string{"shape", "shape2D"} {
		for _, known := range featureNames(class) {
			if known == name && known != "Compactness1" { // whose definition by PyRadiomics is a ratio to the power of no whole number
				return "1"
			}
		}
	}
	return ""
}
