package inflate

// fixed begins a block of the fixed codes.
func (r *Reader) fixed() error {
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	var dist [32]uint8
	for i := range dist {
		dist[i] = 5
	}
	return r.begin(lengths[:], dist[:])
}

// begin makes the tables of a block.
func (r *Reader) begin(lit, dist []uint8) error {
	if !build(r.lit[:], litBits, lit, litEntries[:]) || !build(r.dist[:], distBits, dist, distEntries[:]) {
		return r.corrupt()
	}
	r.huffman = true
	return nil
}

// dynamic reads the codes of a block.
func (r *Reader) dynamic() error {
	nlit, ndist, ncl := r.take(5)+257, r.take(5)+1, r.take(4)+4
	if nlit > 286 || ndist > 30 {
		return r.corrupt()
	}
	var cl [19]uint8
	for _, at := range clOrder[:ncl] {
		if err := r.need(); err != nil {
			return err
		}
		cl[at] = uint8(r.take(3))
	}
	var table [1 << 7]uint32
	if !build(table[:], 7, cl[:], clEntries[:]) {
		return r.corrupt()
	}
	var lengths [286 + 30]uint8
	for i := 0; i < nlit+ndist; {
		if r.n < 7+7 {
			if err := r.need(); err != nil {
				return err
			}
		}
		e := table[r.bits&(1<<7-1)]
		if e&special != 0 {
			return r.corrupt()
		}
		r.take(uint(e & 0xFF))
		symbol := e >> 16
		if symbol < 16 {
			lengths[i] = uint8(symbol)
			i++
			continue
		}
		value, n := uint8(0), 0
		switch symbol {
		case 16:
			if i == 0 {
				return r.corrupt()
			}
			value, n = lengths[i-1], 3+r.take(2)
		case 17:
			n = 3 + r.take(3)
		default:
			n = 11 + r.take(7)
		}
		if i+n > nlit+ndist {
			return r.corrupt()
		}
		for range n {
			lengths[i] = value
			i++
		}
	}
	if lengths[256] == 0 {
		return r.corrupt()
	}
	return r.begin(lengths[:nlit], lengths[nlit:nlit+ndist])
}
