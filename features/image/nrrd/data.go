package nrrd

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/image"
	"github.com/voxgene/voxgene/features/image/inflate"
)

// part is a file, or the rest of one, and how many bytes it has.
type part struct {
	*bufio.Reader
	left int64
}

// decoder skips what the header says and undoes the encoding. bound is the most bytes of samples that can come out of the part, 0 where
// its length does not tell.
func (h *header) decoder(p part) (data io.Reader, bound int64, err error) {
	for n := range h.lineSkip {
		for {
			skipped, err := p.ReadSlice('\n')
			p.left -= int64(len(skipped))
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return nil, 0, fmt.Errorf("line skip of %d: the data end after %d lines", h.lineSkip, n)
			}
		}
	}
	switch h.encoding {
	case "gzip":
		z, err := inflate.NewGzip(p.Reader)
		if err != nil {
			return nil, 0, fmt.Errorf("gzip data: %w", err)
		}
		data, bound = z, p.left*image.DeflateRatio
	case "bzip2":
		data = bzip2.NewReader(p)
	case "text":
		data, bound = &textReader{from: p.Reader, samples: h.samples}, p.left*int64(h.samples.Type.Size())
		h.samples.BigEndian = false
	case "hex":
		data, bound = &hexReader{from: p.Reader}, p.left/2
	default:
		data, bound = p, p.left
	}
	return data, bound, h.skipBytes(p, data)
}

// skipBytes skips the bytes before the voxels: of the decompressed data, as Teem does. −1 means that raw voxels are the end of the file.
func (h *header) skipBytes(p part, data io.Reader) error {
	n := int64(h.byteSkip)
	if n < 0 {
		size := int64(h.samples.Type.Size())
		for _, s := range h.sizes {
			if size *= int64(s); size > p.left {
				return fmt.Errorf("byte skip of -1: %v voxels of type %s do not fit into a file of %d bytes", h.sizes, h.samples.Type, p.left)
			}
		}
		n = p.left - size
	}
	if skipped, err := io.CopyN(io.Discard, data, n); err != nil {
		return fmt.Errorf("byte skip of %d: the data end after %d bytes", n, skipped)
	}
	return nil
}

// maxFiles is how many data files a header may name.
const maxFiles = 1 << 16

// names are the data files of a detached header, in order.
func (h *header) names() ([]string, error) {
	if isList(h.dataFile) {
		if len(h.files) == 0 {
			return nil, errors.New("data file: LIST is followed by no file name")
		}
		return h.files, nil
	}
	pattern, rest, _ := strings.Cut(h.dataFile, " ")
	verb := strings.IndexByte(pattern, '%')
	fields := strings.Fields(rest)
	if verb < 0 || len(fields) < 3 {
		return []string{h.dataFile}, nil
	}
	var n [4]int
	for i, f := range fields[:min(len(fields), 4)] {
		var err error
		if n[i], err = strconv.Atoi(f); err != nil {
			return nil, fmt.Errorf("data file: %.20q: want a pattern, first, last, step", f)
		}
	}
	first, last, step := n[0], n[1], n[2]
	h.subDim = n[3]
	end := strings.IndexByte(pattern[verb:], 'd')
	width, err := strconv.Atoi("0" + strings.TrimSuffix(pattern[verb+1:max(verb+1, verb+end)], "d"))
	if end < 0 || err != nil || width > 20 || step == 0 || (last-first)/step < 0 || (last-first)/step >= maxFiles {
		return nil, fmt.Errorf("data file: %.80q: want a pattern like slice%%03d.raw, first, last, step, of at most %d files", h.dataFile, maxFiles)
	}
	var names []string
	for i := first; (step > 0 && i <= last) || (step < 0 && i >= last); i += step {
		number := fmt.Sprintf("%0*d", width, i)
		if !strings.HasPrefix(pattern[verb+1:], "0") {
			number = fmt.Sprintf("%*d", width, i)
		}
		names = append(names, pattern[:verb]+number+pattern[verb+end+1:])
	}
	return names, nil
}

// detached gives do the voxels of the header's data files, one after the other.
func detached(folder string, h header, do func(h header, data io.Reader) error) error {
	names, err := h.names()
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	data := &files{root: root, header: h, names: names}
	defer data.close()
	if err := data.share(); err != nil {
		return err
	}
	if err := data.next(); err != nil {
		return err
	}
	if len(names) == 1 {
		h.samples.Bound = data.bound
	}
	if h.encoding == "text" {
		h.samples.BigEndian = false
	}
	if err := do(h, data); err != nil {
		return err
	}
	return finish(data)
}

// files reads the data files of one volume in turn. Each holds the same share of the voxels.
type files struct {
	root   *os.Root
	header header
	names  []string
	shares int64 // bytes of samples a file
	open   *os.File
	data   io.Reader
	left   int64 // bytes of samples still to come from data
	bound  int64
}

