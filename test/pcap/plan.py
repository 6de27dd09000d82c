# SPDX-License-Identifier: BSD-3-Clause
"""One trust group between site A and site B, as saker's configuration has it and as profile.py."""

import ipaddress
import itertools
import struct
import time
from dataclasses import dataclass, replace

import pcapfile
import profile
from harness import A, B, other
from ip import before, ip_header, ip_parse, transport_checksum

NEAR4, NEAR6 = "10.1.0.5", "fd00:1::5"
WIDE_MS = 3600000  # captures are opened later than they were sealed
EPOCH = 20000  # of the counter discipline
REKEY_DEFAULT = "default"
FORMATS = {"E": "eesp", "S": "seh"}


def octets(address):
    return ipaddress.ip_address(address).packed


@dataclass(frozen=True)
class Options:
    """All that may differ between groups."""

    form: str = "E"  # letter of the format
    variant: int = 0
    transport: bool = False
    outer: int = 4  # family
    encap: str = "udp"
    suite: str = "aes-256-gcm"
    clear: int = 0
    ioffset: int = 0
    levels: tuple = ("zone",)
    mk_options: bool = False
    sn: str = "time"
    role: str = "peer"  # of site A; site B of a server group has the other one
    combine: str = "hkdf"
    rekey: object = REKEY_DEFAULT  # or -1..47
    session_first: int = 0
    key_cache: int = 0
    replay: str = "window"
    replay_window: int = 64
    replay_sources: int = 16
    keys: str = "x"  # which set of root keys


