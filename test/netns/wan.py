# SPDX-License-Identifier: BSD-3-Clause
"""What passes on the wan: a capture of the heads of all frames, and what it says of SNs."""

import socket
import struct
import threading
from collections import Counter, namedtuple

from space import packet_socket

HEAD = 160
PORT = 4500
CONTEXT = 224
SOL_PACKET, PACKET_STATISTICS = 263, 6
ARP = b"\x08\x06"
UDP, ICMP6 = 17, 58

Sealed = namedtuple("Sealed", "src dst sport spi session key_idx source sn length")


def eesp(data):
    """(spi, session, key index, source, sn) of a packet of format E, or None."""
    if len(data) < 16 or data[0] != 0x80:
        return None
    end = 8 + data[1]
    session, spi = struct.unpack(">HI", data[2:8])
    at = 8
    while at + 2 <= end:
        kind, size = data[at], 0 if data[at] == 0 else data[at + 1]
        if kind == CONTEXT:
            sn = struct.unpack(">Q", data[end : end + 8])[0]
            return spi, session, data[at + 3], data[at + 4 : at + 2 + size], sn
        at += 1 if kind == 0 else 2 + size
    return None


def network(frame):
    """(protocol, source, destination, payload) of an IP frame, or None."""
    kind = frame[12:14]
    if kind == b"\x08\0":
        return frame[23], frame[26:30], frame[30:34], frame[14 + (frame[14] & 15) * 4 :]
    if kind == b"\x86\xdd":
        return frame[20], frame[22:38], frame[38:54], frame[54:]
    return None


def sealed(frame, length=None):
    """A frame as Sealed, or None if it is none."""
    net = network(frame)
    if net is None or net[0] != UDP or net[3][2:4] != struct.pack(">H", PORT):
        return None
    found = eesp(net[3][8:])
    if found is None:
        return None
    sport = struct.unpack(">H", net[3][:2])[0]
    spi, session, key_idx, source, sn = found
    return Sealed(net[1], net[2], sport, spi, session, key_idx, source, sn, length or len(frame))


def asks(frame):
    """Neighbour or router discovery, or a multicast listener."""
    net = network(frame)
    return len(net[1]) == 16 and (net[0] == 0 or net[0] == ICMP6 and net[3][0] >= 130)


class Sniffer:
    """Everything that comes or goes at one end of a cable, between enter and exit."""

    def __init__(self, space, device, whole=False):
        self.socket = packet_socket(space, device)
        self.socket.settimeout(0.1)
        self.size = 65536 if whole else HEAD
        self.frames = []
        self.lost = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while True:
            try:
                self.frames.append(self.socket.recv(self.size))
            except socket.timeout:
                if self.done.is_set():
                    return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        stats = self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        self.lost = struct.unpack("II", stats)[1]
        self.socket.close()

    def sealed(self):
        return [s for s in map(sealed, self.frames) if s]

    def clear(self):
        """IP frames that are not protected, but for those that ask for neighbours."""
        return [f for f in self.frames if network(f) and not sealed(f) and not asks(f)]

    def repeats(self):
        """Sealed packets whose SN was used before, under the same key."""
        seen = Counter((s.spi, s.key_idx, s.source, s.session, s.sn) for s in self.sealed())
        return {key: n for key, n in seen.items() if n > 1}
