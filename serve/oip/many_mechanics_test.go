package oip_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// Of thousands of names that no input has those that are told are compared with every input, for a suggestion, and the others are counted.
func TestManyUnknownNames(t *testing.T) {
	w, _ := bundletest.Wide(t, 2000)
	h := front(t, w)
	tensors := make([]string, 8000)
	for i := range tensors {
		tensors[i] = fmt.Sprintf(`{"name":"f.feature%s%d","shape":[1],"datatype":"FP64","data":[1]}`, strings.Repeat("x", 40), i)
	}
	code, text := ask(h, "POST", "/v2/models/wide/infer", `{"inputs":[`+strings.Join(tensors, ",")+`]}`)
	if code != 400 || !strings.Contains(text, "and 7980 more") {
		t.Errorf("%d %.300s", code, text)
	}
}
