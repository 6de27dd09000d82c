# SPDX-License-Identifier: BSD-3-Clause
"""One group of format eesp-subsa between site A and site B, as saker's configuration has it and as
subsa.py."""

import itertools
from dataclasses import dataclass, replace

import profile
import subsa
from harness import A, other
from ip import before, ip_parse
from plan import NEAR4, NEAR6, Plan, octets


@dataclass(frozen=True)
class Options:
    """All that may differ between groups."""

    transport: bool = False
    outer: int = 4
    encap: str = "udp"
    suite: str = "aes-256-gcm"
    sskdf: str = "hkdf-sha-256"
    sn_field: str = "64-bit"
    iv: str = "explicit"
    iv_in_aad: bool = True
    clear: int = 0
    session_first: int = 0
    replay_window: int = 64
    sessions: int = 8


class SubsaPlan(Plan):
    """Group number n."""

    def __init__(self, lab, n=0, **options):
        self.lab, self.n, self.o = lab, n, Options(**options)
        self.sending = {s: lab.key("zone-%s%d" % (s.name, n), "zone", 7 + i)
                        for i, s in enumerate((A, other(A)))}
        self.keys = list(self.sending.values())
        self.spis = {s: 0x1000 + 16 * n + 8 * i for i, s in enumerate((A, other(A)))}
        self.counters = {A: itertools.count(1), other(A): itertools.count(1)}
        self.port, self.protocol = 14500 + n % 3, 49 if n % 2 else 250

    def sessions(self):
        return 1 if self.o.sskdf == "none" else self.o.sessions

    def config(self, site, **changes):
        o = self.o
        group = {
            "name": "g%d" % self.n, "format": "eesp-subsa", "spi": self.spis[site],
            "peer_spi": self.spis[other(site)], "suite": o.suite, "sskdf": o.sskdf,
            "sn_field": o.sn_field, "iv": o.iv,
            "root_keys": [self.sending[site].name],
            "receive_root_keys": [self.sending[other(site)].name],
            "encap": o.encap, "session_first": o.session_first, "sessions": self.sessions(),
            "max_clear": 64 if o.clear else 0,
        }
        if o.iv == "explicit":
            group["iv_in_aad"] = o.iv_in_aad
        if o.sn_field == "none":
            group["replay"] = "none"
        else:
            group.update(replay_window=o.replay_window, replay_sources=max(16, o.sessions))
        if o.encap == "udp":
            group["udp_port"] = self.port
        else:
            group["protocol"] = self.protocol
        if o.transport:
            group["addresses"] = [self.binding(site)]
        group.update(changes)
        return {k: v for k, v in group.items() if v is not None}

    def binding(self, site):
        hosts = self.hosts(self.o.outer)
        return {"from": [hosts[other(site)]], "to": [hosts[site]]}

    def hosts(self, family):
        return {A: NEAR4 if family == 4 else NEAR6, other(A): self.far(family)}

    def policy(self, site, family, **changes):
        o = self.o
        policy = {
            "name": "p%d-%d" % (self.n, family), "src": self.net(site, family),
            "dst": self.net(other(site), family), "action": "protect", "group": "g%d" % self.n,
            "mode": "transport" if o.transport else "tunnel",
        }
        if not o.transport:
            policy.update(local=site.ip(o.outer), peer=other(site).ip(o.outer))
        if o.clear:
            policy["clear_octets"] = o.clear
        policy.update(changes)
        return policy

    def sa(self, sender, which="current"):
        """The SA that a site sends on."""
        o, key = self.o, self.sending[sender]
        step = {"pre": -1, "current": 0, "next": 1}
        return subsa.Sa(
            self.spis[other(sender)], {key.index + step[w]: v for w, v in key.values.items()},
            key.index + step[which], o.sskdf, profile.SUITES[o.suite], o.sn_field != "none",
            o.iv == "implicit", o.iv_in_aad, o.transport, 64 if o.clear else 0, o.session_first,
            self.sessions())

    def seal(self, sender, clear_packet, which="current", **changes):
        """An outer IP packet."""
        o = self.o
        v = ip_parse(clear_packet)
        p = subsa.Packet(clear_packet, 0, o.session_first, outer_v6=o.outer == 6)
        outer = profile.Packet(
            b"", 0, octets(sender.ip(o.outer)), octets(other(sender).ip(o.outer)), encap=o.encap,
            protocol=self.protocol, dport=self.port)
        if o.transport:
            p.payload, p.next_header = clear_packet[v.l4_at :], v.proto
            outer.prefix = clear_packet[: v.l4_at]
        if o.clear:
            p.clear = min(o.clear, len(p.payload) & ~3)
        p = replace(p, **changes)
        p = p if p.sn else replace(p, sn=next(self.counters[sender]))
        return profile.wrap(outer, subsa.seal(self.sa(sender, which), p))

    def open(self, sender, outer, which="current"):
        opened = subsa.open_packet(self.sa(sender, which), outer)
        return replace(opened, packet=before(opened.packet))
