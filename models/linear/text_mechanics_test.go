package linear_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models"
)

// The text names the columns with a coefficient, largest first, with intervals where there are errors.
func TestWriteText(t *testing.T) {
	class, time := cohort(80, 4, 2)
	three, _ := cohort(80, 4, 3)
	for _, c := range []struct {
		kind string
		set  map[string]any
		data models.Training
		want []string
	}{
		{"logistic", map[string]any{"penalty": "none"}, class, []string{"no penalty", "log-odds of b", "odds ratio", "95 % interval", "4 of 4 columns"}},
		{"logistic", map[string]any{"penalty": "lasso", "lambda": 0.1}, three, []string{"lasso penalty, λ 0.1", "log-odds of a", "log-odds of c"}},
		{"cox", map[string]any{"penalty": "ridge", "lambda": 0.1}, time, []string{"ridge penalty", "hazard ratio", "xa"}},
	} {
		m := fitted(t, c.kind, c.set, c.data)
		r, ok := m.(models.Readable)
		if !ok {
			t.Fatalf("%s is not readable", c.kind)
		}
		var b bytes.Buffer
		if err := r.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		for _, w := range c.want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s: no %q in\n%s", c.kind, w, b.String())
			}
		}
	}
}
