package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/table"
	"github.com/voxgene/voxgene/models"
)

// maxXGBoost is the longest model file that is read.
const maxXGBoost = 1 << 30

// XGBoost is a model that XGBoost saved as JSON (save_model, since version 1.0).
type XGBoost struct {
	Ensemble  *Ensemble
	Objective string   // binary:logistic, multi:softprob, survival:cox, …
	Names     []string // of the columns; nil where the file has none
	Version   string
}

// ReadXGBoost reads a model of trees (gbtree or dart) that XGBoost saved as JSON. Its arithmetic is kept: values are rounded to
// float32, the comparison is <, missing values go where the model says; sums are float64 where XGBoost's are float32, so margins agree
// to about 1e-6. The base score is brought to the margin's scale: log-odds for logistic objectives, the log for survival:cox and for
// those with a log link. Linear boosters, several targets and objectives whose scale is not known are refused.
func ReadXGBoost(r io.Reader) (*XGBoost, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxXGBoost+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("XGBoost model: %w", err)
	case len(b) > maxXGBoost:
		return nil, fmt.Errorf("XGBoost model: longer than %d bytes", maxXGBoost)
	}
	var f xgbFile
	if err := json.Unmarshal(withoutNaN(b), &f); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) { // its own text quotes the Go type
			return nil, fmt.Errorf("XGBoost model: %s holds a %s, which no model that Booster.save_model wrote has there", kind.Field, kind.Value)
		}
		return nil, fmt.Errorf("XGBoost model: %w", err)
	}
	m, err := f.model()
	if err != nil {
		return nil, fmt.Errorf("XGBoost model: %w", err)
	}
	return m, nil
}

// The parts of the file that are read. Numbers of parameters are strings there.
type xgbFile struct {
	Learner struct {
		Names   []string `json:"feature_names"`
		Booster struct {
			Name   string    `json:"name"`
			Model  xgbModel  `json:"model"`
			Inner  *xgbInner `json:"gbtree"`
			Weight []float64 `json:"weight_drop"`
		} `json:"gradient_booster"`
		Param struct {
			Base     flexible `json:"base_score"`
			Classes  flexible `json:"num_class"`
			Features flexible `json:"num_feature"`
			Targets  flexible `json:"num_target"`
		} `json:"learner_model_param"`
		Objective struct {
			Name string `json:"name"`
		} `json:"objective"`
	} `json:"learner"`
	Version []int `json:"version"`
}

type xgbInner struct {
	Model xgbModel `json:"model"`
}

type xgbModel struct {
	Info  []int32   `json:"tree_info"`
	Trees []xgbTree `json:"trees"`
}

type xgbTree struct {
	Left        []int32     `json:"left_children"`
	Right       []int32     `json:"right_children"`
	Feature     []int32     `json:"split_indices"`
	Condition   []condition `json:"split_conditions"`
	DefaultLeft []bit       `json:"default_left"`
	Hessian     []float64   `json:"sum_hessian"`
	Gain        []float64   `json:"loss_changes"`
	Type        []int       `json:"split_type"`
	Categories  []int       `json:"categories"`
	CatNodes    []int32     `json:"categories_nodes"`
	CatStart    []int       `json:"categories_segments"`
	CatSize     []int       `json:"categories_sizes"`
	Param       struct {
		Vector flexible `json:"size_leaf_vector"`
	} `json:"tree_param"`
}

// condition is a threshold or the value of a leaf, NaN where the file has no number.
type condition float64

func (v *condition) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*v = condition(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(v))
}

// withoutNaN returns JSON in which NaN, which JSON does not know and XGBoost writes as the threshold of a categorical split, is null.
func withoutNaN(b []byte) []byte {
	nan := []byte("NaN")
	if !bytes.Contains(b, nan) {
		return b
	}
	out := make([]byte, 0, len(b)+len(b)/64)
	quoted := false
	for i := 0; i < len(b); i++ {
		switch {
		case quoted && b[i] == '\\' && i+1 < len(b):
			out = append(out, b[i])
			i++
		case b[i] == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(b[i:], nan):
			out = append(out, "null"...)
			i += len(nan) - 1
			continue
		}
		out = append(out, b[i])
	}
	return out
}

// flexible is a number that the file holds as a string, as a number or, since 3.0, in brackets.
type flexible float64

func (v *flexible) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"[] `)
	if s == "" || s == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return fmt.Errorf("%s is not one number", b)
	}
	*v = flexible(f)
	return nil
}

// bit is a flag that is true, false, 1 or 0.
type bit bool

func (v *bit) UnmarshalJSON(b []byte) error {
	*v = bit(!bytes.Equal(b, []byte("0")) && !bytes.Equal(b, []byte("false")))
	return nil
}

