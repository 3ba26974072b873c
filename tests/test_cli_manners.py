# SPDX-License-Identifier: BSD-2-Clause
"""Help, manual page and completion of the program; test_cli.py runs these tests too.

python3 test_cli_manners.py PATH_TO_UNFURL SOURCE_ROOT"""
import re
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True  # leaves the source folder as it is

import cli_case
from cli_case import Case

COMMANDS = ("run", "verify", "bench", "inspect", "lecture")
OPTION = r"(?<![\w-])--[a-z][a-z-]*"


class Manners(Case):
    def help_of(self, command):
        return self.run_program(command, "--help").stdout

    def test_help(self):
        general = self.run_program("--help").stdout
        for command in COMMANDS:
            text = self.help_of(command)
            self.assertRegex(general, r"(?m)^  %s +\S" % command)
            self.assertTrue(text.startswith("Usage: unfurl %s " % command), command)
            self.assertRegex(text, r"(?m)^Examples?:(.*\n)+  unfurl %s " % command)
            self.assertIn("Exit status: ", text)
            self.assertLessEqual(max(map(len, text.splitlines())), 80, command)

    def render(self, width=100):
        """The manual page as text."""
        page = cli_case.ROOT / "src/cli/unfurl.1"
        return subprocess.run(["man", "-l", str(page)], capture_output=True, text=True, check=True,
                              env={"PATH": "/usr/bin:/bin", "MANWIDTH": str(width), "LC_ALL": "C"}).stdout

    @unittest.skipUnless(shutil.which("man") and shutil.which("groff"), "man and groff are not installed")
    def test_manual_renders(self):
        page = str(cli_case.ROOT / "src/cli/unfurl.1")
        for device in ("ascii", "utf8"):
            done = subprocess.run(["groff", "-mandoc", "-ww", "-b", "-z", "-T" + device, page], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("EXIT STATUS", re.sub(".\b", "", done.stdout))

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_manual_is_clean(self):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(cli_case.ROOT / "src/cli/unfurl.1")],
                              capture_output=True, text=True)
        self.assertEqual(done.stdout + done.stderr, "")

    def test_manual_is_complete(self):
        """Each command's section has the options that its help has, and no others."""
        source = (cli_case.ROOT / "src/cli/unfurl.1").read_text().replace("\\-", "-")
        source = source.replace(".Fl -", ".Fl --").replace(" Fl -", " --").replace(".It Fl -", ".It Fl --")
        sections = dict(re.findall(r"(?ms)^\.Ss unfurl (\w+)\n(.*?)(?=^\.S[hs] )", source))
        self.assertEqual(list(sections), list(COMMANDS))
        for command in COMMANDS:
            options = set(re.findall(OPTION, self.help_of(command))) - {"--help"}
            self.assertEqual(set(re.findall(OPTION, sections[command])), options, command)

    def complete(self, *words):
        script = cli_case.ROOT / "src/cli/unfurl.bash"
        body = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _unfurl; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", body, str(script), cli_case.UNFURL, *words], capture_output=True, text=True,
                              cwd=self.dir)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_completion(self):
        (self.dir / "model.onnx").write_text("")
        (self.dir / "mo").mkdir()
        for words, expected in (
                (["le"], ["lecture"]), (["--v"], ["--version"]), (["lecture", "--m"], ["--maps"]),
                (["inspect", "m", "--alg"], ["--algo"]), (["bench", "--algo", "sg"], ["sgemm"]),
                (["run", "--algo", "nai"], ["naive"]), (["bench", "--algo", "=", "nai"], ["naive"]),
                (["bench", "-o", "js"], ["jsonl", "json"]), (["inspect", "-o", "j"], ["json"]),
                (["run", "--resize", "c"], ["crop"]), (["run", "--plan", "m"], ["measure"]),
                (["bench", "--wisdom", "mod"], ["model.onnx"]), (["inspect", "model"], ["model.onnx"]),
                (["lecture", "--maps", "mod"], ["model.onnx"]), (["run", "m", "--batch", ""], []),
                (["bench", "--batch", "=", "mod"], ["model.onnx"]), (["help", "ins"], ["inspect"])):
            self.assertEqual(self.complete(*words), expected, words)
        self.assertEqual(set(self.complete("")), {*COMMANDS, "help", "--help", "--version"})
        for command in COMMANDS:
            self.assertEqual(set(self.complete(command, "--")), set(re.findall(OPTION, self.help_of(command))), command)


if __name__ == "__main__":
    cli_case.main(__doc__)
