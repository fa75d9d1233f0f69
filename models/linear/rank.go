package linear

// ranked returns the value that would stand at index k if v were sorted, and moves the values of v about so that none before it is greater
// and none after it smaller (Hoare's selection; the middle of three as pivot). None of v is NaN.
func ranked(v []float64, k int) float64 {
	for low, high := 0, len(v)-1; low < high; {
		middle := low + (high-low)/2
		if v[middle] < v[low] {
			v[middle], v[low] = v[low], v[middle]
		}
		if v[high] < v[low] {
			v[high], v[low] = v[low], v[high]
		}
		if v[high] < v[middle] {
			v[high], v[middle] = v[middle], v[high]
		}
		pivot, i, j := v[middle], low, high
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for pivot < v[j] {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			return v[k]
		}
	}
	return v[k]
}
