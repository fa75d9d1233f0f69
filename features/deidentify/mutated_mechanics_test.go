package deidentify

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/nifti"
)

// Files that are damaged in some bytes, cut off or grown are refused or come out as files that go through again; none ends the program. What comes out of
// a damaged file holds the name no more than what comes out of a sound one, but where damage made another word of it.
func TestMutated(t *testing.T) {
	key := Key(bytes.Repeat([]byte{3}, 32))
	d := planted()
	some := make(dataSet, 0, 200)
	for i := 0; i < len(d); i += 17 {
		some = append(some, d[i])
	}
	for _, e := range object(element{tag: pixelData, vr: "OW", value: []byte{1, 2, 3, 4}}, element{tag: patientName, vr: "PN", value: []byte("CANARY^JANE")}) {
		some.put(e)
	}
	scanned, err := nifti.Encode(small, []float64{1, 2, 3, 4}, image.Int16)
	if err != nil {
		t.Fatal(err)
	}
	sound := [][]byte{file(some, false), file(some, true), scanned,
		[]byte("NRRD0004\n# JANE\ntype: short\ndimension: 3\nsizes: 2 2 1\nencoding: raw\nSegment0_Name:=Jane\nSegment0_LabelValue:=1\n\n\x01\x00\x01\x00\x01\x00\x01\x00"),
		[]byte("patient,date,age,text\nP-100,2020-01-02,91,Jane\nP-101,2021-03-04,50,Joe\n")}
	r := rand.New(rand.NewPCG(1, 2))
	taken, refused := 0, 0
	for n := range 2500 {
		b := slices.Clone(sound[n%len(sound)])
		for range 1 + r.IntN(4) {
			switch at := r.IntN(len(b)); r.IntN(5) {
			case 0:
				b[at] = byte(r.UintN(256))
			case 1:
				b[at] ^= 1 << r.UintN(8)
			case 2:
				b = b[:at+1]
			case 3:
				b = slices.Insert(b, at, bytes.Repeat([]byte{byte(r.UintN(256))}, 1+r.IntN(8))...)
			case 4:
				copy(b[at:], []byte{0xFF, 0xFF, 0xFF, 0xFF})
			}
		}
		switch n % len(sound) {
		case 0, 1:
			made, err := key.Identify(b)
			if err != nil {
				refused++
				continue
			}
			if taken++; bytes.Contains(made.Bytes, []byte("CANARY")) {
				t.Fatalf("file %d: the name is left", n)
			}
			if _, err := key.Identify(made.Bytes); err != nil {
				t.Fatalf("file %d: what came out is refused: %v", n, err)
			}
		case 2, 3:
			if out, ok, err := scan(b); ok && err == nil {
				taken++
				if _, ok, err := scan(out); !ok || err != nil {
					t.Fatalf("file %d: what came out is refused: %v", n, err)
				}
			}
		default:
			ids := newIdentifiers(key)
			if s, err := readSheet(b, []string{"patient"}); err == nil {
				for _, row := range s.rows {
					for _, i := range s.ids {
						ids.add(row[i], "")
					}
				}
				s.clean(ids, nil)
				if _, err := s.encode(); err != nil {
					t.Fatal(err)
				}
				taken++
			}
		}
	}
	if taken < 300 || refused < 200 {
		t.Errorf("%d taken, %d refused: too few of one kind", taken, refused)
	}
}
