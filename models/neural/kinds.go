package neural

import (
	"errors"
	"fmt"
	"slices"

	"github.com/voxgene/voxgene/features/clinical"
	"github.com/voxgene/voxgene/models"
)

// The kinds of network: over a table, over images, and over both.
const (
	mlpKind, cnnKind, fusionKind = "mlp", "cnn", "fusion"
)

func init() {
	for _, kind := range []string{mlpKind, cnnKind, fusionKind} {
		models.Register(models.Kind{Name: kind, Outcomes: []clinical.OutcomeKind{clinical.Class, clinical.Survival}, Params: params(kind), Volumes: kind != mlpKind, NoColumns: kind == cnnKind, Joint: true, Slow: true,
			New: func(o models.Options) (models.Learner, error) { return newNetwork(kind, o) }, Decode: decode(kind)})
	}
}

// defaultBatch is how many rows a step takes where nobody says.
const defaultBatch = 16

// params are the hyper-parameters of a kind.
func params(kind string) []models.Param {
	var list []models.Param
	if kind != mlpKind {
		list = append(list,
			models.Param{Name: "images", Default: []string(nil), Doc: "sources whose crops (volume: {…}) become the channels; all where none is named"},
			models.Param{Name: "dimensions", Default: "3", Choices: []string{twoDimensional, slicewise, threeDimension}, Doc: "2 one slice, 2.5 slices pooled by attention, 3 the volume"},
			models.Param{Name: "widths", Default: []float64{8, 16, 32}, Min: 1, Max: maxWidth, Doc: "channels of each level; between two levels space is halved by pooling"},
			models.Param{Name: "depth", Default: 1, Min: 1, Max: 8, Doc: "convolutions a level, or residual blocks of two"},
			models.Param{Name: "kernel", Default: 3, Min: 1, Max: 7, Doc: "side of a convolution, odd; its stride is 1"},
			models.Param{Name: "residual", Default: false, Doc: "blocks of two convolutions with a way past them"},
			models.Param{Name: "norm", Default: layerNorm, Choices: []string{noNorm, instanceNorm, layerNorm}, Doc: "what activations are normalised over"},
			models.Param{Name: "augment", Default: []string{"flip"}, Doc: fmt.Sprintf("how training crops are disturbed: %v", Augmentations)},
			models.Param{Name: "augment_strength", Default: 1.0, Min: 0, Max: 5, Doc: "scales every disturbance"})
	}
	if kind != cnnKind {
		list = append(list, models.Param{Name: "hidden", Default: []float64{32}, Min: 1, Max: maxWidth, Doc: "widths of the perceptron over the table"})
	}
	if kind == fusionKind {
		list = append(list,
			models.Param{Name: "fusion", Default: concat, Choices: []string{concat, gated, bilinear}, Doc: "concatenation, gated attention over embeddings, or embeddings with their product"},
			models.Param{Name: "embedding", Default: 32, Min: 1, Max: maxWidth, Doc: "width of what fusion makes"})
	}
	if kind != mlpKind {
		list = append(list, models.Param{Name: "modality_dropout", Default: 0.0, Min: 0, Max: 0.9, Doc: "chance that a training sample loses image or table, or a sequence of several, so that either may be missing later"})
	}
	return append(list,
		models.Param{Name: "survival", Default: coxHead, Choices: []string{coxHead, discreteHead}, Doc: "loss of survival outcomes: Cox's partial likelihood, or hazards in discrete time"},
		models.Param{Name: "intervals", Default: 10, Min: 1, Max: 200, Doc: "of discrete time, with as many events each"},
		models.Param{Name: "epochs", Default: 100, Min: 1, Max: 100_000, Doc: "passes over the training rows at most"},
		models.Param{Name: "batch", Default: defaultBatch, Min: 1, Max: 4096, Doc: "rows a step"},
		models.Param{Name: "replicas", Default: 2, Min: 1, Max: 64, Doc: "parts of a batch computed at once, their gradients summed in order"},
		models.Param{Name: "learning_rate", Default: 0.002, Min: 1e-8, Max: 1, Doc: "its peak: after the warm-up, before the cosine"},
		models.Param{Name: "warmup", Default: 0.05, Min: 0, Max: 0.9, Doc: "share of all steps over which the rate rises"},
		models.Param{Name: "weight_decay", Default: 0.01, Min: 0, Max: 10, Doc: "of AdamW"},
		models.Param{Name: "clip", Default: 1.0, Min: 0, Max: 1e6, Doc: "largest norm of the gradients; 0 is no limit"},
		models.Param{Name: "dropout", Default: 0.0, Min: 0, Max: 0.95, Doc: "share of the last hidden layer left out in training"},
		models.Param{Name: "label_smoothing", Default: 0.0, Min: 0, Max: 0.5, Doc: "share of a class that is spread over all"},
		models.Param{Name: "class_weights", Default: "none", Choices: []string{"none", "balanced"}, Doc: "balanced weighs classes against their frequency"},
		models.Param{Name: "holdout", Default: 0.2, Min: 0, Max: 0.5, Doc: "share of the training patients that early stopping watches; 0 trains for all epochs"},
		models.Param{Name: "patience", Default: 20, Min: 1, Max: 100_000, Doc: "epochs without a lower loss of those patients before training stops"},
		models.Param{Name: "members", Default: 1, Min: 1, Max: maxMembers, Doc: "networks whose outputs are averaged, each watching another part of the patients"},
		models.Param{Name: "start", Default: "", File: true, Doc: "a bundle or .safetensors file whose weights training starts from, by name and shape"},
		models.Param{Name: "freeze", Default: []string(nil), Doc: "layers that keep what they start with, by name or pattern: image.level0"})
}

