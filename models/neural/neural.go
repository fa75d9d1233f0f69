// Package neural holds networks on GoMLX: a perceptron over the columns of a table, convolutional networks over the crops of
// images in two, two and a half and three dimensions, and both together.
//
// An Architecture says what a network computes, Weights are what it learnt, and a program is the graph of an architecture compiled
// for one batch. Weights are inputs of the graph and the optimiser is plain Go, so that training is a function of data and seed alone:
// the same seed gives the same weights whatever GOMAXPROCS. Everything a person draws — the order of samples, augmentation,
// dropout — comes from work.Seed, never from the backend.
//
// Tensors are channel-first with the batch behind the channels, [channels, batch, z, y, x], because a convolution is then one
// product of matrices without a transposition (see conv). Vectors are columns: [features, batch].
package neural
