# SPDX-License-Identifier: BSD-3-Clause
"""Format esp in plain Python: a second opinion on what saker sends.

Written from docs/protocol.md and RFC 4303, 4106 and 8750. Only AES-GCM comes from a library."""

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import profile
import subsa
from ip import IPIP, IPV6, NO_NEXT, Refused, ip_parse, need, set_ip_payload

SEQUENTIAL, ESN, UNSPECIFIED = (
    "32-bit sequential", "partially transmitted 64-bit sequential", "32-bit unspecified")
HEADER, TRAILER, ICV = 8, 2, 16


@dataclass
class Sa:
    """One direction of a group: the fallback SA, and one for each worker."""

    spi: int  # of the fallback SA, a multiple of 4
    values: dict  # root key index -> root key value, or KEYMAT
    index: int  # which of them seals
    suite: int = 2
    sn: str = SEQUENTIAL
    implicit: bool = False
    transport: bool = False
    child_sas: int = 0

    def keymat(self, index, number):
        """(key, salt) of SA `number`."""
        value = self.values[index]
        if len(value) == 32:
            return subsa.keymat("none", self.suite, value, number, b"X")
        return value[:-4], value[-4:]

    def named(self, spi):
        """(root key index, number of the SA) that an SPI on the wire names."""
        number, low = divmod(spi - self.spi, 4)
        need(0 <= number <= self.child_sas, "unknown_spi")
        match = [i for i in self.values if i % 4 == low]
        need(match, "key_index")
        return match[0], number


@dataclass
class Packet:
    """Everything about one packet to seal that its SA does not say."""

    payload: bytes
    sn: int  # all 64 bits
    number: int = 0  # of the SA; 0: the fallback SA
    iv: int = None  # None: the SN
    next_header: int = None
    tfc: bytes = b""
    pad: bytes = None  # None: as short as can be


def trailer(payload_len, next_header, pad=None):
    pad = bytes(range(1, -(payload_len + TRAILER) % 4 + 1)) if pad is None else pad
    return pad + bytes([len(pad), next_header])


def signed(sa, spi, sn):
    if sa.sn == ESN:
        return struct.pack(">IQ", spi, sn)
    return struct.pack(">II", spi, sn & 0xFFFFFFFF)


def seal(sa, p):
    """What stands behind the outer IP or UDP header."""
    spi = sa.spi + 4 * p.number + sa.index % 4
    iv = struct.pack(">Q", p.sn if p.iv is None or sa.implicit else p.iv)
    next_header = p.next_header
    if next_header is None:
        next_header = IPIP if p.payload[0] >> 4 == 4 else IPV6
    plain = p.payload + p.tfc
    plain += trailer(len(plain), next_header, p.pad)
    head = struct.pack(">II", spi, p.sn & 0xFFFFFFFF) + (b"" if sa.implicit else iv)
    key, salt = sa.keymat(sa.index, p.number)
    return head + AESGCM(key).encrypt(salt + iv, plain, signed(sa, spi, p.sn))


@dataclass
class Opened:
    packet: bytes
    spi: int
    number: int
    index: int  # of the root key
    sn: int
    iv: int
    key: bytes
    nonce: bytes
    next_header: int
    pad: int
    source_port: int = None


def open_data(sa, data, high=0):
    """Everything but the outer header. high: upper half of a 64-bit SN."""
    need(len(data) >= HEADER + 4 + ICV, "runt")
    spi, low = struct.unpack_from(">II", data)
    need(spi != 0, "not_eesp")
    index, number = sa.named(spi)
    at = HEADER if sa.implicit else HEADER + 8
    need(len(data) >= at + 4 + ICV, "runt")
    need((len(data) - at - ICV) % 4 == 0, "alignment")
    need(low != 0 or sa.sn != SEQUENTIAL, "sn_zero")
    sn = (high << 32 | low) if sa.sn == ESN else low
    iv = struct.pack(">Q", sn) if sa.implicit else data[HEADER:at]
    key, salt = sa.keymat(index, number)
    try:
        plain = AESGCM(key).decrypt(salt + iv, data[at:], signed(sa, spi, sn))
    except InvalidTag:
        raise Refused("bad_icv")
    pad, next_header = plain[-2:]
    need(pad + TRAILER <= len(plain), "inner_form")
    end = len(plain) - TRAILER - pad
    need(plain[end:-2] == bytes(range(1, pad + 1)), "inner_form")
    need(next_header != NO_NEXT, "dummy")
    return Opened(plain[:end], spi, number, index, sn, int.from_bytes(iv, "big"), key, salt + iv,
                  next_header, pad)


def open_packet(sa, outer, high=0):
    """Open an outer IP packet. Returns Opened or raises Refused."""
    v, data, _, sport = profile.decap(outer, "X")
    o = open_data(sa, data, high)
    o.source_port = sport
    if sa.transport:
        prefix = set_ip_payload(outer[: v.l4_at], v.proto_at, o.next_header, len(o.packet))
        o.packet = prefix + o.packet
        return o
    version = o.packet[0] >> 4 if o.packet else 0
    need({IPIP: 4, IPV6: 6}.get(o.next_header) == version, "payload_info")
    o.packet = o.packet[: ip_parse(o.packet).total]
    return o
