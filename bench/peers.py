#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Times ONNX Runtime, OpenVINO and ncnn on problems or models, and prints JSON lines as `unfurl bench` does.

    peers.py layers PEER [PROBLEM...] [--batch FILE] [--threads N] [--cold] [--trust]
    peers.py networks PEER MODEL.onnx... [--mb N] [--threads N]

PEER is onnxruntime, openvino or ncnn: one a process, so that their thread pools don't meet. setup_peers.sh makes the
environment that this needs."""
import argparse
import importlib
import json
import statistics
import sys
import tempfile
import time

import numpy as np

import problem as problems
from machine import ISA

MOST_RUNS, MOST_RUNS_COLD = 20000, 200
COLD = np.zeros(128 << 20, np.uint8)


def time_runs(run, seconds, least, cold=False):
    """Seconds of each execution, after two that aren't counted: the first may still allocate."""
    samples, total = [], 0
    run()
    run()
    while len(samples) < least or (total < seconds and len(samples) < (MOST_RUNS_COLD if cold else MOST_RUNS)):
        if cold:
            COLD[::64] += 1
        start = time.perf_counter()
        run()
        samples.append(time.perf_counter() - start)
        total += samples[-1]
    return samples


def microseconds(seconds):
    return round(1e6 * seconds, 3)


def measure_layer(runner, problem, options):
    data = problems.random_data(problem)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        layer = runner.Layer(problem, data, options.threads, folder)
        plan = time.perf_counter() - start
    layer.run()
    error = None
    if not options.trust:
        error = problems.relative_error(layer.result(), problems.reference(problem, data))
    samples = time_runs(layer.run, options.seconds, 20 if options.cold else 5, options.cold)
    share = layer.share() if hasattr(layer, "share") else 1
    least = share * min(samples)
    return {"problem": problem.text, "algo": runner.NAME, "picked": layer.picked, "threads": options.threads,
            "isa": ISA, "min_us": microseconds(least), "median_us": microseconds(share * statistics.median(samples)),
            "gflops": 2e-9 * problem.macs / least, "rel_l2_err": error, "workspace_bytes": None,
            "plan_us": microseconds(plan)}


def measure_network(runner, path, options):
    network = runner.Network(path, options.mb, options.threads)
    samples = time_runs(network.run, options.seconds, 5)
    return {"model": path, "batch": options.mb, "threads": options.threads, "min_us": microseconds(min(samples)),
            "median_us": microseconds(statistics.median(samples)), "images_per_s": options.mb / min(samples),
            "peak_bytes": None, "peer": runner.NAME}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["layers", "networks"])
    parser.add_argument("peer", choices=["onnxruntime", "openvino", "ncnn"])
    parser.add_argument("subjects", nargs="*", metavar="PROBLEM | MODEL.onnx")
    parser.add_argument("--batch", metavar="FILE", help="problems from FILE")
    parser.add_argument("--mb", type=int, default=1, help="images that a network computes together")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.3, help="that each is timed for, at least")
    parser.add_argument("--cold", action="store_true", help="touch 128 MiB of other memory before each execution")
    parser.add_argument("--trust", action="store_true", help="do not verify the results")
    return parser.parse_args()


def main():
    options = parse_arguments()
    runner = importlib.import_module("runner_" + options.peer)
    subjects, measure = options.subjects, measure_network
    if options.mode == "layers":
        subjects, measure = [problems.parse(text) for text in subjects], measure_layer
        subjects += problems.load(options.batch) if options.batch else []
    failed = False
    for subject in subjects:
        try:
            print(json.dumps(measure(runner, subject, options)), flush=True)
        except Exception as error:  # whatever a peer raises: the others go on
            failed = True
            print(f"peers.py: {getattr(subject, 'text', subject)}: {options.peer}: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