func (f *xgbFile) model() (*XGBoost, error) {
	l := &f.Learner
	trees := l.Booster.Model
	switch {
	case l.Booster.Name == "dart" && l.Booster.Inner != nil:
		trees = l.Booster.Inner.Model
		if len(l.Booster.Weight) != len(trees.Trees) {
			return nil, fmt.Errorf("%d weights for %d trees", len(l.Booster.Weight), len(trees.Trees))
		}
	case l.Booster.Name != "gbtree":
		return nil, fmt.Errorf("the booster is %q; gbtree and dart are read", l.Booster.Name)
	case l.Param.Targets > 1:
		return nil, fmt.Errorf("%v targets; one is read", l.Param.Targets)
	}
	if n := float64(l.Param.Features); !(n >= 1 && n <= maxFeatures) {
		return nil, fmt.Errorf("num_feature is %v", n)
	}
	outputs := max(int(min(float64(l.Param.Classes), maxOutputs+1)), 1)
	scale, base, err := xgbScale(l.Objective.Name, float64(float32(l.Param.Base)))
	if err != nil {
		return nil, err
	}
	s := shape{features: int(l.Param.Features), scale: scale, base: make([]float64, outputs)}
	for k := range s.base {
		s.base[k] = base
	}
	if outputs > 1 {
		if len(trees.Info) != len(trees.Trees) {
			return nil, fmt.Errorf("tree_info has %d entries for %d trees", len(trees.Info), len(trees.Trees))
		}
		s.targets = trees.Info
	}
	grown := make([]*nodes, len(trees.Trees))
	for i := range grown {
		weight := 1.0
		if l.Booster.Name == "dart" {
			weight = l.Booster.Weight[i]
		}
		if grown[i], err = trees.Trees[i].nodes(weight, s.features); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
	}
	e := assemble(s, grown, 1)
	e.Strict, e.Float32 = true, true
	if err := e.Validate(); err != nil {
		return nil, err
	}
	if len(l.Names) > 0 && len(l.Names) != s.features {
		return nil, fmt.Errorf("%d names for %d columns", len(l.Names), s.features)
	}
	var version []string
	for _, v := range f.Version {
		version = append(version, strconv.Itoa(v))
	}
	return &XGBoost{e, l.Objective.Name, l.Names, strings.Join(version, ".")}, nil
}

// xgbScale returns the scale of an objective's margin, and the base score on it.
func xgbScale(objective string, base float64) (Scale, float64, error) {
	switch objective {
	case "binary:logistic", "reg:logistic":
		if !(base > 0 && base < 1) {
			return "", 0, fmt.Errorf("base_score %v is not a probability", base)
		}
		return LogOdds, math.Log(base / (1 - base)), nil
	case "binary:logitraw", "multi:softprob", "multi:softmax":
		return LogOdds, base, nil
	case "survival:cox":
		if !(base > 0) {
			return "", 0, fmt.Errorf("base_score %v is not a hazard ratio", base)
		}
		return LogHazard, math.Log(base), nil
	case "count:poisson", "reg:gamma", "reg:tweedie":
		if !(base > 0) {
			return "", 0, fmt.Errorf("base_score %v has no logarithm", base)
		}
		return Identity, math.Log(base), nil
	case "reg:squarederror", "reg:linear", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror", "reg:quantileerror",
		"rank:pairwise", "rank:ndcg", "rank:map":
		return Identity, base, nil
	}
	return "", 0, fmt.Errorf("the scale of objective %q is not known", objective)
}

