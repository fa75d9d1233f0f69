package bundle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"testing"

	"github.com/voxgene/voxgene/features/work"
	"github.com/voxgene/voxgene/models"
	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

func predict(t testing.TB, b *bundle.Bundle, x models.Matrix, r bundle.Request) []byte {
	t.Helper()
	p, err := b.Predict(context.Background(), x, r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A bundle that was saved and opened predicts the same bytes, saves as the same bytes, and is named by their hash.
func TestSaveInvariant(t *testing.T) {
	b, x := bundletest.New(t)
	path := filepath.Join(t.TempDir(), "model.voxgene")
	if err := b.Save(path); err != nil {
		t.Fatal(err)
	}
	c, err := bundle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.Version() != c.Version() || len(c.Version()) != len("sha256:")+64 {
		t.Errorf("saved as %s, opened as %s", b.Version(), c.Version())
	}
	sum, err := work.HashFile(path)
	if err != nil || c.Version() != "sha256:"+hexadecimal(sum) {
		t.Errorf("version %s, file %x, %v", c.Version(), sum, err)
	}
	if was, is := predict(t, b, x, bundle.Request{}), predict(t, c, x, bundle.Request{}); !bytes.Equal(was, is) {
		t.Errorf("predictions changed:\n%s\n%s", was, is)
	}
	first, _ := b.Encode()
	second, err := c.Encode()
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("the opened bundle saves as other bytes (%v)", err)
	}
}

func hexadecimal(b []byte) string {
	const digits = "0123456789abcdef"
	var out []byte
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

// A row's answer does not depend on the rows beside it.
func TestPredictRowInvariant(t *testing.T) {
	b, x := bundletest.New(t)
	x.Column(3)[2] = math.NaN()
	whole, err := b.Predict(context.Background(), x, bundle.Request{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Rows {
		one, err := b.Predict(context.Background(), x.Select([]int{i}), bundle.Request{})
		if err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(whole[i])
		if got, _ := json.Marshal(one[0]); !bytes.Equal(got, want) {
			t.Errorf("row %d alone: %s\namong others: %s", i, got, want)
		}
	}
}

// The file holds no training value: the quantile grid is rounded, and no row's number is there in full.
func TestNoRowInvariant(t *testing.T) {
	b, x := bundletest.New(t)
	file := saved(t)
	for _, j := range []int{2, 3, 4} { // drawn from continuous distributions
		for i, v := range x.Column(j) {
			text, _ := json.Marshal(v)
			if bytes.Contains(file, text) {
				t.Errorf("the bundle holds %s of row %d: %s", b.Inputs[j].Name, i, text)
			}
		}
	}
	for _, in := range b.Inputs {
		for k, q := range in.Quantiles {
			if text, _ := json.Marshal(q); len(text) > 9 {
				t.Errorf("%s: quantile %d is %s, not rounded", in.Name, k, text)
			}
		}
	}
}
