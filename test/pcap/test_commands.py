# SPDX-License-Identifier: BSD-3-Clause
"""Commands: the prompt, its help, its completion and docs/cli.md know the same ones."""

import os
import pathlib
import pty
import re
import select
import subprocess
import time

import pcapfile
from harness import CIPHER_DEVICE, CLEAR_DEVICE, SakerTest, kill
from plan import Plan, make_config
from test_scale import numbered

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
REFUSED = re.compile(r"there is no command|: usage|needs? (an|a) ", re.I)
SYNTAX = re.compile(r"^([a-z]+(?: (?:[a-z]+|[A-Z]+|\[[A-Za-z]+\]))*)  +\S", re.M)
LAST = ("stop", "quit")
STATISTICS = "\ndirection  packets in"  # that every run ends with


class Commands(SakerTest):
    def setUp(self):
        super().setUp()
        self.plan = Plan(self.lab, 1)
        self.config = make_config(self.lab, [self.plan])
        self.frames = [pcapfile.ethernet(numbered(n, n, 40)) for n in range(8)]

    def run_all(self, commands):
        return self.lab.run(self.config, self.frames, commands=[*commands, "quit"])

    def syntaxes(self):
        """Every command as `help AREA` tells it."""
        areas = self.run_all(["help"]).out.split(STATISTICS, 1)[0]
        names = re.findall(r"^([a-z]+) +\S", areas, re.M)
        self.assertIn("show", names)
        text = self.run_all(["help " + n for n in names]).out.split(STATISTICS, 1)[0]
        found = set(SYNTAX.findall(text))
        self.assertIn("show drops [json]", found)
        return found

    def call(self, syntax):
        """A command with arguments that it can work with."""
        words = {"GROUP": self.config["trust_groups"][0]["name"],
                 "NAME": self.config["root_keys"][0]["name"], "PORT": "clear",
                 "AREA": "show", "FILE": self.lab.path("x.pcapng"), "POINT": "drops", "N": "3",
                 "TYPE": "pmd.*", "LEVEL": "warning", "COUNT": "2"}
        return " ".join(words.get(w.strip("[]"), w.strip("[]")) for w in syntax.split())

    def test_the_document_lists_what_help_lists(self):
        document = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
        listed = document.split("## Control", 1)[1].split("\n## The statistics", 1)[0]
        self.assertEqual(set(re.findall(r"^### (.*)$", listed, re.M)), self.syntaxes())

    def test_every_command_is_understood_with_and_without_its_options(self):
        syntaxes = sorted(self.syntaxes(), key=lambda s: s.split()[0] in LAST)
        calls = ["start"]
        for s in syntaxes:
            if s.split()[0] not in ("start", "quit"):
                calls += [self.call(re.sub(r" \[\w+\]", "", s)), self.call(s)]
        for call in calls:
            run = self.run_all([call] if call == "start" else ["start", call])
            self.assertNotRegex(run.err, REFUSED, call)

    def test_an_unknown_command_is_told(self):
        for words in ("shwo drops", "show nothing", "key"):
            self.assertRegex(self.run_all([words]).err, REFUSED, words)

    def prompt(self):
        """The program at a terminal."""
        ends = ["%s,rx_pcap=%s,tx_pcap=%s" % (d, self.lab.queues("tab-" + d, self.frames)[0],
                                              self.lab.path("tab-%s.pcap" % d))
                for d in (CLEAR_DEVICE, CIPHER_DEVICE)]
        args = self.lab.command(self.lab.write_config(self.config), ends, 1, ["-i"])
        here, there = pty.openpty()
        process = subprocess.Popen(args, stdin=there, stdout=there, stderr=subprocess.DEVNULL,
                                   cwd=self.lab.dir)
        self.addCleanup(os.close, here)
        self.addCleanup(kill, process)
        os.close(there)
        self.hear(here, "saker>")
        return here

    def hear(self, terminal, text):
        heard, end = "", time.monotonic() + 30
        while text not in heard and time.monotonic() < end:
            if select.select([terminal], [], [], 1)[0]:
                heard += os.read(terminal, 4096).decode()
        self.assertIn(text, heard)

    def test_tab_completes_every_word_that_is_no_argument(self):
        terminal = self.prompt()
        for syntax in sorted(self.syntaxes()):
            words = [w for w in syntax.split() if w.islower() and w.isalpha()]
            line = " ".join(words)
            if syntax.split()[: len(words)] != words:
                continue
            os.write(terminal, (line[:-1] + "\t").encode())
            self.hear(terminal, line)
            os.write(terminal, b"\x01\x0b")  # to the begin of the line, and cut it


