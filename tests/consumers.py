#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds and runs the embedding examples against an installed copy, by pkg-config, by CMake, and as a Meson subproject.

Usage: consumers.py BUILD_DIR SOURCE_ROOT [pkg-config|cmake|meson]...

Each route builds a C program (one convolution) and a C++ program (a network) outside of the source tree, from what
`meson install` put into a scratch prefix, and checks what they print.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CMAKE_LISTS = """
cmake_minimum_required(VERSION 3.20)
project(consumer C CXX)
find_package(unfurl 0.1 REQUIRED)
add_executable(convolution convolution.c)
target_link_libraries(convolution PRIVATE unfurl::unfurl)
add_executable(network network.cpp)
target_link_libraries(network PRIVATE unfurl::onnx)
"""

MESON_BUILD = """
project('consumer', 'c', 'cpp', default_options: ['c_std=c17', 'cpp_std=c++17'])
executable('convolution', 'convolution.c', dependencies: dependency('unfurl', fallback: 'unfurl'))
executable('network', 'network.cpp', dependencies: dependency('unfurl-onnx', fallback: 'unfurl'))
"""


def run(*command, cwd=None, env=None):
    """The command's stdout; its output and a failure if it does not succeed."""
    result = subprocess.run([str(word) for word in command], cwd=cwd, env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode != 0:
        sys.exit(f"{' '.join(str(word) for word in command)}: exit status {result.returncode}\n{result.stdout}")
    return result.stdout


def install(build, prefix):
    """Installs a build directory below `prefix` and returns where the libraries are."""
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", prefix)
    return next(prefix.rglob("libunfurl.so")).parent


def pkg_config_route(work, libdir, root):
    prefix = next(parent for parent in libdir.parents if (parent / "include" / "unfurl").is_dir())
    env = dict(os.environ, PKG_CONFIG_PATH=str(libdir / "pkgconfig"))

    def flags(package):
        return run("pkg-config", f"--define-variable=prefix={prefix}", "--cflags", "--libs", package, env=env).split()

    run("cc", "-std=c17", "convolution.c", *flags("unfurl"), "-o", "convolution", cwd=work)
    run("c++", "-std=c++17", "network.cpp", *flags("unfurl-onnx"), "-o", "network", cwd=work)
    return work


def cmake_route(work, libdir, root):
    (work / "CMakeLists.txt").write_text(CMAKE_LISTS)
    run("cmake", "-G", "Ninja", "-S", work, "-B", work / "build", f"-Dunfurl_DIR={libdir / 'cmake' / 'unfurl'}")
    run("cmake", "--build", work / "build")
    return work / "build"


def meson_route(work, libdir, root):
    (work / "meson.build").write_text(MESON_BUILD)
    (work / "subprojects").mkdir()
    copy = work / "subprojects" / "unfurl"
    copy.mkdir()
    for name in ("meson.build", "meson_options.txt"):
        shutil.copy(root / name, copy)
    for name in ("include", "src"):
        shutil.copytree(root / name, copy / name)
    run("meson", "setup", work / "build", work, "-Dunfurl:cli=disabled", "--force-fallback-for=unfurl,unfurl-onnx")
    run("ninja", "-C", work / "build")
    return work / "build"


ROUTES = {"pkg-config": pkg_config_route, "cmake": cmake_route, "meson": meson_route}


def check(route, scratch, libdir, root):
    work = scratch / route
    work.mkdir()
    for name in ("convolution.c", "network.cpp"):
        shutil.copy(root / "examples" / "embed" / name, work)
    built = ROUTES[route](work, libdir, root)
    env = dict(os.environ)
    if route != "meson":
        env["LD_LIBRARY_PATH"] = str(libdir)
    convolution = run(built / "convolution", env=env)
    network = run(built / "network", root / "examples" / "fashion_mnist" / "lenet5.onnx", env=env)
    if "maps 28 x 28 x 6, the first pixel: 0.000 0.100 0.200 0.316 0.416 0.516" not in convolution:
        sys.exit(f"{route}: the convolution printed\n{convolution}")
    if "batch 1: 1 x 10 scores" not in network or "batch 16: 16 x 10 scores" not in network:
        sys.exit(f"{route}: the network printed\n{network}")
    print(f"{route}: a C and a C++ program built and ran")


def main():
    build, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory(prefix="unfurl-consumers-") as folder:
        scratch = pathlib.Path(folder)
        libdir = install(build, scratch / "installed")
        for route in sys.argv[3:] or ROUTES:
            check(route, scratch, libdir, root)


if __name__ == "__main__":
    main()
