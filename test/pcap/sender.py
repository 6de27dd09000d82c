# SPDX-License-Identifier: BSD-3-Clause
"""A saker that sends without end into pipes, which are read and checked as it writes."""

import os
import random
import struct
import subprocess
import threading
import time

import pcapfile
import profile
from harness import A, kill
from plan import make_config


class Stream(threading.Thread):
    """Reads the capture that a saker writes into a pipe, as it writes: the pipe holds it back.

    All packets are of one size. Checks that SNs of a session rise strictly."""

    def __init__(self, path, last):
        super().__init__(daemon=True)
        self.path = path
        self.last = last  # (source, session) -> last SN; shared between runs
        self.first = {}
        self.packets = 0
        self.fault = None
        os.mkfifo(path)

    def run(self):
        with open(self.path, "rb") as f:
            head = f.read(24)
            if len(head) < 24:
                return
            self.order = pcapfile.file_header(head)[0]
            record = f.read(16)
            if len(record) < 16:
                return
            size = struct.unpack(self.order + "IIII", record)[2]
            data = record
            while True:
                more = f.read((16 + size) * 2048 - len(data) % (16 + size))
                data += more
                whole = len(data) // (16 + size) * (16 + size)
                self.take(data[:whole], size)
                data = data[whole:]
                if not more:
                    return

    def take(self, data, size):
        if not data or self.fault:
            return
        outer = pcapfile.ip_packet(data[16 : 16 + size])
        protected = profile.decap(outer)[1]
        h = profile.read_header(protected)
        base = size - len(protected)
        layout = ">%dxH%dxQ%dx" % (16 + base + 2, h.length - 12, size - base - h.length)
        for session, sn in struct.iter_unpack(layout, data):
            line = (h.source, session)
            if sn <= self.last.get(line, 0):
                self.fault = "SN %016x follows %016x" % (sn, self.last[line])
                return
            self.last[line] = sn
            self.first.setdefault(line, sn)
            self.packets += 1


class Sender:
    """A saker that sends the same packet without end."""

    def __init__(self, test, plan, last, workers=1, env=None):
        self.lab = test.lab
        n = random.getrandbits(48)
        clear = self.lab.path("endless.pcap")
        empty = self.lab.path("empty.pcap")
        pcapfile.write(clear, [pcapfile.ethernet(plan.inner(A, 4, 64))] * 64)
        pcapfile.write(empty, [])
        self.streams = [Stream(self.lab.path("out-%x-%d" % (n, i)), last) for i in range(workers)]
        config = self.lab.write_config(make_config(self.lab, [plan]), "sender.cfg")
        rx = ["rx_pcap=" + clear] * workers
        tx = ["tx_pcap=" + s.path for s in self.streams]
        vdevs = [",".join(["net_pcap0"] + rx + ["infinite_rx=1"]),
                 ",".join(["net_pcap1", "rx_pcap=" + empty] + tx)]
        args = self.lab.command(config, vdevs, workers, [])
        self.log = open(self.lab.path("sender-%x.log" % n), "w+b")
        for s in self.streams:
            s.start()
        self.process = subprocess.Popen(
            args, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={**os.environ, **(env or {})}, cwd=self.lab.dir)

    def sent(self):
        return sum(s.packets for s in self.streams)

    def wait_sent(self, n, seconds=20):
        """True once n packets more than now were sent."""
        goal, end = self.sent() + n, time.monotonic() + seconds
        while self.sent() < goal and time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.005)
        return self.sent() >= goal

    def kill(self):
        kill(self.process)
        for s in self.streams:
            # A program that died early never opened its pipe: end the reader's wait.
            fd = os.open(s.path, os.O_RDWR | os.O_NONBLOCK)
            os.close(fd)
            s.join(20)
            os.unlink(s.path)
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def fault(self):
        return next((s.fault for s in self.streams if s.fault), None)
