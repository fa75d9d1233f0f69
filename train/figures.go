package train

import (
	"fmt"
	"html/template"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models/figure"
	"github.com/voxgene/voxgene/train/report"
)

// figures are drawn from out-of-fold predictions, averaged over repeats.
func (one *outcomeRun) figures(level float64) ([]report.Figure, error) {
	d := drawing{}
	if one.y.Kind == clinical.Survival {
		one.survivalFigures(&d, level)
	} else {
		one.classFigures(&d, level)
	}
	f, caption, ok, err := one.decision()
	if ok || err != nil {
		d.add(f, err, "Decision curve, out of fold", caption)
	}
	return d.figures, d.err
}

// drawing collects figures until one cannot be drawn.
type drawing struct {
	figures []report.Figure
	err     error
}

func (d *drawing) add(f figure.Figure, err error, title, caption string) {
	switch {
	case d.err != nil:
	case err != nil:
		d.err = fmt.Errorf("%s: %w", title, err)
	default:
		d.figures = append(d.figures, report.Figure{Title: title, Caption: caption, SVG: template.HTML(f.SVG)})
	}
}

func (one *outcomeRun) survivalFigures(d *drawing, level float64) {
	f, caption, err := one.kaplanMeier(level)
	d.add(f, err, "Survival by risk group", caption)
	auc, brier, ok, err := one.overTimeFigures(level)
	if ok || err != nil {
		d.add(auc, err, "AUC over time", "Of patients who had the event by each time against those who had not, none of whom the model had seen; with the interval of the scheme.")
		d.add(brier, err, "Brier score over time", "Squared error of predicted survival of patients whom the model had not seen, and, where training patients are known, of predicting their Kaplan–Meier estimate for everybody; lower is better.")
	}
	f, caption, ok, err = one.calibrationAt(level)
	if ok || err != nil {
		d.add(f, err, "Calibration of survival", caption)
	}
}

func (one *outcomeRun) classFigures(d *drawing, level float64) {
	several := len(one.y.Classes) > 2
	roc, err := one.roc(level)
	caption := "Probabilities of patients whom the model had not seen, averaged over repeats. The curve of all patients together need not have the AUC of the table, which is a mean over folds."
	if several {
		caption = "Each class against the rest; probabilities" + caption[len("Probabilities"):]
	}
	d.add(roc, err, "ROC, out of fold", caption)
	pr, err := one.precisionRecall()
	caption = "As the ROC, for when one class is rare: precision depends on how common it is."
	if several {
		caption += " Beside each average precision stands what calling everybody positive would have."
	}
	d.add(pr, err, "Precision and recall, out of fold", caption)
	cal, err := one.reliability(level)
	caption = "Groups of equal size by out-of-fold probability; bars are Wilson intervals."
	if several {
		caption = "Groups of equal size by out-of-fold probability, each class against the rest."
	}
	d.add(cal, err, "Calibration, out of fold", caption)
}
