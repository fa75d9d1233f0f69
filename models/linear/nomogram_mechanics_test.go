package linear_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models"
)

// A nomogram is well-formed, names its columns and its answers, and is refused where it cannot be.
func TestNomogram(t *testing.T) {
	class, time := cohort(80, 20, 2)
	three, _ := cohort(80, 4, 3)
	class.X.Columns[0].Name = `a<b & "c"`
	for kind, c := range map[string]struct {
		data models.Training
		want []string
	}{"logistic": {class, []string{"P(b)", "total points", "5 further columns"}}, "cox": {time, []string{" d)", "points", "xb"}},
		"logistic of three classes": {three, []string{"weight of a", "weight of c", "over the sum of all weights"}}} {
		kind, _, _ := strings.Cut(kind, " ")
		m := fitted(t, kind, map[string]any{"penalty": "ridge", "lambda": 0.1}, c.data)
		var b bytes.Buffer
		if err := m.(models.Drawn).WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		for _, w := range c.want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s: no %q in\n%s", kind, w, b.String())
			}
		}
		d := xml.NewDecoder(&b)
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	flat := fitted(t, "logistic", map[string]any{"penalty": "lasso", "lambda": 1e3}, three)
	if err := flat.(models.Drawn).WriteSVG(io.Discard); err == nil {
		t.Error("a model without coefficients was drawn")
	}
}
