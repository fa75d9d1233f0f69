package studies_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/features/extraction"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/serve/studies"
)

// A study whose voxels and region are as none in training is answered with the warnings that say so.
func TestEnvelopeOfStudies(t *testing.T) {
	img, mask := pair(t)
	s := serve(t, func(b *bundle.Bundle, l *studies.Limits) {
		plain(b, l)
		for i := range b.Sources {
			b.Sources[i].Seen = &extraction.Seen{Patients: 30, Least: []float64{0.5, 0.5, 3}, Most: []float64{1, 1, 5}, Volume: 500}
		}
	})
	code, answer := ask(s, part{"patient", "", []byte("P1")}, part{"image", "v.nii", img}, part{"mask", "m.nii", mask})
	text := fmt.Sprint(answer)
	for _, want := range []string{bundle.UnseenSpacing, bundle.SmallMask} {
		if code != 200 || !strings.Contains(text, want) {
			t.Errorf("%d without %s: %.2000s", code, want, text)
		}
	}
}
