package linear

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/voxgene/voxgene/features/table"
)

// mostLines bounds what WriteText lists a class; the rest is counted.
const mostLines = 100

// WriteText writes the coefficients as a person reads them, largest first: with odds ratios, and where the fit has standard errors
// with their 95 % intervals and p.
func (m *Logistic) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "logistic regression of %s, %s\n", strings.Join(m.Classes, ", "), describePenalty(m.Alpha, m.Lambda, m.StdErrs != nil))
	for r, coef := range m.Coefficients {
		class := m.Classes[r]
		if len(m.Classes) == 2 {
			class = m.Classes[1]
		}
		var errs []float64
		if m.StdErrs != nil {
			errs = m.StdErrs[r]
		}
		fmt.Fprintf(w, "\nlog-odds of %s = %.6g + Σ coefficient × value\n", class, m.Intercepts[r])
		if err := writeCoefficients(w, m.Inputs, coef, errs, "odds ratio"); err != nil {
			return err
		}
	}
	return writeRemarks(w, m.Remarks)
}

// WriteText writes the coefficients as a person reads them, largest first: with hazard ratios, and where the fit has standard errors
// with their 95 % intervals and p.
func (m *Cox) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "Cox regression, %s\n\nlog-hazard against the training mean = Σ coefficient × (value − mean)\n", describePenalty(m.Alpha, m.Lambda, m.StdErrs != nil))
	if err := writeCoefficients(w, m.Inputs, m.Coefficients, m.StdErrs, "hazard ratio"); err != nil {
		return err
	}
	return writeRemarks(w, m.Remarks)
}

func describePenalty(alpha, lambda float64, free bool) string {
	switch {
	case free || lambda == 0:
		return "no penalty"
	case alpha == 0:
		return fmt.Sprintf("ridge penalty, λ %.4g", lambda)
	case alpha == 1:
		return fmt.Sprintf("lasso penalty, λ %.4g", lambda)
	}
	return fmt.Sprintf("elastic net, α %.4g, λ %.4g", alpha, lambda)
}

func writeCoefficients(out io.Writer, columns []table.Column, coef, errs []float64, ratio string) error {
	var order []int
	for j, b := range coef {
		if b != 0 {
			order = append(order, j)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(math.Abs(coef[b]), math.Abs(coef[a])) })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	head := "  column\tcoefficient\t" + ratio
	if errs != nil {
		head += "\t95 % interval\tp"
	}
	fmt.Fprintln(w, head)
	z := distuv.UnitNormal.Quantile(0.975)
	for i, j := range order {
		if i == mostLines {
			break
		}
		fmt.Fprintf(w, "  %s\t%.6g\t%.4g", columns[j].Name, coef[j], math.Exp(coef[j]))
		if errs != nil {
			half := z * errs[j]
			fmt.Fprintf(w, "\t%.4g to %.4g\t%.3g", math.Exp(coef[j]-half), math.Exp(coef[j]+half), 2*distuv.UnitNormal.Survival(math.Abs(coef[j]/errs[j])))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n := len(order) - mostLines; n > 0 {
		fmt.Fprintf(out, "  and %d more\n", n)
	}
	_, err := fmt.Fprintf(out, "  %d of %d columns have a coefficient; ratios are for one unit of the column as the model reads it\n", len(order), len(coef))
	return err
}

func writeRemarks(w io.Writer, remarks []string) error {
	for _, r := range remarks {
		if _, err := fmt.Fprintf(w, "note: %s\n", r); err != nil {
			return err
		}
	}
	return nil
}
