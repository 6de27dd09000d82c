# SPDX-License-Identifier: BSD-3-Clause
"""Sakers that run while their keys and configurations change, and pipes between them."""

import atexit
import os
import shutil
import struct
import subprocess
import tempfile
import threading
import time

import pcapfile
import profile
from harness import A, B, find_json, kill
from ip import Refused, hop
from plan import make_config

RECORD = 16


class Prompt:
    """A saker at whose prompt the test types."""

    def __init__(self, lab, name, config, vdevs, env=None, workers=1):
        self.lab = lab
        self.path = lab.write_config(config, name + ".cfg")
        self.log_path = lab.path(name + ".log")
        self.log = open(self.log_path, "w+b")
        self.process = subprocess.Popen(
            lab.command(self.path, vdevs, workers, ["-i"]), stdin=subprocess.PIPE, stdout=self.log,
            stderr=self.log, cwd=lab.dir, env={**os.environ, **(env or {})})

    def text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def type(self, *lines):
        self.process.stdin.write(("\n".join(lines) + "\n").encode())
        self.process.stdin.flush()

    def wait(self, text, seconds=30, after=0):
        """Wait until the program has printed something. Returns what was printed from `after`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if text in self.text()[after:]:
                return self.text()[after:]
            time.sleep(0.01)
        if text in self.text()[after:]:
            return self.text()[after:]
        raise AssertionError("%r did not come:\n%s" % (text, self.text()[-3000:]))

    def run(self, command, until, seconds=30):
        """Type a command and wait for its answer."""
        after = len(self.text())
        self.type(command)
        return self.wait(until, seconds, after)

    def table(self, noun):
        text = self.run("show %s json" % noun, "]}")
        rows = find_json(text.replace("saker> ", "\n"))
        return rows[noun.replace(" ", "_")]

    def quit(self, seconds=30):
        """Exit status."""
        try:
            self.type("quit")
            return self.process.wait(seconds)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            return None
        finally:
            if self.process.poll() is None:
                kill(self.process)
            self.process.stdin.close()
            self.log.close()


class Values:
    """Every value that the root keys of a plan ever had, by index."""

    def __init__(self, plan):
        self.plan = plan
        self.known = {k.name: {} for k in plan.keys}
        self.learn()

    def learn(self):
        for key in self.plan.keys:
            for which, step in (("pre", -1), ("current", 0), ("next", 1)):
                if which in key.values:
                    self.known[key.name][key.index + step] = key.values[which]

    def group(self):
        """The plan's group, with all values that may be in use: a receiver without limits."""
        group = self.plan.group()
        group.live = ()
        return group

    def candidates(self, key_idx):
        """Sets of roots that a KeyIdx may name, the newest first."""
        sets = [()]
        for key in self.plan.keys:
            shift = {"zone": 6, "user": 4, "task": 2}[key.level]
            indices = sorted((i for i in self.known[key.name] if i & 3 == key_idx >> shift & 3),
                             reverse=True)
            sets = [s + (profile.Root(key.level, key.id, i, self.known[key.name][i]),)
                    for s in sets for i in indices]
        return sets


class Wire(threading.Thread):
    """Carries what one saker writes to another, and opens every packet on the way.

    Fails on: a packet that no key of the group opens, an SN that does not rise within its session,
    a root key index that goes back."""

    def __init__(self, lab, name, values, forward=True):
        super().__init__(daemon=True)
        self.values = values
        self.source, self.sink = lab.path(name + ".out"), lab.path(name + ".in")
        os.mkfifo(self.source)
        self.forward = forward
        if forward:
            os.mkfifo(self.sink)
        self.packets = 0
        self.seen = []  # root key indices in the order of their first use
        self.last = {}
        self.pairs = set()
        self.fault = None
        self.inner = None

    def run(self):
        with open(self.source, "rb") as f:
            head = f.read(24)
            if len(head) < 24:
                return
            out = open(self.sink, "wb", buffering=0) if self.forward else None
            self.order = pcapfile.file_header(head)[0]
            try:
                self.copy(f, head, out)
            except BrokenPipeError:
                self.fault = self.fault or "the receiver went away"
            finally:
                if out:
                    out.close()

    def copy(self, f, head, out):
        if out:
            out.write(head)
        while True:
            record = f.read(RECORD)
            if len(record) < RECORD:
                return
            frame = f.read(struct.unpack(self.order + "IIII", record)[2])
            if not self.fault:
                self.check(pcapfile.ip_packet(frame))
            self.packets += 1
            if out:
                out.write(record + frame)

    def check(self, outer):
        opened = self.open(outer)
        if opened is None:
            self.fault = "packet %d: nothing opens it" % self.packets
            return
        h = opened.header
        line = (h.source, h.session)
        if h.sn <= self.last.get(line, 0):
            self.fault = "SN %016x follows %016x" % (h.sn, self.last[line])
        self.last[line] = h.sn
        if self.inner and opened.packet != hop(self.inner):
            self.fault = "packet %d: another packet than was sent" % self.packets

    def open(self, outer):
        group = self.values.group()
        data = profile.decap(outer, group.form)[1]
        key_idx = profile.layout(group).read_header(data).key_idx
        for roots in self.values.candidates(key_idx):
            group.roots = group.live = roots
            try:
                opened = profile.open_packet({group.spi: group}, outer)
            except Refused:
                continue
            used = tuple(r.index for r in roots)
            if not self.seen or self.seen[-1] != used:
                if self.seen and any(a < b for a, b in zip(used, self.seen[-1])):
                    self.fault = "index %s after %s" % (used, self.seen[-1])
                self.seen.append(used)
            return opened
        return None


