# SPDX-License-Identifier: BSD-3-Clause
"""One group of format esp between site A and site B, as saker's configuration has it and as
esp.py."""

import itertools
from dataclasses import dataclass, replace

import esp
import profile
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
    sn: str = esp.SEQUENTIAL
    iv: str = "explicit"
    child_sas: int = 0
    accept_child_sas: int = 0
    replay_window: int = 64


class EspPlan(Plan):
    """Group number n."""

    def __init__(self, lab, n=0, **options):
        self.lab, self.n, self.o = lab, n, Options(**options)
        sites = (A, other(A))
        self.sending = {s: lab.key("zone-%s%d" % (s.name, n), "zone", 7 + i)
                        for i, s in enumerate(sites)}
        self.keys = list(self.sending.values())
        self.spis = {s: 0x10000 + 1024 * n + 512 * i for i, s in enumerate(sites)}
        self.counters = {s: itertools.count(1) for s in sites}
        self.port = 4500 if n % 3 else 14500
        self.protocol = 50 if n % 2 else 251

    def config(self, site, **changes):
        o = self.o
        group = {
            "name": "g%d" % self.n, "format": "esp", "spi": self.spis[site],
            "peer_spi": self.spis[other(site)], "suite": o.suite, "sequence_numbers": o.sn,
            "iv": o.iv, "root_keys": [self.sending[site].name],
            "receive_root_keys": [self.sending[other(site)].name], "encap": o.encap,
            "child_sas": o.child_sas, "accept_child_sas": o.accept_child_sas,
        }
        if o.sn == esp.UNSPECIFIED:
            group["replay"] = "none"
        else:
            group["replay_window"] = o.replay_window
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
        policy.update(changes)
        return policy

    def sa(self, sender, which="current"):
        """The SAs that a site sends on."""
        o, key = self.o, self.sending[sender]
        step = {"pre": -1, "current": 0, "next": 1}
        return esp.Sa(
            self.spis[other(sender)], {key.index + step[w]: v for w, v in key.values.items()},
            key.index + step[which], profile.SUITES[o.suite], o.sn, o.iv == "implicit",
            o.transport, o.child_sas if sender is A else o.accept_child_sas)

    def outer(self, sender, clear_packet):
        """Everything of the outer packet that is not the format's."""
        o = self.o
        outer = profile.Packet(
            b"", 0, octets(sender.ip(o.outer)), octets(other(sender).ip(o.outer)), encap=o.encap,
            protocol=self.protocol, dport=self.port)
        if o.transport:
            outer.prefix = clear_packet[: ip_parse(clear_packet).l4_at]
        return outer

    def seal(self, sender, clear_packet, which="current", **changes):
        """An outer IP packet."""
        p = esp.Packet(clear_packet, 0)
        if self.o.transport:
            v = ip_parse(clear_packet)
            p.payload, p.next_header = clear_packet[v.l4_at :], v.proto
        p = replace(p, **changes)
        p = p if p.sn else replace(p, sn=next(self.counters[sender]))
        return profile.wrap(self.outer(sender, clear_packet), esp.seal(self.sa(sender, which), p))

    def open(self, sender, outer, which="current", high=0):
        opened = esp.open_packet(self.sa(sender, which), outer, high)
        return replace(opened, packet=before(opened.packet))
