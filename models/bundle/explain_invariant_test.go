package bundle_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/voxgene/voxgene/models/bundle"
	"github.com/voxgene/voxgene/models/bundle/bundletest"
)

// Contributions sum to the output however they are listed and grouped, and each is summed to the raw input that it came from.
func TestExplainInvariant(t *testing.T) {
	b, x := bundletest.New(t)
	ask := func(e bundle.Explain) []bundle.Prediction {
		t.Helper()
		p, err := b.Predict(context.Background(), x, bundle.Request{Explain: &e})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, e := range []bundle.Explain{{}, {Top: 2}, {GroupBy: "source"}, {GroupBy: "group", Top: 1}, {GroupBy: "family"}, {Method: "permutation", Background: &x}} {
		for i, p := range ask(e) {
			for _, o := range p.Outcomes {
				if len(o.Explanations) != 1 {
					t.Fatalf("%s: %d explanations", o.Name, len(o.Explanations))
				}
				a := o.Explanations[0]
				sum := a.Base + a.Other
				last := math.Inf(1)
				for _, v := range a.Values {
					sum += v.Amount
					if math.Abs(v.Amount) > last {
						t.Errorf("%+v: contributions are not in order of size: %v", e, a.Values)
					}
					last = math.Abs(v.Amount)
				}
				if math.Abs(sum-(a.Output-a.Gap)) > 1e-9 {
					t.Errorf("%+v row %d %s: contributions sum to %v, the output is %v", e, i, o.Name, sum, a.Output)
				}
				if o.Name == "os" && a.Output != o.Risk {
					t.Errorf("row %d: %v is explained, the risk is %v", i, a.Output, o.Risk)
				}
				if o.Name == "idh" && math.Abs(1/(1+math.Exp(-a.Output))-o.Probabilities[1]) > 1e-12 {
					t.Errorf("row %d: the log-odds %v are explained, the probability is %v", i, a.Output, o.Probabilities[1])
				}
			}
		}
	}
	single, grouped := ask(bundle.Explain{})[3].Outcomes[0].Explanations[0], ask(bundle.Explain{GroupBy: "source"})[3].Outcomes[0].Explanations[0]
	amounts := map[string]float64{}
	for _, v := range single.Values {
		j := b.Find(v.Feature)
		if j < 0 {
			t.Fatalf("%s is not an input", v.Feature)
		}
		amounts[b.Inputs[j].Source] += v.Amount
		if v.Feature == "clinical.sex" && (v.Text != "M" || !math.IsNaN(v.Value)) || v.Feature == "t1.volume" && v.Value != x.Column(2)[3] {
			t.Errorf("%s has the value %q %v", v.Feature, v.Text, v.Value)
		}
	}
	for _, v := range grouped.Values {
		if math.Abs(v.Amount-amounts[v.Feature]) > 1e-12 {
			t.Errorf("source %s: %v, its inputs sum to %v", v.Feature, v.Amount, amounts[v.Feature])
		}
	}
}

// The largest three are the first three of all, and the rest is their sum.
func TestExplainTop(t *testing.T) {
	b, x := bundletest.Wide(t, 100)
	list := func(top int) bundle.Explanation {
		t.Helper()
		p, err := b.Predict(context.Background(), x.Select([]int{7}), bundle.Request{Explain: &bundle.Explain{Top: top}})
		if err != nil {
			t.Fatal(err)
		}
		return p[0].Outcomes[0].Explanations[0]
	}
	few, all := list(3), list(100)
	sum := 0.0
	for k, v := range all.Values {
		if k >= 3 {
			sum += v.Amount
		} else if v.Feature != few.Values[k].Feature || v.Amount != few.Values[k].Amount || v.Value != few.Values[k].Value {
			t.Errorf("place %d: %+v of three, %+v of all", k, few.Values[k], v)
		}
	}
	if len(few.Values) != 3 || len(all.Values) != 100 || all.Other != 0 || math.Abs(sum-few.Other) > 1e-12 {
		t.Errorf("%d and %d listed, the others sum to %v, want %v", len(few.Values), len(all.Values), few.Other, sum)
	}
}

// Under a deadline rows are explained one by one, which gives the same, and none is begun once it is over.
func TestExplainUnderDeadline(t *testing.T) {
	b, x := bundletest.New(t)
	request := bundle.Request{Explain: &bundle.Explain{Method: "permutation", Background: &x, Top: 5}}
	want, err := b.Predict(t.Context(), x, request)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	got, err := b.Predict(ctx, x, request)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if a, b := string(got[i].AppendJSON(nil)), string(want[i].AppendJSON(nil)); a != b {
			t.Fatalf("row %d: %s\nall at once: %s", i, a, b)
		}
	}
	over, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	if _, err := b.Predict(over, x, request); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
}

// Survival at a time can be explained in place of the risk.
func TestExplainAt(t *testing.T) {
	b, x := bundletest.New(t)
	at := []bundle.Time{{Value: 1, Unit: "a"}}
	p, err := b.Predict(context.Background(), x.Select([]int{0}), bundle.Request{Outcomes: []string{"os"}, Times: at, Explain: &bundle.Explain{At: at, Background: &x}})
	if err != nil {
		t.Fatal(err)
	}
	o := p[0].Outcomes[0]
	if e := o.Explanations[0]; e.Time != 365.25 || e.Scale != "survival" || math.Abs(e.Output-o.Survival[0]) > 1e-12 {
		t.Errorf("got %+v for %+v", e, o)
	}
}

func TestExplainBadInput(t *testing.T) {
	b, x := bundletest.New(t)
	for want, e := range map[string]bundle.Explain{
		`explain.group_by: "lobe" is not one of [source group family set]`:          {GroupBy: "lobe"},
		`explain.group_by: set needs gene sets, which voxgene explain --sets reads`: {GroupBy: "set"},
		`explain.top: -1 is not a number of features`:                               {Top: -1},
		`explain.method: there is no method "lime"; there are [auto linear linear_correlated tree_path_dependent tree_interventional tree_interventional_rescaled combined enumeration permutation expected_gradients integrated_gradients]`: {Method: "lime"},
		`explain.at[0]: fewer than 10 training patients were at risk then`: {At: []bundle.Time{{Value: 100, Unit: "a"}}},
	} {
		_, err := b.Predict(context.Background(), x, bundle.Request{Explain: &e})
		var wrong *bundle.RequestError
		if !errors.As(err, &wrong) || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
