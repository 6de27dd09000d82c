# SPDX-License-Identifier: BSD-3-Clause
"""What the tests share: key files, configurations, and runs of the real program.

The program and the key tool are found by the environment: SAKER, SAKER_KEYTOOL.
"""

import atexit
import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from dataclasses import dataclass, field

import pcapfile
import profile
from config_text import config_text
from ip import before

EAL = ("--no-huge", "-m", "512", "--no-pci", "--no-telemetry", "--no-shconf")
CLEAR_DEVICE, CIPHER_DEVICE = "net_pcap0", "net_pcap1"
JSON_NOUNS = ("drops", "stages", "crypto")
serial = itertools.count()


def program(name):
    path = os.environ.get(name)
    if not path:
        raise RuntimeError("%s does not name the program" % name)
    return path


def setting(name, default):
    """A number from the environment."""
    return int(os.environ.get(name, default))


@dataclass(frozen=True)
class Site:
    """One end of a tunnel."""

    name: str
    net4: str
    net6: str
    ip4: str
    ip6: str
    source: bytes  # source id, 8 octets; the first four where four are wanted

    def ip(self, family):
        return self.ip4 if family == 4 else self.ip6


A = Site("a", "10.1.0.0/16", "fd00:1::/32", "192.0.2.1", "2001:db8::1",
         bytes.fromhex("0a00000101020304"))
B = Site("b", "10.2.0.0/16", "fd00:2::/32", "192.0.2.2", "2001:db8::2",
         bytes.fromhex("0a00000205060708"))


def other(site):
    return B if site is A else A