class BadInput(SakerTest):
    """What no person types on purpose."""

    def setUp(self):
        super().setUp()
        self.config = make_config(self.lab, [Plan(self.lab, 1)])

    def type(self, octets, status=0):
        """The prompt on a pipe; what it answers."""
        ends = ["%s,rx_pcap=%s,tx_pcap=%s" % (d, self.lab.queues("typed-" + d, [])[0],
                                              self.lab.path("typed-%s.pcap" % d))
                for d in (CLEAR_DEVICE, CIPHER_DEVICE)]
        args = self.lab.command(self.lab.write_config(self.config), ends, 1, ["-i"])
        run = subprocess.run(args, input=octets, capture_output=True, cwd=self.lab.dir,
                             timeout=30, check=False)
        self.assertEqual(run.returncode, status, run.stderr)
        return run.stdout.decode(errors="replace"), run.stderr.decode(errors="replace")

    def test_the_prompt_outlives_long_lines_and_octets_of_every_value(self):
        ending = {3, 4, 10, 13}  # of the line or the program
        junk = bytes(i for i in range(256) if i not in ending)
        for line in (b"show " + b"a" * 5000, b"trace " + b"9" * 300, b"show " + b"port " * 300,
                     b"\x1b[31m\x1b]0;title\x07show", junk, junk[::-1], junk * 30,
                     "zeig\u00e9".encode(), b"show dr\0ops"):
            out, _ = self.type(line + b"\n\nshow crypto json\nquit\n")
            self.assertIn('{"crypto":[', out, line)
            self.assertIn(STATISTICS.strip(), out)

    def test_the_end_of_input_ends_the_program_wherever_it_comes(self):
        for line in (b"", b"\n", b"show crypto js", b"start\n", b"start\nshow dro", b"show ?"):
            self.assertIn(STATISTICS.strip(), self.type(line)[0], line)

    def in_file(self, octets):
        path = self.lab.path("bad.cmd")
        with open(path, "wb") as f:
            f.write(b"show crypto\n" + octets)
        run = self.lab.execute(self.lab.command(
            self.lab.write_config(self.config), ["net_null0,no-rx=1", "net_null1,no-rx=1"], 1,
            ["--cmdline-file", path]))
        self.assertEqual(run.status, 1, run.text())
        self.assertIn("bad.cmd:2: ", run.err)
        return run.err

    def test_a_bad_line_of_a_file_is_told_and_does_nothing_to_the_terminal(self):
        self.config["ports"][0]["device"], self.config["ports"][1]["device"] = (
            "net_null0", "net_null1")
        for octets in (b"\x1b[31mfoo\x07\n", b"sh\x7fow\x08\n"):
            err = self.in_file(octets)
            self.assertNotRegex(err, "[\x00-\x09\x0b-\x1f\x7f]")
            self.assertRegex(err, r"there is no command '[?a-z\[0-9]+'")
        self.assertRegex(self.in_file(b"show\0 drops\n"), "holds a NUL octet")
        for words in (b"key install zone-x /", b"capture start drops /"):
            err = self.in_file(words + b"a" * 127 + b"\n")
            self.assertRegex(err, "more than 126 characters; give a shorter path")
        err = self.in_file(b"key install zone-x /" + b"a" * 125 + b"\n")
        self.assertNotIn("characters", err)
        self.assertIn("No such file", err)