// share finds how many bytes each file holds, and adjusts the header that skips see.
func (f *files) share() error {
	h := &f.header
	slabs := 1
	axes := len(h.sizes)
	if len(f.names) > 1 {
		if axes--; h.subDim > 0 && h.subDim <= len(h.sizes) {
			axes = h.subDim
		}
		for _, n := range h.sizes[axes:] {
			if slabs *= n; slabs > maxFiles {
				break
			}
		}
		if axes == len(h.sizes) { // the files split the slowest axis
			n := h.sizes[axes-1]
			if n%len(f.names) != 0 {
				return fmt.Errorf("%d data files for %d slices", len(f.names), n)
			}
			slabs = len(f.names)
		}
	}
	if slabs != len(f.names) {
		return fmt.Errorf("%d data files, and sizes %v need %d", len(f.names), h.sizes, slabs)
	}
	bytes := int64(h.samples.Type.Size())
	for _, n := range h.sizes {
		if bytes *= int64(n); bytes > 16*image.MaxVoxels {
			return fmt.Errorf("sizes %v: more than the limit of %d voxels", h.sizes, image.MaxVoxels)
		}
	}
	if axes == len(h.sizes) {
		h.sizes = append([]int(nil), h.sizes...)
		h.sizes[axes-1] /= slabs
	} else {
		h.sizes = h.sizes[:axes]
	}
	f.shares = bytes / int64(slabs)
	return nil
}

// next opens the next file.
func (f *files) next() error {
	f.close()
	name := f.names[0]
	file, err := f.root.Open(name)
	if err != nil {
		return fmt.Errorf("data file %q must lie in the folder of its header: %w", name, err)
	}
	f.names, f.open, f.left = f.names[1:], file, f.shares
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("data file %q is not a file", name)
	}
	f.data, f.bound, err = f.header.decoder(part{bufio.NewReaderSize(file, 1<<16), info.Size()})
	if err != nil {
		return fmt.Errorf("data file %q: %w", name, err)
	}
	return nil
}

func (f *files) close() {
	if f.open != nil {
		f.open.Close()
		f.open = nil
	}
}

func (f *files) Read(b []byte) (int, error) {
	for f.left == 0 {
		if len(f.names) == 0 {
			return f.data.Read(b)
		}
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	n, err := f.data.Read(b[:min(int64(len(b)), f.left)])
	f.left -= int64(n)
	if f.left == 0 && errors.Is(err, io.EOF) && len(f.names) > 0 {
		err = nil
	}
	return n, err
}

// textReader turns numbers in text into little-endian samples.
type textReader struct {
	from    *bufio.Reader
	samples image.Samples
	rest    []byte
}

func (t *textReader) Read(b []byte) (int, error) {
	if len(t.rest) == 0 {
		word, err := t.word()
		if word == "" {
			return 0, err
		}
		if t.rest, err = t.sample(t.rest[:0], word); err != nil {
			return 0, err
		}
	}
	n := copy(b, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// word is the next number: white space and commas lie between numbers.
func (t *textReader) word() (string, error) {
	var word [64]byte
	n := 0
	for {
		c, err := t.from.ReadByte()
		if err != nil {
			return string(word[:n]), err
		}
		switch {
		case c == ' ' || c == ',' || '\t' <= c && c <= '\r':
			if n > 0 {
				return string(word[:n]), nil
			}
		case n == len(word):
			return "", fmt.Errorf("text data: %q… is not a number", word[:n])
		default:
			word[n] = c
			n++
		}
	}
}

func (t *textReader) sample(to []byte, word string) ([]byte, error) {
	size := t.samples.Type.Size()
	var bits uint64
	var err error
	switch t.samples.Type {
	case image.Float32:
		var x float64
		x, err = strconv.ParseFloat(word, 32)
		bits = uint64(math.Float32bits(float32(x)))
	case image.Float64:
		var x float64
		x, err = strconv.ParseFloat(word, 64)
		bits = math.Float64bits(x)
	case image.Uint8, image.Uint16, image.Uint32, image.Uint64:
		bits, err = strconv.ParseUint(strings.TrimPrefix(word, "+"), 10, 8*size)
	default:
		var x int64
		x, err = strconv.ParseInt(word, 10, 8*size)
		bits = uint64(x)
	}
	if err != nil && !(errors.Is(err, strconv.ErrRange) && !t.samples.Type.Integer()) {
		return nil, fmt.Errorf("text data: %q is not a number of type %s", word, t.samples.Type)
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], bits)
	return append(to, b[:size]...), nil
}

// hexReader turns pairs of hexadecimal digits into bytes.
type hexReader struct{ from *bufio.Reader }

func (h *hexReader) Read(b []byte) (int, error) {
	for i := range b {
		var pair [2]byte
		for d := 0; d < 2; {
			c, err := h.from.ReadByte()
			if err != nil {
				return i, err
			}
			switch {
			case '0' <= c && c <= '9':
				pair[d] = c - '0'
			case 'a' <= c && c <= 'f':
				pair[d] = c - 'a' + 10
			case 'A' <= c && c <= 'F':
				pair[d] = c - 'A' + 10
			case c == ' ' || '\t' <= c && c <= '\r':
				continue
			default:
				return i, fmt.Errorf("hex data: %q is not a hexadecimal digit", c)
			}
			d++
		}
		b[i] = pair[0]<<4 | pair[1]
	}
	return len(b), nil
}
