package dicom

// tag is an attribute's group and element.
type tag uint32

func (t tag) group() uint16 { return uint16(t >> 16) }

// The attributes that are read, by their keywords (DICOM PS3.6).
const (
	transferSyntaxUID            tag = 0x00020010
	specificCharacterSet         tag = 0x00080005
	imageType                    tag = 0x00080008
	sopClassUID                  tag = 0x00080016
	sopInstanceUID               tag = 0x00080018
	studyDate                    tag = 0x00080020
	seriesDate                   tag = 0x00080021
	acquisitionDate              tag = 0x00080022
	acquisitionDateTime          tag = 0x0008002A
	seriesTime                   tag = 0x00080031
	acquisitionTime              tag = 0x00080032
	modality                     tag = 0x00080060
	manufacturer                 tag = 0x00080070
	seriesDescription            tag = 0x0008103E
	derivationImageSequence      tag = 0x00089124
	anatomicRegionSequence       tag = 0x00082218
	anatomicRegionModifier       tag = 0x00082220
	sourceImageSequence          tag = 0x00082112
	referencedSOPInstanceUID     tag = 0x00081155
	codeMeaning                  tag = 0x00080104
	codeValue                    tag = 0x00080100
	codingSchemeDesignator       tag = 0x00080102
	longCodeValue                tag = 0x00080119
	urnCodeValue                 tag = 0x00080120
	measurementUnitsCodeSequence tag = 0x004008EA
	relationshipType             tag = 0x0040A010
	valueType                    tag = 0x0040A040
	conceptNameCodeSequence      tag = 0x0040A043
	uidValue                     tag = 0x0040A124
	textValue                    tag = 0x0040A160
	floatingPointValue           tag = 0x0040A161
	conceptCodeSequence          tag = 0x0040A168
	measuredValueSequence        tag = 0x0040A300
	numericValue                 tag = 0x0040A30A
	contentSequence              tag = 0x0040A730
	patientID                    tag = 0x00100020
	patientSex                   tag = 0x00100040
	patientSize                  tag = 0x00101020
	patientWeight                tag = 0x00101030
	contrastBolusAgent           tag = 0x00180010
	sequenceName                 tag = 0x00180024
	sliceThickness               tag = 0x00180050
	repetitionTime               tag = 0x00180080
	echoTime                     tag = 0x00180081
	inversionTime                tag = 0x00180082
	spacingBetweenSlices         tag = 0x00180088
	radiopharmStartTime          tag = 0x00181072
	radionuclideTotalDose        tag = 0x00181074
	radionuclideHalfLife         tag = 0x00181075
	radiopharmStartDateTime      tag = 0x00181078
	convolutionKernel            tag = 0x00181210
	diffusionBValue              tag = 0x00189087
	frameAcquisitionDateTime     tag = 0x00189074
	studyInstanceUID             tag = 0x0020000D
	seriesInstanceUID            tag = 0x0020000E
	seriesNumber                 tag = 0x00200011
	acquisitionNumber            tag = 0x00200012
	instanceNumber               tag = 0x00200013
	imagePositionPatient         tag = 0x00200032
	imageOrientationPatient      tag = 0x00200037
	frameOfReferenceUID          tag = 0x00200052
	temporalPositionIdentifier   tag = 0x00200100
	planePositionSequence        tag = 0x00209113
	planeOrientationSequence     tag = 0x00209116
	samplesPerPixel              tag = 0x00280002
	photometricInterpretation    tag = 0x00280004
	numberOfFrames               tag = 0x00280008
	rows                         tag = 0x00280010
	columns                      tag = 0x00280011
	pixelSpacing                 tag = 0x00280030
	correctedImage               tag = 0x00280051
	bitsAllocated                tag = 0x00280100
	bitsStored                   tag = 0x00280101
	highBit                      tag = 0x00280102
	pixelRepresentation          tag = 0x00280103
	rescaleIntercept             tag = 0x00281052
	rescaleSlope                 tag = 0x00281053
	pixelMeasuresSequence        tag = 0x00289110
	pixelValueTransformation     tag = 0x00289145
	radiopharmInformation        tag = 0x00540016
	energyWindowInformation      tag = 0x00540012
	units                        tag = 0x00541001
	decayCorrection              tag = 0x00541102
	frameReferenceTime           tag = 0x00541300
	segmentSequence              tag = 0x00620002
	segmentationType             tag = 0x00620001
	segmentNumber                tag = 0x00620004
	segmentLabel                 tag = 0x00620005
	segmentIdentification        tag = 0x0062000A
	referencedSegmentNumber      tag = 0x0062000B
	maximumFractionalValue       tag = 0x0062000E
	segmentedPropertyType        tag = 0x0062000F
	trackingID                   tag = 0x00620020
	trackingUID                  tag = 0x00620021
	gridFrameOffsetVector        tag = 0x3004000C
	doseGridScaling              tag = 0x3004000E
	referencedFrameOfReference   tag = 0x30060010
	structureSetROISequence      tag = 0x30060020
	roiNumber                    tag = 0x30060022
	referencedFrameOfReferenceID tag = 0x30060024
	roiName                      tag = 0x30060026
	roiContourSequence           tag = 0x30060039
	contourSequence              tag = 0x30060040
	contourGeometricType         tag = 0x30060042
	contourData                  tag = 0x30060050
	referencedROINumber          tag = 0x30060084
	philipsSUVScale              tag = 0x70531000
	philipsActivityScale         tag = 0x70531009
	sharedFunctionalGroups       tag = 0x52009229
	perFrameFunctionalGroups     tag = 0x52009230
	mrDiffusionSequence          tag = 0x00189117
	pixelData                    tag = 0x7FE00010
	floatPixelData               tag = 0x7FE00008
	doublePixelData              tag = 0x7FE00009

	item              tag = 0xFFFEE000
	itemDelimiter     tag = 0xFFFEE00D
	sequenceDelimiter tag = 0xFFFEE0DD
)

// sequences are the attributes above that hold items: a file with implicit types does not say so.
var sequences = map[tag]bool{
	derivationImageSequence: true, sourceImageSequence: true, planePositionSequence: true, planeOrientationSequence: true,
	pixelMeasuresSequence: true, pixelValueTransformation: true, radiopharmInformation: true, energyWindowInformation: true,
	segmentSequence: true, segmentIdentification: true, referencedFrameOfReference: true, structureSetROISequence: true,
	roiContourSequence: true, contourSequence: true, sharedFunctionalGroups: true, perFrameFunctionalGroups: true, mrDiffusionSequence: true,
	measurementUnitsCodeSequence: true, conceptNameCodeSequence: true, conceptCodeSequence: true, measuredValueSequence: true, contentSequence: true,
	anatomicRegionSequence: true, anatomicRegionModifier: true, segmentedPropertyType: true,
}

// binary says which of the attributes that are read as numbers hold binary 16-bit ones; the other numbers are text.
var binary16 = map[tag]bool{
	samplesPerPixel: true, rows: true, columns: true, bitsAllocated: true, bitsStored: true, highBit: true, pixelRepresentation: true,
	segmentNumber: true, referencedSegmentNumber: true, maximumFractionalValue: true,
}
