#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ONNX's own conformance cases (Debian: libonnx-testdata): conformance.py UNFURL CASES.txt [MORE_CASES.txt]

Every case of CASES.txt must pass `unfurl verify`. MORE_CASES.txt is a longer list, of which some cases may fail: how many
pass is printed, and a case that passes but is not in CASES.txt fails the test, so that the list keeps up.
"""
import pathlib
import subprocess
import sys

DATA = pathlib.Path("/usr/include/onnx/backend/test/data")
SKIPPED = 77


def read_list(path):
    return [line for line in pathlib.Path(path).read_text().split() if line]


def verify(unfurl, cases):
    """The lines that `unfurl verify` prints for each case."""
    result = subprocess.run([unfurl, "verify", *(str(DATA / case) for case in cases)], text=True,
                            stdout=subprocess.PIPE)
    lines = result.stdout.splitlines()
    if len(lines) != len(cases) + 1:
        sys.exit(f"unfurl verify printed {len(lines)} lines for {len(cases)} cases (exit status {result.returncode})")
    return dict(zip(cases, lines))


def main():
    unfurl, listed = sys.argv[1], read_list(sys.argv[2])
    if not DATA.is_dir():
        print(f"skipped: {DATA} is not there (package libonnx-testdata)")
        return SKIPPED
    failed = [line for line in verify(unfurl, listed).values() if not line.startswith("PASS")]
    print("\n".join(failed))
    print(f"{len(listed) - len(failed)} of {len(listed)} listed cases pass")
    unlisted = []
    if len(sys.argv) > 3 and pathlib.Path(sys.argv[3]).is_file():
        more = read_list(sys.argv[3])
        passing = [case for case, line in verify(unfurl, more).items() if line.startswith("PASS")]
        unlisted = [case for case in passing if case not in listed]
        print(f"{len(passing)} of the {len(more)} cases of {sys.argv[3]} pass")
        print("\n".join(f"passes, but is not listed: {case}" for case in unlisted))
    elif len(sys.argv) > 3:
        print(f"skipped: {sys.argv[3]} is not there")
    return 1 if failed or unlisted else 0


if __name__ == "__main__":
    sys.exit(main())
