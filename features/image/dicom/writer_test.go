package dicom_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// set is the attributes of a test's own file or item, by tag. A string is text, an int16 or uint16 one binary number, a list of sets a
// sequence, bytes are pixels.
type set map[uint32]any

// encode writes attributes with explicit types, little-endian.
func (s set) encode() []byte {
	var b []byte
	for _, t := range slices.Sorted(maps.Keys(s)) {
		b = binary.LittleEndian.AppendUint16(b, uint16(t>>16))
		b = binary.LittleEndian.AppendUint16(b, uint16(t))
		switch v := s[t].(type) {
		case string:
			if len(v)%2 == 1 {
				v += " "
			}
			if len(v) > 60000 {
				b = binary.LittleEndian.AppendUint32(append(b, "UT\x00\x00"...), uint32(len(v)))
			} else {
				b = binary.LittleEndian.AppendUint16(append(b, "LO"...), uint16(len(v)))
			}
			b = append(b, v...)
		case int:
			b = binary.LittleEndian.AppendUint16(append(b, "US\x02\x00"...), uint16(v))
		case float64:
			b = binary.LittleEndian.AppendUint64(append(b, "FD\x08\x00"...), math.Float64bits(v))
		case []set:
			var items []byte
			for _, one := range v {
				body := one.encode()
				items = append(items, 0xFE, 0xFF, 0x00, 0xE0)
				items = append(binary.LittleEndian.AppendUint32(items, uint32(len(body))), body...)
			}
			b = append(binary.LittleEndian.AppendUint32(append(b, "SQ\x00\x00"...), uint32(len(items))), items...)
		case []byte:
			b = append(binary.LittleEndian.AppendUint32(append(b, "OB\x00\x00"...), uint32(len(v))), v...)
		default:
			panic(fmt.Sprintf("%T", v))
		}
	}
	return b
}

// file is the set as a file, explicit little-endian.
func (s set) file() []byte {
	meta := set{0x00020010: "1.2.840.10008.1.2.1\x00"}.encode()
	return append(append(make([]byte, 128), "DICM"...), append(meta, s.encode()...)...)
}

// with is a copy of the set with other values; nil takes an attribute away.
func (s set) with(change set) set {
	out := maps.Clone(s)
	for t, v := range change {
		if v == nil {
			delete(out, t)
			continue
		}
		out[t] = v
	}
	return out
}

// slice is a CT slice of 4 columns and 3 rows at height z, whose pixels are 100·z plus their number.
func slice(z float64) set {
	pixels := make([]byte, 0, 24)
	for i := range 12 {
		pixels = binary.LittleEndian.AppendUint16(pixels, uint16(int16(100*z)+int16(i)))
	}
	return set{
		0x00080008: "ORIGINAL\\PRIMARY\\AXIAL", 0x00080016: "1.2.840.10008.5.1.4.1.1.2", 0x00080018: fmt.Sprintf("1.2.3.%g", z), 0x00080060: "CT",
		0x0008103E: "thorax", 0x00180050: "2.5", 0x0020000D: "1.1", 0x0020000E: "1.2", 0x00200011: "3", 0x00200052: "1.9",
		0x00200032: fmt.Sprintf("-10\\20\\%g", z), 0x00200037: "1\\0\\0\\0\\1\\0", 0x00280002: 1, 0x00280004: "MONOCHROME2", 0x00280010: 3, 0x00280011: 4,
		0x00280030: "0.75\\0.5", 0x00280100: 16, 0x00280101: 16, 0x00280102: 15, 0x00280103: 1, 0x00281052: "-1000", 0x00281053: "2",
		0x7FE00010: pixels,
	}
}

// folder writes files into a new folder: names in an order that is not that of the slices.
func folder(t testing.TB, files ...set) string {
	t.Helper()
	dir := t.TempDir()
	for i, f := range files {
		write(t, dir, fmt.Sprintf("%d.dcm", (i*7+3)%10*100+i), f.file())
	}
	return dir
}

func write(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// says fails the test unless the error has every part.
func says(t *testing.T, name string, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("%s: got %v, want %q", name, err, p)
		}
	}
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }
