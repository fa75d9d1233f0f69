package serve

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/voxgene/voxgene/serve/results"
)

// build is a metric of the program's version, beside which others are read.
func build(version string) prometheus.Collector {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "voxgene_build_info", Help: "The version of the program, always 1."}, []string{"version"})
	g.WithLabelValues(version).Set(1)
	return g
}

// waiting measures the deliveries to other systems that wait. It asks the store when it is scraped.
type waiting struct {
	outbox *results.Outbox
	log    *slog.Logger
}

var (
	waitingMetric = prometheus.NewDesc("voxgene_deliveries_waiting", "Results and retractions that wait to be written to another system.", []string{"system"}, nil)
	failingMetric = prometheus.NewDesc("voxgene_deliveries_failing", "Those of them that the system could not take so far.", []string{"system"}, nil)
)

// Describe describes the metrics.
func (w waiting) Describe(c chan<- *prometheus.Desc) {
	c <- waitingMetric
	c <- failingMetric
}

// Collect counts what waits, by system: those of the configuration and no others, whatever the store holds.
func (w waiting) Collect(c chan<- prometheus.Metric) {
	queue, err := w.outbox.Store.Queue("")
	if err != nil {
		w.log.Error("the deliveries that wait could not be counted", "cause", err.Error())
		return
	}
	for _, s := range w.outbox.Systems {
		all, failing := 0, 0
		for _, p := range queue {
			if p.System == s.Name() {
				all++
				if p.Tries > 0 {
					failing++
				}
			}
		}
		c <- prometheus.MustNewConstMetric(waitingMetric, prometheus.GaugeValue, float64(all), s.Name())
		c <- prometheus.MustNewConstMetric(failingMetric, prometheus.GaugeValue, float64(failing), s.Name())
	}
}
