#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same bits on every instruction set: conv_bits.py CONV_BITS SHAPES RANDOM [COMMAND...]

Runs conv_bits under every UNFURL_ISA that this CPU has, and compares the hashes; baseline has bits of its own, and only
has to agree with itself. COMMAND is another conv_bits, for another architecture, whose hashes must be these too.
"""
import os
import subprocess
import sys

FUSED = ["portable", "avx2", "avx512", "neon"]


def run(command, isa):
    """The instruction set in use and the lines that follow it."""
    environment = {**os.environ, "UNFURL_ISA": isa} if isa else None
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"conv_bits on {isa or command[0]} failed")
    lines = done.stdout.splitlines()
    return lines[0].removeprefix("isa: "), lines[1:]


def compare(names, lines, reference):
    """The number of results with other bits. What CBLAS summed is outside the promise, and named."""
    if [line.rsplit(": ", 1)[0] for line in lines] != [line.rsplit(": ", 1)[0] for line in reference]:
        sys.exit(f"{names[0]} and {names[1]} did other shapes")
    pairs = list(zip(lines, reference))
    blas = [pair for pair in pairs if any(line.endswith(": CBLAS") for line in pair)]
    different = [pair for pair in pairs if pair[0] != pair[1] and pair not in blas]
    for one, other in different:
        print(f"{names[0]} has other bits than {names[1]}: {one}, not {other.rsplit(': ', 1)[1]}")
    print(f"{names[0]} and {names[1]}: {len(pairs) - len(blas)} shapes compared, {len(different)} differ"
          + (f", {len(blas)} by CBLAS" if blas else ""))
    return len(different)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program, arguments, other = sys.argv[1], sys.argv[2:4], sys.argv[4:]
    results = {}
    for isa in FUSED + ["baseline"]:
        if run([program, "none"], isa)[0] == isa:
            results[isa] = run([program, *arguments], isa)[1]
        else:
            print(f"skipped: {isa}: this CPU does not have it")
    if other:
        name, lines = run([*other, *arguments], None)
        results[f"{name} (emulated CPU)"] = lines
    del results["baseline"]
    reference, *rest = results
    differences = sum(compare((name, reference), results[name], results[reference]) for name in rest)
    return 1 if differences or not rest else 0


if __name__ == "__main__":
    sys.exit(main())
