#!/usr/bin/python3
"""Time a step of training beside PyTorch's, on the same two networks and the same machine, one after the other.

    /usr/bin/python3 models/neural/testdata/peers.py [rounds]

Needs Debian's python3-torch, and Go. Prints a line a network: wall and CPU (user + system) milliseconds a step of PyTorch on two threads and of
Voxgene with SIMD in one piece and as two replicas, and in the default build, the least of the rounds (default 3). On a busy machine only
CPU says something, and PyTorch's counts the spinning of its threads while they wait.
"""
import os, re, resource, subprocess, sys, tempfile, time

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Name, axes, channels of the levels, batch, side: those of BenchmarkStep. Between two levels space is halved; the mean over space feeds two classes.
NETWORKS = [("2-D", 2, (16, 32, 64), 32, 64), ("3-D", 3, (8, 16, 32), 8, 32), ("3-D/wide", 3, (16, 32, 64), 8, 32)]
STEPS = 10


def spent():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime


def torch_step(axes, widths, batch, side):
    import torch
    from torch import nn
    torch.set_num_threads(2)
    torch.manual_seed(0)
    conv, pool = (nn.Conv2d, nn.MaxPool2d) if axes == 2 else (nn.Conv3d, nn.MaxPool3d)
    layers, before = [], 1
    for level, width in enumerate(widths):
        layers += [conv(before, width, 3, padding=1)] + [pool(2)] * (level < len(widths) - 1) + [nn.ReLU()]
        before = width
    body, head = nn.Sequential(*layers), nn.Linear(before, 2)
    optimiser = torch.optim.AdamW([*body.parameters(), *head.parameters()], lr=1e-3, weight_decay=0.01)
    x, y = torch.randn(batch, 1, *[side] * axes), torch.arange(batch) % 2

    def step():
        optimiser.zero_grad()
        nn.functional.cross_entropy(head(body(x).flatten(2).mean(2)), y).backward()
        optimiser.step()

    for _ in range(3):
        step()
    wall, cpu = time.time(), spent()
    for _ in range(STEPS):
        step()
    return (time.time() - wall) / STEPS * 1e3, (spent() - cpu) / STEPS * 1e3


def voxgene_step(binary, name):
    """Steps more than one, so that compiling the graph counts for neither."""
    def run(steps):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = subprocess.run([binary, "-test.run", "XXX", "-test.bench", f"^BenchmarkStep$/^{name.replace('/', '$/^')}$", "-test.benchtime", f"{steps}x"],
                              check=True, capture_output=True, text=True, cwd=PACKAGE).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        total = float(re.search(r"([\d.]+) ns/op", text)[1]) * steps / 1e6
        return total, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3
    few, many = run(1), run(1 + STEPS)
    return tuple((b - a) / STEPS for a, b in zip(few, many))


def built(name, **set):
    out = os.path.join(tempfile.mkdtemp(), name)
    subprocess.run(["go", "test", "-c", "-o", out, "."], check=True, cwd=PACKAGE, env={**os.environ, "CGO_ENABLED": "0", **set})
    return out


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    simd, plain = built("simd", GOEXPERIMENT="simd"), built("plain", GOEXPERIMENT="")
    for name, axes, widths, batch, side in NETWORKS:
        if name.endswith("wide"):
            ours = [("SIMD, two replicas", simd, name), ("default, two replicas", plain, name)]
        else:
            ours = [(f"{build}, {pieces}", binary, f"{name}/{case}") for build, binary in (("SIMD", simd), ("default", plain))
                    for pieces, case in (("one piece", "one"), ("two replicas", "replicas"))]
        least = {}
        for _ in range(rounds):
            for who, measured in [("PyTorch", lambda: torch_step(axes, widths, batch, side))] + [(w, lambda b=b, n=n: voxgene_step(b, n)) for w, b, n in ours]:
                got = measured()
                least[who] = tuple(map(min, zip(got, least.get(who, got))))
        print(name, "; ".join(f"{who} {wall:.0f} ms, CPU {cpu:.0f}" for who, (wall, cpu) in least.items()), flush=True)


main()