def written(path):
    """Of each packet that a saker writes into a pipe: its size, and what came of it."""
    with open(path, "rb") as f:
        head = f.read(24)
        if len(head) < 24:
            return
        order = pcapfile.file_header(head)[0]
        while len(record := f.read(RECORD)) == RECORD:
            size = struct.unpack(order + "IIII", record)[2]
            yield size, f.read(size)


class Count(threading.Thread):
    """Counts the packets that a saker writes into a pipe."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.packets = 0
        os.mkfifo(path)

    def run(self):
        for _ in written(self.path):
            self.packets += 1


def quick_dir():
    """A directory that syncs at once: a busy disk may take seconds, and then nothing is sent."""
    memory = "/dev/shm"
    path = tempfile.mkdtemp(prefix="saker-pcap-",
                            dir=memory if os.access(memory, os.W_OK) else None)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def end_pipe(path):
    """End the wait of a reader whose writer never came."""
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


class Pair:
    """Site A sends the same packet without end to site B, over a Wire."""

    wire_class = Wire

    def __init__(self, test, plan, **gateway):
        self.lab = lab = test.lab
        self.values = Values(plan)
        self.wire = self.wire_class(lab, "wire", self.values)
        self.counter = Count(lab.path("clear.out"))
        self.clear = plan.inner(A, 4, 90)
        self.wire.inner = self.clear
        endless, empty = lab.path("endless.pcap"), lab.path("empty.pcap")
        pcapfile.write(endless, [pcapfile.ethernet(self.clear)] * 64)
        pcapfile.write(empty, [])
        self.wire.start()
        self.counter.start()
        settings = {"rotate_grace_ms": 300, **gateway}
        self.state = {s: os.path.join(quick_dir(), "state") for s in (A, B)}
        self.config = {s: self.site(plan, s, settings) for s in (A, B)}
        self.a = Prompt(lab, "a", self.config[A], [
            "net_pcap0,rx_pcap=%s,infinite_rx=1" % endless,
            "net_pcap1,rx_pcap=%s,tx_pcap=%s" % (empty, self.wire.source)])
        self.b = Prompt(lab, "b", self.config[B], [
            "net_pcap0,rx_pcap=%s,tx_pcap=%s" % (empty, self.counter.path),
            "net_pcap1,rx_pcap=%s" % self.wire.sink])

    def site(self, plan, site, settings):
        config = make_config(self.lab, [plan], site)
        config["gateway"].update(settings)
        config["gateway"]["state_dir"] = self.state[site]
        for group in config["trust_groups"]:
            if group.get("sn") == "time":
                group["skew_ms"] = 4000  # a busy machine may be late
        for key in config["root_keys"]:
            key["file"] = site.name + "-" + key["file"]
        for key in plan.keys:
            self.give(key, site)
        return config

    def file(self, key, site):
        return self.lab.path(site.name + "-" + os.path.basename(key.path))

    def give(self, key, site):
        """Put the key file in place at a site, in one step."""
        target = self.file(key, site)
        with open(key.path, "rb") as f, open(target + ".new", "wb") as g:
            os.fchmod(g.fileno(), 0o600)
            g.write(f.read())
        os.rename(target + ".new", target)

    def start(self):
        self.a.type("start")
        self.b.type("start")
        self.sent(200)

    def sent(self, n, seconds=60):
        goal, end = self.wire.packets + n, time.monotonic() + seconds
        while self.wire.packets < goal:
            if time.monotonic() > end:
                raise AssertionError("no traffic:\n%s\n%s" % (self.a.text(), self.b.text()))
            time.sleep(0.005)

    def end(self, test):
        """Stop sending, let everything arrive. Returns the rows of both sides by noun."""
        self.a.run("stop", "saker>")
        nouns = ("drops", "policies", "stages", "keys", "config", "sessions")
        shown = {"a": {n: self.a.table(n) for n in nouns}}
        test.assertEqual(self.a.quit(), 0, self.a.text())
        self.wire.join(60)
        self.b.run("drain", "saker>", 60)
        shown["b"] = {n: self.b.table(n) for n in nouns}
        test.assertEqual(self.b.quit(), 0, self.b.text())
        self.counter.join(60)
        test.assertIsNone(self.wire.fault, self.a.text() + self.b.text())
        return shown

    def check(self, test, shown):
        """Nothing lost: what A took in left B, and every counter says so."""
        n = self.wire.packets
        test.assertEqual(shown["a"]["drops"], [])
        test.assertEqual(shown["b"]["drops"], [])
        test.assertEqual(self.counter.packets, n)
        rx = next(r["packets"] for r in shown["a"]["stages"]
                  if r["lcore"] == "all" and r["stage"] == "rx" and r["direction"] == "outbound")
        test.assertEqual(rx, n)
        test.assertEqual(sum(r["out_packets"] for r in shown["a"]["policies"]), n)
        test.assertEqual(sum(r["in_packets"] for r in shown["b"]["policies"]), n)

    def kill(self):
        for p in (self.a, self.b):
            if p.process.poll() is None:
                kill(p.process)
        for path in (self.wire.source, self.wire.sink, self.counter.path):
            end_pipe(path)
