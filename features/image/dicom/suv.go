package dicom

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// SUV is how activity is normalised to a standardised uptake value.
type SUV string

// The normalisations of PET. Lengths in their formulas are cm, weights kg.
const (
	SUVBodyWeight SUV = "bw"
	// SUVLeanBodyMass takes the lean body mass of James (1976): 1.10·w − 128·(w/h)² for men, 1.07·w − 148·(w/h)² for women.
	SUVLeanBodyMass SUV = "lbm"
	// SUVLeanBodyMassJanmahasatian takes that of Janmahasatian (2005): 9270·w/(6680 + 216·BMI) for men, 9270·w/(8780 + 244·BMI) for women.
	SUVLeanBodyMassJanmahasatian SUV = "lbm_janma"
	// SUVBodySurface takes the body surface of Du Bois (1916), 0.007184·w^0.425·h^0.725 m²; values are in cm²/ml, as in DICOM.
	SUVBodySurface SUV = "bsa"
	// SUVNone leaves PET in the unit of the file.
	SUVNone SUV = "none"
)

// Validate says whether there is such a normalisation; the empty one is SUVBodyWeight.
func (s SUV) Validate() error {
	switch s {
	case "", SUVBodyWeight, SUVLeanBodyMass, SUVLeanBodyMassJanmahasatian, SUVBodySurface, SUVNone:
		return nil
	}
	return fmt.Errorf("no normalisation %q: want bw, lbm, lbm_janma, bsa or none", s)
}

// suvFactor is what the rescaled values of a PET image are multiplied by. The rules are those of the vendor-neutral pseudo-code of QIBA
// (https://qibawiki.rsna.org, "Standardized Uptake Value"): dose decayed from injection to the start of the scan, the Philips factor for
// counts, nothing where values are SUV already. Whatever is missing is named in one error.
func (f *file) suvFactor(kind SUV) (float64, error) {
	fail := func(err error) error { return fmt.Errorf("%s: SUV: %w", f.name, err) }
	unit := f.text(units)
	if unit == "GML" {
		if kind == "" || kind == SUVBodyWeight {
			return 1, nil
		}
		return 0, fail(fmt.Errorf("values are SUV by body weight already: the normalisation %q would need the activity", kind))
	}
	perGram, sizeErr := f.normaliser(kind)
	toActivity := 1.0
	switch unit {
	case "BQML":
	case "CNTS":
		direct, ok, err := f.number(philipsSUVScale)
		if err != nil {
			return 0, fail(err)
		}
		if ok && direct != 0 {
			if kind == "" || kind == SUVBodyWeight {
				return direct, nil
			}
			weight, err := f.positive(patientWeight, "PatientWeight, kg")
			if err = errors.Join(err, sizeErr); err != nil {
				return 0, fail(err)
			}
			return direct * perGram / (1000 * weight), nil
		}
		if toActivity, ok, err = f.number(philipsActivityScale); err != nil || !ok || toActivity == 0 {
			return 0, fail(errors.New("values are counts, and neither of Philips' factors (7053,1000) and (7053,1009) is there"))
		}
	default:
		return 0, fail(fmt.Errorf("attribute Units is %q: want BQML, CNTS or GML", unit))
	}
	dose, doseErr := f.decayedDose()
	if err := errors.Join(sizeErr, doseErr); err != nil {
		return 0, fail(err)
	}
	return toActivity * perGram / dose, nil
}

// positive is a number that has to be there and above 0.
func (f *file) positive(t tag, name string) (float64, error) {
	x, ok, err := f.number(t)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	if !ok || x <= 0 {
		return 0, fmt.Errorf("%s is missing", name)
	}
	return x, nil
}

// normaliser is what activity over dose is multiplied by: grams, or cm² for body surface.
func (f *file) normaliser(kind SUV) (float64, error) {
	weight, err := f.positive(patientWeight, "PatientWeight, kg")
	if err != nil || kind == "" || kind == SUVBodyWeight {
		return 1000 * weight, err
	}
	metres, err := f.positive(patientSize, "PatientSize, m")
	if err != nil {
		return 0, err
	}
	h, bmi := 100*metres, weight/(metres*metres)
	if kind == SUVBodySurface {
		return 1e4 * 0.007184 * math.Pow(weight, 0.425) * math.Pow(h, 0.725), nil
	}
	sex := f.text(patientSex)
	if sex != "M" && sex != "F" {
		return 0, fmt.Errorf("PatientSex is %q: lean body mass needs M or F", sex)
	}
	switch {
	case kind == SUVLeanBodyMass && sex == "M":
		return 1000 * (1.10*weight - 128*(weight/h)*(weight/h)), nil
	case kind == SUVLeanBodyMass:
		return 1000 * (1.07*weight - 148*(weight/h)*(weight/h)), nil
	case kind == SUVLeanBodyMassJanmahasatian && sex == "M":
		return 1000 * 9270 * weight / (6680 + 216*bmi), nil
	case kind == SUVLeanBodyMassJanmahasatian:
		return 1000 * 9270 * weight / (8780 + 244*bmi), nil
	}
	return 0, kind.Validate()
}

