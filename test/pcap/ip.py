# SPDX-License-Identifier: BSD-3-Clause
"""IPv4 and IPv6 headers: build, read, checksums. The test side's own, shared with nothing in C."""

import struct
from dataclasses import dataclass

TCP, UDP, ICMP, ICMP6, IPIP, IPV6, NO_NEXT = 6, 17, 1, 58, 4, 41, 59


class Refused(Exception):
    """A packet that a receiver drops; `reason` is the name of the drop reason."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


def need(condition, reason):
    if not condition:
        raise Refused(reason)


def checksum(data):
    """Internet checksum (RFC 1071), ready to store."""
    if len(data) % 2:
        data += b"\0"
    total = int.from_bytes(data, "big")
    folded = total % 0xFFFF
    return 0xFFFF ^ (0xFFFF if total and not folded else folded)


def ip4_finish(header, total):
    """An IPv4 header with a new total length and a right checksum."""
    header = header[:2] + struct.pack(">H", total) + header[4:10] + bytes(2) + header[12:]
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:]


def ip_header(src, dst, proto, length, tos=0, ttl=64):
    """IPv4 (don't-fragment) or IPv6 header before `length` octets."""
    if len(src) == 16:
        return struct.pack(">IHBB", 6 << 28 | tos << 20, length, proto, ttl) + src + dst
    header = struct.pack(">BBHHHBBH", 0x45, tos, 0, 0, 0x4000, ttl, proto, 0) + src + dst
    return ip4_finish(header, 20 + length)


def hop(packet, hops=1):
    """A packet after so many gateways forwarded it; a negative number: before."""
    at = 8 if packet[0] >> 4 == 4 else 7
    packet = packet[:at] + bytes([packet[at] - hops & 0xFF]) + packet[at + 1 :]
    if at == 7:
        return packet
    size = (packet[0] & 15) * 4
    return ip4_finish(packet[:size], struct.unpack_from(">H", packet, 2)[0]) + packet[size:]


def before(packet, gateways=1):
    """A packet as it was when it came to the gateways that forwarded it."""
    return hop(packet, -gateways)


def set_ip_payload(prefix, proto_at, proto, length):
    """IP headers `prefix` with another protocol and `length` octets behind them."""
    prefix = prefix[:proto_at] + bytes([proto]) + prefix[proto_at + 1 :]
    if prefix[0] >> 4 == 4:
        return ip4_finish(prefix, len(prefix) + length)
    return prefix[:4] + struct.pack(">H", len(prefix) + length - 40) + prefix[6:]


@dataclass
class IpView:
    proto: int
    proto_at: int  # offset of the octet that names it
    l4_at: int  # offset of the transport header
    total: int  # length by the IP header
    src: bytes
    dst: bytes
    fragment: bool


def ip_parse(data, headers_only=False):
    """Read the IP headers of a packet, IPv6 extensions included."""
    need(len(data) >= 20, "runt")
    if data[0] >> 4 == 4:
        return ip4_parse(data, headers_only)
    need(data[0] >> 4 == 6, "not_ip")
    return ip6_parse(data, headers_only)


def ip4_parse(data, headers_only):
    l4_at = (data[0] & 15) * 4
    need(l4_at >= 20, "ip_header")
    total = struct.unpack_from(">H", data, 2)[0]
    need(l4_at <= len(data), "runt")
    if not headers_only:
        need(l4_at <= total <= len(data), "ip_length")
        need(checksum(data[:l4_at]) == 0, "ip_checksum")
    fragment = bool(struct.unpack_from(">H", data, 6)[0] & 0x3FFF)
    return IpView(data[9], 9, l4_at, total, data[12:16], data[16:20], fragment)


def ip6_parse(data, headers_only):
    need(len(data) >= 40, "runt")
    total = 40 + struct.unpack_from(">H", data, 4)[0]
    if not headers_only:
        need(total <= len(data), "ip_length")
    end = len(data) if headers_only else total
    proto_at, at, fragment = 6, 40, False
    while data[proto_at] in (0, 43, 44, 60):
        need(at + 8 <= end, "ip_header")
        if data[proto_at] == 44:
            fragment = bool(struct.unpack_from(">H", data, at + 2)[0] & 0xFFF9)
            size = 8
        else:
            size = 8 + 8 * data[at + 1]
        need(at + size <= end, "ip_header")
        proto_at, at = at, at + size
        if fragment:
            break
    return IpView(data[proto_at], proto_at, at, total, data[8:24], data[24:40], fragment)


def udp_checksum(src, dst, datagram, proto=UDP):
    """Checksum over pseudo header and datagram; 0 if the stored one is right."""
    pseudo = src + dst + struct.pack(">II", len(datagram), proto)
    return checksum(pseudo + datagram)


def transport_checksum(src, dst, proto, segment, at):
    """A segment with its checksum (field at `at`) filled in."""
    value = udp_checksum(src, dst, segment, proto) or 0xFFFF
    return segment[:at] + struct.pack(">H", value) + segment[at + 2 :]
