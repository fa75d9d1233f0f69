package part10

// The attributes that are written, by their keywords (PS3.6).
var (
	SpecificCharacterSet             = Attribute{0x00080005, "CS"}
	InstanceCreationDate             = Attribute{0x00080012, "DA"}
	InstanceCreationTime             = Attribute{0x00080013, "TM"}
	SOPClassUID                      = Attribute{0x00080016, "UI"}
	SOPInstanceUID                   = Attribute{0x00080018, "UI"}
	StudyDate                        = Attribute{0x00080020, "DA"}
	SeriesDate                       = Attribute{0x00080021, "DA"}
	ContentDate                      = Attribute{0x00080023, "DA"}
	StudyTime                        = Attribute{0x00080030, "TM"}
	SeriesTime                       = Attribute{0x00080031, "TM"}
	ContentTime                      = Attribute{0x00080033, "TM"}
	AccessionNumber                  = Attribute{0x00080050, "SH"}
	Modality                         = Attribute{0x00080060, "CS"}
	Manufacturer                     = Attribute{0x00080070, "LO"}
	ReferringPhysicianName           = Attribute{0x00080090, "PN"}
	CodeValue                        = Attribute{0x00080100, "SH"}
	CodingSchemeDesignator           = Attribute{0x00080102, "SH"}
	CodeMeaning                      = Attribute{0x00080104, "LO"}
	MappingResource                  = Attribute{0x00080105, "CS"}
	SeriesDescription                = Attribute{0x0008103E, "LO"}
	ManufacturerModelName            = Attribute{0x00081090, "LO"}
	ReferencedPerformedProcedureStep = Attribute{0x00081111, "SQ"}
	ReferencedSeriesSequence         = Attribute{0x00081115, "SQ"}
	ReferencedSOPClassUID            = Attribute{0x00081150, "UI"}
	ReferencedSOPInstanceUID         = Attribute{0x00081155, "UI"}
	ReferencedInstanceSequence       = Attribute{0x0008114A, "SQ"}
	ReferencedSOPSequence            = Attribute{0x00081199, "SQ"}
	PatientName                      = Attribute{0x00100010, "PN"}
	PatientID                        = Attribute{0x00100020, "LO"}
	IssuerOfPatientID                = Attribute{0x00100021, "LO"}
	PatientBirthDate                 = Attribute{0x00100030, "DA"}
	PatientSex                       = Attribute{0x00100040, "CS"}
	DeviceSerialNumber               = Attribute{0x00181000, "LO"}
	SoftwareVersions                 = Attribute{0x00181020, "LO"}
	StudyInstanceUID                 = Attribute{0x0020000D, "UI"}
	SeriesInstanceUID                = Attribute{0x0020000E, "UI"}
	Laterality                       = Attribute{0x00200060, "CS"}
	ContentQualification             = Attribute{0x00189004, "CS"}
	StudyID                          = Attribute{0x00200010, "SH"}
	SeriesNumber                     = Attribute{0x00200011, "IS"}
	InstanceNumber                   = Attribute{0x00200013, "IS"}
	MeasurementUnitsCodeSequence     = Attribute{0x004008EA, "SQ"}
	RelationshipType                 = Attribute{0x0040A010, "CS"}
	ValueType                        = Attribute{0x0040A040, "CS"}
	ConceptNameCodeSequence          = Attribute{0x0040A043, "SQ"}
	ContinuityOfContent              = Attribute{0x0040A050, "CS"}
	VerifyingOrganization            = Attribute{0x0040A027, "LO"}
	VerificationDateTime             = Attribute{0x0040A030, "DT"}
	VerifyingObserverSequence        = Attribute{0x0040A073, "SQ"}
	VerifyingObserverName            = Attribute{0x0040A075, "PN"}
	VerifyingObserverIdentification  = Attribute{0x0040A088, "SQ"}
	UIDValue                         = Attribute{0x0040A124, "UI"}
	TextValue                        = Attribute{0x0040A160, "UT"}
	ConceptCodeSequence              = Attribute{0x0040A168, "SQ"}
	MeasuredValueSequence            = Attribute{0x0040A300, "SQ"}
	NumericValue                     = Attribute{0x0040A30A, "DS"}
	FloatingPointValue               = Attribute{0x0040A161, "FD"}
	PredecessorDocumentsSequence     = Attribute{0x0040A360, "SQ"}
	PerformedProcedureCodeSequence   = Attribute{0x0040A372, "SQ"}
	CurrentRequestedProcedureEvid    = Attribute{0x0040A375, "SQ"}
	CompletionFlag                   = Attribute{0x0040A491, "CS"}
	VerificationFlag                 = Attribute{0x0040A493, "CS"}
	PreliminaryFlag                  = Attribute{0x0040A496, "CS"}
	ContentTemplateSequence          = Attribute{0x0040A504, "SQ"}
	ContentSequence                  = Attribute{0x0040A730, "SQ"}
	TemplateIdentifier               = Attribute{0x0040DB00, "CS"}
	ImageType                        = Attribute{0x00080008, "CS"}
	ConversionType                   = Attribute{0x00080064, "CS"}
	ReferencedFrameNumber            = Attribute{0x00081160, "IS"}
	DerivationDescription            = Attribute{0x00082111, "ST"}
	SourceImageSequence              = Attribute{0x00082112, "SQ"}
	DerivationImageSequence          = Attribute{0x00089124, "SQ"}
	DerivationCodeSequence           = Attribute{0x00089215, "SQ"}
	PurposeOfReferenceCodeSequence   = Attribute{0x0040A170, "SQ"}
	AcquisitionContextSequence       = Attribute{0x00400555, "SQ"}
	ContributingEquipmentSequence    = Attribute{0x0018A001, "SQ"}
	ContributionDateTime             = Attribute{0x0018A002, "DT"}
	ContributionDescription          = Attribute{0x0018A003, "ST"}
	SliceThickness                   = Attribute{0x00180050, "DS"}
	SpacingBetweenSlices             = Attribute{0x00180088, "DS"}
	FrameOfReferenceUID              = Attribute{0x00200052, "UI"}
	PositionReferenceIndicator       = Attribute{0x00201040, "LO"}
	PatientOrientation               = Attribute{0x00200020, "CS"}
	ImagePositionPatient             = Attribute{0x00200032, "DS"}
	ImageOrientationPatient          = Attribute{0x00200037, "DS"}
	FrameContentSequence             = Attribute{0x00209111, "SQ"}
	PlanePositionSequence            = Attribute{0x00209113, "SQ"}
	PlaneOrientationSequence         = Attribute{0x00209116, "SQ"}
	StackID                          = Attribute{0x00209056, "SH"}
	InStackPositionNumber            = Attribute{0x00209057, "UL"}
	DimensionIndexValues             = Attribute{0x00209157, "UL"}
	DimensionOrganizationUID         = Attribute{0x00209164, "UI"}
	DimensionIndexPointer            = Attribute{0x00209165, "AT"}
	FunctionalGroupPointer           = Attribute{0x00209167, "AT"}
	DimensionOrganizationSequence    = Attribute{0x00209221, "SQ"}
	DimensionIndexSequence           = Attribute{0x00209222, "SQ"}
	DimensionOrganizationType        = Attribute{0x00209311, "CS"}
	DimensionDescriptionLabel        = Attribute{0x00209421, "LO"}
	SamplesPerPixel                  = Attribute{0x00280002, "US"}
	PhotometricInterpretation        = Attribute{0x00280004, "CS"}
	PlanarConfiguration              = Attribute{0x00280006, "US"}
	NumberOfFrames                   = Attribute{0x00280008, "IS"}
	Rows                             = Attribute{0x00280010, "US"}
	Columns                          = Attribute{0x00280011, "US"}
	PixelSpacing                     = Attribute{0x00280030, "DS"}
	BitsAllocated                    = Attribute{0x00280100, "US"}
	BitsStored                       = Attribute{0x00280101, "US"}
	HighBit                          = Attribute{0x00280102, "US"}
	PixelRepresentation              = Attribute{0x00280103, "US"}
	BurnedInAnnotation               = Attribute{0x00280301, "CS"}
	RecognizableVisualFeatures       = Attribute{0x00280302, "CS"}
	WindowCenter                     = Attribute{0x00281050, "DS"}
	WindowWidth                      = Attribute{0x00281051, "DS"}
	VOILUTFunction                   = Attribute{0x00281056, "CS"}
	LossyImageCompression            = Attribute{0x00282110, "CS"}
	LUTExplanation                   = Attribute{0x00283003, "LO"}
	AnatomicRegionSequence           = Attribute{0x00082218, "SQ"}
	AnatomicRegionModifierSequence   = Attribute{0x00082220, "SQ"}
	PixelMeasuresSequence            = Attribute{0x00289110, "SQ"}
	FrameVOILUTSequence              = Attribute{0x00289132, "SQ"}
	PixelValueTransformationSequence = Attribute{0x00289145, "SQ"}
	RescaleIntercept                 = Attribute{0x00281052, "DS"}
	RescaleSlope                     = Attribute{0x00281053, "DS"}
	RescaleType                      = Attribute{0x00281054, "LO"}
	RealWorldValueMappingSequence    = Attribute{0x00409096, "SQ"}
	LUTLabel                         = Attribute{0x00409210, "SH"}
	RealWorldValueLast               = Attribute{0x00409213, "FD"}
	RealWorldValueFirst              = Attribute{0x00409214, "FD"}
	QuantityDefinitionSequence       = Attribute{0x00409220, "SQ"}
	RealWorldValueIntercept          = Attribute{0x00409224, "FD"}
	RealWorldValueSlope              = Attribute{0x00409225, "FD"}
	ParametricMapFrameTypeSequence   = Attribute{0x00409092, "SQ"}
	FrameType                        = Attribute{0x00089007, "CS"}
	SegmentationType                 = Attribute{0x00620001, "CS"}
	SegmentSequence                  = Attribute{0x00620002, "SQ"}
	SegmentedPropertyCategory        = Attribute{0x00620003, "SQ"}
	SegmentNumber                    = Attribute{0x00620004, "US"}
	SegmentLabel                     = Attribute{0x00620005, "LO"}
	SegmentDescription               = Attribute{0x00620006, "ST"}
	SegmentationAlgorithm            = Attribute{0x00620007, "SQ"}
	SegmentAlgorithmType             = Attribute{0x00620008, "CS"}
	SegmentAlgorithmName             = Attribute{0x00620009, "LO"}
	SegmentIdentificationSequence    = Attribute{0x0062000A, "SQ"}
	SegmentedPropertyType            = Attribute{0x0062000F, "SQ"}
	TrackingID                       = Attribute{0x00620020, "UT"}
	TrackingUID                      = Attribute{0x00620021, "UI"}
	AlgorithmFamilyCodeSequence      = Attribute{0x0066002F, "SQ"}
	AlgorithmVersion                 = Attribute{0x00660031, "LO"}
	AlgorithmParameters              = Attribute{0x00660032, "LT"}
	AlgorithmName                    = Attribute{0x00660036, "LO"}
	ContentLabel                     = Attribute{0x00700080, "CS"}
	ContentDescription               = Attribute{0x00700081, "LO"}
	ContentCreatorName               = Attribute{0x00700084, "PN"}
	PresentationLUTShape             = Attribute{0x20500020, "CS"}
	SharedFunctionalGroups           = Attribute{0x52009229, "SQ"}
	PerFrameFunctionalGroups         = Attribute{0x52009230, "SQ"}
	PixelDataBytes                   = Attribute{0x7FE00010, "OB"}
	FloatPixelData                   = Attribute{0x7FE00008, "OF"}
	ReferencedSegmentNumber          = Attribute{0x0062000B, "US"}
)

