# SPDX-License-Identifier: BSD-3-Clause
"""One group of format psp between site A and site B, as saker's configuration has it and as
psp.py."""

import itertools
from dataclasses import dataclass, replace

import psp
from harness import A, other
from ip import before
from plan import Plan, octets

SUITES = ("aes-128-gcm", "aes-256-gcm")
PHASE = 1 << 31  # of an SPI: which master key


@dataclass(frozen=True)
class Options:
    """All that may differ between groups; tunnel mode only."""

    version: int = 1
    outer: int = 4
    clear: int = 0
    cookie: str = ""
    transport: bool = False


@dataclass
class Seen:
    """As other plans tell it."""

    packet: bytes
    clear: int
    spi: int
    iv: int


class PspPlan(Plan):
    """Group number n; port and version tell it from others."""

    def __init__(self, lab, n=0, **options):
        self.lab, self.n, self.o = lab, n, Options(**options)
        key = lab.key("zone-psp%d" % n, "zone")
        self.keys = [key]
        self.spis = {s: 0x1000 + 16 * n + 8 * i for i, s in enumerate((A, other(A)))}
        self.counters = {s: itertools.count(1) for s in (A, other(A))}
        self.port = 1000 + n

    def config(self, site, **changes):
        o = self.o
        group = {
            "name": "g%d" % self.n, "format": "psp", "spi": self.spis[site], "version": o.version,
            "suite": SUITES[o.version % 2], "root_keys": [self.keys[0].name],
            "udp_port": self.port, "max_clear": 64 if o.clear else 0,
        }
        if o.cookie:
            group["cookie"] = o.cookie
        return {**group, **changes}

    def masters(self):
        """By bit 31 of the SPI: the low bit of a value's index."""
        key = self.keys[0]
        found = {key.index % 2: key.values["current"], 1 - key.index % 2: key.values["pre"]}
        return found[0], found[1]

    def seal(self, sender, clear_packet, iv=0, clear=None):
        """An outer IP packet. clear: octets of the inner packet."""
        spi = self.spis[sender] | (PHASE if self.keys[0].index % 2 else 0)
        key = psp.derive(self.masters()[spi >> 31], self.o.version, spi)
        cookie = bytes.fromhex(self.o.cookie) if self.o.cookie else None
        open_octets = min(self.o.clear if clear is None else clear, len(clear_packet) & ~3)
        if open_octets and cookie:
            open_octets += len(cookie)
        data = psp.seal(key, self.o.version, spi, iv or next(self.counters[sender]),
                        psp.inner_header(clear_packet), clear_packet, open_octets // 4, cookie)
        return psp.wrap(octets(sender.ip(self.o.outer)), octets(other(sender).ip(self.o.outer)),
                        data, self.port)

    def open(self, _sender, outer):
        _, data = psp.decap(outer, self.port)
        o = psp.open_psp(self.masters(), data)
        seen = Seen(o.payload, max(4 * o.offset - len(o.cookie), 0), o.spi, o.iv)
        return replace(seen, packet=before(seen.packet))
