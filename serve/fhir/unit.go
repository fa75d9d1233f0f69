package fhir

import (
	"fmt"
	"strconv"

	"github.com/voxgene/voxgene/features/ucum"
	"github.com/voxgene/voxgene/models/bundle"
)

// The codes of warnings on units.
const (
	// UnitNotChecked says that a value came with a unit and the model has none to hold it against.
	UnitNotChecked = "unit_not_checked"
	// UnitConverted says that a value came in another unit than the model's, and what became of it.
	UnitConverted = "unit_converted"
)

// inUnit brings a value to the unit of an input, with the warning that says so. A value without a unit is in the model's. An error says why it cannot
// be brought there.
func inUnit(value float64, code string, in bundle.Input) (float64, *bundle.Warning, error) {
	if code == "" || code == in.Unit {
		return value, nil, nil
	}
	from, err := ucum.Parse(code)
	if in.Unit == "" {
		if code == "1" {
			return value, nil, nil
		}
		came := "with a unit" // of which nothing is known but that it is none of UCUM's
		if err == nil {
			came = "in " + ucum.Plain(code)
		}
		return value, &bundle.Warning{Code: UnitNotChecked, Feature: in.Name, Message: fmt.Sprintf("the value came %s, and the model does not say in which unit it was trained", came)}, nil
	}
	if err != nil {
		return 0, nil, fmt.Errorf("the unit of %s cannot be read (%w); the model reads %s", in.Name, err, in.Unit)
	}
	to, err := ucum.Parse(in.Unit)
	if err != nil { // as a table declared it
		return 0, nil, fmt.Errorf("%s is in %s; the model reads %s, which is no unit of UCUM, so that nothing can be converted to it", in.Name, ucum.Plain(code), in.Unit)
	}
	v, err := from.Convert(value, to)
	if err != nil {
		return 0, nil, fmt.Errorf("%s is in %s; the model reads %s: %w", in.Name, ucum.Plain(code), in.Unit, err)
	}
	if from.Equal(to) { // cm3 and mL
		return value, nil, nil
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return v, &bundle.Warning{Code: UnitConverted, Feature: in.Name, Message: fmt.Sprintf("%s %s was converted to the model's unit: %s %s", number(value), ucum.Plain(code), number(v), in.Unit)}, nil
}