// Patient are the attributes of texts of the modules Patient, Patient Study and General Study (PS3.3, C.7.1.1, C.7.2.1, C.7.2.2) that an object
// made within a study takes over as they are; those that identify the patient and the study have keywords above.
var Patient = []Attribute{
	{0x00081030, "LO"}, {0x00081080, "LO"}, {0x00100022, "CS"}, {0x00100032, "TM"}, {0x00100200, "CS"}, {0x00101000, "LO"}, {0x00101001, "PN"}, {0x00101010, "AS"}, {0x00101020, "DS"},
	{0x00101030, "DS"}, {0x00102000, "LO"}, {0x00102110, "LO"}, {0x00102160, "SH"}, {0x00102180, "SH"}, {0x001021A0, "CS"}, {0x001021B0, "LT"}, {0x00102201, "LO"},
	{0x00102203, "CS"}, {0x00102292, "LO"}, {0x00102297, "PN"}, {0x00102298, "CS"}, {0x00102299, "LO"}, {0x00104000, "LT"}, {0x00120062, "CS"}, {0x00120063, "LO"}, {0x00321060, "LO"},
}

// Code is a coded concept: a value in a scheme, with its meaning.
type Code struct{ Value, Scheme, Meaning string }

// Item is the code as the item of a code sequence.
func (c Code) Item() *Set {
	return (&Set{}).Text(CodeValue, c.Value).Text(CodingSchemeDesignator, c.Scheme).Clip(CodeMeaning, c.Meaning)
}
