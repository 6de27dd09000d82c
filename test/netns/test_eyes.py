# SPDX-License-Identifier: BSD-3-Clause
"""What others see of a running gateway: telemetry, metrics."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import unittest

from echo import sweep
from features import has, needs
from world import A, B, World, WorldTest

SOCKET = "/run/dpdk/%s/dpdk_telemetry.v2"
NOUNS = ("stats", "drops", "stages", "groups", "keys", "sessions", "lcores")
SAMPLE = re.compile(r'([a-z_]+)(\{(?:[a-z_0-9]+="(?:[^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+)')


def telemetry(prefix, command):
    """Ask DPDK's telemetry socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(10)
        s.connect(SOCKET % prefix)
        limit = json.loads(s.recv(4096))["max_output_len"]
        s.send(command.encode())
        return json.loads(s.recv(limit))


def samples(text):
    """Name with labels to value, of OpenMetrics text; complains of what is none."""
    lines = text.splitlines()
    if not text.endswith("# EOF\n"):
        raise AssertionError("the text does not end with # EOF")
    found = {}
    for line in lines[:-1]:
        if re.fullmatch(r"# (TYPE|UNIT|HELP) [a-z_]+ .+", line):
            continue
        match = SAMPLE.fullmatch(line)
        if not match or match.group(1) + (match.group(2) or "") in found:
            raise AssertionError("no sample, or one told twice: " + line)
        found[match.group(1) + (match.group(2) or "")] = float(match.group(3))
    return found


class EyesWorld(World):
    """With a file of metrics, if the program keeps one."""

    def __init__(self):
        kept = ("--metrics-file", "SITE.prom", "--stats-period", "1")
        super().__init__(options=kept if has("a metrics file") else ())


class Eyes(WorldTest):
    KIND = EyesWorld

    def ping(self):
        self.assertEqual(sweep(self.world.host[A], 4, B.host(4), range(50, 150)), [])

    def ask(self, command):
        return telemetry(self.world.gateway[A].prefix, command)

    def test_the_telemetry_of_dpdk_answers(self):
        self.ping()
        self.assertEqual(len(self.ask("/ethdev/list")["/ethdev/list"]), 2)
        self.assertGreaterEqual(self.ask("/ethdev/stats,0")["/ethdev/stats"]["ipackets"], 100)

    def test_dpdk_telemetry_py_answers(self):
        tool = shutil.which("dpdk-telemetry.py")
        if tool is None:
            raise unittest.SkipTest("dpdk-telemetry.py is not installed")
        done = subprocess.run([tool, "-f", self.world.gateway[A].prefix],
                              input="/ethdev/list\nquit\n", capture_output=True, text=True,
                              timeout=20, check=False)
        self.assertRegex(done.stdout, r'"/ethdev/list": \[\s*0,\s*1\s*\]')

    @needs("telemetry")
    def test_every_table_is_handed_out(self):
        self.ping()
        known = self.ask("/")["/"]
        for noun in NOUNS:
            self.assertIn("/saker/" + noun, known)
            answer = self.ask("/saker/" + noun)
            self.assertIsNotNone(answer["/saker/" + noun], noun)

    @needs("telemetry")
    def test_an_unknown_word_behind_a_command_does_no_harm(self):
        for noun in NOUNS:
            for word in ("nonsense", "-1", "99999999999999999999", "%s%n", ",,,", "x" * 900):
                self.ask("/saker/%s,%s" % (noun, word))
        self.ping()

    @needs("metrics")
    def test_metrics_are_open_metrics_and_grow(self):
        first = samples(self.metrics())
        self.ping()
        second = samples(self.metrics())
        self.assertLessEqual(set(first), set(second))
        name = 'saker_received_packets_total{direction="outbound"}'
        self.assertEqual(second[name] - first[name], 100)
        for key, value in first.items():
            if "_total" in key:
                self.assertGreaterEqual(second[key], value, key)

    def metrics(self):
        out, _ = self.world.gateway[A].command("show metrics")
        at = out.index("# TYPE")
        return out[at : out.index("# EOF") + 5] + "\n"

    @needs("a metrics file")
    def test_the_file_is_whole_at_any_time_and_follows(self):
        path = os.path.join(self.world.gateway[A].dir, "a.prom")
        values, end = set(), time.monotonic() + 2.5
        sweep(self.world.host[A], 4, B.host(4), range(10))
        while time.monotonic() < end:
            with open(path, encoding="utf-8") as f:
                found = samples(f.read())
            values.add(found['saker_received_packets_total{direction="outbound"}'])
            sweep(self.world.host[A], 4, B.host(4), range(10))
            time.sleep(0.01)
        self.assertGreater(len(values), 1)
