package radiomics

import "math"

// What a voxel has around it is counted for all voxels of the padded box between the first and the last of the region, in the region or not:
// in vectors that is faster than looking at those of the region one by one.

// span is the first of the region's voxels, and how many lie from it to the last, in the padded box.
func (t *texture) span() (first, n int) {
	return int(t.voxels[0]), int(t.voxels[len(t.voxels)-1]-t.voxels[0]) + 1
}

// dense says whether the region fills enough of the padded box that looking at all of it is no waste.
func (t *texture) dense() bool {
	_, n := t.span()
	return n <= 8*len(t.voxels)
}

// both are the offsets of the angles and of their opposites.
func both(angles []angle) []int {
	out := make([]int, 0, 2*len(angles))
	for _, a := range angles {
		out = append(out, a.off, -a.off)
	}
	return out
}

// alike is how many neighbours of each voxel have its level. Those of voxel v are at v less the region's first.
func (t *texture) alike(angles []angle) []int32 {
	first, n := t.span()
	out := make([]int32, n)
	if t.dense() {
		countAlike(out, t.levels, first, both(angles))
		return out
	}
	offsets := both(angles)
	for _, v := range t.voxels {
		at := int(v) - first
		countAlikeGo(out[at:at+1], t.levels, int(v), offsets)
	}
	return out
}

// tones are the sum of the grey levels of each voxel's neighbours, and how many neighbours it has, at the same places.
func (t *texture) tones() (sums, counts []int32) {
	first, n := t.span()
	grey := make([]int32, len(t.levels))
	for _, v := range t.voxels {
		grey[v] = int32(t.grey[t.levels[v]-1])
	}
	sums, counts = make([]int32, n), make([]int32, n)
	offsets := both(t.angles)
	if t.dense() {
		sumTones(sums, counts, grey, first, offsets)
		return sums, counts
	}
	for _, v := range t.voxels {
		at := int(v) - first
		sumTonesGo(sums[at:at+1], counts[at:at+1], grey, int(v), offsets)
	}
	return sums, counts
}

// manyTones says whether sums of the neighbours' grey levels could go beyond what an int32 holds.
func (t *texture) manyTones() bool { return 2*len(t.angles)*t.top > math.MaxInt32 }

// countAlikeGo sets out[i] to the number of offsets at which voxel first+i has a neighbour of its own level.
func countAlikeGo(out, levels []int32, first int, offsets []int) {
	for i := range out {
		at, n := first+i, 0
		for _, o := range offsets {
			n += same(levels[at+o], levels[at])
		}
		out[i] = int32(n)
	}
}

// sumTonesGo sets sums[i] to the sum of the grey levels around voxel first+i, and counts[i] to the number of those that are not 0.
func sumTonesGo(sums, counts, grey []int32, first int, offsets []int) {
	for i := range sums {
		var sum, n int32
		for _, o := range offsets {
			g := grey[first+i+o]
			sum += g
			n += int32(uint32(-g) >> 31)
		}
		sums[i], counts[i] = sum, n
	}
}
