package radiomics

import "math"

// shape measures a region by the mesh of its surface, and by the principal axes of its voxel centres (covariance ÷ N). Lengths are mm.
func shape(r *roi, spacing [3]float64) values {
	size := r.Size()
	m := marchingCubes(r.inside, size, spacing)
	d := largestDiameters(r.inside, size, spacing)
	sphericity := math.Cbrt(36*math.Pi*m.volume*m.volume) / m.area
	least, minor, major := principalAxes(r, spacing)
	return values{
		"Compactness1":            m.volume / (math.Pow(m.area, 1.5) * math.Sqrt(math.Pi)),
		"Compactness2":            36 * math.Pi * m.volume * m.volume / (m.area * m.area * m.area),
		"Elongation":              math.Sqrt(minor / major),
		"Flatness":                math.Sqrt(least / major),
		"LeastAxisLength":         4 * math.Sqrt(least),
		"MajorAxisLength":         4 * math.Sqrt(major),
		"Maximum2DDiameterColumn": d.column,
		"Maximum2DDiameterRow":    d.row,
		"Maximum2DDiameterSlice":  d.slice,
		"Maximum3DDiameter":       d.volume,
		"MeshVolume":              m.volume,
		"MinorAxisLength":         4 * math.Sqrt(minor),
		"Sphericity":              sphericity,
		"SphericalDisproportion":  1 / sphericity,
		"SurfaceArea":             m.area,
		"SurfaceVolumeRatio":      m.area / m.volume,
		"VoxelVolume":             float64(r.count) * spacing[0] * spacing[1] * spacing[2],
	}
}

// principalAxes are the eigenvalues, in mm² and ascending, of the covariance of the region's voxel centres. The sums are whole numbers
// about the middle of the box, so that nothing is lost in them.
func principalAxes(r *roi, spacing [3]float64) (least, minor, major float64) {
	size := r.Size()
	var sum [3]int
	var square [3][3]int
	o := 0
	for k := -(size[2] / 2); k < size[2]-size[2]/2; k++ {
		for j := -(size[1] / 2); j < size[1]-size[1]/2; j++ {
			n, si, sii := 0, 0, 0
			for i, in := range r.inside[o : o+size[0]] {
				if in {
					i -= size[0] / 2
					n++
					si += i
					sii += i * i
				}
			}
			o += size[0]
			sum[0] += si
			sum[1] += j * n
			sum[2] += k * n
			square[0][0] += sii
			square[0][1] += j * si
			square[0][2] += k * si
			square[1][1] += j * j * n
			square[1][2] += j * k * n
			square[2][2] += k * k * n
		}
	}
	var c [3][3]float64
	n := float64(r.count)
	for a := range 3 {
		for b := a; b < 3; b++ {
			c[a][b] = (float64(square[a][b])/n - float64(sum[a])/n*(float64(sum[b])/n)) * spacing[a] * spacing[b]
			c[b][a] = c[a][b]
		}
	}
	e := eigenvalues3(c)
	return e[0], e[1], e[2]
}

// eigenvalues3 are the eigenvalues of a symmetric matrix in ascending order, by Jacobi rotations; none below zero, for a covariance.
func eigenvalues3(m [3][3]float64) [3]float64 {
	for range 50 {
		off := math.Abs(m[0][1]) + math.Abs(m[0][2]) + math.Abs(m[1][2])
		if off == 0 {
			break
		}
		for p := range 2 {
			for q := p + 1; q < 3; q++ {
				if m[p][q] == 0 {
					continue
				}
				theta := (m[q][q] - m[p][p]) / (2 * m[p][q])
				t := 1 / (math.Abs(theta) + math.Sqrt(theta*theta+1))
				if theta < 0 {
					t = -t
				}
				c := 1 / math.Sqrt(t*t+1)
				s := t * c
				r := 3 - p - q
				pp, qq, pq := m[p][p], m[q][q], m[p][q]
				pr, qr := m[p][r], m[q][r]
				m[p][p], m[q][q] = pp-t*pq, qq+t*pq
				m[p][q], m[q][p] = 0, 0
				m[p][r] = c*pr - s*qr
				m[r][p] = m[p][r]
				m[q][r] = s*pr + c*qr
				m[r][q] = m[q][r]
			}
		}
	}
	e := [3]float64{max(m[0][0], 0), max(m[1][1], 0), max(m[2][2], 0)}
	if e[0] > e[1] {
		e[0], e[1] = e[1], e[0]
	}
	if e[1] > e[2] {
		e[1], e[2] = e[2], e[1]
	}
	if e[0] > e[1] {
		e[0], e[1] = e[1], e[0]
	}
	return e
}
