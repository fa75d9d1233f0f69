package image

import (
	"crypto/sha1"
	_ "embed"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
)

// voxelHash is the SHA-1 of an image's voxels as ITK holds them (itk::HashImageFilter, which SimpleITK's Hash and so PyRadiomics'
// diagnostics call): little-endian samples of the stored type, i fastest; of float32 where the file scales what it stores, as
// itk::NiftiImageIO does. It names the content of an image whatever its file is compressed by, and is no protection against anybody.
type voxelHash struct {
	sum     hash.Hash
	samples Samples
	values  []float64
	held    []byte
}

func newVoxelHash(s Samples) *voxelHash { return &voxelHash{sum: sha1.New(), samples: s} }

// add takes a block of little-endian samples.
func (h *voxelHash) add(raw []byte) {
	if !h.samples.scaled() {
		h.sum.Write(raw)
		return
	}
	n := len(raw) / h.samples.Type.Size()
	if h.values == nil {
		h.values, h.held = make([]float64, blockSamples), make([]byte, 4*blockSamples)
	}
	values := h.values[:n]
	h.samples.decode(values, raw)
	for i, x := range values {
		binary.LittleEndian.PutUint32(h.held[4*i:], math.Float32bits(float32(x)))
	}
	h.sum.Write(h.held[:4*n])
}

func (h *voxelHash) text() string { return hex.EncodeToString(h.sum.Sum(nil)) }

// VoxelHash is the SHA-1 of the labels as PyRadiomics takes it of a mask, which it holds as uint32 (imageoperations.getMask).
func (m *Mask) VoxelHash() string {
	first, end := 0, len(m.Labels) // where labels may be
	if e := m.Extent; !e.Empty() {
		first, end = m.Index(0, e.Min[1], e.Min[2]), m.Index(0, e.Max[1]-1, e.Max[2]-1)+m.Size[0]
	}
	for first+blockSamples <= end && blank(m.Labels[first:first+blockSamples]) {
		first += blockSamples
	}
	sum, skipped := afterZeros(4 * first)
	var held [4 * blockSamples]byte
	dirty := false // held has something other than zeros
	for from := skipped / 4; from < len(m.Labels); from += blockSamples {
		block := m.Labels[from:min(from+blockSamples, len(m.Labels))]
		switch {
		case from < end && from+len(block) > first && !blank(block):
			for i, l := range block {
				binary.LittleEndian.PutUint32(held[4*i:], uint32(l))
			}
			dirty = true
		case dirty:
			clear(held[:])
			dirty = false
		}
		sum.Write(held[:4*len(block)])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// zeroStep is how many zeros lie between two states in zeroStates.
const zeroStep = 1 << 18

// zeroStates are the five words of SHA-1 after zeroStep zeros, twice as many, and so on up to 512 MiB: a mask begins with the background below
// its region, which is half of the work, and is the same in every mask.
//
//go:embed zeros.sha1
var zeroStates []byte

// afterZeros is a SHA-1 that has taken so many zeros, n at most.
func afterZeros(n int) (sum hash.Hash, taken int) {
	sum = sha1.New()
	k := min(n/zeroStep, len(zeroStates)/sha1.Size)
	if k == 0 {
		return sum, 0
	}
	state, err := sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return sum, 0
	}
	// The marshalled state is four bytes of magic, the five words, a block that is empty here, and the length, all big-endian.
	copy(state[4:], zeroStates[(k-1)*sha1.Size:k*sha1.Size])
	binary.BigEndian.PutUint64(state[len(state)-8:], uint64(k*zeroStep))
	if sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state) != nil {
		return sha1.New(), 0
	}
	return sum, k * zeroStep
}
