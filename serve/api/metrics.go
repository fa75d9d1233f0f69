package api

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/voxgene/voxgene/models/bundle"
)

// meter measures predictions by model.
type meter struct {
	patients *prometheus.CounterVec
	warnings *prometheus.CounterVec
	stages   *prometheus.HistogramVec
	models   sync.Map // name → *modelMeter
}

// modelMeter is one model's part of the meter, looked up once.
type modelMeter struct {
	parent                  *meter
	name                    string
	patients                prometheus.Counter
	decode, predict, render prometheus.Observer
}

// seconds from 10 µs to 10 s.
var seconds = []float64{1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

func newMeter(r *prometheus.Registry) *meter {
	m := &meter{
		patients: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "voxgene_patients_total", Help: "Patients predicted."}, []string{"model"}),
		warnings: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "voxgene_warnings_total", Help: "Warnings in predictions, by code."}, []string{"model", "code"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "voxgene_stage_seconds", Help: "Time of the stages of a prediction.", Buckets: seconds},
			[]string{"model", "stage"}),
	}
	r.MustRegister(m.patients, m.warnings, m.stages)
	return m
}

// of returns a model's part. Names are those of loaded bundles, so that a client cannot make new ones.
func (m *meter) of(model string) *modelMeter {
	if v, ok := m.models.Load(model); ok {
		return v.(*modelMeter)
	}
	v, _ := m.models.LoadOrStore(model, &modelMeter{parent: m, name: model, patients: m.patients.WithLabelValues(model),
		decode: m.stages.WithLabelValues(model, "decode"), predict: m.stages.WithLabelValues(model, "predict"), render: m.stages.WithLabelValues(model, "render")})
	return v.(*modelMeter)
}

// count counts patients and warnings.
func (m *modelMeter) count(answers []bundle.Prediction) {
	m.patients.Add(float64(len(answers)))
	for i := range answers {
		for _, w := range answers[i].Warnings {
			m.parent.warnings.WithLabelValues(m.name, w.Code).Inc()
		}
	}
}
