//go:build !amd64

package radiomics

// countAlike is countAlikeGo.
func countAlike(out, levels []int32, first int, offsets []int) {
	countAlikeGo(out, levels, first, offsets)
}

// sumTones is sumTonesGo.
func sumTones(sums, counts, grey []int32, first int, offsets []int) {
	sumTonesGo(sums, counts, grey, first, offsets)
}
