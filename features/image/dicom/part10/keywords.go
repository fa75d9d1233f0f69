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
	StudyID                          = Attribute{0x00200010, "SH"}
	SeriesNumber                     = Attribute{0x00200011, "IS"}
	InstanceNumber                   = Attribute{0x00200013, "IS"}
	MeasurementUnitsCodeSequence     = Attribute{0x004008EA, "SQ"}
	RelationshipType                 = Attribute{0x0040A010, "CS"}
	ValueType                        = Attribute{0x0040A040, "CS"}
	ConceptNameCodeSequence          = Attribute{0x0040A043, "SQ"}
	ContinuityOfContent              = Attribute{0x0040A050, "CS"}
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
	ReferencedSegmentNumber          = Attribute{0x0062000B, "US"}
)

// Code is a coded concept: a value in a scheme, with its meaning.
type Code struct{ Value, Scheme, Meaning string }

// Item is the code as the item of a code sequence.
func (c Code) Item() *Set {
	return (&Set{}).Text(CodeValue, c.Value).Text(CodingSchemeDesignator, c.Scheme).Clip(CodeMeaning, c.Meaning)
}