func newNetwork(kind string, o models.Options) (Network, error) {
	n := Network{kind: kind, Survival: o["survival"].(string), Intervals: o["intervals"].(int), Epochs: o["epochs"].(int), Batch: o["batch"].(int),
		Replicas: o["replicas"].(int), Rate: o["learning_rate"].(float64), Warmup: o["warmup"].(float64), Decay: o["weight_decay"].(float64),
		Clip: o["clip"].(float64), Dropout: o["dropout"].(float64), Smoothing: o["label_smoothing"].(float64), Balanced: o["class_weights"] == "balanced",
		Holdout: o["holdout"].(float64), Patience: o["patience"].(int), Members: o["members"].(int), Start: o["start"].(string), Freeze: o["freeze"].([]string)}
	var faults []error
	whole := func(name string) []int {
		out, err := whole(name, o[name].([]float64))
		faults = append(faults, err)
		return out
	}
	if kind != cnnKind {
		n.Hidden = whole("hidden")
	}
	if kind == fusionKind {
		n.Fusion, n.Embedding = o["fusion"].(string), o["embedding"].(int)
	}
	if kind == mlpKind {
		return n, errors.Join(faults...)
	}
	n.Widths = whole("widths")
	n.Images, n.Dimensions, n.Depth, n.Kernel = o["images"].([]string), o["dimensions"].(string), o["depth"].(int), o["kernel"].(int)
	n.Residual, n.Norm, n.ModalityDrop = o["residual"].(bool), o["norm"].(string), o["modality_dropout"].(float64)
	n.Augment, n.Strength = o["augment"].([]string), o["augment_strength"].(float64)
	for _, name := range n.Augment {
		if !slices.Contains(Augmentations, name) {
			faults = append(faults, fault("augment", "%q is none of %v", name, Augmentations))
		}
	}
	if n.Kernel%2 == 0 {
		faults = append(faults, fault("kernel", "%d is even; want 1, 3, 5 or 7, of which a middle is the place that is computed", n.Kernel))
	}
	if len(o["widths"].([]float64)) == 0 {
		faults = append(faults, fault("widths", "want one level or more, such as [8, 16, 32]"))
	}
	return n, errors.Join(faults...)
}

// whole turns the numbers of an option into widths.
func whole(name string, v []float64) ([]int, error) {
	out := make([]int, len(v))
	for i, f := range v {
		if out[i] = int(f); float64(out[i]) != f {
			return nil, fault(name, "%v is not a whole number", f)
		}
	}
	return out, nil
}
