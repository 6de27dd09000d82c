#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make a capture of mixed traffic as a site would send it: the same seed, the same octets.

Site A (10.1.0.0/16, fd00:1::/32) talks to site B (10.2.0.0/16, fd00:2::/32), which the policies of
the tests protect. Some packets go to a name server in the clear (10.9.0.53, UDP port 53), some go
where no policy leads (203.0.113.0/24, 2001:db8:ffff::/48), some are ARP.

usage: traffic.py --count N --seed S -o FILE [--clear-policy-share P] [--uncovered-share P]
                  [--arp-share P]
"""

import argparse
import ipaddress
import random
import struct
from dataclasses import dataclass

import pcapfile
from ip import ICMP, ICMP6, TCP, UDP, checksum, ip4_finish, transport_checksum

PROTECT, BYPASS, UNCOVERED, ARP = "protect", "bypass", "uncovered", "arp"
SIZES = (40, 41, 42, 43, 52, 64, 100, 128, 256, 512, 576, 1024, 1279, 1280, 1400, 1499, 1500)
PORTS = (53, 80, 123, 443, 4500, 5060, 8080, 51820)
NAME_SERVER = ipaddress.ip_address("10.9.0.53").packed


@dataclass
class Frame:
    octets: bytes
    kind: str


@dataclass
class Shares:
    """Of all packets."""

    clear_policy: float = 0.02
    uncovered: float = 0.03
    arp: float = 0.01


class Traffic:
    """A source of frames."""

    def __init__(self, seed, shares=None, max_size=1500):
        self.random = random.Random(seed)
        self.shares = shares or Shares()
        self.max_size = max_size
        self.queue = []  # fragments that follow
        self.ident = 0

    def frames(self, count):
        """Yield `count` frames."""
        for _ in range(count):
            yield self.next_frame()

    def next_frame(self):
        if self.queue:
            return self.queue.pop(0)
        kind = self.choose_kind()
        if kind == ARP:
            return Frame(self.arp(), ARP)
        packets = self.packet(kind)
        tags = self.tags()
        self.queue = [Frame(pcapfile.ethernet(p, tags=tags), kind) for p in packets]
        return self.queue.pop(0)

    def choose_kind(self):
        x = self.random.random()
        for kind, share in (
            (BYPASS, self.shares.clear_policy),
            (UNCOVERED, self.shares.uncovered),
            (ARP, self.shares.arp),
        ):
            if x < share:
                return kind
            x -= share
        return PROTECT

    def tags(self):
        x = self.random.random()
        vid = self.random.randrange(1, 4095) | self.random.randrange(8) << 13
        if x < 0.10:
            return ((0x8100, vid),)
        if x < 0.15:
            return ((0x88A8, vid), (0x8100, self.random.randrange(1, 4095)))
        return ()

    def arp(self):
        body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1)
        body += b"\x02\0\0\0\0\xfe" + bytes((10, 1, 0, 1)) + bytes(6)
        body += bytes((10, 1, 255, self.random.randrange(1, 255)))
        return b"\xff" * 6 + b"\x02\0\0\0\0\xfe" + b"\x08\x06" + body + bytes(18)

    def size(self):
        if self.random.random() < 0.6:
            size = self.random.choice(SIZES)
        else:
            size = self.random.randrange(40, 1501)
        return min(size, self.max_size)

    def packet(self, kind):
        """A list of one IP packet, or of its fragments."""
        v6 = kind != BYPASS and self.random.random() < 0.4
        src, dst = self.addresses(kind, v6)
        extra = self.random.random()
        if kind == PROTECT and extra < 0.05:
            return self.fragments(src, dst)
        headers = b""
        if extra < 0.10:
            headers = self.hop_by_hop() if v6 else self.options()
        proto = UDP if kind == BYPASS else self.protocol(v6)
        room = max(self.size() - len(headers) - (40 if v6 else 20), 0)
        segment = self.segment(src, dst, proto, room, 53 if kind == BYPASS else None)
        return [self.ip(src, dst, proto, segment, headers)]

    def addresses(self, kind, v6):
        host = self.random.randrange(1, 255)
        far = self.random.randrange(1, 255)
        if v6:
            near = "fd00:1::%x:%x" % (self.random.randrange(16), host)
            away = "fd00:2::%x" if kind == PROTECT else "2001:db8:ffff::%x"
            return ipaddress.ip_address(near).packed, ipaddress.ip_address(away % far).packed
        near = bytes((10, 1, self.random.randrange(16), host))
        if kind == BYPASS:
            return near, NAME_SERVER
        away = (10, 2, self.random.randrange(16)) if kind == PROTECT else (203, 0, 113)
        return near, bytes(away + (far,))

    def protocol(self, v6):
        return self.random.choices((UDP, TCP, ICMP6 if v6 else ICMP), (5, 4, 1))[0]

    def ports(self, dport):
        dport = dport or self.random.choice(PORTS)
        return struct.pack(">HH", self.random.randrange(1024, 65536), dport)

    def segment(self, src, dst, proto, room, dport=None):
        """A transport segment of about `room` octets."""
        if proto == UDP:
            body = self.random.randbytes(max(room - 8, 0))
            segment = self.ports(dport) + struct.pack(">HH", 8 + len(body), 0) + body
            if len(src) == 4 and self.random.random() < 0.1:
                return segment
            return transport_checksum(src, dst, UDP, segment, 6)
        if proto == TCP:
            return transport_checksum(src, dst, TCP, self.tcp(room), 16)
        body = self.random.randbytes(max(room - 8, 0))
        kind = 128 if proto == ICMP6 else 8  # echo request
        head = struct.pack(">BBHI", kind, 0, 0, self.random.getrandbits(32))
        if proto == ICMP6:
            return transport_checksum(src, dst, ICMP6, head + body, 2)
        return head[:2] + struct.pack(">H", checksum(head + body)) + head[4:] + body

    def tcp(self, room):
        flags = self.random.choice((0x02, 0x10, 0x18, 0x11, 0x14, 0xC2))
        options = b"\x01\x01\x08\x0a" + self.random.randbytes(8) if room >= 32 else b""
        offset = (20 + len(options)) // 4
        head = self.ports(None) + self.random.randbytes(8)
        head += struct.pack(">BBHHH", offset << 4, flags, self.random.randrange(65536), 0, 0)
        return head + options + self.random.randbytes(max(room - 20 - len(options), 0))

    def tos(self):
        return self.random.randrange(64) << 2 | self.random.randrange(4)

    def ip(self, src, dst, proto, segment, extra=b"", flags=None):
        """extra: IPv4 options, or an IPv6 extension header without its first octet."""
        ttl = self.random.randrange(2, 256)
        if len(src) == 16:
            label = self.random.getrandbits(20)
            first = 6 << 28 | self.tos() << 20 | label
            if extra:
                segment, proto = bytes([proto]) + extra[1:] + segment, extra[0]
            return struct.pack(">IHBB", first, len(segment), proto, ttl) + src + dst + segment
        self.ident = (self.ident + 1) & 0xFFFF
        if flags is None:
            flags = self.random.choice((0, 0x4000))
        head = struct.pack(">BBHHHBBH", 0x45 + len(extra) // 4, self.tos(), 0, self.ident, flags,
                           ttl, proto, 0)
        return ip4_finish(head + src + dst + extra, 20 + len(extra) + len(segment)) + segment

    def options(self):
        """IPv4 options: router alert, no-operations, a record route."""
        return self.random.choice((
            b"\x94\x04\0\0", b"\x01\x01\x01\x01", b"\x07\x07\x04\0\0\0\0\0",
            b"\x07\x27\x04" + bytes(36) + b"\0",
        ))

    def hop_by_hop(self):
        """First octet: its protocol number. Router alert, or padding of 16 octets."""
        if self.random.random() < 0.5:
            return b"\0" + b"\0" + b"\x05\x02\0\0\x01\0"
        return b"\0" + b"\x01" + b"\x01\x0c" + bytes(12)

    def fragments(self, src, dst):
        """A datagram of two or three fragments."""
        body = self.segment(src, dst, UDP, self.random.choice((1600, 2000, 3200)))
        ident = self.random.getrandbits(32)
        step = 1400
        packets = []
        for at in range(0, len(body), step):
            more = at + step < len(body)
            piece = body[at : at + step]
            if len(src) == 16:
                head = b"\x2c" + b"\0" + struct.pack(">HI", at | more, ident)
                packets.append(self.ip(src, dst, UDP, piece, head))
            else:
                flags = at // 8 | (0x2000 if more else 0)
                self.ident -= 1 if at else 0
                packets.append(self.ip(src, dst, UDP, piece, flags=flags))
        return packets


def main():
    parser = argparse.ArgumentParser(description="Make a capture of mixed traffic.")
    parser.add_argument("--count", type=int, default=5000, help="frames (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same octets (%(default)s)")
    parser.add_argument("-o", "--output", required=True, help="pcap file to write")
    defaults = Shares()
    for name in ("clear_policy", "uncovered", "arp"):
        parser.add_argument("--%s-share" % name.replace("_", "-"), type=float, metavar="P",
                            default=getattr(defaults, name), help="of all frames (%(default)s)")
    args = parser.parse_args()
    shares = Shares(args.clear_policy_share, args.uncovered_share, args.arp_share)
    kinds = {}
    frames = []
    for frame in Traffic(args.seed, shares).frames(args.count):
        kinds[frame.kind] = kinds.get(frame.kind, 0) + 1
        frames.append(frame.octets)
    pcapfile.write(args.output, frames)
    print(", ".join("%d %s" % (kinds[k], k) for k in sorted(kinds)))


if __name__ == "__main__":
    main()
