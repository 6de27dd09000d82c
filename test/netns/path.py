# SPDX-License-Identifier: BSD-3-Clause
"""What a host learns about its path: hops, MTU, and the MSS that its peer is offered."""

import re
import socket
import struct
import time

from echo import ECHO
from ip import checksum

SYN, MSS = 2, 2
TIME_EXCEEDED = {4: 11, 6: 3}


def probe(family, number):
    head = struct.pack(">BB", ECHO[family][0], 0)
    body = struct.pack(">HH", 0x5A5A, number) + bytes(32)
    total = checksum(head + bytes(2) + body) if family == 4 else 0
    return head + struct.pack(">H", total) + body


def answer(s, family, number, wait):
    """(address, has it arrived) of who answers to probe number `number`, or None."""
    end = time.monotonic() + wait
    mark = struct.pack(">HH", 0x5A5A, number)
    while (left := end - time.monotonic()) > 0:
        s.settimeout(left)
        try:
            data, who = s.recvfrom(2048)
        except socket.timeout:
            return None
        data = data[(data[0] & 15) * 4 :] if family == 4 else data
        if mark in data and data[0] in (ECHO[family][1], TIME_EXCEEDED[family]):
            return who[0].split("%")[0], data[0] == ECHO[family][1]
    return None


def traceroute(space, family, host, most=6, wait=1.0):
    """Addresses of the hops, None for one that does not answer; the last is the host if it
    was reached."""
    kind, protocol, hop_option = {
        4: (socket.AF_INET, 1, (socket.IPPROTO_IP, socket.IP_TTL)),
        6: (socket.AF_INET6, 58, (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS))}[family]
    hops = []
    with space.inside():
        s = socket.socket(kind, socket.SOCK_RAW, protocol)
    with s:
        for ttl in range(1, most + 1):
            s.setsockopt(*hop_option, ttl)
            s.sendto(probe(family, ttl), (host, 0))
            found = answer(s, family, ttl, wait)
            hops.append(found[0] if found else None)
            if found and found[1]:
                break
    return hops


def mtu_learnt(space, family, host):
    """The path MTU that the kernel keeps for this destination, or None."""
    text = space.run("ip", "-%d" % family, "route", "get", host).stdout
    found = re.search(r"\bmtu (\d+)", text)
    return int(found.group(1)) if found else None


def forget(space, family):
    space.run("ip", "-%d" % family, "route", "flush", "cache")


def syn_mss(frame):
    """MSS that a TCP SYN offers, or None if the frame is none."""
    family = {b"\x08\0": 4, b"\x86\xdd": 6}.get(frame[12:14])
    if family is None or frame[23 if family == 4 else 20] != socket.IPPROTO_TCP:
        return None
    tcp = frame[14 + ((frame[14] & 15) * 4 if family == 4 else 40) :]
    if not tcp[13] & SYN:
        return None
    at, end = 20, (tcp[12] >> 4) * 4
    while at < end and tcp[at] != 0:
        if tcp[at] == MSS:
            return struct.unpack(">H", tcp[at + 2 : at + 4])[0]
        at += 1 if tcp[at] == 1 else tcp[at + 1]
    return None
