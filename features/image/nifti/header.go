package nifti

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/voxgene/voxgene/features/image"
)

// Lengths of the two versions' headers.
const (
	length1 = 348
	length2 = 540
)

// header is what NIfTI-1 and NIfTI-2 say of an image, in the names of the standard.
type header struct {
	version       int
	pair          bool // the voxels are in a file of their own
	bigEndian     bool
	dim           [8]int64
	datatype      int
	pixdim        [8]float64
	voxOffset     float64
	slope, inter  float64
	units         int
	qform, sform  int
	quatern       [3]float64
	qoffset       [3]float64
	srow          [3][4]float64
	headerAndPads int64
}

// datatypes are the codes of the standard: those that are read, and names for those that are not.
var datatypes = map[int]image.Type{
	2: image.Uint8, 4: image.Int16, 8: image.Int32, 16: image.Float32, 64: image.Float64, 256: image.Int8, 512: image.Uint16, 768: image.Uint32,
	1024: image.Int64, 1280: image.Uint64,
}

var refused = map[int]string{
	1: "binary", 32: "complex64", 128: "RGB24", 1536: "float128", 1792: "complex128", 2048: "complex256", 2304: "RGBA32",
}

// ErrNotNIfTI says that a file does not begin with a NIfTI header.
var ErrNotNIfTI = errors.New("not a NIfTI file: its first bytes are not the header of NIfTI-1 or NIfTI-2")

// Is says whether the first bytes of a file, decompressed, are a NIfTI header; 348 bytes decide.
func Is(head []byte) bool {
	_, _, err := recognise(head)
	return err == nil
}

// recognise tells the version and the byte order by the length that a header begins with, and checks the magic.
func recognise(head []byte) (version int, order binary.ByteOrder, err error) {
	if len(head) < length1 {
		return 0, nil, ErrNotNIfTI
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(head) {
		case length1:
			magic := string(head[344:348])
			if magic != "n+1\x00" && magic != "ni1\x00" {
				return 0, nil, errors.New("an Analyze 7.5 header, or a damaged one of NIfTI-1: Analyze does not say which side is left; convert it to NIfTI with the tool that wrote it")
			}
			return 1, order, nil
		case length2:
			magic := string(head[4:8])
			if magic != "n+2\x00" && magic != "ni2\x00" {
				return 0, nil, fmt.Errorf("NIfTI-2 magic is %q: want n+2 or ni2", magic)
			}
			if string(head[8:12]) != "\r\n\x1a\n" {
				return 0, nil, errors.New("NIfTI-2 magic was damaged by a transfer as text: fetch the file again")
			}
			return 2, order, nil
		}
	}
	return 0, nil, ErrNotNIfTI
}

// readHeader reads a header, and no byte after it.
func readHeader(r io.Reader) (header, error) {
	raw := make([]byte, length1, length2)
	if _, err := io.ReadFull(r, raw); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return header{}, ErrNotNIfTI
		}
		return header{}, err
	}
	version, order, err := recognise(raw)
	if err != nil {
		return header{}, err
	}
	if version == 2 {
		raw = raw[:length2]
		if _, err := io.ReadFull(r, raw[length1:]); err != nil {
			return header{}, fmt.Errorf("NIfTI-2 header is cut off: %w", err)
		}
	}
	f := fields{raw, order}
	h := f.version1()
	if version == 2 {
		h = f.version2()
	}
	h.bigEndian = order == binary.BigEndian
	h.headerAndPads = int64(len(raw))
	return h, nil
}

// fields picks numbers out of a header.
type fields struct {
	raw   []byte
	order binary.ByteOrder
}

func (f fields) int16(at int) int     { return int(int16(f.order.Uint16(f.raw[at:]))) }
func (f fields) int32(at int) int     { return int(int32(f.order.Uint32(f.raw[at:]))) }
func (f fields) int64(at int) int64   { return int64(f.order.Uint64(f.raw[at:])) }
func (f fields) f32(at int) float64   { return float64(math.Float32frombits(f.order.Uint32(f.raw[at:]))) }
func (f fields) float(at int) float64 { return math.Float64frombits(f.order.Uint64(f.raw[at:])) }

func (f fields) version1() header {
	h := header{
		version: 1, pair: string(f.raw[344:347]) == "ni1", datatype: f.int16(70), voxOffset: f.f32(108), slope: f.f32(112), inter: f.f32(116),
		units: int(f.raw[123]), qform: f.int16(252), sform: f.int16(254),
		quatern: [3]float64{f.f32(256), f.f32(260), f.f32(264)}, qoffset: [3]float64{f.f32(268), f.f32(272), f.f32(276)},
	}
	for i := range 8 {
		h.dim[i] = int64(f.int16(40 + 2*i))
		h.pixdim[i] = f.f32(76 + 4*i)
	}
	for r := range 3 {
		for c := range 4 {
			h.srow[r][c] = f.f32(280 + 16*r + 4*c)
		}
	}
	return h
}

func (f fields) version2() header {
	h := header{
		version: 2, pair: string(f.raw[4:7]) == "ni2", datatype: f.int16(12), voxOffset: float64(f.int64(168)), slope: f.float(176), inter: f.float(184),
		units: f.int32(500), qform: f.int32(344), sform: f.int32(348),
		quatern: [3]float64{f.float(352), f.float(360), f.float(368)}, qoffset: [3]float64{f.float(376), f.float(384), f.float(392)},
	}
	for i := range 8 {
		h.dim[i] = f.int64(16 + 8*i)
		h.pixdim[i] = f.float(104 + 8*i)
	}
	for r := range 3 {
		for c := range 4 {
			h.srow[r][c] = f.float(400 + 32*r + 8*c)
		}
	}
	return h
}

// samples says how the voxels are stored.
func (h *header) samples() (image.Samples, error) {
	s := image.Samples{Type: datatypes[h.datatype], BigEndian: h.bigEndian, Slope: h.slope, Intercept: h.inter}
	if s.Type == 0 {
		if name := refused[h.datatype]; name != "" {
			return s, fmt.Errorf("voxels of type %s: one real number a voxel is read", name)
		}
		return s, fmt.Errorf("datatype %d is none of NIfTI", h.datatype)
	}
	// The standard: scl_slope 0 means no scaling. A slope that is not a number was never set, as nibabel reads it.
	if h.slope == 0 || math.IsNaN(h.slope) || math.IsInf(h.slope, 0) {
		s.Slope, s.Intercept = 1, 0
	}
	if math.IsNaN(s.Intercept) || math.IsInf(s.Intercept, 0) {
		return s, fmt.Errorf("scl_inter is %g, with an scl_slope of %g", h.inter, h.slope)
	}
	return s, nil
}

// offset is where the voxels begin.
func (h *header) offset() (int64, error) {
	if h.voxOffset == 0 || h.pair && h.voxOffset < 0 {
		if h.pair {
			return 0, nil
		}
		return h.headerAndPads + 4, nil
	}
	if !(h.voxOffset > 0 && h.voxOffset < 1<<40) || h.voxOffset != math.Trunc(h.voxOffset) || !h.pair && h.voxOffset < float64(h.headerAndPads) {
		return 0, fmt.Errorf("vox_offset is %g: want a place after the header of %d bytes", h.voxOffset, h.headerAndPads)
	}
	return int64(h.voxOffset), nil
}
