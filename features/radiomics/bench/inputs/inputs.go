// Package inputs makes what the radiomics benchmarks run on: a CT as NRRD and as a DICOM series, and masks of regions of a given size. The
// same seed gives the same bytes, and no more than a slice is in memory.
package inputs

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/voxgene/voxgene/features/image/dicom/part10"
	"github.com/voxgene/voxgene/features/work"
)

// Scan is a made-up CT: a body of 40 HU in air, with texture of some millimetres and noise.
type Scan struct {
	Size [3]int // voxels of 1 × 1 × 2.5 mm
	Seed work.Seed
}

// CT is the scan of the benchmarks, 512 × 512 × 200 voxels.
func CT() Scan { return Scan{Size: [3]int{512, 512, 200}, Seed: 7} }

// spacing is in mm.
var spacing = [3]float64{1, 1, 2.5}

// grain is how many voxels the texture is interpolated over.
const grain = 4

// slices calls do with the voxels of each slice in turn, little-endian int16, which are overwritten by those of the next.
func (s Scan) slices(do func(k int, voxels []byte) error) error {
	nx, ny := s.Size[0]/grain+2, s.Size[1]/grain+2
	layer := func(n int) []float64 {
		r := s.Seed.SplitInt("texture", n).Rand()
		values := make([]float64, nx*ny)
		for i := range values {
			values[i] = 60 * r.NormFloat64()
		}
		return values
	}
	between := func(a, b, f float64) float64 { return a + f*(b-a) }
	below, above := layer(0), layer(1)
	line, voxels := make([]float64, nx), make([]byte, 2*s.Size[0]*s.Size[1])
	for k := range s.Size[2] {
		if k > 0 && k%grain == 0 {
			below, above = above, layer(k/grain+1)
		}
		noise := s.Seed.SplitInt("noise", k).Rand()
		fz := float64(k%grain) / grain
		for j := range s.Size[1] {
			fy, row := float64(j%grain)/grain, j/grain*nx
			for i := range line {
				line[i] = between(between(below[row+i], above[row+i], fz), between(below[row+nx+i], above[row+nx+i], fz), fy)
			}
			y := (2*float64(j)/float64(s.Size[1]) - 1) / 0.78
			for i := range s.Size[0] {
				x := (2*float64(i)/float64(s.Size[0]) - 1) / 0.9
				hu := -1000.0
				if x*x+y*y <= 1 {
					hu = 40
				}
				hu += between(line[i/grain], line[i/grain+1], float64(i%grain)/grain) + 20*noise.NormFloat64()
				binary.LittleEndian.PutUint16(voxels[2*(j*s.Size[0]+i):], uint16(int16(math.Round(min(max(hu, -1024), 3071)))))
			}
		}
		if err := do(k, voxels); err != nil {
			return err
		}
	}
	return nil
}

// WriteImage writes the scan as raw NRRD of int16.
func (s Scan) WriteImage(path string) error {
	return s.write(path, "int16", func(w io.Writer) error {
		return s.slices(func(_ int, voxels []byte) error {
			_, err := w.Write(voxels)
			return err
		})
	})
}

// WriteMask writes, as raw NRRD of uint8, an ellipsoid of about so many voxels inside the body, half as long again from left to right.
func (s Scan) WriteMask(path string, voxels int) error {
	a := math.Cbrt(float64(voxels) * spacing[2] / (4 * math.Pi / 3 * 1.5)) // mm
	return s.write(path, "uint8", func(w io.Writer) error {
		labels := make([]byte, s.Size[0]*s.Size[1])
		for k := range s.Size[2] {
			clear(labels)
			z := (float64(k) - 0.5*float64(s.Size[2])) * spacing[2] / a
			for j := range s.Size[1] {
				y := (float64(j) - 0.53*float64(s.Size[1])) / a
				for i := range s.Size[0] {
					if x := (float64(i) - 0.45*float64(s.Size[0])) / (1.5 * a); x*x+y*y+z*z <= 1 {
						labels[j*s.Size[0]+i] = 1
					}
				}
			}
			if _, err := w.Write(labels); err != nil {
				return err
			}
		}
		return nil
	})
}

// write writes a header and what voxels writes after it.
func (s Scan) write(path, sample string, voxels func(w io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintf(w, "NRRD0004\ntype: %s\ndimension: 3\nspace: left-posterior-superior\nsizes: %d %d %d\n", sample, s.Size[0], s.Size[1], s.Size[2])
	fmt.Fprintf(w, "space directions: (%g,0,0) (0,%g,0) (0,0,%g)\nkinds: domain domain domain\n", spacing[0], spacing[1], spacing[2])
	fmt.Fprint(w, "endian: little\nencoding: raw\nspace origin: (0,0,0)\n\n")
	if err := voxels(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// WriteSeries writes the scan as a DICOM series, a file a slice, into a new folder. Names run against the slices.
func (s Scan) WriteSeries(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	root := strconv.FormatUint(uint64(s.Seed), 10)
	return s.slices(func(k int, voxels []byte) error {
		d := &part10.Set{}
		d.Text(part10.SOPClassUID, "1.2.840.10008.5.1.4.1.1.2").Text(part10.SOPInstanceUID, part10.UID(root, "slice", strconv.Itoa(k)))
		d.Text(part10.StudyInstanceUID, part10.UID(root, "study")).Text(part10.SeriesInstanceUID, part10.UID(root, "series"))
		d.Text(part10.FrameOfReferenceUID, part10.UID(root, "frame")).Text(part10.Modality, "CT").Text(part10.PatientID, "made-up")
		d.Number(part10.InstanceNumber, float64(k+1)).Number(part10.ImagePositionPatient, 0, 0, spacing[2]*float64(k))
		d.Number(part10.ImageOrientationPatient, 1, 0, 0, 0, 1, 0).Number(part10.PixelSpacing, spacing[1], spacing[0])
		d.Number(part10.SliceThickness, spacing[2]).Number(part10.RescaleIntercept, 0).Number(part10.RescaleSlope, 1)
		d.Number(part10.Rows, float64(s.Size[1])).Number(part10.Columns, float64(s.Size[0])).Number(part10.SamplesPerPixel, 1)
		d.Text(part10.PhotometricInterpretation, "MONOCHROME2").Number(part10.BitsAllocated, 16).Number(part10.BitsStored, 16)
		d.Number(part10.HighBit, 15).Number(part10.PixelRepresentation, 1).Bytes(part10.Attribute{Tag: 0x7FE00010, VR: "OW"}, voxels)
		b, err := part10.Encode(d)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, fmt.Sprintf("%04d.dcm", s.Size[2]-k)), b, 0o644)
	})
}
