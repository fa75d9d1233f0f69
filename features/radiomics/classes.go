package radiomics

import "slices"

// values are the features of one class by name.
type values map[string]float64

// family is a class of features: the names of those that are on by default, and of those that PyRadiomics has deprecated, which are
// computed only when asked for by name. A deprecated name with no value is accepted and gives no column, as in PyRadiomics.
type family struct {
	name       string
	features   []string
	deprecated []string
}

// families are PyRadiomics' classes in its order; features are in the order of its output.
var families = []family{
	{"firstorder", []string{
		"10Percentile", "90Percentile", "Energy", "Entropy", "InterquartileRange", "Kurtosis", "Maximum", "Mean", "MeanAbsoluteDeviation",
		"Median", "Minimum", "Range", "RobustMeanAbsoluteDeviation", "RootMeanSquared", "Skewness", "TotalEnergy", "Uniformity", "Variance",
	}, []string{"StandardDeviation"}},
	{"glcm", []string{
		"Autocorrelation", "ClusterProminence", "ClusterShade", "ClusterTendency", "Contrast", "Correlation", "DifferenceAverage",
		"DifferenceEntropy", "DifferenceVariance", "Id", "Idm", "Idmn", "Idn", "Imc1", "Imc2", "InverseVariance", "JointAverage",
		"JointEnergy", "JointEntropy", "MCC", "MaximumProbability", "SumAverage", "SumEntropy", "SumSquares",
	}, []string{"Dissimilarity", "Homogeneity1", "Homogeneity2", "SumVariance"}},
	{"gldm", []string{
		"DependenceEntropy", "DependenceNonUniformity", "DependenceNonUniformityNormalized", "DependenceVariance",
		"GrayLevelNonUniformity", "GrayLevelVariance", "HighGrayLevelEmphasis", "LargeDependenceEmphasis",
		"LargeDependenceHighGrayLevelEmphasis", "LargeDependenceLowGrayLevelEmphasis", "LowGrayLevelEmphasis",
		"SmallDependenceEmphasis", "SmallDependenceHighGrayLevelEmphasis", "SmallDependenceLowGrayLevelEmphasis",
	}, []string{"DependencePercentage", "GrayLevelNonUniformityNormalized"}},
	{"glrlm", []string{
		"GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance", "HighGrayLevelRunEmphasis", "LongRunEmphasis",
		"LongRunHighGrayLevelEmphasis", "LongRunLowGrayLevelEmphasis", "LowGrayLevelRunEmphasis", "RunEntropy",
		"RunLengthNonUniformity", "RunLengthNonUniformityNormalized", "RunPercentage", "RunVariance", "ShortRunEmphasis",
		"ShortRunHighGrayLevelEmphasis", "ShortRunLowGrayLevelEmphasis",
	}, nil},
	{"glszm", []string{
		"GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance", "HighGrayLevelZoneEmphasis", "LargeAreaEmphasis",
		"LargeAreaHighGrayLevelEmphasis", "LargeAreaLowGrayLevelEmphasis", "LowGrayLevelZoneEmphasis", "SizeZoneNonUniformity",
		"SizeZoneNonUniformityNormalized", "SmallAreaEmphasis", "SmallAreaHighGrayLevelEmphasis", "SmallAreaLowGrayLevelEmphasis",
		"ZoneEntropy", "ZonePercentage", "ZoneVariance",
	}, nil},
	{"ngtdm", []string{"Busyness", "Coarseness", "Complexity", "Contrast", "Strength"}, nil},
	{"shape", []string{
		"Elongation", "Flatness", "LeastAxisLength", "MajorAxisLength", "Maximum2DDiameterColumn", "Maximum2DDiameterRow",
		"Maximum2DDiameterSlice", "Maximum3DDiameter", "MeshVolume", "MinorAxisLength", "Sphericity", "SurfaceArea",
		"SurfaceVolumeRatio", "VoxelVolume",
	}, []string{"Compactness1", "Compactness2", "SphericalDisproportion"}},
	{"shape2D", []string{
		"Elongation", "MajorAxisLength", "MaximumDiameter", "MeshSurface", "MinorAxisLength", "Perimeter", "PerimeterSurfaceRatio",
		"PixelSurface", "Sphericity",
	}, []string{"SphericalDisproportion"}},
}

// classNames are the names of all classes.
func classNames() []string {
	names := make([]string, len(families))
	for i, f := range families {
		names[i] = f.name
	}
	return names
}

func familyOf(class string) family {
	for _, f := range families {
		if f.name == class {
			return f
		}
	}
	return family{}
}

// featureNames are all names that a class knows.
func featureNames(class string) []string {
	f := familyOf(class)
	return append(slices.Clone(f.features), f.deprecated...)
}

func knownFeature(class, feature string) bool { return slices.Contains(featureNames(class), feature) }

// appendTo adds the wanted features of a class to the list, in PyRadiomics' order.
func (v values) appendTo(out []Feature, image string, class Class) []Feature {
	names := class.Features
	if len(names) == 0 {
		names = familyOf(class.Name).features
	}
	for _, name := range names {
		if x, ok := v[name]; ok {
			out = append(out, Feature{Name: image + "_" + class.Name + "_" + name, Value: x})
		}
	}
	return out
}
