# SPDX-License-Identifier: BSD-3-Clause
"""One secure domain of format tss between site A and site B, as saker's configuration has it and as
tss.py."""

import itertools
import struct
import time
from dataclasses import dataclass, replace

import profile
import tss
from harness import A, B, other
from ip import UDP, before, ip_header, ip_parse, transport_checksum
from plan import EPOCH, NEAR4, NEAR6, WIDE_MS, Plan, octets

STEP = {"pre": -1, "current": 0, "next": 1}


@dataclass(frozen=True)
class Options:
    """All that may differ between groups."""

    form: str = "T"
    kdf: str = "cluster"
    ssi: bool = True
    role: str = "peer"  # of site A
    transport: bool = False
    outer: int = 4
    encap: str = "udp"
    udp_in_aad: bool = True
    clear: int = 0
    ioffset: int = 0
    sn: str = "counter"
    shift: int = -1
    mask: int = 0
    key_cache: int = 0
    replay_window: int = 64
    epoch: int = EPOCH

    @property
    def variant(self):
        return 0 if self.ssi else 3


class TssPlan(Plan):
    """Group number n."""

    def __init__(self, lab, n=0, **options):
        self.lab, self.n, self.o = lab, n, Options(**options)
        self.spi = 0x1000 + n if n % 7 else 0xFFF000 + n
        self.keys = [lab.key("zone-tss%d" % n, "zone")]
        self.port, self.protocol = (4793, 253) if n % 3 else (14793, 254)
        self.counters = {A: itertools.count(1), B: itertools.count(1)}
        self.sealed_ms = int(time.time() * 1000)

    def config(self, site, **changes):
        o = self.o
        group = {
            "name": "g%d" % self.n, "format": "tss", "spi": self.spi,
            "variant": profile.VARIANTS[o.variant], "root_keys": [self.keys[0].name],
            "role": self.role_of(site), "sn": o.sn, "encap": o.encap, "max_clear": o.clear,
            "key_cache": o.key_cache, "replay_window": o.replay_window, "replay_sources": 16,
            "rekey_shift": o.shift, "rekey_mask": o.mask,
        }
        if o.role == "peer":
            group["kdf"] = o.kdf
        if o.ssi and self.role_of(site) != "server":
            group["source_id"] = self.source(site).hex()
        if o.sn == "time":
            group.update(window_ms=WIDE_MS, start_guard=False)
        else:
            group["epoch"] = o.epoch
        if o.encap == "udp":
            group.update(udp_port=self.port, udp_in_aad=o.udp_in_aad)
        else:
            group["protocol"] = self.protocol
        group.update(changes)
        return {k: v for k, v in group.items() if v is not None}

    def domain(self, sender, which="current"):
        """As the receiver of what a site sends sees it."""
        o, key = self.o, self.keys[0]
        live = {(key.index + STEP[w]) % 2: v for w, v in key.values.items()
                if w in (which, "current")}
        if "pre" in key.values and which == "current":
            live[(key.index - 1) % 2] = key.values["pre"]
        return tss.Domain(
            self.spi, live, "server" if o.role != "peer" else o.kdf, o.ssi, o.shift, o.mask,
            o.encap, o.udp_in_aad, o.transport, o.clear, self.port, self.protocol,
            o.epoch if o.sn == "counter" else None,
            from_server=None if o.role == "peer" else self.role_of(sender) == "server")

    # Packets.

    def inner(self, sender, family, size, seed=0):
        if not self.o.transport:
            return super().inner(sender, family, size, seed)
        hosts = {A: NEAR4 if family == 4 else NEAR6, B: self.far(family)}
        src, dst = octets(hosts[sender]), octets(hosts[other(sender)])
        keep = 8 if self.o.encap == "udp" else 4
        room = max(size - (20 if family == 4 else 40) - keep, 1)
        body = bytes([(2 + seed % 13) << 3 | seed & 7])
        body += bytes((seed * 7 + i * 31) & 0xFF for i in range(room - 1))
        if self.o.encap == "udp":
            head = struct.pack(">HHHH", 1024 + seed % 60000, self.port, 8 + room, 0)
            body = transport_checksum(src, dst, UDP, head + body, 6)
        else:
            body = struct.pack(">HH", 7 + seed, 0) + body
        proto = UDP if self.o.encap == "udp" else self.protocol
        return ip_header(src, dst, proto, len(body), tos=(seed * 4) & 0xFC) + body

    def next_tsc(self, sender):
        seq = next(self.counters[sender])
        tsc = self.o.epoch << 48 | seq
        if self.o.sn == "time":
            tsc = profile.sn_at(self.sealed_ms, seq)
        server = self.o.role != "peer" and self.role_of(sender) == "server"
        return tsc | (tss.SERVER_HALF if server else 0)

    def front(self, sender):
        """Headers of a tunnel."""
        o = self.o
        udp = o.encap == "udp"
        ends = octets(sender.ip(o.outer)), octets(other(sender).ip(o.outer))
        between = struct.pack(">HHHH", 50000, self.port, 0, 0) if udp else b"\x12\x34\0\0"
        return ip_header(*ends, UDP if udp else self.protocol, 0) + between

    def packet(self, sender, clear_packet, which="current", **changes):
        o = self.o
        an = (self.keys[0].index + STEP[which]) % 2
        p = tss.Packet(self.front(sender), clear_packet, an, 0,
                       self.source(sender)[:4] if o.ssi else None)
        if o.transport:
            v = ip_parse(clear_packet)
            at = v.l4_at + self.domain(sender).keep()
            p.front, p.payload = clear_packet[:at], clear_packet[at:]
        p = replace(p, **changes)
        return p if "tsc" in changes else replace(p, tsc=self.next_tsc(sender))

    def seal(self, sender, clear_packet, which="current", **changes):
        """An outer IP packet."""
        return tss.seal(self.domain(sender, which),
                        self.packet(sender, clear_packet, which, **changes))

    def open(self, sender, outer, which="current"):
        opened = tss.open_packet(self.domain(sender, which), outer)
        return replace(opened, packet=before(opened.packet))
