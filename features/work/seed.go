package work

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
)

// Seed is the root of a tree of random streams. Splitting it by the name of a task gives every task a stream of its own, so
// that a draw depends on what it is for and never on which goroutine came first.
type Seed uint64

// Split returns the seed of the task that the labels name, for example Split("fold", "3"). Other labels, or the same labels
// cut elsewhere, give an unrelated seed.
func (s Seed) Split(labels ...string) Seed {
	h := fnv.New64a()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(s))
	h.Write(b[:])
	for _, l := range labels {
		binary.LittleEndian.PutUint64(b[:], uint64(len(l)))
		h.Write(b[:])
		h.Write([]byte(l))
	}
	return Seed(mix(h.Sum64()))
}

// SplitInt returns the seed of the n-th of a numbered family of tasks.
func (s Seed) SplitInt(label string, n int) Seed {
	return Seed(mix(uint64(s.Split(label)) + uint64(n)*0x9e3779b97f4a7c15))
}

// Rand returns a generator (PCG) for this seed. It is not safe for concurrent use; give each task its own.
func (s Seed) Rand() *rand.Rand {
	return rand.New(rand.NewPCG(uint64(s), mix(uint64(s)^0xd1b54a32d192ed03)))
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014): neighbouring inputs give unrelated outputs.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}
