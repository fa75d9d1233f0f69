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

func ExampleWaterfall() {
	f, err := figure.Waterfall("IDH mutation", "log-odds", -0.9, 1.1, []figure.Step{
		{Name: "clinical.age", Shown: "31", Contribution: 1.5}, {Name: "t1.original_shape_Sphericity", Shown: "0.61", Contribution: 0.5}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(f.CSV))
	// Output:
	// feature,value,contribution,reached
	// base,,-0.9,-0.9
	// t1.original_shape_Sphericity,0.61,0.5,-0.4
	// clinical.age,31,1.5,1.1
	// output,,1.1,1.1
}

func ExampleBeeswarm() {
	f, err := figure.Beeswarm("IDH mutation, two patients", "Contributed to the estimates (log-odds)", []figure.Swarm{
		{Name: "clinical.age", Contributions: []float64{1.5, -0.8}, Values: []float64{31, 64}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(f.CSV))
	// Output:
	// feature,patient,value,contribution
	// clinical.age,1,31,1.5
	// clinical.age,2,64,-0.8
}

func ExampleDependence() {
	f, err := figure.Dependence("", "clinical.age", "Contribution (log-odds)", nil, []float64{31, 64}, []float64{1.5, -0.8}, "t1.volume", []float64{9, 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(f.CSV))
	// Output:
	// patient,clinical.age,contribution,t1.volume
	// 1,31,1.5,9
	// 2,64,-0.8,4
}

func ExampleHeatmap() {
	f, err := figure.Heatmap("Contributions", "log-odds", []string{"clinical.age"}, [][]float64{{1.5, -0.8}}, []float64{0.6, -1.7})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(f.CSV))
	// Output:
	// feature,patient,contribution,output
	// clinical.age,1,1.5,0.6
	// clinical.age,2,-0.8,-1.7
}

func ExampleLines() {
	f, err := figure.Lines("Contributions over time", "Time (mo)", "Contribution (survival)", []figure.Curve{{Name: "clinical.age", X: []float64{12, 24}, Y: []float64{-0.05, -0.11}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(f.CSV))
	// Output:
	// curve,x,y
	// clinical.age,12,-0.05
	// clinical.age,24,-0.11
}
