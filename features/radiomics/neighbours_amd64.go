package radiomics

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2

//go:noescape
func alikeAVX2(out, levels *int32, offsets *int, k, n int)

//go:noescape
func tonesAVX2(sums, counts, grey *int32, offsets *int, k, n int)

// inVectors runs do over as many of the voxels as vectors of eight hold, and returns how many those are. Voxel 0 of n is levels[first], and
// every neighbour of each is within levels.
func inVectors(n, first, all int, offsets []int, do func(bytes []int, n int)) int {
	if n &^= 7; !hasAVX2 || n == 0 || len(offsets) == 0 {
		return 0
	}
	bytes := make([]int, len(offsets))
	for j, o := range offsets {
		if first+o < 0 || first+n+o > all {
			return 0
		}
		bytes[j] = 4 * o
	}
	do(bytes, n)
	return n
}

// countAlike is countAlikeGo, eight voxels at a time where the processor can.
func countAlike(out, levels []int32, first int, offsets []int) {
	n := inVectors(len(out), first, len(levels), offsets, func(bytes []int, n int) {
		_ = out[n-1]
		alikeAVX2(&out[0], &levels[first], &bytes[0], len(bytes), n)
	})
	countAlikeGo(out[n:], levels, first+n, offsets)
}

// sumTones is sumTonesGo, eight voxels at a time where the processor can.
func sumTones(sums, counts, grey []int32, first int, offsets []int) {
	n := inVectors(len(sums), first, len(grey), offsets, func(bytes []int, n int) {
		_ = counts[n-1]
		tonesAVX2(&sums[0], &counts[0], &grey[first], &bytes[0], len(bytes), n)
	})
	sumTonesGo(sums[n:], counts[n:], grey, first+n, offsets)
}
