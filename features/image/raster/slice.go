package raster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	goimage "image"
	"image/png"
	"io"
	"os"

	"golang.org/x/image/tiff"
)

// slice is one picture: a file, or a page of one.
type slice struct {
	name string
	path string      // of a file of its own
	page io.ReaderAt // of a page: a TIFF whose first page it is
	size int64
}

// picture is a decoded slice.
type picture struct {
	width, height int
	wide          bool // 16 bits
	image         goimage.Image
}

// open decodes a slice. The size is compared with the limit before.
func (s slice) open() (p picture, err error) {
	fail := func(err error) (picture, error) { return picture{}, fmt.Errorf("%s: %w", s.name, err) }
	defer func() {
		if e := recover(); e != nil {
			p, err = fail(fmt.Errorf("damaged: %v", e))
		}
	}()
	from, size := s.page, s.size
	if from == nil {
		f, err := os.Open(s.path)
		if err != nil {
			return picture{}, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return fail(err)
		}
		from, size = f, info.Size()
	}
	head := make([]byte, 8)
	if _, err := from.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return fail(err)
	}
	whole := func() io.Reader { return io.NewSectionReader(from, 0, size) }
	decode, config := png.Decode, png.DecodeConfig
	switch {
	case tiffOrder(head) != nil:
		decode, config = tiff.Decode, tiff.DecodeConfig
	case !bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return fail(errors.New("neither PNG nor TIFF"))
	}
	c, err := config(whole())
	if err != nil {
		return fail(err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width*c.Height > maxPixels {
		return fail(fmt.Errorf("%d×%d pixels: want 1 to %d", c.Width, c.Height, maxPixels))
	}
	m, err := decode(whole())
	if err != nil {
		return fail(err)
	}
	p = picture{width: m.Bounds().Dx(), height: m.Bounds().Dy(), image: m}
	switch m.(type) {
	case *goimage.Gray16, *goimage.RGBA64, *goimage.NRGBA64:
		p.wide = true
	}
	return p, nil
}

// stack gives the samples of slices as one stream.
type stack struct {
	slices  []slice
	channel string
	wide    bool
	first   picture // decoded already
	next    int
	buffer  []byte
	rest    []byte
}

func (s *stack) Read(b []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.next == len(s.slices) {
			return 0, io.EOF
		}
		if err := s.advance(); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// advance decodes the next slice.
func (s *stack) advance() error {
	one := s.slices[s.next]
	p := s.first
	if s.next > 0 {
		var err error
		if p, err = one.open(); err != nil {
			return err
		}
	}
	if p.width != s.first.width || p.height != s.first.height || p.wide != s.wide {
		return fmt.Errorf("%s has %d×%d pixels of %d bits, and %s %d×%d of %d", one.name, p.width, p.height, p.bits(), s.slices[0].name, s.first.width, s.first.height, s.first.bits())
	}
	s.buffer = s.buffer[:0]
	var err error
	if s.buffer, err = p.samples(s.buffer, s.channel); err != nil {
		return fmt.Errorf("%s: %w", one.name, err)
	}
	s.rest = s.buffer
	s.next++
	return nil
}

func (p picture) bits() int {
	if p.wide {
		return 16
	}
	return 8
}

// samples appends the pixels of a picture, rows from the top: bytes, or little-endian words.
func (p picture) samples(b []byte, channel string) ([]byte, error) {
	at := p.image.Bounds().Min
	switch m := p.image.(type) {
	case *goimage.Gray:
		for y := range p.height {
			b = append(b, m.Pix[y*m.Stride:][:p.width]...)
		}
		return b, nil
	case *goimage.Gray16:
		for y := range p.height {
			row := m.Pix[y*m.Stride:][:2*p.width]
			for x := 0; x < len(row); x += 2 {
				b = append(b, row[x+1], row[x])
			}
		}
		return b, nil
	case *goimage.Paletted:
		return nil, errors.New("colours of a palette: save the slice as grey levels")
	}
	pick, ok := map[string]int{"": -1, "red": 0, "green": 1, "blue": 2}[channel]
	if !ok {
		return nil, fmt.Errorf("no channel %q: want red, green or blue", channel)
	}
	for y := range p.height {
		for x := range p.width {
			c, alpha, err := colour(p.image, at.X+x, at.Y+y)
			if err != nil {
				return nil, err
			}
			if alpha != 0xFFFF {
				return nil, errors.New("the slice is transparent in parts: save it without an alpha channel")
			}
			v := c[max(pick, 0)]
			if pick < 0 && (c[0] != c[1] || c[1] != c[2]) {
				return nil, errors.New("a slice of colours: say which channel is meant, red, green or blue")
			}
			if p.wide {
				b = binary.LittleEndian.AppendUint16(b, v)
			} else {
				b = append(b, byte(v>>8))
			}
		}
	}
	return b, nil
}

// colour is a pixel's red, green and blue, in 16 bits.
func colour(m goimage.Image, x, y int) ([3]uint16, uint16, error) {
	switch m.(type) {
	case *goimage.RGBA, *goimage.NRGBA, *goimage.RGBA64, *goimage.NRGBA64:
		r, g, b, a := m.At(x, y).RGBA()
		return [3]uint16{uint16(r), uint16(g), uint16(b)}, uint16(a), nil
	}
	return [3]uint16{}, 0, fmt.Errorf("pixels of type %T are not read", m)
}
