#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A table of JSON lines: the engine beside its peers.

    compare.py FILE.jsonl... [--engine auto] [--against onednn,onnxruntime] [--ceiling sgemm,im2col] [-o md|tsv]
               [--worst]

Lines of the same problem or model, threads and algorithm are rounds of one measurement: the shortest time counts. A
peer is compared with the engine of its own file, with which it ran in turn; where there is none, with the engine of the
first file that has it. So the engine never has more tries than the peer. The ratio is the engine's speed to that of the
peer which leaves it farthest behind; below it the geometric means. --against: beginnings of the names of the peers that
this counts for; --ceiling: columns that are no peers."""
import argparse
import json
import math
import re
import sys
from collections import defaultdict


def read_file(path):
    """{(subject, batch, threads): {algo: speed}}, layers and networks apart."""
    layers, networks = defaultdict(dict), defaultdict(dict)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if "problem" in row:
                keep_best(layers[row["problem"], None, row["threads"]], row["algo"], row["gflops"])
                complain(row, path)
            elif "model" in row:
                name = row["model"].rsplit("/", 1)[-1]
                keep_best(networks[name, row["batch"], row["threads"]], row.get("peer", "auto"), row["images_per_s"])
    return layers, networks


def keep_best(speeds, algo, speed):
    speeds[algo] = max(speeds.get(algo, 0), speed)


def complain(row, path):
    error = row["rel_l2_err"]
    if error is not None and not error <= 1e-4:
        print(f"compare.py: {path}: {row['algo']} computes {row['problem']} wrongly: {error}", file=sys.stderr)


def join(tables, engine):
    """{key: {algo: (speed, speed of the engine beside it)}}; the engine's own is that of the first file that has it."""
    joined = {}
    for table in tables:
        for key, speeds in table.items():
            if engine in speeds and key not in joined:
                joined[key] = {engine: (speeds[engine], speeds[engine])}
    for table in tables:
        for key, speeds in table.items():
            row = joined.get(key)
            for algo, speed in speeds.items() if row else ():
                if algo not in row or (algo != engine and speed > row[algo][0]):
                    row[algo] = speed, speeds.get(engine, row[engine][0])
    return joined


def short_name(subject):
    return subject.split('n"')[1].split("*")[0].rstrip('"') if 'n"' in subject else subject


def label(key, table):
    """The name of a problem, or all of it where problems of several files share the name."""
    subject, batch, threads = key
    name = short_name(subject)
    images = re.search(r"mb([0-9]+)", subject.split('n"')[0])
    batch = batch or int(images.group(1) if images else 1)
    others = {re.sub(r"mb[0-9]+", "", other) for other, *_ in table if short_name(other) == name}
    name = subject.replace("|", "") if len(others) > 1 else name
    return name + (f" batch {batch}" if batch > 1 else "") + (f" ({threads} threads)" if threads > 1 else "")


def geometric_mean(numbers):
    return math.exp(sum(map(math.log, numbers)) / len(numbers)) if numbers else math.nan


def make_rows(table, options):
    """Label, {algo: (speed, engine's)}, hardest peer, ratio; the last two None where there is no peer."""
    no_peers = {options.engine, *options.ceiling.split(",")}
    against = tuple(options.against.split(","))
    for key, speeds in table.items():
        ratios = {algo: engine / speed for algo, (speed, engine) in speeds.items()
                  if algo not in no_peers and algo.startswith(against)}
        worst = min(ratios, key=ratios.get) if ratios else None
        yield label(key, table), speeds, worst, ratios.get(worst)


def print_line(cells, options):
    print("\t".join(cells) if options.format == "tsv" else f"| {' | '.join(cells)} |")


def print_table(table, title, options):
    rows = list(make_rows(table, options))
    if not rows:
        return
    others = sorted({algo for _, speeds, _, _ in rows for algo in speeds} - {options.engine})
    print_line([title, options.engine, *others, "hardest peer", "ratio"], options)
    if options.format == "md":
        print("|---" + "|---:" * (len(others) + 1) + "|---|---:|")
    for name, speeds, worst, ratio in rows:
        cells = [f"{speeds[algo][0]:.1f}" if algo in speeds else "-" for algo in (options.engine, *others)]
        print_line([name, *cells, worst or "-", f"{ratio:.2f}" if ratio else "-"], options)
    print_means(rows, others, options)
    print()


def print_means(rows, others, options):
    """The engine to each of them, over the rows that have both."""
    cells = []
    for algo in others:
        ratios = [speeds[algo][1] / speeds[algo][0] for _, speeds, _, _ in rows if algo in speeds]
        cells.append(f"{geometric_mean(ratios):.2f}x" if ratios else "-")
    ratios = [ratio for *_, ratio in rows if ratio]
    print_line(["geometric mean of ratios", "", *cells, "", f"{geometric_mean(ratios):.2f}"], options)


def print_worst(table, options):
    slower = [row for row in make_rows(table, options) if row[3] and row[3] < 1]
    for name, speeds, worst, ratio in sorted(slower, key=lambda row: row[3]):
        speed, engine = speeds[worst]
        print(f"{ratio:.2f} {name}: {engine:.1f} against {speed:.1f} of {worst}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE.jsonl")
    parser.add_argument("--engine", default="auto", help="the column that is compared with the others")
    parser.add_argument("--against", default="", help="beginnings of the names of the peers that the ratio is to")
    parser.add_argument("--ceiling", default="sgemm", help="columns that are no peers")
    parser.add_argument("-o", dest="format", choices=["md", "tsv"], default="md")
    parser.add_argument("--worst", action="store_true", help="only where the engine is slower, worst first")
    options = parser.parse_args()
    layers, networks = (join(tables, options.engine) for tables in zip(*map(read_file, options.files)))
    if options.worst:
        print_worst(layers, options)
        print_worst(networks, options)
        return
    print_table(layers, "GFLOP/s", options)
    print_table(networks, "images/s", options)


if __name__ == "__main__":
    main()
