#!/usr/bin/python3
"""Time models of trees beside the programs a user would pick instead, on the same numbers, one after the other.

    /usr/bin/python3 models/tree/testdata/peers.py [case ...]

Needs Debian's python3-sklearn, python3-xgboost and r-cran-ranger, and Go. Writes the data into $VOXGENE_BENCH (default: a new temporary
folder) and prints a line a case: CPU seconds (user + system) and score of the peer and of Voxgene, the least of the runs of each.
Data: standard normal columns correlated .5 with their neighbour, 40 of them with a cause in the class; survival times with 20 causes,
censoring and ties. A quarter of the class data is held out for the score; survival is scored out of bag.
"""
import json, os, re, subprocess, sys, tempfile
import numpy as np

# One thread each: OpenMP waits by spinning, which on a busy machine multiplies the CPU seconds of programs that share their work.
os.environ.setdefault("OMP_NUM_THREADS", "1")
DIR = os.environ.setdefault("VOXGENE_BENCH", tempfile.mkdtemp())
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def classes(tag, n, p):
    g = np.random.default_rng(1)
    x = g.standard_normal((n, p))
    x[:, 1:] = .5 * x[:, :-1] + np.sqrt(.75) * x[:, 1:]
    b = np.zeros(p)
    b[g.choice(p, 40, replace=False)] = g.normal(0, .5, 40)
    y = (g.random(n) < 1 / (1 + np.exp(-x @ b))).astype(float)
    k = int(n * .75)
    x = (x - x[:k].mean(0)) / x[:k].std(0)
    for part, rows in (("train", slice(0, k)), ("test", slice(k, n))):
        np.ascontiguousarray(x[rows].T).tofile(f"{DIR}/{tag}_{part}.f64")
        y[rows].tofile(f"{DIR}/{tag}_y{part}.f64")


def survival(tag, n, p):
    g = np.random.default_rng(2)
    x = g.standard_normal((n, p))
    b = np.zeros(p)
    b[:20] = g.normal(0, .3, 20)
    t, c = g.exponential(np.exp(-x @ b) * 30), g.exponential(30, n)
    np.ascontiguousarray(x.T).tofile(f"{DIR}/{tag}_train.f64")
    (np.ceil(np.minimum(t, c) * 10) / 10).tofile(f"{DIR}/{tag}_time.f64")
    (t <= c).astype(float).tofile(f"{DIR}/{tag}_event.f64")


PYTHON = """
import os, sys, json, resource, warnings
import numpy as np
warnings.filterwarnings("ignore")
from sklearn.metrics import roc_auc_score
tag = sys.argv[1]; d = os.environ["VOXGENE_BENCH"]
read = lambda part: (lambda y: (np.ascontiguousarray(np.fromfile(f"{d}/{tag}_{part}.f64").reshape(-1, len(y)).T), y))(np.fromfile(f"{d}/{tag}_y{part}.f64"))
(xa, ya), (xb, yb) = read("train"), read("test")
cpu = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
MODEL
c = cpu(); m.fit(xa, ya); c = cpu() - c
print(json.dumps({"cpu": c, "score": roc_auc_score(yb, m.predict_proba(xb)[:, 1]), "mb": int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024}))
"""
SKLEARN = "from sklearn.ensemble import RandomForestClassifier; m = RandomForestClassifier(%d, n_jobs=2, random_state=0)"
HGB = "from sklearn.ensemble import HistGradientBoostingClassifier; m = HistGradientBoostingClassifier(max_iter=300, learning_rate=.1, max_depth=6, early_stopping=False, random_state=0)"
XGB = "import xgboost; m = xgboost.XGBClassifier(n_estimators=300, max_depth=6, learning_rate=.1, tree_method='hist', n_jobs=1, random_state=0)"
RANGER = """
library(ranger); tag <- commandArgs(TRUE)[1]; d <- Sys.getenv("VOXGENE_BENCH")
read <- function(n) { f <- file.path(d, paste0(tag, "_", n, ".f64")); readBin(f, "double", file.size(f) / 8) }
cpu <- function(f) { t <- proc.time(); r <- f(); t <- proc.time() - t; list(cpu = t[[1]] + t[[2]], r = r) }
MODEL
hwm <- as.numeric(gsub("\\\\D", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
cat(sprintf('{"cpu": %f, "score": %f, "mb": %f}\\n', r$cpu, s, hwm))
"""
RANGER_CLASS = """
y <- read("ytrain"); x <- matrix(read("train"), length(y)); colnames(x) <- paste0("x", seq_len(ncol(x)))
r <- cpu(function() ranger(x = x, y = factor(y), num.trees = %d, num.threads = 2, probability = TRUE, min.node.size = 1, seed = 1))
yb <- read("ytest"); xb <- matrix(read("test"), length(yb)); colnames(xb) <- colnames(x)
p <- predict(r$r, xb)$predictions[, "1"]; k <- rank(p); n1 <- sum(yb == 1); s <- (sum(k[yb == 1]) - n1 * (n1 + 1) / 2) / (n1 * sum(yb == 0))
"""
RANGER_SURVIVAL = """
y <- read("time"); df <- data.frame(time = y, status = read("event"), matrix(read("train"), length(y)))
r <- cpu(function() ranger(dependent.variable.name = "time", status.variable.name = "status", data = df, num.trees = 50, num.threads = 2, min.node.size = 15, seed = 1))
s <- 1 - r$r$prediction.error
"""