class Plan:
    """Group number n. Each has a destination network of its own."""

    def __init__(self, lab, n=0, **options):
        self.lab = lab
        self.n = n
        self.o = Options(**options)
        self.spi = 0x1000 + n if n % 7 else 0xF0000000 + n
        self.keys = [lab.key("%s-%s" % (level, self.o.keys), level) for level in self.o.levels]
        self.port, self.protocol = self.listener(n)
        self.counters = {A: itertools.count(1), B: itertools.count(1)}
        self.sealed_ms = int(time.time() * 1000)

    def __str__(self):
        return "group %d: %s" % (self.n, self.o)

    def listener(self, n):
        """UDP port and IP protocol. Groups of format S have one each: they have no SPI."""
        if self.o.form == "S":
            return 20000 + n, 140 + n % 32
        return 4500 if n % 3 else 14500, 49 if n % 2 else 250

    # Addresses.

    def far(self, family):
        if family == 4:
            return "10.%d.%d.9" % (64 + self.n // 256, self.n % 256)
        return "fd00:2:%x::9" % self.n

    def net(self, site, family):
        """Network of a site; in transport mode the one host."""
        host = (NEAR4 if family == 4 else NEAR6) if site is A else self.far(family)
        if self.o.transport:
            return "%s/%d" % (host, 32 if family == 4 else 128)
        if site is A:
            return site.net4 if family == 4 else site.net6
        return str(ipaddress.ip_network(host + ("/24" if family == 4 else "/48"), strict=False))

    def families(self):
        return (self.o.outer,) if self.o.transport else (4, 6)

    # Sources.

    def source(self, site):
        """Source id that a site writes, or its device half; b'' where there is none."""
        owner = {"peer": site, "server": B, "client": A}[self.o.role]
        size = (4, 8, 4, 0, 0)[self.o.variant]
        return owner.source[:size]

    def wire_source(self, site):
        """The whole id; of a connection id profile.py chooses one flow half per group."""
        source = self.source(site)
        return source + struct.pack(">I", 0x80000000 | self.n) if self.o.variant == 2 else source

    def role_of(self, site):
        if self.o.role == "peer" or site is A:
            return self.o.role
        return {"server": "client", "client": "server"}[self.o.role]

    def nonce_role(self, sender):
        return {"peer": profile.PEER, "server": profile.SERVER_TO_CLIENT,
                "client": profile.CLIENT_TO_SERVER}[self.role_of(sender)]

    # Rekeying.

    def rekey_shift(self):
        if self.o.rekey != REKEY_DEFAULT:
            return None if self.o.rekey < 0 else self.o.rekey
        timed = self.o.sn == "time" and self.o.role == "peer"
        return 24 if timed and self.o.variant in (0, 3, 4) else None

    # Configuration.

    def config(self, site, **changes):
        """The trust group as `site` has it."""
        o = self.o
        group = {
            "name": "g%d" % self.n, "spi": self.spi, "variant": profile.VARIANTS[o.variant],
            "suite": o.suite, "root_keys": [k.name for k in self.keys], "combine": o.combine,
            "role": self.role_of(site), "sn": o.sn, "encap": o.encap,
            "format": FORMATS[o.form], "replay": o.replay,
            "max_clear": 64 if o.clear else 0, "max_ioffset": 4 if o.ioffset else 0,
            "key_cache": o.key_cache,
        }
        if self.source(site) and self.role_of(site) != "server":
            group["source_id"] = self.source(site).hex()
        if o.replay == "window":
            group.update(replay_window=o.replay_window, replay_sources=o.replay_sources)
        if o.form == "E":
            group.update(session_first=o.session_first, sessions=8)
        if o.sn == "time":
            group.update(window_ms=WIDE_MS, start_guard=False)
        else:
            group["epoch"] = EPOCH
        if o.rekey != REKEY_DEFAULT:
            group["rekey_shift"] = o.rekey
        if o.encap == "udp":
            group["udp_port"] = self.port
        else:
            group["protocol"] = self.protocol
        if o.mk_options:
            group["master_key_options"] = list(o.levels)
        if o.transport and o.variant != 4:
            group["addresses"] = [self.binding(site)]
        group.update(changes)
        return {k: v for k, v in group.items() if v is not None}

    def binding(self, site):
        """Which outer addresses the other site may use towards this one."""
        family = self.o.outer
        hosts = {A: NEAR4 if family == 4 else NEAR6, B: self.far(family)}
        entry = {"from": [hosts[other(site)]], "to": [hosts[site]]}
        if self.source(other(site)):
            entry["source_id"] = self.source(other(site)).hex()
        return entry

    def policies(self, site, **changes):
        return [self.policy(site, family, **changes) for family in self.families()]

    def policy(self, site, family, **changes):
        o = self.o
        policy = {
            "name": "p%d-%d" % (self.n, family), "src": self.net(site, family),
            "dst": self.net(other(site), family), "action": "protect", "group": "g%d" % self.n,
            "mode": "transport" if o.transport else "tunnel",
        }
        if not o.transport:
            policy.update(local=site.ip(o.outer), peer=other(site).ip(o.outer))
        elif o.variant in (3, 4):
            policy["local"] = self.net(site, family).split("/")[0]
        if o.clear:
            policy["clear_octets"] = o.clear
        if o.ioffset:
            policy["ioffset"] = o.ioffset
        if self.role_of(site) == "server":
            policy["client"] = self.source(site).hex()
        policy.update(changes)
        return policy

    # The same for profile.py.

    def group(self, which="current"):
        return profile.Group(
            spi=self.spi, form=self.o.form, roots=tuple(k.root(which) for k in self.keys),
            live=tuple(r for k in self.keys for r in k.live()),
            suite=profile.SUITES[self.o.suite], combine=self.o.combine, variant=self.o.variant,
            rekey_shift=self.rekey_shift(), transport=self.o.transport,
            max_clear=64 if self.o.clear else 0, max_ioffset=4 if self.o.ioffset else 0,
            session_first=self.o.session_first, sessions=8)

    # Packets.

    def inner(self, sender, family, size, seed=0):
        """A clear UDP packet from a host of `sender` to one of the other site."""
        hosts = {A: NEAR4 if family == 4 else NEAR6, B: self.far(family)}
        src, dst = octets(hosts[sender]), octets(hosts[other(sender)])
        room = max(size - (20 if family == 4 else 40) - 8, 0)
        body = bytes((seed * 7 + i * 31) & 0xFF for i in range(room))
        head = struct.pack(">HHHH", 1024 + seed % 60000, 4789, 8 + room, 0)
        datagram = transport_checksum(src, dst, 17, head + body, 6)
        return ip_header(src, dst, 17, len(datagram), tos=(seed * 4) & 0xFC) + datagram

    def next_sn(self, sender):
        seq = next(self.counters[sender])
        if self.o.sn == "counter":
            return EPOCH << 48 | seq
        return profile.sn_at(self.sealed_ms, seq)

    def packet(self, sender, clear_packet, **changes):
        """What profile.py needs to seal a clear packet."""
        v = ip_parse(clear_packet)
        o = self.o
        p = profile.Packet(
            payload=clear_packet, sn=0, outer_src=octets(sender.ip(o.outer)),
            outer_dst=octets(other(sender).ip(o.outer)), session=o.session_first,
            source=self.wire_source(sender), role=self.nonce_role(sender), encap=o.encap,
            protocol=self.protocol, dport=self.port, ioffset=o.ioffset,
            mk_options=o.levels if o.mk_options else ())
        if o.transport:
            p = replace(p, payload=clear_packet[v.l4_at :], outer_src=v.src, outer_dst=v.dst,
                        next_header=v.proto, prefix=clear_packet[: v.l4_at])
        if o.clear:
            p.clear = min(o.clear, len(p.payload) & ~3)
            skip = 0 if o.transport else profile.inner_header_len(clear_packet)
            p.ioffset = o.ioffset if skip + 4 * o.ioffset <= p.clear else 0
        p = replace(p, **changes)
        return p if p.sn else replace(p, sn=self.next_sn(sender))

    def seal(self, sender, clear_packet, which="current", **changes):
        """An outer IP packet."""
        return profile.seal(self.group(which), self.packet(sender, clear_packet, **changes)).outer

    def sealed_frame(self, sender, clear_packet, **changes):
        return pcapfile.ethernet(self.seal(sender, clear_packet, **changes))

    def open(self, sender, outer):
        """Opened, with the packet as it was before a gateway sent it; or raises Refused."""
        opened = profile.open_packet({self.spi: self.group()}, outer, self.nonce_role(sender))
        return replace(opened, packet=before(opened.packet))


def make_config(lab, plans, site=A, groups=None, policies=None, **changes):
    """A configuration of a site that carries all plans."""
    groups = groups or [p.config(site) for p in plans]
    policies = policies or [policy for p in plans for policy in p.policies(site)]
    return lab.site_config(site, groups, policies, **changes)
