#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Imports run one way only: imports.py SOURCE_ROOT

Reads every #include of the source tree and fails on an arrow that runs up in

    base <- shape <- {lowering, gemm} <- conv <- nn <- graph <- onnx

lowering and gemm do not see each other; onnx, cli and examples see the public headers and themselves; only
src/gemm/blas.c sees a CBLAS. Before that, the check is tried on small trees with one bad arrow each, and must fail.
"""
import pathlib
import re
import sys
import tempfile

# What the files of a room may include, besides the public headers and the C library.
ROOMS = {
    "base": {"base"},
    "shape": {"base", "shape"},
    "lowering": {"base", "shape", "lowering"},
    "gemm": {"base", "shape", "gemm"},
    "conv": {"base", "shape", "lowering", "gemm", "conv"},
    "nn": {"base", "shape", "lowering", "gemm", "conv", "nn"},
    "graph": {"base", "shape", "lowering", "gemm", "conv", "nn", "graph"},
    "onnx": {"onnx"},
    "cli": {"cli"},
}
PUBLIC = "unfurl"
BLAS_HEADERS = {"cblas.h", "blis/cblas.h", "blis/blis.h", "openblas/cblas.h", "f77blas.h"}
BLAS_FILE = "src/gemm/blas.c"
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)
SUFFIXES = {".c", ".h", ".cpp", ".hpp", ".inc", ".S"}


def source_files(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES) if folder.is_dir() else []


def room_of_file(root, path):
    parts = path.relative_to(root).parts if path.is_relative_to(root) else ("outside", "")
    return PUBLIC if parts[0] == "include" else parts[1] if parts[0] == "src" else parts[-2]


def room_of_include(root, path, name):
    """The room that an include leads to: "unfurl" for a public header, None for a header of the system."""
    for folder in (path.parent, root / "include", root / "src"):
        if (folder / name).is_file():
            return room_of_file(root, (folder / name).resolve())
    first = name.split("/")[0]
    return first if first in ROOMS or first == PUBLIC else None


def check_file(root, path, room, allowed):
    where = path.relative_to(root).as_posix()
    for bracket, name in INCLUDE.findall(path.read_text(encoding="utf-8")):
        if name in BLAS_HEADERS:
            if where != BLAS_FILE:
                yield f"{where} includes {name}, which only {BLAS_FILE} may"
            continue
        target = room_of_include(root, path, name)
        if target is None and bracket == '"':
            yield f'{where} includes "{name}", which is not there'
        elif target not in (None, PUBLIC) and target not in allowed:
            yield f"{where} includes {name}: {room} may not see {target}"


def check_tree(root):
    """The faults of the tree, and how many files were read."""
    faults, files = [], 0
    for folder in sorted(path for path in (root / "src").iterdir() if path.is_dir()):
        found = source_files(folder)
        if found and folder.name not in ROOMS:
            faults.append(f"src/{folder.name} is a room that imports.py does not know")
            continue
        for path in found:
            files += 1
            faults += check_file(root, path, folder.name, ROOMS[folder.name])
    for path in source_files(root / "examples"):
        files += 1
        faults += check_file(root, path, "examples", {path.parent.name})
    for path in source_files(root / "include"):
        files += 1
        faults += check_file(root, path, "include", set())
    return faults, files


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


GOOD = {
    "include/unfurl/conv.h": '#include <stddef.h>\n#include "unfurl/status.h"\n',
    "include/unfurl/status.h": "",
    "src/base/memory.h": "#include <stdint.h>\n",
    "src/shape/view.h": '#include "base/memory.h"\n',
    "src/lowering/im2col.c": '#include "shape/view.h"\n#include "unfurl/conv.h"\n',
    "src/lowering/im2col.h": "",
    "src/gemm/blas.c": '#include <cblas.h>\n#include "gemm/blas.h"\n',
    "src/gemm/blas.h": "",
    "src/conv/plan.c": '#include "lowering/im2col.h"\n#include "gemm/blas.h"\n',
    "src/graph/graph.h": "",
    "src/onnx/import.c": '#include "onnx/import.h"\n#include "unfurl/conv.h"\n#include "onnx/onnx.pb-c.h"\n',
    "src/onnx/import.h": "",
    "src/cli/main.c": '#include "cli.h"\n#include "unfurl/conv.h"\n#include <jansson.h>\n',
    "src/cli/cli.h": "",
    "examples/hello/hello.c": '#include <unfurl/conv.h>\n#include "local.h"\n',
    "examples/hello/local.h": "",
}
BAD = {
    "up": ("src/base/memory.h", '#include "shape/view.h"\n'),
    "up by two": ("src/shape/view.h", '#include "conv/plan.h"\n'),
    "lowering to gemm": ("src/lowering/im2col.c", '#include "gemm/blas.h"\n'),
    "gemm to lowering": ("src/gemm/blas.h", '# include "lowering/im2col.h"\n'),
    "in angle brackets": ("src/conv/plan.c", "#include <graph/graph.h>\n"),
    "onnx to graph": ("src/onnx/import.c", '#include "graph/graph.h"\n'),
    "cli to base": ("src/cli/main.c", '#include "base/memory.h"\n'),
    "cli to base, by a path": ("src/cli/main.c", '#include "../base/memory.h"\n'),
    "example to base": ("examples/hello/hello.c", '#include "base/memory.h"\n'),
    "public to private": ("include/unfurl/conv.h", '#include "base/memory.h"\n'),
    "a second CBLAS": ("src/conv/plan.c", "#include <cblas.h>\n"),
    "CBLAS in a header": ("src/gemm/blas.h", "#include <cblas.h>\n"),
    "an unknown room": ("src/attic/old.c", ""),
}


def check_self():
    """A good tree has no fault; the same with one bad line has one that names the file."""
    for name, change in {"good": None, **BAD}.items():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            write_tree(root, GOOD)
            if change:
                write_tree(root, {change[0]: change[1]})
            faults, _ = check_tree(root)
            if bool(faults) != bool(change):
                sys.exit(f"imports.py itself is wrong about the tree \"{name}\": {faults}")
            if change and not any(pathlib.Path(change[0]).parent.as_posix() in fault for fault in faults):
                sys.exit(f"imports.py does not name the file of \"{name}\": {faults}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    check_self()
    faults, files = check_tree(pathlib.Path(sys.argv[1]).resolve())
    for fault in faults:
        print(fault)
    print(f"{files} files, {len(faults)} faults")
    return 1 if faults or files < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
