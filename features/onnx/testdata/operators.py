"""Collects the ONNX project's node tests of the operators that Go evaluates: python3 operators.py OPERATOR... > operators.json.gz

Needs python3-onnx (1.12) and python3-numpy of Debian 12. Cases in other types than float32 and int64, and of more than 40 kB, are left out.
"""
import base64
import gzip
import json
import sys

import numpy as np

for name, kind in dict(float=float, int=int, bool=bool, object=object, str=str).items():
    setattr(np, name, kind)  # onnx 1.12 was written for older versions of NumPy
np.random.seed(0)
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

wanted = set(sys.argv[1:])


def text(t):
    return base64.b64encode(numpy_helper.from_array(t).SerializeToString()).decode()


out = []
for case in collect_testcases(None):
    if case.kind != "node" or not {n.op_type for n in case.model.graph.node} <= wanted or len(case.data_sets) != 1:
        continue
    inputs, outputs = case.data_sets[0]
    tensors = list(inputs) + list(outputs)
    if not all(isinstance(t, np.ndarray) and t.dtype in (np.float32, np.int64) for t in tensors) or sum(t.nbytes for t in tensors) > 40000:
        continue
    out.append({"name": case.name, "model": base64.b64encode(case.model.SerializeToString()).decode(),
                "inputs": [text(t) for t in inputs], "outputs": [text(t) for t in outputs]})
with gzip.GzipFile(fileobj=sys.stdout.buffer, mode="wb", mtime=0, filename="") as f:
    f.write(json.dumps(out, separators=(",", ":")).encode())
