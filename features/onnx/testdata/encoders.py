"""Writes small encoders with random weights, in the shapes that exporters give them, and an input for each: python3 encoders.py FOLDER

Needs python3-onnx and python3-numpy of Debian 12. encoders.js then evaluates them with ONNX Runtime.
"""
import json
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

r = np.random.RandomState(7)


class Network:
    def __init__(self, shape, opset):
        self.nodes, self.weights, self.opset, self.shape, self.n = [], [], opset, shape, 0

    def weight(self, a, kind=np.float32):
        self.n += 1
        name = f"w{self.n}"
        self.weights.append(numpy_helper.from_array(np.asarray(a, kind), name))
        return name

    def add(self, op, *inputs, outputs=1, **attributes):
        self.n += 1
        names = [f"v{self.n}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"{op}_{self.n}", **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x, cin, cout, kernel, group=1, bias=True, **attributes):
        fan = cin // group * int(np.prod(kernel))
        w = self.weight(r.randn(cout, cin // group, *kernel) * np.sqrt(2 / fan))
        more = [self.weight(r.randn(cout) * 0.1)] if bias else []
        return self.add("Conv", x, w, *more, kernel_shape=list(kernel), group=group, **attributes)

    def norm(self, x, c):
        return self.add("BatchNormalization", x, self.weight(1 + 0.2 * r.randn(c)), self.weight(0.2 * r.randn(c)), self.weight(0.3 * r.randn(c)),
                        self.weight(0.5 + r.rand(c)), epsilon=1e-5)

    def save(self, path, last):
        graph = helper.make_graph(self.nodes, "encoder", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch"] + list(self.shape[1:]))],
                                  [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=7)
        onnx.save(model, path)


def residual(n):  # 2-D, residual blocks with strides, as ResNet
    x = n.add("Relu", n.norm(n.conv("image", 1, 8, (7, 7), bias=False, strides=[2, 2], pads=[3, 3, 3, 3]), 8))
    x = n.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for cin, cout, s in ((8, 8, 1), (8, 16, 2)):
        y = n.add("Relu", n.norm(n.conv(x, cin, cout, (3, 3), bias=False, strides=[s, s], pads=[1] * 4), cout))
        y = n.norm(n.conv(y, cout, cout, (3, 3), bias=False, pads=[1] * 4), cout)
        if s > 1:
            x = n.norm(n.conv(x, cin, cout, (1, 1), bias=False, strides=[s, s]), cout)
        x = n.add("Relu", n.add("Add", y, x))
    x = n.add("Flatten", n.add("GlobalAveragePool", x), axis=1)
    return n.add("Gemm", x, n.weight(r.randn(10, 16) * 0.3), n.weight(r.randn(10)), transB=1)


def mobile(n):  # 2-D, three channels, depthwise with squeeze and excitation, Clip and HardSwish
    x = n.conv("image", 3, 8, (3, 3), strides=[2, 2], auto_pad="SAME_UPPER")
    x = n.add("HardSwish", x)
    y = n.add("Clip", n.conv(x, 8, 8, (3, 3), group=8, pads=[1] * 4), n.weight(0.0), n.weight(6.0))
    s = n.add("ReduceMean", y, axes=[2, 3], keepdims=1)
    s = n.add("HardSigmoid", n.conv(n.add("Relu", n.conv(s, 8, 4, (1, 1))), 4, 8, (1, 1)), alpha=1 / 6, beta=0.5)
    y = n.conv(n.add("Mul", y, s), 8, 8, (1, 1))
    x = n.add("Concat", x, y, axis=1)
    x = n.add("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, count_include_pad=1, ceil_mode=0)
    shape = n.add("Shape", x)
    batch = n.add("Gather", shape, n.weight(0, np.int64), axis=0)
    batch = n.add("Unsqueeze", batch, n.weight([0], np.int64))
    x = n.add("Reshape", x, n.add("Concat", batch, n.weight([-1], np.int64), axis=0))
    width = 16 * 5 * 5
    x = n.add("MatMul", x, n.weight(r.randn(width, 12) / np.sqrt(width)))
    x = n.add("Add", x, n.weight(r.randn(12) * 0.1))
    gate = n.add("Mul", n.add("Add", n.add("Erf", n.add("Div", x, n.weight(np.sqrt(2.0)))), n.weight(1.0)), n.weight(0.5))
    return n.add("Mul", x, gate)  # Gelu as exporters write it out


def volume(n):  # 3-D, dilation, groups, instance norm, LeakyRelu, dense connections
    x = n.conv("image", 2, 8, (3, 3, 3), pads=[1] * 6)
    x = n.add("LeakyRelu", n.add("InstanceNormalization", x, n.weight(1 + 0.1 * r.randn(8)), n.weight(0.1 * r.randn(8))), alpha=0.02)
    x = n.add("MaxPool", x, kernel_shape=[2, 2, 2], strides=[2, 2, 2], ceil_mode=1)
    y = n.add("Sigmoid", n.conv(x, 8, 8, (3, 3, 3), group=2, dilations=[2, 2, 2], pads=[2] * 6))
    x = n.add("Concat", x, n.add("Mul", x, y), axis=1)
    y = n.add("Elu", n.conv(x, 16, 12, (3, 1, 3), strides=[1, 2, 1], pads=[1, 0, 1, 1, 0, 1]), alpha=0.7)
    x = n.add("AveragePool", y, kernel_shape=[2, 2, 2], strides=[2, 1, 2], ceil_mode=0, pads=[0, 1, 0, 0, 0, 0])
    x = n.add("Softplus", x)
    x = n.add("ReduceMean", x, axes=[-3, -2, -1], keepdims=0)
    return n.add("Tanh", n.add("Gemm", x, n.weight(r.randn(12, 6)), n.weight(r.randn(6)), alpha=0.5))


def attention(n):  # patches with self-attention, as a vision transformer
    x = n.conv("image", 1, 16, (4, 4), strides=[4, 4])
    x = n.add("Transpose", n.add("Reshape", x, n.weight([0, 16, -1], np.int64)), perm=[0, 2, 1])
    first = n.add("Expand", n.weight(r.randn(1, 1, 16)), n.weight([1, 1, 16], np.int64))
    x = n.add("Add", n.add("Concat", first, x, axis=1), n.weight(0.1 * r.randn(1, 17, 16)))

    def layer_norm(x):
        m = n.add("ReduceMean", x, axes=[-1], keepdims=1)
        d = n.add("Sub", x, m)
        v = n.add("ReduceMean", n.add("Pow", d, n.weight(2.0)), axes=[-1], keepdims=1)
        return n.add("Add", n.add("Mul", n.add("Div", d, n.add("Sqrt", n.add("Add", v, n.weight(1e-5)))), n.weight(1 + 0.1 * r.randn(16))), n.weight(0.1 * r.randn(16)))

    y = layer_norm(x)
    heads = n.add("Add", n.add("MatMul", y, n.weight(r.randn(16, 48) / 4)), n.weight(0.1 * r.randn(48)))
    heads = n.add("Transpose", n.add("Reshape", heads, n.weight([0, 0, 3, 2, 8], np.int64)), perm=[2, 0, 3, 1, 4])
    q, k, v = (n.add("Squeeze", n.add("Slice", heads, n.weight([i], np.int64), n.weight([i + 1], np.int64), n.weight([0], np.int64)), n.weight([0], np.int64)) for i in range(3))
    scores = n.add("Softmax", n.add("Mul", n.add("MatMul", q, n.add("Transpose", k, perm=[0, 1, 3, 2])), n.weight(8 ** -0.5)), axis=-1)
    y = n.add("Reshape", n.add("Transpose", n.add("MatMul", scores, v), perm=[0, 2, 1, 3]), n.weight([0, 0, 16], np.int64))
    x = n.add("Add", x, n.add("MatMul", y, n.weight(r.randn(16, 16) / 4)))
    return n.add("Gather", layer_norm(x), n.weight(0, np.int64), axis=1)


folder = sys.argv[1]
inputs = {}
for build, shape, opset in ((residual, (1, 1, 33, 30), 11), (mobile, (1, 3, 20, 20), 14), (volume, (1, 2, 9, 10, 11), 13), (attention, (1, 1, 16, 16), 14)):
    n = Network(shape, opset)
    n.save(f"{folder}/{build.__name__}.onnx", build(n))
    inputs[build.__name__] = {"shape": list(shape), "values": [round(float(v), 3) for v in r.randn(*shape).ravel()]}
json.dump(inputs, open(f"{folder}/inputs.json", "w"), separators=(",", ":"))