@dataclass
class RootKey:
    """A root key, its file, and what the configuration says of it."""

    name: str
    level: str
    id: bytes
    index: int
    values: dict  # "pre", "current", "next" -> 32 octets
    path: str

    @staticmethod
    def generation(index, seed):
        return hashlib.sha256(b"%s %d" % (seed.encode(), index)).digest()

    def write(self, mode=0o600):
        lines = ["index = %d;" % self.index]
        lines += ['%s = "%s";' % (k, v.hex()) for k, v in self.values.items()]
        with open(self.path, "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        os.chmod(self.path, mode)

    def config(self):
        return {"name": self.name, "level": self.level, "id": self.id.hex(),
                "file": os.path.basename(self.path)}

    def root(self, which="current"):
        index = self.index + {"pre": -1, "current": 0, "next": 1}[which]
        return profile.Root(self.level, self.id, index, self.values[which])

    def live(self):
        return tuple(self.root(w) for w in ("pre", "current", "next") if w in self.values)


@dataclass
class Run:
    """What a run left behind."""

    status: int
    out: str
    err: str
    maxrss_kb: int
    clear: list = field(default_factory=list)  # frames per transmit queue
    cipher: list = field(default_factory=list)
    shown: dict = field(default_factory=dict)  # noun -> rows of `show NOUN json`

    def drops(self, direction=None):
        """Reason to packets."""
        out = {}
        for row in self.shown.get("drops", ()):
            if direction in (None, row["direction"]):
                out[row["reason"]] = out.get(row["reason"], 0) + row["packets"]
        return {reason: n for reason, n in out.items() if n}

    def text(self):
        return "exit status %s\n--- stdout\n%s\n--- stderr\n%s" % (
            self.status, self.out[-4000:], self.err[-4000:])


def packets(queues):
    """IP packets of all transmit queues, queue after queue."""
    return [pcapfile.ip_packet(f) for q in queues for f in q]


def forwarded(queues, gateways=1):
    """The same, as they were before so many gateways forwarded them: with their first TTL."""
    return [before(p, gateways) for p in packets(queues)]


def lcores(workers):
    cpus = ",".join(str(c) for c in sorted(os.sched_getaffinity(0)))
    return "(0-%d)@(%s)" % (workers, cpus)


def find_json(text):
    """Rows of every JSON table in the output, by title; the last one counts."""
    tables = {}
    for line in text.splitlines():
        at = line.find('{"')
        if at < 0:
            continue
        try:
            tables.update(json.loads(line[at:]))
        except json.JSONDecodeError:
            continue
    return tables


def peak_kb(pid):
    """Peak memory of a running program in kB, 0 if it has gone. (What wait4() tells includes the
    Python that started it.)"""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
            line = next((line for line in f if line.startswith("VmHWM:")), "0 0")
    except OSError:
        return 0
    return int(line.split()[1])


def wait_for(process, timeout):
    """(status, peak memory in kB). Status is negative for a signal, None after a timeout."""
    end = time.monotonic() + timeout
    peak = 0
    while time.monotonic() < end:
        peak = max(peak, peak_kb(process.pid))
        try:
            return process.wait(0.01), peak
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.wait()
    return None, peak


class Lab:
    """A directory with keys, configurations and captures."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="saker-pcap-")
        if not os.environ.get("SAKER_TEST_KEEP"):
            atexit.register(shutil.rmtree, self.dir, ignore_errors=True)
        self.keys = {}

    def path(self, name):
        return os.path.join(self.dir, name)

    def key(self, name, level=None, index=7, generations=("pre", "current", "next")):
        """The root key of that name, made on first use."""
        if name not in self.keys:
            level = level or name.split("-")[0]
            size = {"zone": 16, "user": 20, "task": 32}[level]
            ident = hashlib.sha256(name.encode()).digest()[:size]
            step = {"pre": -1, "current": 0, "next": 1}
            values = {g: RootKey.generation(index + step[g], name) for g in generations}
            key = RootKey(name, level, ident, index, values, self.path(name + ".key"))
            key.write()
            self.keys[name] = key
        return self.keys[name]

    def write_config(self, config, name="saker.cfg"):
        path = self.path(name)
        text = config if isinstance(config, str) else config_text(config)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return path

    def site_config(self, site, groups, policies, **changes):
        """A whole configuration of one site."""
        config = {
            "gateway": {"name": "gw-" + site.name, "state_dir": "./state-" + site.name},
            "ports": [
                {"name": "clear", "device": CLEAR_DEVICE, "role": "clear", "mtu": 1500,
                 "next_hop_mac": "02:00:00:00:00:02"},
                {"name": "cipher", "device": CIPHER_DEVICE, "role": "cipher", "mtu": 1900,
                 "address": site.ip4, "address6": site.ip6,
                 "next_hop_mac": "02:00:00:00:00:03"},
            ],
            "root_keys": [k.config() for k in self.keys.values()],
            "trust_groups": groups,
            "policies": policies,
        }
        config.update(changes)
        return config

    def queues(self, tag, frames):
        """Write one capture per receive queue. frames: a list, or a list of lists."""
        if not frames or isinstance(frames[0], bytes):
            frames = [frames]
        paths = []
        for i, queue in enumerate(frames):
            paths.append(self.path("%s-%d.pcap" % (tag, i)))
            pcapfile.write(paths[-1], queue)
        return paths

    def command(self, config, vdevs, workers, options, eal=()):
        prefix = "saker-pcap-%d-%d" % (os.getpid(), next(serial))
        args = [program("SAKER"), *EAL, "--file-prefix=" + prefix, "--lcores=" + lcores(workers)]
        return args + ["--vdev=" + v for v in vdevs] + [*eal, "--", "-c", config, *options]

    def run(self, config, clear=(), cipher=(), workers=1, driver=None, timeout=60, env=None,
            commands=None, drain_option=False):
        """Send captures through the program until they are drained."""
        n = next(serial)
        path = self.write_config(config, "run-%d.cfg" % n)
        tx = {d: [self.path("out-%d-%s-%d.pcap" % (n, d, i)) for i in range(workers)]
              for d in (CLEAR_DEVICE, CIPHER_DEVICE)}
        rx = {CLEAR_DEVICE: self.queues("in-%d-clear" % n, list(clear)),
              CIPHER_DEVICE: self.queues("in-%d-cipher" % n, list(cipher))}
        vdevs = [",".join([d] + ["rx_pcap=" + p for p in rx[d]] + ["tx_pcap=" + p for p in tx[d]])
                 for d in rx]
        options = ["--drain"]
        if not drain_option:
            script = self.path("run-%d.cmd" % n)
            with open(script, "w", encoding="ascii") as f:
                f.write("\n".join(commands or default_commands()) + "\n")
            options = ["--cmdline-file", script]
        if driver:
            options += ["--crypto-driver", driver]
        result = self.execute(self.command(path, vdevs, workers, options), timeout, env)
        result.clear = [read_out(p) for p in tx[CLEAR_DEVICE]]
        result.cipher = [read_out(p) for p in tx[CIPHER_DEVICE]]
        for p in itertools.chain(*rx.values(), *tx.values()):
            if os.path.exists(p) and not os.environ.get("SAKER_TEST_KEEP"):
                os.unlink(p)
        return result

    def execute(self, args, timeout=60, env=None):
        """Run any command to its end."""
        n = next(serial)
        out, err = self.path("stdout-%d" % n), self.path("stderr-%d" % n)
        with open(out, "wb") as o, open(err, "wb") as e:
            p = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=o, stderr=e, cwd=self.dir,
                                 env={**os.environ, **(env or {})})
            status, rss = wait_for(p, timeout)
        with open(out, encoding="utf-8", errors="replace") as o:
            text = o.read()
        with open(err, encoding="utf-8", errors="replace") as e:
            errors = e.read()
        return Run(status, text, errors, rss, shown=find_json(text))

    def check_config(self, config):
        path = self.write_config(config, "check.cfg")
        return self.execute([program("SAKER"), "--", "-c", path, "--check-config"], 20)

    def keytool(self, *args):
        return self.execute([program("SAKER_KEYTOOL"), *args], 20)


def default_commands():
    return ["start", "drain"] + ["show %s json" % noun for noun in JSON_NOUNS] + ["quit"]


def read_out(path):
    return pcapfile.read(path) if os.path.exists(path) and os.path.getsize(path) else []


def kill(process):
    """End a process that this test started, at once."""
    process.send_signal(signal.SIGKILL)
    process.wait()


class SakerTest(unittest.TestCase):
    """A test with a Lab of its own."""

    maxDiff = 2000

    def setUp(self):
        program("SAKER")
        self.lab = Lab()

    def assertRan(self, run):
        self.assertEqual(run.status, 0, run.text())

    def assertSame(self, got, want, what="packets"):
        """Two lists of packets; says where they part rather than print them."""
        for i, (a, b) in enumerate(zip(got, want)):
            if a != b:
                self.fail("%s: number %d differs\n got %s\nwant %s" % (what, i, a.hex(), b.hex()))
        self.assertEqual(len(got), len(want), what)
