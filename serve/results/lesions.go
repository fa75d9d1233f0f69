package results

import "encoding/json"

// Lesion is one lesion of a result whose model predicts each. It stands and falls with the result: a person verifies or retracts all of them.
type Lesion struct {
	Name       string           `json:"name"` // as in training: its rank by volume, 1 the largest, or its label
	Prediction json.RawMessage  `json:"prediction"`
	Features   []Feature        `json:"features,omitempty"` // of its own
	Curves     map[string]Curve `json:"curves,omitempty"`
	Regions    []Region         `json:"regions,omitempty"` // where it lies, one for each source that has it
}

// Region is where a lesion lies in the images of one source.
type Region struct {
	Source string  `json:"source"`
	Series string  `json:"series,omitempty"` // SeriesInstanceUID of the images; empty where they were not DICOM
	Number int     `json:"number"`           // its segment in a segmentation that is made of the result
	Volume float64 `json:"volume"`           // mm³
	Label  string  `json:"label,omitempty"`  // what the mask calls it, or what it is a part of
	// Segment is the one of the study's own segmentation that is this lesion and nothing else, and how it is followed over studies; nil and empty where
	// there is none.
	Segment     *Instance `json:"segment,omitempty"`
	Tracking    string    `json:"tracking,omitempty"`
	TrackingUID string    `json:"tracking_uid,omitempty"`
	// What it is and where in the body, as far as the segmentation says.
	Type *Code `json:"type,omitempty"`
	Site *Code `json:"site,omitempty"`
	Side *Code `json:"side,omitempty"` // or another modifier of the site
}

// Code is a coded concept of DICOM.
type Code struct {
	Value   string `json:"value"`
	Scheme  string `json:"scheme"`
	Meaning string `json:"meaning"`
}

// Predicted is one prediction of a result.
type Predicted struct {
	Lesion *Lesion // that it is of; nil where it is the patient's
	JSON   json.RawMessage
}

// Predictions are those of a result: one, or one a lesion.
func (c *Content) Predictions() []Predicted {
	if len(c.Lesions) == 0 {
		return []Predicted{{JSON: c.Prediction}}
	}
	out := make([]Predicted, len(c.Lesions))
	for i := range c.Lesions {
		out[i] = Predicted{&c.Lesions[i], c.Lesions[i].Prediction}
	}
	return out
}

// Seen is what a client may be shown of a lesion beside its prediction: no identifier that leads to the study.
type Seen struct {
	Name    string           `json:"name"`
	Label   string           `json:"label,omitempty"`
	Segment int              `json:"segment,omitempty"` // of the study's own segmentation
	Volume  float64          `json:"volume"`            // mm³, by the first source
	Site    string           `json:"site,omitempty"`    // in words
	Curves  map[string]Curve `json:"curves,omitempty"`
}

// See is what may be shown of the lesion. What hide takes out of texts is what names the patient.
func (l *Lesion) See(hide func(string) string) Seen {
	s := Seen{Name: l.Name, Curves: l.Curves}
	if len(l.Regions) == 0 {
		return s
	}
	r := &l.Regions[0]
	s.Label, s.Volume = hide(r.Label), r.Volume
	if r.Segment != nil {
		s.Segment = r.Segment.Segment
	}
	if r.Site != nil {
		s.Site = hide(r.Site.Meaning)
		if r.Side != nil {
			s.Site += ", " + hide(r.Side.Meaning)
		}
	}
	return s
}
