# SPDX-License-Identifier: BSD-3-Clause
"""Format tss in plain Python: a second opinion on what saker sends.

Written from docs/formats.md alone. Only AES-GCM and CMAC come from a library."""

import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from ip import UDP, Refused, ip4_finish, ip_parse, need, set_ip_payload, udp_checksum

PORT, PROTOCOL, ICV, ENTROPY = 4793, 253, 16, 4
BITS = 352
SERVER_HALF = 1 << 47
UET = range(2, 15)


def derive(value, server, epoch, rekey, source):
    """(key, mask). source: 4 octets, or 16 of an IPv6 address."""
    context = (bytes(4) if len(source) == 16 else b"") + struct.pack(">HI", epoch, rekey) + source
    out = b""
    for i in range(3):
        mac = CMAC(AES(value))
        mac.update(bytes([i + 1]) + (b"U2" if server else b"U1") + b"\0" + context
                   + struct.pack(">H", BITS))
        out += mac.finalize()
    return out[:32], out[32:44]


@dataclass
class Domain:
    """What all members of a secure domain know, and from which end it is seen."""

    sdi: int
    keys: dict  # AN -> value, those that are live
    mode: str = "cluster"  # cluster, direct, server
    ssi: bool = True
    shift: int = -1
    mask: int = 0
    encap: str = "udp"
    udp_in_aad: bool = True
    transport: bool = False
    clear: int = 0
    port: int = PORT
    protocol: int = PROTOCOL
    epoch: int = None  # of the receiver, counter discipline; None: not looked at
    lifetime: int = 16
    from_server: bool = None  # server mode: who the sender must be

    def rekey(self, tsc):
        if self.mode != "cluster" or self.shift < 0:
            return 0
        return ((tsc & (1 << 48) - 1 & (self.mask or -1)) >> self.shift) & 0xFFFFFFFF

    def key(self, an, tsc, source):
        if self.mode == "direct":
            return self.keys[an], bytes(12)
        return derive(self.keys[an], self.mode == "server", tsc >> 48, self.rekey(tsc), source)

    def secrets(self, view, head):
        """(key, nonce) of a packet whose header is `head`."""
        tsc = struct.unpack(">Q", head[-8:])[0]
        if head[0] & 4:
            source = ident = head[4:8]
        else:
            source = view.src
            ident = view.src if len(view.src) == 4 else b"\0" + head[1:4]
        key, mask = self.key(head[0] & 1, tsc, source)
        return key, bytes(a ^ b for a, b in zip(ident + head[-8:], mask))

    def keep(self):
        return 8 if self.encap == "udp" else ENTROPY


def header(domain, an, tsc, ssi, first=8):
    first |= an | (4 if ssi is not None else 0)
    out = struct.pack(">I", first << 24 | domain.sdi)
    return out + (ssi or b"") + struct.pack(">Q", tsc)


def aad(domain, view, between, head, clear):
    return view.src + view.dst + (b"" if domain.encap == "udp" and not domain.udp_in_aad
                                  else between) + head + clear


@dataclass
class Packet:
    """What its domain does not say of a packet to seal. front: all headers but the security header,
    with a UDP or entropy header at the end, whatever lengths and checksum they have."""

    front: bytes
    payload: bytes
    an: int
    tsc: int
    ssi: bytes = None
    first: int = 8


def seal(domain, p):
    """An outer IP packet."""
    view = ip_parse(p.front, headers_only=True)
    head = header(domain, p.an, p.tsc, p.ssi, p.first)
    size = domain.keep() + len(head) + len(p.payload) + ICV
    between = p.front[view.l4_at :]
    if domain.encap == "udp":
        between = between[:4] + struct.pack(">HH", size, 0)
    clear = p.payload[: min(domain.clear, len(p.payload) & ~3)]
    key, nonce = domain.secrets(view, head)
    body = AESGCM(key).encrypt(nonce, p.payload[len(clear) :],
                               aad(domain, view, between, head, clear))
    ip = set_ip_payload(p.front[: view.l4_at], view.proto_at, view.proto, size)
    return ip + between + head + clear + body


