#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The stateless profile in plain Python: a second opinion on what saker sends. The header of
format E is here, that of format S in seh.py.

Written from docs/protocol.md alone, for clarity and strictness; speed is no concern. Only AES
itself, CMAC, GCM and HMAC come from a library (python3-cryptography).

usage: profile.py [stateless-profile.json]      checks itself against the known answers
"""

import functools
import importlib
import struct
import sys
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ip import (
    IPIP, IPV6, NO_NEXT, UDP, Refused, ip_header, ip_parse, need, set_ip_payload, udp_checksum
)

LEVELS = ("zone", "user", "task")
VARIANTS = ("source-id", "source-id-64", "connection-id", "source-ip", "ip-pair")
SOURCE_LEN = (4, 8, 8, 0, 0)
SUITES = {"aes-128-gcm": 1, "aes-256-gcm": 2}
KEY_LEN = {1: 16, 2: 32}
PEER, SERVER_TO_CLIENT, CLIENT_TO_SERVER = 0, 1, 2

BASE, SN_LEN, INFO_LEN, ICV = 8, 8, 4, 16
OPT_PAD1, OPT_PADN, OPT_CRYPT_OFFSET, OPT_CONTEXT, OPT_MK = 0, 1, 2, 224, 225


# Keys: section 3.


def combine_master_key(method, values):
    """values: one root key value (or None) per level, zone first."""
    used = [v for v in values if v is not None]
    if not used or len(set(used)) != len(used):
        raise ValueError("no root key, or two equal ones")
    if method == "xor":
        mk = bytes(functools.reduce(lambda a, b: bytes(x ^ y for x, y in zip(a, b)), used))
    else:
        ikm = b"".join(bytes([i + 1, len(v)]) + v for i, v in enumerate(values) if v is not None)
        mk = HKDF(hashes.SHA256(), 32, b"saker master key v1", b"").derive(ikm)
    if not any(mk):
        raise ValueError("zero master key")
    return mk


def kdf(key, label, context, bits):
    """P(key, label, context, bits): NIST SP 800-108 counter mode with AES-256-CMAC."""
    out = b""
    block = 0
    while len(out) < bits // 8:
        block += 1
        mac = CMAC(AES(key))
        mac.update(bytes([block]) + label + b"\0" + context + struct.pack(">H", bits))
        out += mac.finalize()
    return out[: bits // 8]


@functools.lru_cache(maxsize=65536)
def group_key(mk, suite, spi, form="E"):
    context = form.encode() + bytes([suite]) + bytes(4) + struct.pack(">I", spi)
    return kdf(mk, b"GK", context, 256)


def rekey_word(counter, shift):
    return 0 if shift is None else (counter >> shift) & 0xFFFFFFFF


def key_context(variant, sn, shift, source, src, dst):
    """Context octets of section 2.3. source: the id on the wire; src, dst: outer addresses."""
    epoch = struct.pack(">H", sn >> 48)
    rekey = struct.pack(">I", rekey_word(sn & 0xFFFFFFFFFFFF, shift))
    if variant == 0:
        return epoch + rekey + source
    if variant in (1, 2):
        return epoch + source
    if variant == 3:
        return (bytes(4) if len(src) == 16 else b"") + epoch + rekey + src
    return epoch + rekey + src + dst + bytes(4 if len(src) == 16 else 12)


@functools.lru_cache(maxsize=65536)
def data_key(gk, suite, variant, context, form="E"):
    """(key, mask)"""
    n = KEY_LEN[suite]
    out = kdf(gk, b"%s%d" % (form.encode(), variant), context, (n + 12) * 8)
    return out[:n], out[n:]


def make_nonce(session, role, variant, sn, mask):
    plain = struct.pack(">HBBQ", session, role, variant, sn)
    return bytes(a ^ b for a, b in zip(plain, mask))


# Formats: who makes, reads and splits headers.

LAYOUTS = {"E": "profile", "S": "seh"}


def layout(group):
    return importlib.import_module(LAYOUTS[group.form])


# Groups.


@dataclass(frozen=True)
class Root:
    """One root key value."""

    level: str
    id: bytes
    index: int
    value: bytes


@dataclass
class Group:
    """What members of a trust group share."""

    spi: int
    roots: tuple  # Root used for sending, one per level in use
    form: str = "E"  # letter of the format
    suite: int = 2
    combine: str = "hkdf"
    variant: int = 0
    rekey_shift: int = None
    transport: bool = False
    max_clear: int = 0
    max_ioffset: int = 0
    session_first: int = 0
    sessions: int = 65536
    live: tuple = ()  # every Root that a receiver accepts; default: those of `roots`
    fresh: object = None  # callable(sn), raises Refused; None: any SN is fresh

    def send_roots(self):
        by_level = {r.level: r for r in self.roots}
        return [by_level.get(level) for level in LEVELS]

    def group_key(self, roots):
        mk = combine_master_key(self.combine, [r.value if r else None for r in roots])
        return group_key(mk, self.suite, self.spi, self.form)


def key_idx(roots):
    return sum((r.index % 4) << (6 - 2 * i) for i, r in enumerate(roots) if r)


# Sealing.


@dataclass
class Packet:
    """Everything about one packet to seal that the group does not say."""

    payload: bytes  # inner IP packet, or transport segment
    sn: int
    outer_src: bytes
    outer_dst: bytes
    session: int = 0
    source: bytes = b""
    role: int = PEER
    encap: str = "udp"
    protocol: int = 49
    sport: int = 50000
    dport: int = 4500
    clear: int = None  # payload octets in clear; None: no Crypt Offset option
    ioffset: int = 0
    mk_options: tuple = ()
    next_header: int = None  # None: as the inner version says
    tos: int = 0
    ttl: int = 64
    prefix: bytes = b""  # transport mode: IP header (and extensions) as it was


@dataclass
class Sealed:
    """A sealed packet and every value on the way to it."""

    master_key: bytes = b""
    group_key: bytes = b""
    data_key: bytes = b""
    mask: bytes = b""
    nonce: bytes = b""
    aad: bytes = b""
    protected: bytes = b""
    outer: bytes = b""


def tlv(kind, data):
    return bytes([kind, len(data)]) + data


def make_header(group, p, roots):
    """Base, options, SN: what stands before payload info."""
    context = bytes([group.variant << 4 | p.ioffset, key_idx(roots)]) + p.source
    options = tlv(OPT_CONTEXT, context)
    for i, level in enumerate(LEVELS):
        if level in p.mk_options:
            options += tlv(OPT_MK + i, bytes([roots[i].index % 256, 0]) + roots[i].id)
    info = group.transport or p.clear is not None
    crypt_len = 4 if p.clear is not None else 0
    pad = b""
    if len(p.outer_src) == 16:
        length = BASE + len(options) + crypt_len + SN_LEN + (INFO_LEN if info else 0)
        pad = tlv(OPT_PADN, bytes(2)) if length % 8 else b""
    if p.clear is not None:
        at = BASE + len(options) + crypt_len + len(pad) + SN_LEN
        word = (at // 4) << 10 | ((p.clear + INFO_LEN) // 4) << 4
        options += tlv(OPT_CRYPT_OFFSET, struct.pack(">H", word))
    options += pad
    base = struct.pack(">BBHI", 0x80, len(options), p.session, group.spi)
    return base + options + struct.pack(">Q", p.sn)


def inner_header_len(packet):
    """Octets before the transport header: IPv4 by its IHL, IPv6 always 40."""
    return (packet[0] & 15) * 4 if packet[0] >> 4 == 4 else 40


def next_header_of(group, p):
    if p.next_header is not None:
        return p.next_header
    if group.transport:
        raise ValueError("transport mode needs a next header")
    return IPIP if p.payload[0] >> 4 == 4 else IPV6


def build(group, p):
    """(header with clear octets, authenticated octets, octets to encrypt)"""
    header = layout(group).make_header(group, p, group.send_roots())
    clear = p.clear or 0
    encrypted_info = group.transport and p.clear is None
    pad = -(len(p.payload) - clear) % 4
    info = b""
    if group.transport or (p.clear is not None and group.form == "E"):
        info = struct.pack(">HBB", 0, next_header_of(group, p), pad)
    plain = p.payload[clear:] + bytes(pad)
    if encrypted_info:
        return header, header, info + plain
    skip = 0 if group.transport or not p.ioffset else inner_header_len(p.payload)
    shown = p.payload[:clear]
    signed = shown[:skip] + shown[skip + 4 * p.ioffset :] if p.ioffset else shown
    return header + info + shown, header + info + signed, plain


def seal(group, p):
    """Seal a packet. Returns Sealed."""
    roots = group.send_roots()
    out = Sealed()
    out.master_key = combine_master_key(group.combine, [r.value if r else None for r in roots])
    out.group_key = group.group_key(roots)
    context = key_context(
        group.variant, p.sn, group.rekey_shift, p.source, p.outer_src, p.outer_dst
    )
    out.data_key, out.mask = data_key(
        out.group_key, group.suite, group.variant, context, group.form)
    out.nonce = make_nonce(p.session, p.role, group.variant, p.sn, out.mask)
    head, out.aad, plain = build(group, p)
    out.protected = head + AESGCM(out.data_key).encrypt(out.nonce, plain, out.aad)
    out.outer = wrap(p, out.protected)
    return out


def wrap(p, protected):
    proto = p.protocol
    if p.encap == "udp":
        proto = UDP
        protected = struct.pack(">HHHH", p.sport, p.dport, 8 + len(protected), 0) + protected
    if p.prefix:
        proto_at = ip_parse(p.prefix, headers_only=True).proto_at
        return set_ip_payload(p.prefix, proto_at, proto, len(protected)) + protected
    return ip_header(p.outer_src, p.outer_dst, proto, len(protected), p.tos, p.ttl) + protected


# Opening.


@dataclass
class Header:
    session: int
    spi: int
    sn: int
    length: int  # base to SN
    variant: int = None
    ioffset: int = 0
    key_idx: int = 0
    source: bytes = b""
    payload_offset: int = None
    crypt_offset: int = None
    mk: dict = field(default_factory=dict)  # level -> (index modulo 256, id)


@dataclass
class Opened:
    """What came out: the packet to deliver and how it was protected."""

    packet: bytes
    header: Header
    group: Group
    aad: bytes
    nonce: bytes
    clear: int  # payload octets that were in clear
    outer_src: bytes
    outer_dst: bytes
    outer_tos: int
    encap: str
    sport: int = None


def read_options(data):
    """Yield (type, data) of each option but padding."""
    at = 0
    while at < len(data):
        kind = data[at]
        if kind == OPT_PAD1:
            at += 1
            continue
        need(at + 2 <= len(data), "opt_length")
        size = data[at + 1]
        need(at + 2 + size <= len(data), "opt_length")
        value = data[at + 2 : at + 2 + size]
        if kind == OPT_PADN:
            need(not any(value), "opt_bad")
        else:
            yield kind, value
        at += 2 + size


def read_context(h, value):
    need(len(value) >= 2, "opt_bad")
    h.variant, h.ioffset, h.key_idx = value[0] >> 4, value[0] & 15, value[1]
    need(h.variant < len(VARIANTS), "variant")
    need(len(value) == 2 + SOURCE_LEN[h.variant], "opt_bad")
    need(h.key_idx & 3 == 0, "reserved_bits")
    h.source = value[2:]


def read_option(h, kind, value):
    if kind == OPT_CONTEXT:
        read_context(h, value)
    elif kind == OPT_CRYPT_OFFSET:
        need(len(value) == 2, "opt_bad")
        word = struct.unpack(">H", value)[0]
        h.payload_offset, h.crypt_offset = word >> 10, word >> 4 & 63
    elif OPT_MK <= kind < OPT_MK + len(LEVELS):
        need(len(value) - 2 in (16, 20, 24, 28, 32) and value[1] == 0, "opt_bad")
        h.mk[LEVELS[kind - OPT_MK]] = (value[0], value[2:])
    else:
        raise Refused("opt_unknown")


def read_header(data):
    """Base header, options and SN."""
    need(len(data) >= BASE, "runt")
    first, opt_len, session, spi = struct.unpack_from(">BBHI", data)
    need(first & 0xF8 == 0x80, "bad_version")
    need(first & 7 == 0, "reserved_bits")
    end = BASE + opt_len
    need(end + SN_LEN + ICV <= len(data), "opt_length" if opt_len else "runt")
    sn = struct.unpack_from(">Q", data, end)[0]
    h = Header(session, spi, sn, end + SN_LEN)
    seen = set()
    for kind, value in read_options(data[BASE:end]):
        need(kind not in seen, "opt_repeated")
        seen.add(kind)
        read_option(h, kind, value)
    need(OPT_CONTEXT in seen, "no_context")
    return h


def choose_root(group, h, i):
    """The live root key that a header names at level i, or None if the level is not used."""
    level = LEVELS[i]
    low = h.key_idx >> (6 - 2 * i) & 3
    sender = group.send_roots()[i]
    if sender is None:
        need(level not in h.mk, "mk_not_allowed")
        need(low == 0, "key_index")
        return None
    live = [r for r in group.live or group.roots if r.level == level]
    if level in h.mk:
        index, ident = h.mk[level]
        need(index % 4 == low, "mk_not_allowed")
        match = [r for r in live if r.id == ident and r.index % 256 == index]
        need(any(r.id == ident for r in live), "mk_not_allowed")
    else:
        match = [r for r in live if r.id == sender.id and r.index % 4 == low]
    need(match, "key_index")
    return match[0]


def check_header(group, h):
    need(h.variant == group.variant, "variant")
    need(group.session_first <= h.session < group.session_first + group.sessions, "session_range")
    need(h.sn != 0, "sn_zero")
    roots = [choose_root(group, h, i) for i in range(len(LEVELS))]
    if group.fresh:
        group.fresh(h.sn)
    return roots


def split(group, h, data):
    """(offset of the payload, clear payload octets, offset of ciphertext)"""
    if h.crypt_offset is None:
        need(h.ioffset == 0, "ioffset_range")
        return h.length, 0, h.length
    need(h.payload_offset * 4 == h.length, "payload_offset")
    need(h.crypt_offset >= 1, "clear_range")
    clear = h.crypt_offset * 4 - INFO_LEN
    payload_at = h.length + INFO_LEN
    need(payload_at + clear + ICV <= len(data), "clear_range")
    need(clear <= group.max_clear, "clear_range")
    return payload_at, clear, payload_at + clear


def skipped(group, h, shown):
    """(first, last + 1) of the unauthenticated octets of the clear payload."""
    if not h.ioffset:
        return 0, 0
    need(h.ioffset <= group.max_ioffset and shown, "ioffset_range")
    first = 0
    if not group.transport:
        need(shown[0] == 0x60 | shown[0] & 15 or 0x45 <= shown[0] <= 0x4F, "ioffset_range")
        first = inner_header_len(shown)
    need(first + 4 * h.ioffset <= len(shown), "ioffset_range")
    return first, first + 4 * h.ioffset


def check_info(group, info, payload):
    """Payload info against the payload. Returns (next header, padding or None)."""
    word, next_header, pad = struct.unpack(">HBB", info)
    need(word == 0, "payload_info")
    need(next_header != NO_NEXT, "dummy")
    need(pad <= 3 and pad <= len(payload), "payload_info")
    if not group.transport:
        version = payload[0] >> 4 if payload else 0
        need({IPIP: 4, IPV6: 6}.get(next_header) == version, "payload_info")
    return next_header, pad


def strip_padding(payload, pad):
    """Inner form of tunnel mode. pad: what payload info says, or None."""
    need(payload and payload[0] >> 4 in (4, 6), "inner_form")
    try:
        v = ip_parse(payload, headers_only=True)
    except Refused:
        raise Refused("inner_form")
    length = v.total
    need(v.l4_at <= length, "inner_form")
    need(0 <= len(payload) - length <= 3, "inner_form")
    need(pad is None or pad == len(payload) - length, "inner_form")
    need(not any(payload[length:]), "inner_form")
    return payload[:length]


def decap(outer, form="E"):
    """(view of the IP headers, protected octets, encapsulation, UDP source port)"""
    v = ip_parse(outer)
    need(not v.fragment, "outer_fragment")
    body = outer[v.l4_at : v.total]
    if v.proto != UDP:
        return v, body, "ip", None
    need(len(body) >= 8, "clear_refused")  # no port to know it by
    sport, _, length, check = struct.unpack_from(">HHHH", body)
    need(length == len(body), "udp_length")
    need(length > 8, "runt")
    need(check == 0 or udp_checksum(v.src, v.dst, body[:length]) == 0, "udp_checksum")
    data = body[8:length]
    need(data != b"\xff", "nat_keepalive")
    need(form != "E" or data[0] & 0x80, "not_eesp")
    return v, data, "udp", sport


def open_protected(group, data, h, v, role=PEER):
    """Decrypt. Returns (payload with padding, payload info or b'', aad, nonce, clear octets)."""
    roots = check_header(group, h)
    payload_at, clear, cipher_at = layout(group).split(group, h, data)
    first, last = skipped(group, h, data[payload_at : payload_at + clear])
    # What is all encrypted holds payload info or an inner packet.
    need(len(data) - cipher_at >= ICV + (4 if h.crypt_offset is None else 0), "runt")
    need((len(data) - cipher_at - ICV) % 4 == 0, "alignment")
    context = key_context(group.variant, h.sn, group.rekey_shift, h.source, v.src, v.dst)
    key, mask = data_key(
        group.group_key(roots), group.suite, group.variant, context, group.form)
    nonce = make_nonce(h.session, role, group.variant, h.sn, mask)
    aad = data[: payload_at + first] + data[payload_at + last : cipher_at]
    try:
        plain = AESGCM(key).decrypt(nonce, data[cipher_at:], aad)
    except InvalidTag:
        raise Refused("bad_icv")
    if h.crypt_offset is not None:
        info = data[h.length : payload_at]
    elif group.transport:
        need(len(plain) >= INFO_LEN, "payload_info")
        info, plain = plain[:INFO_LEN], plain[INFO_LEN:]
    else:
        info = b""
    return data[payload_at:cipher_at] + plain, info, aad, nonce, clear


def open_packet(groups, outer, role=PEER):
    """Open an outer IP packet. groups: Group by SPI, or the one group of format S. Returns Opened
    or raises Refused."""
    group = next(iter(groups.values()))
    v, data, encap, sport = decap(outer, group.form)
    h = layout(group).read_header(data)
    if group.form == "E":
        need(h.spi in groups, "unknown_spi")
        group = groups[h.spi]
    payload, info, aad, nonce, clear = open_protected(group, data, h, v, role)
    next_header, pad = check_info(group, info, payload) if info else (None, None)
    if group.transport:
        need(not any(payload[len(payload) - pad :]) if pad else True, "inner_form")
        segment = payload[: len(payload) - pad]
        prefix = set_ip_payload(outer[: v.l4_at], v.proto_at, next_header, len(segment))
        packet = prefix + segment
    else:
        packet = strip_padding(payload, pad)
    tos = outer[1] if outer[0] >> 4 == 4 else struct.unpack_from(">H", outer)[0] >> 4 & 0xFF
    return Opened(packet, h, group, aad, nonce, clear, v.src, v.dst, tos, encap, sport)


# Time: section 4.


def sn_at(unix_ms, seq=1, epoch_seconds=86400, slot_ms=100):
    """SN number `seq` of the slot that holds a time (time discipline), as on the wire."""
    epoch, rest = divmod(unix_ms, epoch_seconds * 1000)
    return (epoch & 0xFFFF) << 48 | (rest // slot_ms) << 24 | seq


def freshness(clock_ms, window_ms, skew_ms, epoch_seconds=86400, slot_ms=100):
    """A `fresh` function for a Group: the time discipline with a clock that stands still."""
    per_epoch = epoch_seconds * 1000 // slot_ms
    now = clock_ms // slot_ms

    def fresh(sn):
        wrapped = (sn >> 48) * per_epoch + (sn >> 24 & 0xFFFFFF)
        cycle = per_epoch << 16
        slot = wrapped + round((now - wrapped) / cycle) * cycle
        need(slot >= (clock_ms - window_ms) // slot_ms, "stale")
        need(slot <= (clock_ms + skew_ms) // slot_ms, "future")

    return fresh


if __name__ == "__main__":
    import known_answers

    sys.exit(known_answers.main())
