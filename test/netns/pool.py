# SPDX-License-Identifier: BSD-3-Clause
"""Site B as a pool: several gateways with the same addresses and root keys, each with a source id
of its own, and in front and behind them a box that deals packets out one by one."""

import itertools
import select
import threading
from dataclasses import dataclass, replace

from gateway import Gateway
from space import link, mute, packet_socket
from wan import ARP, asks, network
from world import A, B, World, set_up_host

PACKET_IGNORE_OUTGOING, SOL_PACKET = 23, 263
MEMBERS = 3


@dataclass(frozen=True)
class Member:
    """One gateway of the pool. All have the same Ethernet addresses, as behind a hash of links."""

    number: int
    source: str

    def site(self):
        return replace(B, source=self.source)


class Dealer:
    """Frames from the one port go to the next member, one by one, but answers of neighbours to
    all; from members to the one port."""

    def __init__(self, space, one, many):
        self.one = self.open(space, one)
        self.many = [self.open(space, name) for name in many]
        self.live = set(range(len(many)))
        self.dealt = [0] * len(many)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def open(space, name):
        s = packet_socket(space, name)
        s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        s.setblocking(False)
        return s

    def run(self):
        turn = itertools.count()
        while not self.ended.is_set():
            for s in select.select([self.one, *self.many], [], [], 0.1)[0]:
                try:
                    self.deal(s, s.recv(65536), turn)
                except (BlockingIOError, OSError):
                    continue

    def deal(self, s, frame, turn):
        if s is not self.one:
            self.one.send(frame)
        elif frame[12:14] == ARP or network(frame) and asks(frame):
            for member in self.live:
                self.many[member].send(frame)
        elif self.live:
            members = sorted(self.live)
            member = members[next(turn) % len(members)]
            self.dealt[member] += 1
            self.many[member].send(frame)

    def close(self):
        self.ended.set()
        self.thread.join()
        for s in (self.one, *self.many):
            s.close()


class PoolWorld(World):
    """Options beside those of World: sources, of the members."""

    def __init__(self, sources=("0a000002", "0a000003", "0a000004"), **options):
        self.members = [Member(i, s) for i, s in enumerate(sources)]
        super().__init__(**options)
        self.dealers = [Dealer(self.wan, "wan-a", self.names("wan-b")),
                        Dealer(self.lan, "lan", self.names("lan-b"))]

    def names(self, start):
        return ["%s%d" % (start, m.number) for m in self.members]

    def build(self, site):
        if site is A:
            super().build(A)
            self.wan.ip("link set dev wan-a nomaster")
            return
        self.lan, host = self.space("lan"), self.space("host-b")
        self.host[B] = host
        link(host, "h0", self.lan, "lan", self.host_mtu, (B.mac("host"), B.mac("wan")))
        mute(self.lan, "lan")
        set_up_host(B, host, "h0", B.mac("clear") if self.static else None)
        for member in self.members:
            self.add(member)

    def add(self, member):
        box, n = self.space("gw-b"), member.number
        link(box, "clear", self.lan, "lan-b%d" % n, self.host_mtu,
             (B.mac("clear"), "02:00:00:00:03:%02x" % n))
        link(box, "cipher", self.wan, "wan-b%d" % n, self.wan_mtu,
             (B.mac("cipher"), "02:00:00:00:04:%02x" % n))
        for space, name in ((box, "clear"), (box, "cipher"), (self.lan, "lan-b%d" % n),
                            (self.wan, "wan-b%d" % n)):
            mute(space, name)
        config = self.lab.site_config(member.site(), A, (self.host_mtu, self.wan_mtu),
                                      self.macs(B), state="state-%d" % n)
        path = self.lab.write(config, "b%d.cfg" % n)
        self.gateway[member] = Gateway(box, path, self.vdevs(), 1, 1)

    def deal_to(self, numbers):
        """From now on these members get packets."""
        for dealer in self.dealers:
            dealer.live = set(numbers)

    def stop(self):
        for dealer in self.dealers:
            dealer.close()
        return super().stop()

    def text(self):
        return "\n".join("== gateway\n" + g.text() for g in self.gateway.values() if g.logs)
