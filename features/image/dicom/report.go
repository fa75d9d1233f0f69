package dicom

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// Limits on a structured report, far above what is written: a report of ten thousand measurements takes 5 MB.
const (
	maxReport  = 64 << 20
	maxContent = 1 << 18
)

// ErrNotReport says that a DICOM file is not a structured report.
var ErrNotReport = errors.New("not a structured report")

// Code is a coded concept: a value in a scheme, with its meaning (PS3.3, 8.8).
type Code struct{ Value, Scheme, Meaning string }

// Content is one item of a structured report's tree (PS3.3, C.17.3).
type Content struct {
	At           string // place in the tree, counted from one: 1.4.2; the root is 1
	Relationship string // to the item above: CONTAINS, HAS CONCEPT MOD, HAS OBS CONTEXT, …
	Type         string // CONTAINER, NUM, CODE, TEXT, UIDREF, …
	Name         Code
	Text         string  // of TEXT and UIDREF
	Code         Code    // of CODE
	Number       float64 // of NUM; NaN where the report has no value
	Unit         Code    // of NUM
	Items        []*Content
}

// Report is a structured report.
type Report struct {
	Instance
	Patient string // PatientID
	Root    *Content
}

// ReadReport reads a structured report from a file. Errors name the file and the content item.
func ReadReport(path string) (*Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := DecodeReport(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// DecodeReport reads a structured report from a stream. See ReadReport.
func DecodeReport(in io.Reader) (*Report, error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(in, maxReport+1))
	if err != nil {
		return nil, err
	}
	p, err := parse(b.Bytes(), n <= maxReport)
	switch {
	case errors.Is(err, errMore) && n > maxReport:
		return nil, fmt.Errorf("larger than %d MiB: too large for a structured report", maxReport>>20)
	case err != nil:
		return nil, err
	}
	if p.text(modality) != "SR" && !strings.HasPrefix(p.text(sopClassUID), "1.2.840.10008.5.1.4.1.1.88.") {
		return nil, ErrNotReport
	}
	r := &Report{Instance: Instance{p.text(sopClassUID), p.text(sopInstanceUID)}, Patient: p.text(patientID)}
	count := 0
	r.Root, err = content(p.dataSet, "1", &count)
	return r, err
}

// content reads an item and those below it. The parser has bounded their depth.
func content(d *dataSet, at string, count *int) (*Content, error) {
	if *count++; *count > maxContent {
		return nil, fmt.Errorf("more than %d content items", maxContent)
	}
	c := &Content{
		At: at, Relationship: d.text(relationshipType), Type: d.text(valueType), Name: code(d.item(conceptNameCodeSequence)), Number: math.NaN(),
	}
	switch c.Type {
	case "TEXT":
		c.Text = d.text(textValue)
	case "UIDREF":
		c.Text = d.text(uidValue)
	case "CODE":
		c.Code = code(d.item(conceptCodeSequence))
	case "NUM":
		if err := c.measured(d.item(measuredValueSequence)); err != nil {
			return nil, fmt.Errorf("content item %s (%s): %w", at, c.Name.Meaning, err)
		}
	}
	for i, inner := range d.items(contentSequence) {
		below, err := content(inner, at+"."+strconv.Itoa(i+1), count)
		if err != nil {
			return nil, err
		}
		c.Items = append(c.Items, below)
	}
	return c, nil
}

// measured reads the value of a measurement and its unit. FloatingPointValue is the same number as NumericValue, to more digits.
func (c *Content) measured(d *dataSet) error {
	if d == nil {
		return nil
	}
	c.Unit = code(d.item(measurementUnitsCodeSequence))
	for _, t := range []tag{floatingPointValue, numericValue} {
		x, ok, err := d.number(t)
		if err != nil {
			return err
		}
		if ok && !math.IsInf(x, 0) && !math.IsNaN(x) {
			c.Number = x
			return nil
		}
	}
	return nil
}

// code reads a coded concept. Its value is in one of three attributes, by its length and form.
func code(d *dataSet) Code {
	c := Code{Scheme: d.text(codingSchemeDesignator), Meaning: d.text(codeMeaning)}
	for _, t := range []tag{codeValue, longCodeValue, urnCodeValue} {
		if c.Value = d.text(t); c.Value != "" {
			break
		}
	}
	return c
}
