#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The public headers: headers.py INCLUDE_DIR CC... [-- CXX...]

Each compiles alone as C17 and as C++17 without a warning, and is shorter than 250 lines. The example in each header's
first comment compiles too: a block of lines indented by five spaces whose last line ends with ; or } is code, and goes
into a function of its own, in which the names of DECLARATIONS that it uses are declared. "..." stands for more code.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
MOST_LINES = 250

# What examples take for granted; a header may mean something else by a name.
DECLARATIONS = {
    "context": "unfurl_context *context = NULL;",
    "desc": "unfurl_conv_desc desc = {0};",
    "error": "unfurl_error error;",
    "model": "unfurl_model *model = NULL;",
    "plan": "unfurl_conv_plan *plan = NULL;",
    "session": "unfurl_session *session = NULL;",
    "image": "float image[32 * 32 * 3] = {0};",
    "filters": "float filters[6 * 5 * 5 * 3] = {0};",
    "bias": "float bias[6] = {0};",
    "patches": "float patches[784 * 75] = {0};",
    "rows": "size_t rows;",
    "cols": "size_t cols;",
    "maps": "float maps[784 * 6] = {0};",
    "pixels": "float pixels[16 * 32 * 32] = {0};",
}
OTHER_DECLARATIONS = {"model.h": {"filters": "unfurl_tensor filters = {0};"}}
WITHOUT_EXAMPLE = {"unfurl.h"}  # it only includes the others


def compile_text(compiler, language, include, text):
    """The compiler's messages; empty when it has nothing to say."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / ("unit.c" if language == "c" else "unit.cpp")
        path.write_text(text, encoding="utf-8")
        standard = "-std=c17" if language == "c" else "-std=c++17"
        unused = ["-Wno-unused-variable", "-Wno-unused-but-set-variable"] if "int example(" in text else []
        result = subprocess.run([*compiler, standard, *WARNINGS, *unused, f"-I{include}", str(path)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.stdout if result.returncode else ""


def first_comment(text):
    """The comment that follows the SPDX line."""
    return re.findall(r"/\*.*?\*/", text, re.DOTALL)[1]


def examples(comment):
    """The blocks of code in a comment."""
    blocks, block = [], []
    for line in comment.splitlines() + [""]:
        match = re.match(r" \* {5}(.*)$", line)
        if match:
            block.append(match[1])
            continue
        if block and re.sub(r"\s*//.*", "", block[-1])[-1:] in (";", "}"):
            blocks.append(block)
        block = []
    return blocks


def example_unit(header, code):
    names = {**DECLARATIONS, **OTHER_DECLARATIONS.get(header, {})}
    text = "\n".join("" if line.strip() == "..." else "    " + line for line in code)
    used = [declaration for name, declaration in names.items() if re.search(rf"\b{name}\b", text)]
    lines = ["#include <stdio.h>", "#include <stdlib.h>", '#include "unfurl/unfurl.h"', "int example(void);",
             "int example(void) {", *("  " + declaration for declaration in used), "  {", text, "  }", "  return 0;", "}"]
    return "\n".join(lines) + "\n"


def check_header(path, include, c_compiler, cpp_compiler):
    name, text = path.name, path.read_text(encoding="utf-8")
    alone = f'#include "unfurl/{name}"\n'
    lines = text.count("\n")
    if lines >= MOST_LINES:
        yield f"{name} has {lines} lines"
    for language, compiler in (("c", c_compiler), ("c++", cpp_compiler)):
        messages = compile_text(compiler, language, include, alone) if compiler else ""
        if messages:
            yield f"{name} does not compile alone as {language}:\n{messages}"
    found = examples(first_comment(text))
    if not found and name not in WITHOUT_EXAMPLE:
        yield f"{name} has no example"
    for code in found:
        messages = compile_text(c_compiler, "c", include, example_unit(name, code))
        if messages:
            yield f"the example of {name} does not compile:\n{messages}"


def check_self(c_compiler):
    """A wrong example, and a header that needs another, are noticed."""
    header = "/* SPDX */\n/* Text.\n *\n *     no code here\n *\n *     int x = undeclared;\n *\n */\nint f(size_t n);\n"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "unfurl" / "wrong.h"
        path.parent.mkdir()
        path.write_text(header, encoding="utf-8")
        (path.parent / "unfurl.h").write_text("", encoding="utf-8")
        faults = list(check_header(path, folder, c_compiler, None))
    if len(faults) != 2 or "alone" not in faults[0] or "undeclared" not in faults[1]:
        sys.exit(f"headers.py itself is wrong: {faults}")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    include, compilers = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    split = compilers.index("--") if "--" in compilers else len(compilers)
    c_compiler, cpp_compiler = compilers[:split], compilers[split + 1:]
    check_self(c_compiler)
    headers = sorted((include / "unfurl").glob("*.h"))
    faults = [fault for path in headers for fault in check_header(path, include, c_compiler, cpp_compiler)]
    for fault in faults:
        print(fault)
    if not cpp_compiler:
        print("skipped: the public headers as C++17 (there is no C++ compiler)")
    print(f"{len(headers)} headers, {len(faults)} faults")
    return 1 if faults or len(headers) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