@dataclass
class Opened:
    packet: bytes
    sdi: int
    an: int
    ssi: bytes
    tsc: int
    key: bytes
    nonce: bytes
    between: bytes
    outer: bytes = field(repr=False, default=b"")


def read(domain, data):
    """The header's octets."""
    need(data and data[0] >> 3 == 1, "not_tss")
    need(len(data) >= 12 + ICV, "runt")
    need(not data[0] & 2, "reserved_bits")
    size = 16 if data[0] & 4 else 12
    need(len(data) >= size + ICV, "runt")
    head = data[:size]
    need(int.from_bytes(head[1:4], "big") == domain.sdi, "unknown_spi")
    tsc = struct.unpack(">Q", head[-8:])[0]
    if domain.from_server is not None:
        need(bool(tsc & SERVER_HALF) == domain.from_server, "direction")
    need(bool(head[0] & 4) == domain.ssi, "variant")
    need(head[0] & 1 in domain.keys, "key_index")
    if domain.epoch is not None:
        behind = (domain.epoch - (tsc >> 48)) % 65536
        need(behind <= domain.lifetime or behind > 32768, "late")
    return head


def open_packet(domain, outer):
    """Open an outer IP packet. Raises Refused."""
    view = ip_parse(outer)
    at = view.l4_at + domain.keep()
    if domain.encap == "udp":
        need(view.proto == UDP and view.total >= view.l4_at + 8, "clear_refused")
        _, port, length, check = struct.unpack_from(">HHHH", outer, view.l4_at)
        need(port == domain.port, "clear_refused")
        need(length == view.total - view.l4_at, "udp_length")
        need(check == 0, "udp_checksum")
    else:
        need(view.proto == domain.protocol, "clear_refused")
    need(view.total > at, "runt")
    data = outer[at : view.total]
    if domain.encap == "udp" and data == b"\xff":
        raise Refused("nat_keepalive")
    head = read(domain, data)
    clear = min(domain.clear, (len(data) - len(head) - ICV) & ~3)
    shown = data[len(head) : len(head) + clear]
    key, nonce = domain.secrets(view, head)
    between = outer[view.l4_at : at]
    try:
        text = AESGCM(key).decrypt(nonce, data[len(head) + clear :],
                                   aad(domain, view, between, head, shown))
    except InvalidTag:
        raise Refused("bad_icv")
    payload = shown + text
    o = Opened(payload, domain.sdi, head[0] & 1, head[4:8] if head[0] & 4 else None,
               struct.unpack(">Q", head[-8:])[0], key, nonce, between, outer[: view.l4_at])
    if domain.transport:
        need(payload and payload[0] >> 3 in UET, "inner_form")
        o.packet = unwrap(domain, outer, view, payload)
    else:
        need(payload and payload[0] >> 4 in (4, 6), "inner_form")
        need(inner_total(payload) == len(payload), "inner_form")
    return o


def inner_total(packet):
    try:
        return ip_parse(packet).total
    except Refused:
        return -1


def unwrap(domain, outer, view, payload):
    """A UET packet as it was before TSS came between its headers and its payload."""
    size = domain.keep() + len(payload)
    ip = set_ip_payload(outer[: view.l4_at], view.proto_at, view.proto, size)
    between = outer[view.l4_at : view.l4_at + domain.keep()]
    if domain.encap == "udp":
        datagram = between[:4] + struct.pack(">HH", size, 0) + payload
        check = udp_checksum(view.src, view.dst, datagram) or 0xFFFF
        between = between[:4] + struct.pack(">HH", size, check)
    return ip + between + payload


__all__ = ["Domain", "Opened", "Packet", "Refused", "derive", "ip4_finish", "open_packet", "seal"]