def python(model, tag):
    return run(["/usr/bin/python3", "-c", PYTHON.replace("MODEL", model), tag])


def ranger(model, tag):
    return run(["Rscript", "-e", RANGER.replace("MODEL", model), tag])


def run(command):
    out = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if out.returncode:
        sys.exit(out.stderr)
    return json.loads(out.stdout.strip().splitlines()[-1])


def ours(benchmark):
    out = subprocess.run([f"{DIR}/tree.test", "-test.run", "^$", "-test.bench", f"^Benchmark{benchmark}$", "-test.benchtime", "1x"],
                         capture_output=True, text=True, cwd=PACKAGE, env=os.environ).stdout
    value = lambda unit: float(re.search(r"([\d.]+) " + unit, out).group(1))
    return {"cpu": value("cpu-s/op"), "score": value("score"), "mb": value("peak-MB")}


CASES = {
    "Forest500x2000": ("random forest, 500 trees, 500×2,000", "500x2000", {"ranger": lambda t: ranger(RANGER_CLASS % 500, t), "scikit-learn": lambda t: python(SKLEARN % 500, t)}),
    "Forest24950x500": ("random forest, 50 trees, 24,950×500", "24950x500", {"scikit-learn": lambda t: python(SKLEARN % 50, t)}),
    "BoostingHist500x2000": ("boosting (256 bins), 300 rounds, 500×2,000", "500x2000", {"HistGradientBoosting": lambda t: python(HGB, t), "XGBoost hist": lambda t: python(XGB, t)}),
    "BoostingHist24950x500": ("boosting (256 bins), 300 rounds, 24,950×500", "24950x500", {"HistGradientBoosting": lambda t: python(HGB, t), "XGBoost hist": lambda t: python(XGB, t)}),
    "SurvivalForest2000x50": ("survival forest, 50 trees, 2,000×50", "2000x50", {"ranger": lambda t: ranger(RANGER_SURVIVAL, t)}),
}

if __name__ == "__main__":
    subprocess.run(["go", "test", "-c", "-o", f"{DIR}/tree.test", "."], cwd=PACKAGE, check=True)
    if not os.path.exists(f"{DIR}/2000x50_time.f64"):
        classes("500x2000", 500, 2000)
        classes("24950x500", 24950, 500)
        survival("2000x50", 2000, 50)
    print("| work | program | CPU s | score | peak MB |\n|---|---|---:|---:|---:|")
    for name, (work, tag, peers) in CASES.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        runs = {}
        for _ in range(int(os.environ.get("RUNS", "2"))):
            for program, time in {**peers, "Voxgene": lambda t: ours(name)}.items():
                runs.setdefault(program, []).append(time(tag))
        for program, all in runs.items():
            best = min(all, key=lambda r: r["cpu"])
            print(f"| {work} | {program} | {best['cpu']:.2f} | {best['score']:.3f} | {best['mb']:.0f} |", flush=True)
