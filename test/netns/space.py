# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces, the links between them, and how to be in one."""

import contextlib
import ctypes
import os
import re
import socket
import subprocess

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

LOSS = re.compile("Err|Fail|Discards")
OFFLOADS = ("tx", "rx", "tso", "gso", "gro")  # saker must see frames as a wire would carry them
QUIET = (  # by namespace: no traffic but the tests'
    "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
    "net.ipv6.conf.default.router_solicitations=0", "net.ipv6.conf.all.router_solicitations=0",
    "net.ipv6.conf.default.mldv2_unsolicited_report_interval=0",
    "net.ipv4.ping_group_range=0 0",
    "net.ipv4.tcp_rto_max_ms=1000", "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0",
)


def ip(*args, batch=None):
    """Run ip(8); with `batch` a list of command lines."""
    text = "\n".join(batch) + "\n" if batch else None
    done = subprocess.run(["ip", *args, *(("-batch", "-") if batch else ())], input=text,
                          capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise RuntimeError("ip %s\n%s: %s" % (" ".join(args), text or "", done.stderr.strip()))
    return done.stdout


class Space:
    """A network namespace."""

    serial = 0

    def __init__(self, name):
        Space.serial += 1
        self.name = "%s-%d" % (name, Space.serial)
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")
        with self.inside():
            for line in QUIET:
                set_sysctl(*line.split("="))

    def path(self):
        return "/run/netns/" + self.name

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in this namespace; a socket made here stays here."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(self.path(), "rb") as there:
            set_namespace(there)
            try:
                yield
            finally:
                set_namespace(home)

    def ip(self, *lines):
        ip("-n", self.name, batch=list(lines))

    def command(self, *args):
        """What runs `args` in this namespace."""
        return ["nsenter", "--net=" + self.path(), *args]

    def run(self, *args, timeout=60, check=True):
        done = subprocess.run(self.command(*args), capture_output=True, text=True,
                              timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise AssertionError("%s: status %d\n%s%s" % (" ".join(args), done.returncode,
                                                          done.stdout, done.stderr))
        return done

    def losses(self):
        """What the kernel counted here of packets that it did not take or pass on, by name."""
        found = {}
        with self.inside(), open("/proc/thread-self/net/snmp", encoding="ascii") as f:
            lines = [line.split() for line in f]
        for names, numbers in zip(lines[::2], lines[1::2]):
            pairs = zip(names[1:], numbers[1:])
            found.update({names[0] + n: int(v) for n, v in pairs if LOSS.search(n) and v != "0"})
        return found

    def remove(self):
        ip("netns", "del", self.name)


def set_namespace(file):
    if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def set_sysctl(name, value):
    path = "/proc/sys/" + name.replace(".", "/")
    if os.path.exists(path):  # kernels differ
        with open(path, "w", encoding="ascii") as f:
            f.write(value)


def plain_frames(space, device):
    """Switch off what lets a driver see anything but frames on a wire."""
    flags = [word for name in OFFLOADS for word in (name, "off")]
    space.run("ethtool", "-K", device, *flags, check=False)


def link(one, name_one, two, name_two, mtu, macs):
    """A cable: a veth pair between two namespaces, up."""
    ip("-n", one.name, "link", "add", "name", name_one, "address", macs[0], "mtu", str(mtu),
       "type", "veth", "peer", "name", name_two, "address", macs[1], "mtu", str(mtu),
       "netns", two.name)
    for space, name in ((one, name_one), (two, name_two)):
        plain_frames(space, name)
        space.ip("link set dev %s up" % name)


def mute(space, device):
    """The kernel has no part in what comes and goes at a port of saker."""
    with space.inside():
        set_sysctl("net.ipv6.conf.%s.disable_ipv6" % device, "1")


def packet_socket(space, device, ethertype=0x0003):
    """A raw socket at a device; 3: all frames, both ways."""
    with space.inside():
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
        s.bind((device, ethertype))
    big_buffer(s)
    return s


def big_buffer(s, octets=64 << 20):
    with contextlib.suppress(PermissionError):
        s.setsockopt(socket.SOL_SOCKET, 33, octets)  # SO_RCVBUFFORCE
