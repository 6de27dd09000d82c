# SPDX-License-Identifier: BSD-3-Clause
"""pcapng files, strictly: every block and every option is checked for its form."""

import struct
from dataclasses import dataclass, field

SECTION, INTERFACE, PACKET, STATISTICS = 0x0A0D0D0A, 1, 6, 5
BYTE_ORDER = 0x1A2B3C4D
COMMENT, IF_NAME, IF_TSRESOL = 1, 2, 9


@dataclass
class Interface:
    link: int
    name: str
    options: dict


@dataclass
class File:
    order: str = "<"
    interfaces: list = field(default_factory=list)
    packets: list = field(default_factory=list)  # (interface name, comments, frame)
    times: list = field(default_factory=list)  # raw stamps, packet by packet
    statistics: int = 0


def options(data, order):
    """Option code -> list of values."""
    found, at = {}, 0
    while at < len(data):
        code, size = struct.unpack_from(order + "HH", data, at)
        if code == 0:
            if size != 0 or at + 4 != len(data):
                raise ValueError("octets behind the end of options")
            return found
        end = at + 4 + size
        if end > len(data):
            raise ValueError("option past its block")
        found.setdefault(code, []).append(data[at + 4 : end])
        at = end + -size % 4
    return found  # the end of options may be left out


def take_packet(f, body):
    number, high, low, size, full = struct.unpack_from(f.order + "IIIII", body)
    end = 20 + size + -size % 4
    if end > len(body):
        raise ValueError("packet past its block")
    got = options(body[end:], f.order)
    comments = [c.decode("utf-8") for c in got.get(COMMENT, ())]
    f.packets.append((f.interfaces[number].name, comments, body[20 : 20 + size]))
    f.times.append(high << 32 | low)
    if size != full:
        raise ValueError("a frame was cut")


def take(f, kind, body):
    if kind == INTERFACE:
        link = struct.unpack_from(f.order + "H", body)[0]
        got = options(body[8:], f.order)
        f.interfaces.append(Interface(link, got.get(IF_NAME, [b""])[0].decode(), got))
    elif kind == PACKET:
        take_packet(f, body)
    elif kind == STATISTICS:
        f.statistics += 1
    elif kind != SECTION:
        raise ValueError("block type %x" % kind)


def read(path):
    """The only section of a file."""
    with open(path, "rb") as opened:
        data = opened.read()
    f = File()
    if len(data) < 28 or struct.unpack_from("<I", data)[0] != SECTION:
        raise ValueError("no section header")
    f.order = next(o for o in "<>" if struct.unpack_from(o + "I", data, 8)[0] == BYTE_ORDER)
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from(f.order + "II", data, at)
        if size < 12 or size % 4 or at + size > len(data):
            raise ValueError("block length %d" % size)
        if struct.unpack_from(f.order + "I", data, at + size - 4)[0] != size:
            raise ValueError("block lengths differ")
        take(f, kind, data[at + 8 : at + size - 4])
        at += size
    return f
