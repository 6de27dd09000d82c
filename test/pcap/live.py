# SPDX-License-Identifier: BSD-3-Clause
"""A saker that goes on running once its captures are read, for those who look in from outside."""

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time

from harness import CIPHER_DEVICE, CLEAR_DEVICE, find_json, lcores, program, Run, wait_for

START_S = 30  # a busy machine starts slowly
serial = itertools.count()


def runtime_dir(prefix):
    """Where DPDK keeps the sockets of a process."""
    base = "/var/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "/tmp")
    return os.path.join(base, "dpdk", prefix)


class Live:
    """eal: options that replace --no-huge -m 512. wrap: a command that runs saker in its place.
    vdevs: devices in place of the captures."""

    def __init__(self, lab, config, clear=(), cipher=(), options=(), workers=1,
                 eal=("--no-huge", "-m", "512"), wrap=(),
                 vdevs=None):
        n = next(serial)
        self.lab = lab
        self.prefix = "saker-eyes-%d-%d" % (os.getpid(), n)
        path = lab.write_config(config, "live-%d.cfg" % n)
        devices = list(vdevs or ())
        for device, frames in () if vdevs else ((CLEAR_DEVICE, clear), (CIPHER_DEVICE, cipher)):
            rx = lab.queues("live-%d-in-%s" % (n, device), list(frames))
            tx = ["tx_pcap=" + lab.path("live-%d-%s-%d.pcap" % (n, device, i))
                  for i in range(workers)]
            devices.append(",".join([device] + ["rx_pcap=" + p for p in rx] + tx))
        args = [*wrap, program("SAKER"), *eal, "--no-pci", "--file-prefix=" + self.prefix,
                "--lcores=" + lcores(workers), *("--vdev=" + d for d in devices), "--", "-c", path, *options]
        self.out, self.err = lab.path("live-%d.out" % n), lab.path("live-%d.err" % n)
        with open(self.out, "wb") as o, open(self.err, "wb") as e:
            self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=o, stderr=e,
                                            cwd=lab.dir)

    def text(self, path):
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def fail(self, why):
        raise AssertionError("%s\n%s\n%s" % (why, self.text(self.out), self.text(self.err)))

    def until(self, condition, what):
        """Wait until condition() gives something true, and return that."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                self.fail("saker has ended, while this was waited for: " + what)
            got = condition()
            if got:
                return got
            time.sleep(0.05)
        return self.fail("in vain: " + what)

    def socket(self):
        return os.path.join(runtime_dir(self.prefix), "dpdk_telemetry.v2")

    def ask(self, *commands):
        """Answers of the telemetry socket, as texts."""
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with s:
            s.settimeout(10)
            s.connect(self.socket())
            s.recv(1024)
            answers = []
            for c in commands:
                s.send(c.encode())
                answers.append(s.recv(1 << 16).decode())
        return answers

    def rows(self, noun, first=None):
        """(rows of a table as dictionaries, the whole answer)."""
        command = "/saker/" + noun
        answer = json.loads(self.ask(command + ("" if first is None else ",%d" % first))[0])
        table = answer[command]
        return [table["rows"][k] for k in sorted(table["rows"], key=int)], table

    def ready(self):
        """Wait until telemetry answers."""
        def answers():
            try:
                return "/saker/stats" in self.ask("/")[0]
            except (OSError, ValueError):
                return False
        self.until(answers, "telemetry")
        return self

    def received(self, packets):
        """Wait until that many packets have come in, and what came of them is counted."""
        def all_in():
            return sum(r["packets_in"] for r in self.rows("stats")[0]) >= packets
        self.until(all_in, "%d packets" % packets)
        time.sleep(0.1)
        return self

    def end(self, timeout=30):
        """Ask it to end; what it left behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status, rss = wait_for(self.process, timeout)
        shutil.rmtree(runtime_dir(self.prefix), ignore_errors=True)
        out = self.text(self.out)
        return Run(status, out, self.text(self.err), rss, shown=find_json(out))
