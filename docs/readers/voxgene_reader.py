#!/usr/bin/env python3
"""Predict from what `voxgene inspect BUNDLE --export model.json` wrote. Needs Python 3.8 or newer and nothing beside it.

    python3 voxgene_reader.py model.json table.csv [--times 365.25,730.5] > predictions.csv

Times are in the unit of the outcome. The table has a header; its columns are found by their full name (source.column) or their bare one.
"""
import argparse
import csv
import json
import math
import statistics
import sys

NAN = float("nan")
NORMAL = statistics.NormalDist()


def load(path):
    """The export in a file."""
    with open(path, encoding="utf-8") as f:
        model = json.load(f)
    if model.get("voxgene_export") != 1:
        raise ValueError(f"{path}: not an export of format 1")
    return model


def value(spec, text, missing):
    """The number that stands for a cell: of categories the index of the level, -1 for one that training had not seen."""
    if text is None or text.strip() in missing:
        return NAN
    text = text.strip()
    if spec["kind"] == "numeric":
        return float(text)
    levels = spec.get("levels", [])
    if text not in levels:
        try:  # 1.0 is the level 1
            text = repr(float(text))
            text = text[:-2] if text.endswith(".0") else text
        except ValueError:
            pass
    return float(levels.index(text)) if text in levels else -1.0


def inputs(outcome, row, missing):
    """The values of a row (a dict from column to text) in the order in which the outcome's steps read them."""
    found = {}
    for spec in outcome["inputs"]:
        name = spec["name"] if spec["name"] in row else spec["bare"]
        if name in row:
            found[spec["name"]] = value(spec, row[name], missing)
    sources = {s["source"] for s in outcome["inputs"] if s["name"] in found}
    for spec in outcome["inputs"]:  # a source may be absent as a whole
        if spec["name"] not in found and spec["source"] in sources:
            raise ValueError(f"the table has no column {spec['name']}; leave cells blank where a value is not known")
    return [found.get(s["name"], NAN) for s in outcome["inputs"]]


def yeo_johnson(x, p):
    if x >= 0:
        return math.log1p(x) if abs(p) < 1e-12 else math.expm1(p * math.log1p(x)) / p
    return -math.log1p(-x) if abs(p - 2) < 1e-12 else -math.expm1((2 - p) * math.log1p(-x)) / (2 - p)


def rank(x, grid):
    """The normal quantile of the place of x among the quantiles of the training values."""
    if len(grid) < 2:
        return 0.0
    above = next((i for i, g in enumerate(grid) if g > x), len(grid))
    first = above
    while first > 0 and grid[first - 1] == x:
        first -= 1
    if first < above:
        q = (first + above - 1) / 2
    elif above == 0:
        q = 0
    elif above == len(grid):
        q = len(grid) - 1
    else:
        q = above - 1 + (x - grid[above - 1]) / (grid[above] - grid[above - 1])
    return NORMAL.inv_cdf(max(0.005, min(0.995, q / (len(grid) - 1))))


def apply(f, row):
    """One formula of a step on the columns that reach it."""
    if f["op"] == "sum":
        return sum(w * (row[j] - c) for j, c, w in zip(f["columns"], f["centres"], f["weights"]))
    x = row[f["column"]]
    if f.get("ordinal") and x < 0:
        x = NAN
    if f["op"] == "fill":
        return f["fill"] if math.isnan(x) else x
    if math.isnan(x) or f["op"] == "copy":
        return x
    if f["op"] == "level":
        return 1.0 if x == f["level"] else 0.0
    if f["op"] == "scale":
        return (x - f["centre"]) / f["spread"]
    if f["op"] == "log":
        return math.copysign(math.log1p(abs(x)), x)
    if f["op"] == "yeo_johnson":
        return yeo_johnson(x, f["power"])
    if f["op"] == "rank":
        return rank(x, f.get("grid", []))
    raise ValueError(f"unknown operation {f['op']}")


def softmax(margins):
    e = [math.exp(m - max(margins)) for m in margins]
    return [v / sum(e) for v in e]


def logistic(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def curve(c, score):
    """A calibration curve: logistic, or linear between knots and held beyond."""
    knots, values = c.get("knots"), c.get("values")
    if not knots:
        return logistic(c["intercept"] + c["slope"] * score)
    if score <= knots[0]:
        return values[0]
    for i in range(1, len(knots)):
        if score <= knots[i]:
            return values[i - 1] + (score - knots[i - 1]) / (knots[i] - knots[i - 1]) * (values[i] - values[i - 1])
    return values[-1]


def probabilities(model, row):
    """The probability of each class."""
    calibration, base = (model, model["base"]) if model["kind"] == "calibrated" else (None, model)
    margins = [a + sum(b * x for b, x in zip(row_, row) if b != 0) for a, row_ in zip(base["intercepts"], base["coefficients"])]
    if calibration is None:
        return [1 - logistic(margins[0]), logistic(margins[0])] if len(margins) == 1 else softmax(margins)
    curves = calibration["curves"]
    if len(margins) == 1:
        p = curve(curves[0], margins[0])
        return [1 - p, p]
    if calibration["method"] == "temperature":
        return softmax([curves[0]["slope"] * m for m in margins])
    p = [curve(c, m) for c, m in zip(curves, margins)]
    return [v / sum(p) if sum(p) > 0 else 1 / len(p) for v in p]


def survival(model, row, times, limit):
    """Log-hazard, median and S at times; None beyond the follow-up."""
    risk = sum(b * (x - m) for b, x, m in zip(model["coefficients"], row, model["means"]) if b != 0)
    hazard = math.exp(risk)
    steps = list(zip(model["times"], model["baseline_cumulative_hazard"]))
    median = next((t for t, h in steps if h >= math.log(2) / hazard), None)
    curve_ = []
    for t in times:
        h = max([h for s, h in steps if s <= t], default=0.0)
        curve_.append(None if t > min(limit, model["follow_up"]) else math.exp(-h * hazard))
    return risk, median if median is not None and median <= limit else None, curve_


def predict(export, row, times=()):
    """The prediction of each outcome for a row: a dict from column to text."""
    out = {}
    for o in export["outcomes"]:
        x = inputs(o, row, export["missing"])
        for step in o["steps"]:
            x = [apply(f, x) for f in step["columns"]]
        if any(math.isnan(v) for v in x):
            raise ValueError(f"outcome {o['name']}: a value is missing and no step fills it")
        if o["kind"] == "class":
            classes = o["model"]["classes"]
            out[o["name"]] = {f"probability.{c}": p for c, p in zip(classes, probabilities(o["model"], x))}
        else:
            risk, median, s = survival(o["model"], x, times, o["limit"])
            out[o["name"]] = {"risk": risk, "median": median, **{f"survival.{t:g}": v for t, v in zip(times, s)}}
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("model")
    p.add_argument("table")
    p.add_argument("--times", default="", help="times of survival, in the unit of the outcome")
    a = p.parse_args()
    export, times = load(a.model), [float(t) for t in a.times.split(",") if t]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    with open(a.table, encoding="utf-8-sig", newline="") as f:
        for i, row in enumerate(csv.DictReader(f)):
            answers = predict(export, row, times)
            cells = {f"{o}.{k}": v for o, answer in answers.items() for k, v in answer.items()}
            if i == 0:
                writer.writerow(["patient", *cells])
            writer.writerow([row.get("patient", i + 1), *("" if v is None else repr(v) for v in cells.values())])


if __name__ == "__main__":
    main()
