# SPDX-License-Identifier: BSD-2-Clause
"""The instruction set of this machine, as unfurl names it."""


def find_isa():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        flags = next((line.split() for line in lines if line.startswith(("flags", "Features"))), [])
    for flag, isa in (("avx512bw", "avx512"), ("avx2", "avx2"), ("asimd", "neon")):
        if flag in flags:
            return isa
    return "baseline"


ISA = find_isa()
