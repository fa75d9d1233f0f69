package clinical

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Finding is one thing that a radiologist said of a lesion, in coded terms.
type Finding struct {
	Label   string // the question: Nodule Shape
	Code    string // the answer: RID5799
	Meaning string // in words: lobulated
}

// Reading is what one annotation says: the patient, and the findings in order of the file. A question may have several answers.
type Reading struct {
	Patient  string
	Findings []Finding
}

// maxAnnotation bounds an annotation file.
const maxAnnotation = 64 << 20

// ReadAIM reads the findings of an annotation in AIM 4 (Annotation and Image Markup, an XML format of the TCIA): the codes of physical
// entities, observations and their characteristics. Of several codes of one answer the last counts, which is the most specific: a
// template's own code stands behind the general one.
func ReadAIM(path string) (Reading, error) {
	f, err := os.Open(path)
	if err != nil {
		return Reading{}, err
	}
	defer f.Close()
	r, err := DecodeAIM(io.LimitReader(f, maxAnnotation))
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// DecodeAIM reads an annotation from a stream. See ReadAIM.
func DecodeAIM(in io.Reader) (Reading, error) {
	var r Reading
	d := xml.NewDecoder(in)
	var open []Finding // entities that are not closed yet
	var elements []string
	aim := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			name := e.Name.Local
			parent := ""
			if len(elements) > 0 {
				parent = elements[len(elements)-1]
			}
			elements = append(elements, name)
			switch {
			case name == "ImageAnnotationCollection":
				aim = true
			case name == "id" && parent == "person":
				r.Patient = strings.TrimSpace(attribute(e, "value"))
			case codedEntity(name):
				open = append(open, Finding{})
			case len(open) > 0 && codedEntity(parent) && name == "typeCode":
				// AIM 4 writes the words as codeSystem or as the displayName of ISO 21090.
				o := &open[len(open)-1]
				o.Code = attribute(e, "code")
				if o.Meaning = strings.TrimSpace(attribute(e, "codeSystem")); o.Meaning == "" {
					o.Meaning = o.Code
				}
			case len(open) > 0 && parent == "typeCode" && name == "displayName":
				if v := strings.TrimSpace(attribute(e, "value")); v != "" {
					open[len(open)-1].Meaning = v
				}
			case len(open) > 0 && codedEntity(parent) && name == "label":
				open[len(open)-1].Label = strings.TrimSpace(attribute(e, "value"))
				// An entity's label follows its code and comes before its characteristics, so it can be kept now.
				if o := open[len(open)-1]; o.Label != "" && o.Code != "" {
					r.Findings = append(r.Findings, o)
				}
			}
		case xml.EndElement:
			if len(elements) > 0 {
				if codedEntity(elements[len(elements)-1]) && len(open) > 0 {
					open = open[:len(open)-1]
				}
				elements = elements[:len(elements)-1]
			}
		}
	}
	switch {
	case !aim:
		return r, errors.New("this is no AIM 4 annotation: its root is not ImageAnnotationCollection")
	case r.Patient == "":
		return r, errors.New("the annotation names no patient (person/id)")
	}
	return r, nil
}

func codedEntity(name string) bool {
	switch name {
	case "ImagingPhysicalEntity", "ImagingPhysicalEntityCharacteristic", "ImagingObservationEntity", "ImagingObservationCharacteristic":
		return true
	}
	return false
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
