# SPDX-License-Identifier: BSD-3-Clause
"""A proxy between every ordered pair of formats: ping both ways, TCP, and no plaintext on a wire."""

import contextlib
import hashlib
import itertools
import socket

from echo import sweep
from proxied import KINDS, P, Proxied, far, pairs
from transfer import WebServer, download
from wan import Sniffer
from world import A, B, PATIENT, WorldTest

MARKER = b"<<< what a proxy must never show >>>"
PORT = itertools.count(7000)
FILE = 4 << 20
SIZES = (0, 1, 2, 3, 56, 600, 1300)
PATIENCE_S = 20


def converse(sender, receiver, near, host, octets):
    """One TCP connection: the receiver gets `octets`, the sender their digest. Both are compared."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with receiver.inside():
        listener = socket.create_server((host, next(PORT)), family=family)
    listener.settimeout(PATIENCE_S)
    with sender.inside():
        source = socket.create_connection(listener.getsockname()[:2], timeout=PATIENCE_S)
    sink = listener.accept()[0]
    sink.settimeout(PATIENCE_S)
    with listener, source, sink:
        if sink.getpeername()[0] != near:
            return False
        source.sendall(octets)
        got = read(sink, len(octets))
        sink.sendall(hashlib.sha256(got).digest() + MARKER)
        return got == octets and read(source, 32 + len(MARKER)) == (
            hashlib.sha256(octets).digest() + MARKER)


def read(sock, size):
    data = b""
    while len(data) < size:
        piece = sock.recv(1 << 16)
        if not piece:
            break
        data += piece
    return data


class ProxyTest(WorldTest):
    KIND = Proxied
    PAIRS = pairs()

    def test_ping_both_ways_and_tcp_through_every_pair(self):
        text = MARKER * 1500
        with contextlib.ExitStack() as wires:
            seen = [wires.enter_context(Sniffer(space, device, whole=True))
                    for space, device in self.world.wires()]
            for pair, family in itertools.product(self.PAIRS, (4, 6)):
                with self.subTest(come=pair[0], go=pair[1], family=family):
                    self.check(pair, family, text)
        for sniffer in seen:
            self.assertGreater(len(sniffer.frames), 100 * len(self.PAIRS))
            self.assertEqual(sniffer.lost, 0)
            self.assertFalse([f for f in sniffer.frames if MARKER in f], "plaintext on a wire")
        self.assertNoDrops()

    def check(self, pair, family, text):
        there, here = far(pair, family), A.host(family)
        hosts = self.world.host
        self.assertEqual(sweep(hosts[A], family, there, SIZES), [])
        self.assertTrue(converse(hosts[A], hosts[B], here, there, text))

    def test_a_marker_would_be_seen_where_it_is_clear(self):
        with Sniffer(self.world.host[A], "h0", whole=True) as seen:
            converse(self.world.host[A], self.world.host[B], A.host(4), far(self.PAIRS[0], 4),
                     MARKER * 10)
        self.assertTrue([f for f in seen.frames if MARKER in f])

    def test_the_proxy_counts_each_way(self):
        pair = self.PAIRS[-1]
        before = self.rows(pair)
        self.assertEqual(sweep(self.world.host[A], 4, far(pair, 4), range(10)), [])
        after = self.rows(pair)
        self.assertEqual({w: after[w] - before[w] for w in after}, {"forth": 10, "back": 10})

    def rows(self, pair):
        return {r["way"]: r["packets"] for r in self.world.gateway[P].show("proxies")
                if r["name"] == "%s-%s-4" % pair}

    def test_what_no_proxy_lets_pass_ends_there(self):
        host = self.world.host[A]
        self.assertEqual(len(sweep(host, 4, "10.2.1.99", range(4))), 4)
        self.assertEqual(self.world.gateway[P].drops().get("proxy_policy"), 4)


class Proxy(ProxyTest):
    """One worker."""

    OPTIONS = {"group": PATIENT}

    def test_a_web_page_arrives_whole(self):
        for pair in (("eesp", "esp"), ("psp", "eesp")):
            with WebServer(self.world.host[B], far(pair, 4), FILE, self.world.lab.dir) as web:
                self.assertEqual(download(self.world.host[A], web.url), web.digest)
        self.assertNoDrops()

    def test_a_reload_keeps_proxies_and_takes_new_ones(self):
        pair = ("eesp", "psp")
        config = self.world.proxy_config()
        config["proxies"] = [p for p in config["proxies"] if p["name"] != "%s-%s-4" % pair]
        before = self.rows(("esp", "psp"))
        self.world.lab.write(config, "p.cfg")
        self.world.gateway[P].command("reload")
        self.assertEqual(len(sweep(self.world.host[A], 4, far(pair, 4), range(4))), 4)
        self.assertEqual(sweep(self.world.host[A], 4, far(("esp", "psp"), 4), range(4)), [])
        self.assertEqual(self.rows(("esp", "psp"))["forth"], before["forth"] + 4)
        self.world.lab.write(self.world.proxy_config(), "p.cfg")
        self.world.gateway[P].command("reload")
        self.assertEqual(sweep(self.world.host[A], 4, far(pair, 4), range(4)), [])


class ProxyOfWorkers(ProxyTest):
    """Packets go from worker to worker before they are opened, and are sealed where they are."""

    OPTIONS = {"proxy_workers": 3, "group": PATIENT}
    PAIRS = [(k, k) for k in KINDS] + pairs()[::3]


class ProxyOfRegions(ProxyTest):
    """A port in either region, and no clear one."""

    OPTIONS = {"cipher_ports": 2, "group": PATIENT}

    def test_regions_see_no_packet_of_each_other(self):
        local, far = (self.world.wires()[i] for i in (1, 3))
        with Sniffer(*local) as near, Sniffer(*far) as distant:
            self.assertEqual(sweep(self.world.host[A], 4, self.world.far_of(4), range(8)), [])
        addresses = {near: B.outer(4), distant: A.outer(4)}
        for sniffer, address in addresses.items():
            octets = socket.inet_aton(address)
            self.assertGreaterEqual(len(sniffer.frames), 16)
            self.assertFalse([f for f in sniffer.frames if octets in f[14:34]])


del ProxyTest  # by itself it is no test
