# SPDX-License-Identifier: BSD-3-Clause
"""Classic pcap files of Ethernet frames, microsecond or nanosecond stamps, either byte order."""

import struct

MAGICS = {0xA1B2C3D4: 10**6, 0xA1B23C4D: 10**9}  # magic -> ticks per second
ETHERNET = 1
SNAPLEN = 262144
VLAN_TYPES = (0x8100, 0x88A8)
IP_TYPES = (0x0800, 0x86DD)


class Truncated(Exception):
    """The file ends inside a record: its writer was killed."""


def file_header(data):
    """(byte order, ticks per second) of a capture."""
    if len(data) < 24:
        raise Truncated("no file header")
    for order in "<>":
        magic = struct.unpack_from(order + "I", data)[0]
        if magic in MAGICS:
            link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
            if link != ETHERNET:
                raise ValueError("link type %d is not Ethernet" % link)
            return order, MAGICS[magic]
    raise ValueError("not a classic pcap file")


def records(path, torn=False):
    """Yield (time in seconds, frame). torn: a half-written last record is no fault."""
    with open(path, "rb") as f:
        data = f.read()
    if torn and len(data) < 24:
        return
    order, ticks = file_header(data)
    at = 24
    while at < len(data):
        if at + 16 > len(data):
            break
        seconds, fraction, size, full = struct.unpack_from(order + "IIII", data, at)
        if at + 16 + size > len(data):
            break
        if size != full:
            raise ValueError("%s: a frame was cut when captured" % path)
        yield seconds + fraction / ticks, data[at + 16 : at + 16 + size]
        at += 16 + size
    if at != len(data) and not torn:
        raise Truncated(path)


def read(path, torn=False):
    """All frames."""
    return [frame for _, frame in records(path, torn)]


def write(path, frames, nanoseconds=False):
    """Write frames one microsecond apart. Returns how many."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    step = 1000 if nanoseconds else 1
    n = 0
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", magic, 2, 4, 0, 0, SNAPLEN, ETHERNET))
        for frame in frames:
            seconds, fraction = divmod(n, 10**6)
            f.write(struct.pack("<IIII", seconds, fraction * step, len(frame), len(frame)) + frame)
            n += 1
    return n


def ethernet(packet, dst=b"\x02\0\0\0\0\x01", src=b"\x02\0\0\0\0\xfe", tags=(), pad=True):
    """An IP packet in a frame. tags: (ethertype, VLAN tag) from the outside."""
    head = dst + src + b"".join(struct.pack(">HH", *tag) for tag in tags)
    head += struct.pack(">H", 0x0800 if packet[0] >> 4 == 4 else 0x86DD)
    frame = head + packet
    return frame + bytes(60 - len(frame)) if pad and len(frame) < 60 else frame


def ip_packet(frame):
    """The IP packet of a frame, without VLAN tags and Ethernet padding; None if it has none."""
    at = 12
    while struct.unpack_from(">H", frame, at)[0] in VLAN_TYPES:
        at += 4
    if struct.unpack_from(">H", frame, at)[0] not in IP_TYPES:
        return None
    packet = frame[at + 2 :]
    if packet[0] >> 4 == 4:
        return packet[: struct.unpack_from(">H", packet, 2)[0]]
    return packet[: 40 + struct.unpack_from(">H", packet, 4)[0]]


def read_ip(path, torn=False):
    """The IP packets of a capture, in order."""
    return [p for p in map(ip_packet, read(path, torn)) if p is not None]
