package client

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// Dataset is attributes in the JSON model of DICOM (PS3.18, F), by tag: eight hexadecimal digits.
type Dataset map[string]Element

// Element is one attribute.
type Element struct {
	VR    string            `json:"vr"`
	Value []json.RawMessage `json:"Value,omitempty"`
}

// Text is the first value of an attribute as text, "" where there is none.
func (d Dataset) Text(tag string) string {
	e := d[tag]
	if len(e.Value) == 0 {
		return ""
	}
	var s string
	if json.Unmarshal(e.Value[0], &s) == nil {
		return s
	}
	var name struct{ Alphabetic string }
	if json.Unmarshal(e.Value[0], &name) == nil && name.Alphabetic != "" {
		return name.Alphabetic
	}
	return strings.Trim(string(e.Value[0]), " ")
}

// Items are those of a sequence.
func (d Dataset) Items(tag string) []Dataset {
	var out []Dataset
	for _, v := range d[tag].Value {
		var item Dataset
		if json.Unmarshal(v, &item) == nil {
			out = append(out, item)
		}
	}
	return out
}

// SetText sets an attribute of one text.
func (d Dataset) SetText(tag, vr, value string) {
	d[tag] = Element{VR: vr, Value: []json.RawMessage{quoted(value)}}
}

// SetNumber sets an attribute of one whole number.
func (d Dataset) SetNumber(tag, vr string, value int) {
	d[tag] = Element{VR: vr, Value: []json.RawMessage{json.RawMessage(strconv.Itoa(value))}}
}

// SetItems sets a sequence.
func (d Dataset) SetItems(tag string, items []Dataset) {
	e := Element{VR: "SQ"}
	for _, i := range items {
		b, err := json.Marshal(i)
		if err != nil { // texts and numbers alone: it cannot fail
			continue
		}
		e.Value = append(e.Value, b)
	}
	d[tag] = e
}

func quoted(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil { // a text always has a form in JSON
		return json.RawMessage(`""`)
	}
	return b
}

// The native XML model (PS3.19, A.1), as far as answers to STOW-RS use it.
type native struct {
	XMLName    xml.Name    `xml:"NativeDicomModel"`
	Namespace  string      `xml:"xmlns,attr,omitempty"`
	Attributes []attribute `xml:"DicomAttribute"`
}

type attribute struct {
	Tag     string  `xml:"tag,attr"`
	VR      string  `xml:"vr,attr"`
	Keyword string  `xml:"keyword,attr,omitempty"`
	Values  []value `xml:"Value"`
	Items   []items `xml:"Item"`
}

type value struct {
	Number int    `xml:"number,attr"`
	Text   string `xml:",chardata"`
}

type items struct {
	Number     int         `xml:"number,attr"`
	Attributes []attribute `xml:"DicomAttribute"`
}

const maxNesting = 8

// ParseXML reads the native XML model.
func ParseXML(b []byte) (Dataset, error) {
	var n native
	if err := xml.Unmarshal(b, &n); err != nil {
		return nil, fmt.Errorf("not the native XML model of DICOM: %w", err)
	}
	return fromXML(n.Attributes, 0), nil
}

func fromXML(all []attribute, depth int) Dataset {
	d := Dataset{}
	for _, a := range all {
		e := Element{VR: a.VR}
		for _, v := range a.Values {
			e.Value = append(e.Value, quoted(v.Text))
		}
		if depth < maxNesting {
			for _, i := range a.Items {
				if b, err := json.Marshal(fromXML(i.Attributes, depth+1)); err == nil {
					e.Value = append(e.Value, b)
				}
			}
		}
		d[strings.ToUpper(a.Tag)] = e
	}
	return d
}

// XML is the dataset in the native XML model; keywords names attributes by tag.
func (d Dataset) XML(keywords map[string]string) ([]byte, error) {
	b, err := xml.Marshal(native{Namespace: "http://dicom.nema.org/PS3.19/models/NativeDICOM", Attributes: d.toXML(keywords)})
	return append([]byte(xml.Header), b...), err
}

func (d Dataset) toXML(keywords map[string]string) []attribute {
	var out []attribute
	for _, tag := range sorted(d) {
		a := attribute{Tag: tag, VR: d[tag].VR, Keyword: keywords[tag]}
		if a.VR == "SQ" {
			for i, item := range d.Items(tag) {
				a.Items = append(a.Items, items{i + 1, item.toXML(keywords)})
			}
		} else {
			for i := range d[tag].Value {
				a.Values = append(a.Values, value{i + 1, Dataset{tag: {Value: d[tag].Value[i:]}}.Text(tag)})
			}
		}
		out = append(out, a)
	}
	return out
}

// JSON is the dataset in the JSON model.
func (d Dataset) JSON() ([]byte, error) { return json.Marshal(d) }
