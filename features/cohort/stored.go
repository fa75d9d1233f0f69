package cohort

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/features/radiomics"
)

// noteMark begins a line that holds a note in place of a feature.
const noteMark = "#"

// lesionMark begins the line that names a lesion, whose features follow.
const lesionMark = "&"

// madeMark begins the line that says how the images were made.
const madeMark = "@"

// encodeResult writes a line of how the images were made, a line a note and a line a feature, the value with all its digits.
func encodeResult(r extraction.Result) []byte {
	made, err := json.Marshal(r.Acquired)
	if err != nil {
		made = nil // a spacing that is no number: nothing is said
	}
	b := append(append([]byte(madeMark), made...), '\n')
	for _, n := range r.Notes {
		b = append(append(append(b, noteMark...), strings.ReplaceAll(n, "\n", " ")...), '\n')
	}
	b = appendCrop(b, r.Crop)
	b = appendFeatures(b, r.Features)
	for _, l := range r.Lesions {
		b = append(append(append(b, lesionMark...), l.Name...), '\n')
		b = appendCrop(b, l.Crop)
		b = appendFeatures(b, l.Features)
	}
	return b
}

func appendCrop(b []byte, crop []float32) []byte {
	if crop == nil {
		return b
	}
	return append(append(append(b, cropMark...), encodeCrop(crop)...), '\n')
}

func appendFeatures(b []byte, features []radiomics.Feature) []byte {
	for _, x := range features {
		b = append(b, x.Name...)
		b = append(b, '\t')
		b = strconv.AppendFloat(b, x.Value, 'g', -1, 64)
		b = append(b, '\n')
	}
	return b
}

func decodeResult(b []byte) (extraction.Result, error) {
	var out extraction.Result
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if made, ok := strings.CutPrefix(line, madeMark); ok {
			if made != "" {
				if err := json.Unmarshal([]byte(made), &out.Acquired); err != nil {
					return out, fmt.Errorf("a stored extraction is damaged: %w", err)
				}
			}
			continue
		}
		if note, ok := strings.CutPrefix(line, noteMark); ok {
			out.Notes = append(out.Notes, note)
			continue
		}
		if text, ok := strings.CutPrefix(line, cropMark); ok {
			to := &out.Crop
			if n := len(out.Lesions); n > 0 {
				to = &out.Lesions[n-1].Crop
			}
			var err error
			if *to, err = decodeCrop(text); err != nil {
				return out, err
			}
			continue
		}
		if name, ok := strings.CutPrefix(line, lesionMark); ok {
			out.Lesions = append(out.Lesions, extraction.Lesion{Name: name})
			continue
		}
		name, text, ok := strings.Cut(line, "\t")
		v, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return out, fmt.Errorf("a stored extraction is damaged: %q", line)
		}
		if n := len(out.Lesions); n > 0 {
			out.Lesions[n-1].Features = append(out.Lesions[n-1].Features, radiomics.Feature{Name: name, Value: v})
			continue
		}
		out.Features = append(out.Features, radiomics.Feature{Name: name, Value: v})
	}
	return out, nil
}
