package nrrd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/image/nrrd"
)

// The layers of a mask, whether they lie side by side in a voxel (3D Slicer) or one after the other, are read one by one.
func TestReadLayer(t *testing.T) {
	const head = "NRRD0004\ntype: uchar\ndimension: 4\nencoding: raw\n"
	for name, file := range map[string]string{
		"fastest": head + "sizes: 2 3 1 1\nkinds: list domain domain domain\nspace: left-posterior-superior\nspace directions: none (1,0,0) (0,1,0) (0,0,1)\n\n\x01\x04\x02\x05\x03\x06",
		"slowest": head + "sizes: 3 1 1 2\nkinds: domain domain domain vector\nspace: left-posterior-superior\nspace directions: (1,0,0) (0,1,0) (0,0,1) none\n\n\x01\x02\x03\x04\x05\x06",
	} {
		path := write(t, "mask.seg.nrrd", file)
		for layer, want := range [][]uint16{{1, 2, 3}, {4, 5, 6}} {
			m, err := nrrd.ReadLayer(path, layer)
			if err != nil || !slices.Equal(m.Labels, want) {
				t.Errorf("%s, layer %d: %v (%v), want %v", name, layer, m, err, want)
			}
		}
		if _, err := nrrd.ReadLayer(path, 2); err == nil || !strings.Contains(err.Error(), "which has 2") {
			t.Errorf("%s: layer 2: %v", name, err)
		}
		if _, err := nrrd.ReadMask(path); err == nil || !strings.Contains(err.Error(), "label_channel") {
			t.Errorf("%s: all layers: %v", name, err)
		}
	}
}
