package neural

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Architecture says what a network computes, and is stored in bundles as JSON. Its zero parts are absent: without Image it reads a table
// alone, without Columns an image alone.
type Architecture struct {
	Image   *Encoder `json:"image,omitempty"`
	Columns int      `json:"columns,omitempty"` // of the table
	Hidden  []int    `json:"hidden,omitempty"`  // widths of the perceptron over the table
	// Fusion of image and table: concat, gated attention over embeddings, or bilinear. Empty where there is one of them only.
	Fusion    string `json:"fusion,omitempty"`
	Embedding int    `json:"embedding,omitempty"` // width of what fusion makes
	Heads     []Head `json:"heads"`
}

// Encoder is the convolutional part.
type Encoder struct {
	Dimensions string `json:"dimensions"` // 2, 2.5 or 3
	Channels   int    `json:"channels"`
	Size       [3]int `json:"size"`   // of a crop along x, y, z
	Widths     []int  `json:"widths"` // channels of each level; between two levels space is halved
	Depth      int    `json:"depth"`  // convolutions a level, or residual blocks of two
	Kernel     int    `json:"kernel"` // side, odd
	Residual   bool   `json:"residual,omitempty"`
	Norm       string `json:"norm"` // none, instance or layer
}

// Head is what a network predicts of one outcome.
type Head struct {
	Kind    string    `json:"kind"`              // classes, cox or discrete_time
	Classes int       `json:"classes,omitempty"` // of classes
	Cuts    []float64 `json:"cuts,omitempty"`    // of discrete_time: the ends of its intervals, ascending
	Weight  float64   `json:"weight"`            // of its loss beside those of other heads
}

// graph names all of an architecture that its programs depend on. Where time is cut is not among it, which differs from fold to fold: the folds of a network in
// discrete time share a program, which takes seconds to compile for a GPU.
func (a *Architecture) graph() string {
	same, weights := *a, make([]float64, len(a.Heads))
	same.Heads = slices.Clone(a.Heads)
	for i, h := range a.Heads {
		weights[i] = h.Weight
		same.Heads[i].Weight, same.Heads[i].Cuts = 0, make([]float64, len(h.Cuts))
	}
	text, _ := json.Marshal(same) // words and whole numbers, which cannot fail
	return fmt.Sprint(string(text), weights)
}

// Words of architectures.
const (
	noNorm, instanceNorm, layerNorm           = "none", "instance", "layer"
	concat, gated, bilinear                   = "concat", "gated", "bilinear"
	classesHead, coxHead, discreteHead        = "classes", "cox", "discrete_time"
	twoDimensional, slicewise, threeDimension = "2", "2.5", "3"
)

// Bounds of what a network may be, so that a damaged bundle cannot ask for all memory.
const (
	maxWidth   = 4096
	maxColumns = 100_000
	maxLevels  = 8
	maxVoxels  = 1 << 24 // of a crop, all channels
)

// Check says what is wrong with an architecture.
func (a *Architecture) Check() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if a.Image == nil && a.Columns == 0 {
		bad("a network reads images, a table, or both")
	}
	if a.Columns < 0 || a.Columns > maxColumns {
		bad("%d columns; a network takes at most %d", a.Columns, maxColumns)
	}
	for _, w := range a.Hidden {
		if w < 1 || w > maxWidth {
			bad("hidden: a width of %d is not between 1 and %d", w, maxWidth)
		}
	}
	if len(a.Hidden) > maxLevels {
		bad("hidden: %d layers; at most %d", len(a.Hidden), maxLevels)
	}
	both := a.Image != nil && a.Columns > 0
	switch {
	case both && !slices.Contains([]string{concat, gated, bilinear}, a.Fusion):
		bad("fusion is %s, %s or %s, not %q", concat, gated, bilinear, a.Fusion)
	case both && (a.Embedding < 1 || a.Embedding > maxWidth):
		bad("an embedding of %d is not between 1 and %d", a.Embedding, maxWidth)
	case !both && a.Fusion != "":
		bad("there is nothing to fuse")
	}
	if a.Image != nil {
		problems = append(problems, a.Image.check())
	}
	if len(a.Heads) == 0 || len(a.Heads) > 16 {
		bad("%d heads; want one to sixteen", len(a.Heads))
	}
	for i := range a.Heads {
		problems = append(problems, a.Heads[i].check())
	}
	return errors.Join(problems...)
}

