# SPDX-License-Identifier: BSD-3-Clause
"""ping of every size: sends echo requests from a raw socket and compares what comes back."""

import select
import socket
import struct
import time

from ip import checksum
from space import big_buffer

ECHO = {4: (8, 0), 6: (128, 129)}
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23
PMTUDISC_DONT, PMTUDISC_PROBE = 0, 3  # may be fragmented; DF, and whatever the kernel has learnt
IN_FLIGHT = 48
SILENCE_S, LAST_WAIT_S = 0.5, 1.0


def payload(size):
    return bytes((size + i * 7) & 0xFF for i in range(size))


def echo_socket(space, family, df):
    kind = {4: (socket.AF_INET, socket.IPPROTO_ICMP), 6: (socket.AF_INET6, 58)}[family]
    with space.inside():
        s = socket.socket(kind[0], socket.SOCK_RAW, kind[1])
    how = PMTUDISC_PROBE if df else PMTUDISC_DONT
    if family == 4:
        s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, how)
    else:
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, how)
    big_buffer(s)
    s.setblocking(False)
    return s


class Sweep:
    """Echo requests of many sizes; `sizes` are those of the ICMP payload."""

    def __init__(self, space, family, peer, df=False):
        self.family, self.peer = family, peer
        self.socket = echo_socket(space, family, df)
        self.id = int(time.monotonic() * 1000) & 0xFFFF
        self.right, self.wrong, self.refused = set(), set(), {}
        self.given_up = 0  # so many may be lost

    def request(self, size):
        body = struct.pack(">HH", self.id, size) + payload(size)
        head = bytes([ECHO[self.family][0], 0])
        if self.family == 6:  # the kernel fills its checksum in
            return head + bytes(2) + body
        return head + struct.pack(">H", checksum(head + bytes(2) + body)) + body

    def send(self, size):
        try:
            self.socket.sendto(self.request(size), (self.peer, 0))
        except OSError as e:
            self.refused[size] = e

    def receive(self):
        """Take in one packet."""
        data = self.socket.recv(65536)
        if self.family == 4:
            data = data[(data[0] & 15) * 4 :]
        if len(data) < 8 or data[0] != ECHO[self.family][1]:
            return
        ident, size = struct.unpack(">HH", data[4:8])
        if ident == self.id:
            (self.right if data[8:] == payload(size) else self.wrong).add(size)

    def wait(self, seconds):
        return bool(select.select([self.socket], [], [], seconds)[0])

    def run(self, sizes, patience=LAST_WAIT_S):
        """Returns sizes that were not answered, or wrongly. `patience`: how long to wait for one
        more answer at the end, in seconds."""
        sent = set()
        for size in sizes:
            self.send(size)
            sent.add(size)
            while self.waiting(sent) >= IN_FLIGHT:
                if self.wait(SILENCE_S):
                    self.receive()
                else:
                    self.given_up = self.waiting(sent) + self.given_up
            while self.wait(0):
                self.receive()
        self.given_up = 0
        while self.waiting(sent) and self.wait(patience):
            self.receive()
        self.socket.close()
        return sorted(sent - self.right)

    def waiting(self, sent):
        done = len(self.right) + len(self.wrong) + len(self.refused)
        return len(sent) - done - self.given_up


def sweep(space, family, peer, sizes, df=False):
    return Sweep(space, family, peer, df).run(sizes)
