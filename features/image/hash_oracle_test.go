package image_test

import (
	"crypto/sha1"
	"encoding"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/open"
	"github.com/voxgene/voxgene/features/oracle"
)

var update = flag.Bool("update", false, "write zeros.sha1 again")

// The hashes that PyRadiomics 3.1.0 gives of its own test cases, as its users publish them beside its features: of the image as it is stored,
// of the mask as uint32.
func TestHashOracle(t *testing.T) {
	for name, want := range map[string][2]string{
		"brain1":  {"5c9ce3ca174f0f8324aa4d277e0fef82dc5ac566", "9dc2c3137b31fd872997d92c9a92d5178126d9d3"},
		"breast1": {"016951a8f9e8e5de21092d9d62b77262f92e04a5", "c45601d81c387b7c809948af79ebf173738c0b02"},
	} {
		reading, err := open.Region(oracle.Data(t, "pyradiomics", name+"_image.nrrd"), image.Selection{Hash: true})
		if err != nil {
			t.Fatal(err)
		}
		mask, err := open.Mask(oracle.Data(t, "pyradiomics", name+"_label.nrrd"))
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{reading.Hash, mask.VoxelHash()}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// Skipping the background at the start of a mask changes no hash, wherever the first label is.
func TestVoxelHashInvariant(t *testing.T) {
	const step = 1 << 18
	if *update {
		writeZeroStates(t, step, 2048)
	}
	for _, first := range []int{0, 5, step/4 - 1, step / 4, step/4 + 3, 3*step/4 + 77, 4*step/4 - 1, -1} {
		labels := make([]uint16, 5*step/4+1234)
		raw := make([]byte, 4*len(labels))
		if first >= 0 {
			labels[first], labels[len(labels)-1] = 258, 7
			raw[4*first], raw[4*first+1], raw[len(raw)-4] = 2, 1, 7
		}
		sum := sha1.Sum(raw)
		m := image.Mask{Labels: labels}
		if got, want := m.VoxelHash(), hex.EncodeToString(sum[:]); got != want {
			t.Errorf("first label at %d: %s, want %s", first, got, want)
		}
	}
}

// writeZeroStates writes the words of SHA-1 after n times step zeros.
func writeZeroStates(t *testing.T, step, n int) {
	sum, zeros := sha1.New(), make([]byte, step)
	var all []byte
	for range n {
		sum.Write(zeros)
		state, err := sum.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, state[4:4+sha1.Size]...)
	}
	if err := os.WriteFile(filepath.Join("zeros.sha1"), all, 0o644); err != nil {
		t.Fatal(err)
	}
}