func (e *Encoder) check() error {
	switch {
	case e.Channels < 1 || e.Channels > 64:
		return fmt.Errorf("%d channels; want 1 to 64", e.Channels)
	case slices.Min(e.Size[:]) < 1 || slices.Max(e.Size[:]) > 4096 || e.Size[0]*e.Size[1]*e.Size[2] > maxVoxels/e.Channels:
		return fmt.Errorf("a crop of %v voxels with %d channels is empty or too large", e.Size, e.Channels)
	case !slices.Contains([]string{twoDimensional, slicewise, threeDimension}, e.Dimensions):
		return fmt.Errorf("dimensions are 2, 2.5 or 3, not %q", e.Dimensions)
	case e.Dimensions == twoDimensional && e.Size[2] != 1:
		return fmt.Errorf("a network in 2 dimensions reads one slice and the crops have %d: take one with volume: {size: [x, y, 1]}, or dimensions: 2.5 for all", e.Size[2])
	case e.Kernel < 1 || e.Kernel > 7 || e.Kernel%2 == 0:
		return fmt.Errorf("a kernel has an odd side of 1 to 7, not %d", e.Kernel)
	case len(e.Widths) < 1 || len(e.Widths) > maxLevels || e.Depth < 1 || e.Depth > 8:
		return fmt.Errorf("%d levels of %d blocks; want 1 to %d of 1 to 8", len(e.Widths), e.Depth, maxLevels)
	case slices.Min(e.Widths) < 1 || slices.Max(e.Widths) > maxWidth:
		return fmt.Errorf("widths %v are not between 1 and %d", e.Widths, maxWidth)
	case !slices.Contains([]string{noNorm, instanceNorm, layerNorm}, e.Norm):
		return fmt.Errorf("norm is %s, %s or %s, not %q", noNorm, instanceNorm, layerNorm, e.Norm)
	}
	return nil
}

func (h *Head) check() error {
	if !(h.Weight > 0 && h.Weight <= 1e6) {
		return fmt.Errorf("a head's weight is more than 0, not %g", h.Weight)
	}
	switch h.Kind {
	case classesHead:
		if h.Classes < 2 || h.Classes > 1000 {
			return fmt.Errorf("%d classes; want 2 to 1000", h.Classes)
		}
	case coxHead:
	case discreteHead:
		if len(h.Cuts) < 1 || len(h.Cuts) > 200 || !(h.Cuts[0] > 0) || !slices.IsSorted(h.Cuts) || len(slices.Compact(slices.Clone(h.Cuts))) != len(h.Cuts) {
			return fmt.Errorf("a head in discrete time has ascending ends of intervals, all above 0, not %v", h.Cuts)
		}
	default:
		return fmt.Errorf("a head is %s, %s or %s, not %q", classesHead, coxHead, discreteHead, h.Kind)
	}
	return nil
}

// width is how many numbers the head gives a patient.
func (h *Head) width() int {
	switch h.Kind {
	case classesHead:
		return h.Classes
	case discreteHead:
		return len(h.Cuts)
	}
	return 1
}

// space is the number of places along the axes that convolutions run over, slowest first.
func (e *Encoder) space() []int {
	if e.Dimensions == threeDimension {
		return []int{e.Size[2], e.Size[1], e.Size[0]}
	}
	return []int{e.Size[1], e.Size[0]}
}

// slices is how many images of a patient go through the convolutions one by one.
func (e *Encoder) slices() int {
	if e.Dimensions == slicewise {
		return e.Size[2]
	}
	return 1
}

// taps is the number of places of a kernel.
func (e *Encoder) taps() int {
	n := 1
	for range e.space() {
		n *= e.Kernel
	}
	return n
}
