package nrrd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/image"
)

// Limits on what a header may hold.
const (
	maxHeader = 1 << 20
	maxAxes   = 16 // Teem's NRRD_DIM_MAX
)

// header is what the fields of a file say, as they stand in it.
type header struct {
	samples   image.Samples
	endian    bool // the endian field is there
	encoding  string
	sizes     []int
	spacings  []float64   // NaN where an axis has none
	vectors   [][]float64 // space directions; nil where an axis has none
	origin    []float64
	flip      [3]float64 // signs that turn the file's space into LPS
	unit      float64    // mm in a unit of the space
	kinds     []string
	dataFile  string
	files     []string // of a LIST
	subDim    int
	lineSkip  int
	byteSkip  int
	dimension int
}

// types are the names of the standard, of C and of its alternatives, all lower case.
var types = map[string]image.Type{
	"signed char": image.Int8, "int8": image.Int8, "int8_t": image.Int8,
	"uchar": image.Uint8, "unsigned char": image.Uint8, "uint8": image.Uint8, "uint8_t": image.Uint8,
	"short": image.Int16, "short int": image.Int16, "signed short": image.Int16, "signed short int": image.Int16, "int16": image.Int16, "int16_t": image.Int16,
	"ushort": image.Uint16, "unsigned short": image.Uint16, "unsigned short int": image.Uint16, "uint16": image.Uint16, "uint16_t": image.Uint16,
	"int": image.Int32, "signed int": image.Int32, "int32": image.Int32, "int32_t": image.Int32,
	"uint": image.Uint32, "unsigned int": image.Uint32, "uint32": image.Uint32, "uint32_t": image.Uint32,
	"longlong": image.Int64, "long long": image.Int64, "long long int": image.Int64, "signed long long": image.Int64,
	"signed long long int": image.Int64, "int64": image.Int64, "int64_t": image.Int64,
	"ulonglong": image.Uint64, "unsigned long long": image.Uint64, "unsigned long long int": image.Uint64, "uint64": image.Uint64, "uint64_t": image.Uint64,
	"float": image.Float32, "double": image.Float64,
}

// encodings maps each name of an encoding to one.
var encodings = map[string]string{
	"raw": "raw", "txt": "text", "text": "text", "ascii": "text", "hex": "hex", "gz": "gzip", "gzip": "gzip", "bz2": "bzip2", "bzip2": "bzip2",
}

// spaces gives, for the anatomical spaces, the signs of their axes in LPS. Spaces that are not tied to the patient are taken as LPS, as ITK
// takes them.
var spaces = map[string][3]float64{
	"right-anterior-superior": {-1, -1, 1}, "ras": {-1, -1, 1},
	"left-anterior-superior": {1, -1, 1}, "las": {1, -1, 1},
	"left-posterior-superior": {1, 1, 1}, "lps": {1, 1, 1},
	"scanner-xyz": {1, 1, 1}, "3d-right-handed": {1, 1, 1}, "3d-left-handed": {1, 1, 1},
}