// nodes returns the tree's nodes, breadth first from its root; nodes that pruning deleted are left out.
func (x *xgbTree) nodes(weight float64, features int) (*nodes, error) {
	n := len(x.Left)
	switch {
	case n == 0 || len(x.Right) != n || len(x.Feature) != n || len(x.Condition) != n || len(x.DefaultLeft) != n || len(x.Hessian) != n || len(x.Gain) != n ||
		len(x.Type) != n && len(x.Type) != 0:
		return nil, fmt.Errorf("arrays of nodes differ in length or are empty")
	case x.Param.Vector > 1:
		return nil, fmt.Errorf("leaves hold vectors")
	}
	sets, err := x.sets()
	if err != nil {
		return nil, err
	}
	out := &nodes{}
	out.add(x.Hessian[0], 0)
	queue, met := []int32{0}, make([]bool, n)
	met[0] = true
	for at := 0; at < len(queue); at++ {
		i := queue[at]
		l, r := x.Left[i], x.Right[i]
		condition := float64(x.Condition[i])
		if math.IsNaN(condition) && (l == -1 || len(x.Type) == 0 || x.Type[i] != 1) {
			return nil, fmt.Errorf("node %d has no number where its threshold or value should be", i)
		}
		if l == -1 {
			out.values = append(out.values, single32(condition)*weight)
			continue
		}
		out.values = append(out.values, 0)
		if l < 0 || r < 0 || int(l) >= n || int(r) >= n || l == r || met[l] || met[r] {
			return nil, fmt.Errorf("node %d has children %d and %d", i, l, r)
		}
		met[l], met[r] = true, true
		s := split{feature: x.Feature[i], threshold: single32(condition), missingLeft: bool(x.DefaultLeft[i])}
		if s.feature < 0 || int(s.feature) >= features {
			return nil, fmt.Errorf("node %d splits column %d of %d", i, s.feature, features)
		}
		if len(x.Type) > 0 && x.Type[i] == 1 {
			if s.categories, s.threshold = sets[i], 0; s.categories == nil {
				return nil, fmt.Errorf("node %d splits categories and has none", i)
			}
		}
		out.set(int32(at), &s)
		out.gain[at] = x.Gain[i]
		out.left[at], out.right[at] = int32(len(queue)), int32(len(queue)+1)
		queue = append(queue, l, r)
		out.add(x.Hessian[l], 0)
		out.add(x.Hessian[r], 0)
	}
	out.means()
	return out, nil
}

// single32 rounds to float32, which is what the decimals in the file stand for, and keeps to finite numbers.
func single32(v float64) float64 {
	return min(max(float64(float32(v)), -math.MaxFloat64), math.MaxFloat64)
}

// sets returns the categories of each node that splits them, as bits.
func (x *xgbTree) sets() (map[int32][]uint64, error) {
	if len(x.CatStart) != len(x.CatNodes) || len(x.CatSize) != len(x.CatNodes) {
		return nil, fmt.Errorf("arrays of categories differ in length")
	}
	out := map[int32][]uint64{}
	for k, n := range x.CatNodes {
		from, size := x.CatStart[k], x.CatSize[k]
		if from < 0 || size < 0 || from > len(x.Categories) || size > len(x.Categories)-from {
			return nil, fmt.Errorf("node %d has categories %d to %d of %d", n, from, from+size, len(x.Categories))
		}
		bits := []uint64{}
		for _, c := range x.Categories[from : from+size] {
			if c < 0 || c >= missingRank {
				return nil, fmt.Errorf("node %d has category %d", n, c)
			}
			for len(bits) <= c/64 {
				bits = append(bits, 0)
			}
			bits[c/64] |= 1 << (c % 64)
		}
		out[n] = bits
	}
	return out, nil
}

// means gives nodes that are split the mean of the leaves below them, by cover. Children lie after their parents.
func (t *nodes) means() {
	width := len(t.values) / len(t.feature)
	for n := len(t.feature) - 1; n >= 0; n-- {
		if t.feature[n] < 0 {
			continue
		}
		l, r := int(t.left[n]), int(t.right[n])
		a, b := t.cover[l], t.cover[r]
		if a+b <= 0 {
			a, b = 1, 1
		}
		for k := range width {
			t.values[n*width+k] = (a*t.values[l*width+k] + b*t.values[r*width+k]) / (a + b)
		}
	}
}

// Model returns the model for columns and classes (nil for survival:cox) of the caller's choice, so that it is served and explained as
// one of ours. Columns must be as many as the model reads and, where the file names them, have those names.
func (x *XGBoost) Model(columns []table.Column, classes []string) (models.Model, error) {
	if len(columns) != x.Ensemble.Features {
		return nil, fmt.Errorf("the XGBoost model reads %d columns, %d are given", x.Ensemble.Features, len(columns))
	}
	for j, name := range x.Names {
		if columns[j].Name != name {
			return nil, fmt.Errorf("column %d is %q where the XGBoost model reads %q", j+1, columns[j].Name, name)
		}
	}
	k := x.Ensemble.Outputs()
	switch {
	case x.Ensemble.Scale == LogOdds && (len(classes) == k && k > 1 || k == 1 && len(classes) == 2):
		return newClassifier(about{Kind: "boosting", Columns: columns, Classes: classes}, x.Ensemble), nil
	case x.Ensemble.Scale == LogOdds:
		return nil, fmt.Errorf("the XGBoost model tells %d classes apart, %d are given", max(k, 2), len(classes))
	case x.Ensemble.Scale == LogHazard && k == 1:
		return newCoxTrees(about{Kind: "survival_boosting", Columns: columns}, x.Ensemble, baseline{}), nil
	}
	return nil, fmt.Errorf("objective %q predicts neither classes nor survival", x.Objective)
}
