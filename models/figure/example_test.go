package figure_test

import (
	"fmt"
	"strings"

	"github.com/voxgene/voxgene/models/figure"
	"github.com/voxgene/voxgene/models/survival"
)

func ExampleROC() {
	f, err := figure.ROC("IDH status", []figure.Curve{{Name: "logistic", Note: "AUC 0.75", X: []float64{0, 0.5, 1}, Y: []float64{0, 1, 1}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.HasPrefix(string(f.SVG), "<svg"))
	fmt.Print(string(f.CSV))
	// Output:
	// true
	// model,one_minus_specificity,sensitivity
	// logistic,0,0
	// logistic,0.5,1
	// logistic,1,1
}

func ExampleCalibration() {
	f, err := figure.Calibration("IDH status", []figure.Reliability{{Name: "logistic", Predicted: []float64{0.2, 0.8}, Observed: []float64{0.25, 0.75}, Count: []int{20, 12}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(f.CSV))
	// Output:
	// model,part,predicted,observed,low,high,count
	// logistic,group,0.2,0.25,,,20
	// logistic,group,0.8,0.75,,,12
}

func ExampleKaplanMeier() {
	c, err := survival.KaplanMeier([]survival.Observation{{Time: 5, Event: 1}, {Time: 8}})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := figure.KaplanMeier("Overall survival", "mo", []figure.Group{{Name: "all", Curve: c}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(f.CSV))
	// Output:
	// group,time,at_risk,events,censored,survival,low,high
	// all,5,2,1,0,0.5,,
	// all,8,1,0,1,0.5,,
}

func ExampleBars() {
	f, err := figure.Bars("Contributions to this estimate", "Contribution (log-odds)", []figure.Bar{{Name: "clinical.age", Value: -0.3}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(f.CSV))
	// Output:
	// name,value,low,high
	// clinical.age,-0.3,,
}