// parseHeader reads fields up to the blank line that ends them, or to the end of a detached header. All that is wrong is one error,
// each with its line.
func parseHeader(r *bufio.Reader) (header, error) {
	h := header{flip: [3]float64{1, 1, 1}, unit: 1, samples: image.Samples{Slope: 1}}
	magic, err := line(r, maxHeader)
	if !strings.HasPrefix(magic, "NRRD000") || err != nil && !errors.Is(err, io.EOF) {
		return h, fmt.Errorf("not an NRRD file: it does not begin with NRRD000")
	}
	if v := magic[len("NRRD000"):]; len(v) != 1 || v[0] < '1' || v[0] > '5' {
		return h, fmt.Errorf("line 1: NRRD version %q: versions 1 to 5 are read", v)
	}
	var all []error
	seen := map[string]bool{}
	left := maxHeader
	for n := 2; ; n++ {
		text, err := line(r, left)
		left -= len(text) + 1
		if err != nil && !errors.Is(err, io.EOF) {
			return h, fmt.Errorf("line %d: %w", n, err)
		}
		if text == "" {
			break
		}
		if text[0] != '#' && !strings.Contains(text, ":=") {
			name, value, found := strings.Cut(text, ": ")
			name = strings.ToLower(strings.TrimSpace(strings.TrimSuffix(name, ":")))
			switch {
			case !found && !strings.HasSuffix(text, ":"):
				all = append(all, fmt.Errorf("line %d: %.60q is neither a field (name: value) nor a key (name:=value)", n, text))
			case seen[name]:
				all = append(all, fmt.Errorf("line %d: field %q a second time", n, name))
			default:
				seen[name] = true
				if e := h.field(name, strings.TrimSpace(value)); e != nil {
					all = append(all, fmt.Errorf("line %d: %s: %w", n, name, e))
				}
			}
			if isList(h.dataFile) {
				h.files, err = list(r, left)
				if err != nil {
					all = append(all, err)
				}
				break
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
	}
	if all == nil {
		all = append(all, h.check())
	}
	return h, errors.Join(all...)
}

// line reads one line without its end, "\n" or "\r\n".
func line(r *bufio.Reader, limit int) (string, error) {
	var b []byte
	for {
		part, err := r.ReadSlice('\n')
		b = append(b, part...)
		if len(b) > limit {
			return "", fmt.Errorf("header of more than %d bytes", maxHeader)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return strings.TrimRight(string(b), "\r\n"), err
		}
	}
}

// isList says that a data file field is followed by the names of files, one a line.
func isList(value string) bool { return value == "LIST" || strings.HasPrefix(value, "LIST ") }

// list reads the file names after "data file: LIST".
func list(r *bufio.Reader, limit int) ([]string, error) {
	var names []string
	for {
		name, err := line(r, limit)
		limit -= len(name) + 1
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// field takes in one field.
func (h *header) field(name, value string) (err error) {
	switch name {
	case "type":
		if h.samples.Type = types[strings.ToLower(value)]; h.samples.Type == 0 {
			return fmt.Errorf("%.40q is not a type of number that is read", value)
		}
	case "dimension":
		h.dimension, err = strconv.Atoi(value)
		if err == nil && (h.dimension < 1 || h.dimension > maxAxes) {
			err = fmt.Errorf("%d: want 1 to %d", h.dimension, maxAxes)
		}
	case "sizes":
		for _, f := range strings.Fields(value) {
			n, err := strconv.Atoi(f)
			if err != nil || n < 1 {
				return fmt.Errorf("%.20q: want a whole number above 0", f)
			}
			h.sizes = append(h.sizes, n)
		}
	case "encoding":
		if h.encoding = encodings[strings.ToLower(value)]; h.encoding == "" {
			return fmt.Errorf("%.40q: want raw, gzip, bzip2, text or hex", value)
		}
	case "endian":
		h.endian = true
		h.samples.BigEndian = strings.EqualFold(value, "big")
		if !h.samples.BigEndian && !strings.EqualFold(value, "little") {
			return fmt.Errorf("%.20q: want little or big", value)
		}
	case "spacings":
		h.spacings, err = numbers(strings.Fields(value))
	case "space":
		flip, ok := spaces[strings.ToLower(value)]
		if !ok {
			return fmt.Errorf("%.60q: spaces of three axes are read: right-anterior-superior, left-anterior-superior, left-posterior-superior, scanner-xyz", value)
		}
		h.flip = flip
	case "space dimension":
		if value != "3" {
			return fmt.Errorf("%.20q: want 3", value)
		}
	case "space units":
		return h.units(value)
	case "space directions":
		h.vectors, err = vectors(value)
	case "space origin":
		var v [][]float64
		if v, err = vectors(value); err == nil && (len(v) != 1 || v[0] == nil) {
			err = fmt.Errorf("want one position like (0,0,0)")
		} else if err == nil {
			h.origin = v[0]
		}
	case "kinds":
		h.kinds = strings.Fields(strings.ToLower(value))
	case "data file", "datafile":
		h.dataFile = value
		if words := strings.Fields(value); isList(value) && len(words) > 1 {
			h.subDim, err = strconv.Atoi(words[1])
		}
	case "line skip", "lineskip":
		h.lineSkip, err = skip(value, 0)
	case "byte skip", "byteskip":
		h.byteSkip, err = skip(value, -1)
	}
	return err
}

// units takes in the unit of the space; one unit for all axes is read.
func (h *header) units(value string) error {
	lengths := map[string]float64{"mm": 1, "cm": 10, "m": 1000, "um": 1e-3, "µm": 1e-3, "": 1}
	names := strings.FieldsFunc(value, func(r rune) bool { return r == '"' || r == ' ' })
	for _, n := range names {
		unit, ok := lengths[n]
		if !ok || n != names[0] {
			return fmt.Errorf("%.40s: want one of mm, cm, m, um for all axes", value)
		}
		h.unit = unit
	}
	return nil
}

func skip(value string, least int) (int, error) {
	n, err := strconv.Atoi(value)
	if err == nil && (n < least || n > math.MaxInt32) {
		err = fmt.Errorf("%d: want %d or more", n, least)
	}
	return n, err
}

func numbers(fields []string) ([]float64, error) {
	var out []float64
	for _, f := range fields {
		x, err := strconv.ParseFloat(strings.TrimSpace(f), 64)
		if err != nil {
			return nil, fmt.Errorf("%.40q is not a number", f)
		}
		out = append(out, x)
	}
	return out, nil
}

// vectors reads "(1,0,0) none (0,1,0)".
func vectors(value string) ([][]float64, error) {
	var out [][]float64
	for value = strings.TrimSpace(value); value != ""; value = strings.TrimSpace(value) {
		if rest, ok := strings.CutPrefix(value, "none"); ok {
			out, value = append(out, nil), rest
			continue
		}
		inside, rest, ok := strings.Cut(strings.TrimPrefix(value, "("), ")")
		if !ok || value[0] != '(' {
			return nil, fmt.Errorf("%.40q: want vectors like (1,0,0), or none", value)
		}
		v, err := numbers(strings.Split(inside, ","))
		if err != nil {
			return nil, err
		}
		if len(v) != 3 {
			return nil, fmt.Errorf("(%.60s) has %d numbers: want 3", inside, len(v))
		}
		out, value = append(out, v), rest
	}
	return out, nil
}
