#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the shared libraries give and take: exports.py [--not-release WHY] NM LIBRARY.so...

They define nothing but unfurl_*; and they need nothing that ends the process or writes to stdout or stderr. The second
holds for release builds (asserts and sanitizers end the process by design): WHY says why this is none.
"""
import re
import subprocess
import sys

FORBIDDEN = {
    "exit", "_exit", "_Exit", "quick_exit", "abort", "__assert_fail", "__assert", "raise", "kill", "pthread_kill", "err",
    "errx", "error", "stdout", "stderr", "printf", "vprintf", "fprintf", "vfprintf", "dprintf", "puts", "putchar", "fputs",
    "fputc", "putc", "perror", "psignal", "syslog", "__printf_chk", "__vprintf_chk", "__fprintf_chk", "__vfprintf_chk",
    "__dprintf_chk",
}


def symbols(nm, library, *options):
    """Pairs of type and name, without versions."""
    output = subprocess.run([nm, "-D", *options, library], check=True, text=True, stdout=subprocess.PIPE).stdout
    found = re.findall(r"^[0-9a-f ]*\s([A-Za-z])\s(\S+)$", output, re.MULTILINE)
    return [(kind, name.split("@")[0]) for kind, name in found]


def check(nm, library, is_release):
    # A is absolute: the names of symbol versions.
    defined = {name for kind, name in symbols(nm, library, "--defined-only") if kind != "A"}
    needed = {name for _, name in symbols(nm, library, "--undefined-only")}
    for name in sorted(defined):
        if not name.startswith("unfurl_"):
            yield f"{library} exports {name}"
    for name in sorted(needed & FORBIDDEN) if is_release else []:
        yield f"{library} needs {name}"
    if not any(name.startswith("unfurl_") for name in defined) or not needed:
        yield f"{library}: nm shows {len(defined)} and {len(needed)} symbols, which can't be right"


def main():
    arguments, why = sys.argv[1:], ""
    if arguments[:1] == ["--not-release"]:
        why, arguments = arguments[1], arguments[2:]
    if len(arguments) < 2:
        sys.exit(__doc__)
    faults = [fault for library in arguments[1:] for fault in check(arguments[0], library, not why)]
    for fault in faults:
        print(fault)
    if why:
        print(f"skipped: that the libraries neither end the process nor print ({why})")
    print(f"{len(arguments) - 1} libraries, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