// decayedDose is the injected dose in Bq at the time that the image's activity is corrected to.
func (f *file) decayedDose() (float64, error) {
	var all []error
	if corrected := f.texts(correctedImage); !slices.Contains(corrected, "DECY") || !slices.Contains(corrected, "ATTN") {
		all = append(all, fmt.Errorf("CorrectedImage is %q: want corrections for decay (DECY) and attenuation (ATTN)", strings.Join(corrected, "\\")))
	}
	drug := f.item(radiopharmInformation)
	if drug == nil {
		return 0, errors.Join(append(all, errors.New("RadiopharmaceuticalInformationSequence is missing, and with it dose and time"))...)
	}
	in := &file{parsed: parsed{dataSet: drug}}
	dose, err := in.positive(radionuclideTotalDose, "RadionuclideTotalDose, Bq")
	all = append(all, err)
	correction := f.text(decayCorrection)
	switch correction {
	case "ADMIN":
		return dose, errors.Join(all...)
	case "START":
	default:
		return 0, errors.Join(append(all, fmt.Errorf("DecayCorrection is %q: want START or ADMIN", correction))...)
	}
	halfLife, err := in.positive(radionuclideHalfLife, "RadionuclideHalfLife, s")
	all = append(all, err)
	scan, err := f.scanStart()
	all = append(all, err)
	injected, err := f.injection(drug, scan)
	all = append(all, err)
	if err := errors.Join(all...); err != nil {
		return 0, err
	}
	elapsed := scan.Sub(injected).Seconds()
	if elapsed < 0 || elapsed > 24*3600 {
		return 0, fmt.Errorf("injected at %s and scanned at %s: want the scan after the injection, within a day", injected.Format(time.DateTime), scan.Format(time.DateTime))
	}
	return dose * math.Exp2(-elapsed/halfLife), nil
}

// scanStart is the time that decay is corrected to: the start of the series, unless the series was made after the acquisition; then the
// acquisition less the frame's reference time.
func (f *file) scanStart() (time.Time, error) {
	series, seriesErr := moment(f.text(seriesDate), f.text(seriesTime))
	acquired, err := moment(f.text(acquisitionDate), f.text(acquisitionTime))
	if seriesErr == nil && (err != nil || !series.After(acquired)) {
		return series, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("SeriesDate, SeriesTime, AcquisitionDate, AcquisitionTime: %w", errors.Join(seriesErr, err))
	}
	// GE keeps the start of the scan under a name of its own.
	if start := f.text(0x0009100D); start != "" {
		if t, err := moment(start[:min(8, len(start))], start[min(8, len(start)):]); err == nil && strings.HasPrefix(strings.ToUpper(f.text(manufacturer)), "GE") {
			return t, nil
		}
	}
	reference, ok, err := f.number(frameReferenceTime) // ms after the start at which the frame's mean activity is reached
	drug := f.item(radiopharmInformation)
	halfLife, hasHalfLife, halfErr := drug.number(radionuclideHalfLife)
	duration, hasDuration, durationErr := f.number(0x00181242)
	if err = errors.Join(err, halfErr, durationErr); err != nil || !ok || !hasHalfLife || !hasDuration || halfLife <= 0 || duration <= 0 {
		return time.Time{}, errors.Join(err, errors.New("the series was made after its acquisition, and FrameReferenceTime, ActualFrameDuration or the half-life is missing: the time that decay is corrected to is not known"))
	}
	lambda := math.Ln2 / halfLife
	x := lambda * duration / 1000
	mean := math.Log(x/(1-math.Exp(-x))) / lambda // s after the frame's start at which activity is its mean
	return acquired.Add(time.Duration((mean - reference/1000) * float64(time.Second))), nil
}

// injection is when the dose was measured. A file that gives only the time of day means that of the scan, or the day before.
func (f *file) injection(drug *dataSet, scan time.Time) (time.Time, error) {
	if s := drug.text(radiopharmStartDateTime); len(s) > 8 {
		return moment(s[:8], s[8:])
	}
	s := drug.text(radiopharmStartTime)
	if s == "" {
		return time.Time{}, errors.New("RadiopharmaceuticalStartTime is missing")
	}
	t, err := moment(scan.Format("20060102"), s)
	if err == nil && t.After(scan) {
		t = t.AddDate(0, 0, -1)
	}
	return t, err
}

// moment reads a date (DA) and a time (TM). The zone of a date and time is left out: only differences count.
func moment(date, clock string) (time.Time, error) {
	if i := strings.IndexAny(clock, "+-"); i >= 0 {
		clock = clock[:i]
	}
	clock, fraction, _ := strings.Cut(clock, ".")
	layout := "20060102150405"[:8+min(len(clock), 6)]
	t, err := time.Parse(layout, date+clock)
	if err != nil || clock == "" {
		return time.Time{}, fmt.Errorf("date %q and time %q are missing or not of DICOM", date, clock)
	}
	if fraction != "" {
		var nanos float64
		for i, c := range fraction[:min(len(fraction), 9)] {
			if c < '0' || c > '9' {
				return time.Time{}, fmt.Errorf("time %q has a fraction that is no number", clock+"."+fraction)
			}
			nanos += float64(c-'0') * math.Pow10(8-i)
		}
		t = t.Add(time.Duration(nanos))
	}
	return t, nil
}
