# SPDX-License-Identifier: BSD-3-Clause
"""A stream of numbered UDP packets, counted at both ends."""

import os
import socket
import struct
import threading
import time

from space import big_buffer

PORT = 5000
HEAD = struct.Struct(">HQ")  # flow, number within the flow
TICK_S = 0.002
TAIL_S = 0.4  # what is still under way at the end


class Stream:
    """Sends from one host to another between enter and exit: `flows` flows, `rate` packets a
    second in all, of `size` octets."""

    def __init__(self, sender, receiver, host, rate=1500, flows=1, size=200, port=PORT):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host, self.port, self.rate, self.size = host, port, rate, size
        with receiver.inside():
            self.sink = socket.socket(family, socket.SOCK_DGRAM)
            self.sink.bind((host, port))
        big_buffer(self.sink)
        self.sink.settimeout(0.1)
        with sender.inside():
            self.sources = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(flows)]
        self.sent = [0] * flows
        self.got = [[] for _ in range(flows)]
        self.stopped, self.closed = threading.Event(), threading.Event()
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self.send, self.receive)]

    def send(self):
        # A thread that moves to another CPU may overtake what it sent before: the kernel has a
        # queue of received frames for each.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        flow, begin, done = 0, time.monotonic(), 0
        filling = bytes(self.size - HEAD.size)
        while not self.stopped.is_set():
            while done < (time.monotonic() - begin) * self.rate:
                packet = HEAD.pack(flow, self.sent[flow]) + filling
                self.sources[flow].sendto(packet, (self.host, self.port))
                self.sent[flow] += 1
                flow = (flow + 1) % len(self.sources)
                done += 1
            time.sleep(TICK_S)

    def receive(self):
        while True:
            try:
                flow, number = HEAD.unpack_from(self.sink.recv(65536))
                self.got[flow].append(number)
            except socket.timeout:
                if self.closed.is_set():
                    return

    def __enter__(self):
        for t in reversed(self.threads):
            t.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.threads[0].join()
        time.sleep(TAIL_S)
        self.closed.set()
        self.threads[1].join()
        for s in (self.sink, *self.sources):
            s.close()

    def comes_through(self, patience=20.0):
        """Wait until a packet arrives that was sent from now on; False if none does."""
        least, end = list(self.sent), time.monotonic() + patience
        while time.monotonic() < end:
            if any(got and got[-1] >= n for got, n in zip(self.got, least)):
                return True
            time.sleep(0.01)
        return False

    def total(self):
        return sum(self.sent)

    def lost(self):
        return [(f, n) for f, count in enumerate(self.sent)
                for n in sorted(set(range(count)) - set(self.got[f]))]

    def repeated(self):
        return sum(len(got) - len(set(got)) for got in self.got)

    def disordered(self):
        """Flows that came out of order."""
        return [f for f, got in enumerate(self.got) if got != sorted(got)]


def both_ways(world, a, b, family=4, **options):
    """Two streams: from host to host of the world, and back."""
    return (Stream(world.host[a], world.host[b], b.host(family), **options),
            Stream(world.host[b], world.host[a], a.host(family), **options))
