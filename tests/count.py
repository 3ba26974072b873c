#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Names the skipped tests of Meson's logs and prints the totals: count.py TESTLOG.json... ; fails if a test failed."""
import json
import sys


def main():
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as log:
            for line in log:
                test = json.loads(line)
                kind = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}.get(test["result"], "failed")
                totals[kind] += 1
                if kind == "skipped":
                    print(f"skipped: {test['name']}: {(test.get('stdout') or '').strip()}")
                # A script may skip a part of what it does, and says so.
                elif "skipped: " in (test.get("stdout") or ""):
                    for part in test["stdout"].splitlines():
                        if part.startswith("skipped: "):
                            print(f"skipped in {test['name']}: {part[len('skipped: '):]}")
    if sum(totals.values()) == 0:
        totals["failed"] = 1
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
