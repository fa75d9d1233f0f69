package neural

import . "github.com/gomlx/gomlx/core/graph"

// target is what the loss of one head reads of a batch, in the order in which the graph takes it.
//
//	classes:       wanted [classes, batch] distributions; weight [1, batch]
//	cox:           wanted [batch, batch], 1 where column j is at risk when row i fails; weight [1, batch], 0 for the censored
//	discrete_time: wanted [intervals, batch], 1 in the interval of the event; weight [intervals, batch], 0 from censoring on
//
// Weights already hold the division by their sum, so that losses of the halves of a batch add up to that of the whole.
type target struct{ wanted, weight *Node }

// loss is the loss of one head's output.
func (h *Head) loss(out *Node, t target) *Node {
	switch h.Kind {
	case classesHead:
		return crossEntropy(out, t)
	case coxHead:
		return partialLikelihood(out, t)
	}
	return discreteLikelihood(out, t)
}

// crossEntropy is −Σ weight · wanted · log softmax(out).
func crossEntropy(out *Node, t target) *Node {
	shifted := Sub(out, StopGradient(ReduceAndKeep(out, ReduceMax, 0)))
	logs := Sub(shifted, Log(ReduceAndKeep(Exp(shifted), ReduceSum, 0)))
	return Neg(ReduceAllSum(Mul(Mul(t.wanted, logs), t.weight)))
}

// partialLikelihood is Cox's negative log partial likelihood with Breslow's ties, of log-hazards out, [1, batch].
func partialLikelihood(out *Node, t target) *Node {
	top := StopGradient(ReduceAllMax(out))
	hazard := Exp(Sub(out, top))
	atRisk := ReduceSum(Mul(t.wanted, hazard), 1) // [batch]
	logs := Reshape(Add(Log(atRisk), top), 1, -1)
	return ReduceAllSum(Mul(Sub(logs, out), t.weight))
}

// discreteLikelihood is the negative log-likelihood of hazards in discrete time, out being their logits: Gensheimer & Narasimhan, PeerJ
// 2019;7:e6257.
func discreteLikelihood(out *Node, t target) *Node {
	zero := ScalarZero(out.Graph(), out.DType())
	soft := Add(Max(out, zero), Log1P(Exp(Neg(Abs(out))))) // log(1 + exp(out))
	return ReduceAllSum(Mul(Sub(soft, Mul(out, t.wanted)), t.weight))
}

// gradients builds a graph of training: the loss of a batch and its gradient with respect to every weight. Weights of frozen layers have none.
func (a *Architecture) gradients(frozen func(name string) bool) func(in []*Node) []*Node {
	return func(in []*Node) []*Node {
		w, rest := a.named(in)
		s, rest := a.sample(rest, true)
		outs, _ := a.forward(w, s, false)
		var total *Node
		for i := range a.Heads {
			l := MulScalar(a.Heads[i].loss(outs[i], target{rest[2*i], rest[2*i+1]}), a.Heads[i].Weight)
			if total == nil {
				total = l
			} else {
				total = Add(total, l)
			}
		}
		var learnt []*Node
		for _, l := range a.layout() {
			if !frozen(l.Name) {
				learnt = append(learnt, w[l.Name])
			}
		}
		return append([]*Node{total}, Gradient(total, learnt...)...)
	}
}

// outputs builds the graph of prediction: the output of every head.
func (a *Architecture) outputs(in []*Node) []*Node {
	w, rest := a.named(in)
	s, _ := a.sample(rest, false)
	outs, _ := a.forward(w, s, false)
	return outs
}
