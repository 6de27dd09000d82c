# SPDX-License-Identifier: BSD-3-Clause
"""Hosts and wan of the same MTU, so that the largest packets of the hosts do not fit, protected."""

import hashlib
import unittest

import path
from echo import Sweep, sweep
from features import needs
from transfer import WebServer, download, iperf
from wan import Sniffer
from space import set_sysctl
from world import A, B, SECONDS, World, WorldTest, other

MTU = 1500
HEADERS = {4: 28, 6: 48}
LEAST = 1400  # a tunnel over IPv4 leaves more than that
FILE = 4 << 20


class Path(WorldTest):
    OPTIONS = {"host_mtu": MTU, "wan_mtu": MTU}

    def setUp(self):
        super().setUp()
        for space in self.world.host.values():
            for family in (4, 6):
                path.forget(space, family)

    def tunnel_mtu(self, family):
        """Longest inner packet of those from LEAST on that comes through whole."""
        sizes = [n - HEADERS[family] for n in range(LEAST, MTU + 1)]
        missing = sweep(self.world.host[A], family, B.host(family), sizes, df=True)
        lengths = [n + HEADERS[family] for n in missing]
        self.assertTrue(lengths, "everything came through: this wan is no narrower")
        self.assertEqual(lengths, list(range(lengths[0], MTU + 1)))
        return lengths[0] - 1

    def test_packets_pass_up_to_the_tunnel_mtu_and_not_beyond(self):
        for family in (4, 6):
            with self.subTest(family=family):
                got = self.tunnel_mtu(family)
                self.assertGreater(got, LEAST)
                self.assertLess(got, MTU - 60)

    @needs("fragmentation and ICMP errors")
    def test_a_host_learns_the_path_mtu_from_its_first_packet_that_does_not_fit(self):
        for family in (4, 6):
            with self.subTest(family=family):
                want = self.tunnel_mtu(family)
                path.forget(self.world.host[A], family)
                one = Sweep(self.world.host[A], family, B.host(family), df=True)
                one.run([MTU - HEADERS[family]])
                self.assertEqual(path.mtu_learnt(self.world.host[A], family, B.host(family)),
                                 want)

    @needs("fragmentation and ICMP errors")
    def test_ping_says_that_the_message_is_too_long_and_the_mtu(self):
        want = self.tunnel_mtu(4)
        path.forget(self.world.host[A], 4)
        said = self.world.host[A].run("ping", "-M", "do", "-s", str(MTU - 28), "-c", "2", "-i",
                                      "0.2", "-W", "1", B.host(4), check=False)
        self.assertRegex(said.stdout + said.stderr, r"mtu ?= ?%d" % want)

    @needs("fragmentation and ICMP errors")
    def test_every_size_without_df_is_answered(self):
        sizes = range(LEAST - 28, MTU - 28 + 1)
        for site in (A, B):
            self.assertEqual(sweep(self.world.host[site], 4, other(site).host(4), sizes), [])

    @needs("fragmentation and ICMP errors")
    def test_tcp_flows_from_hosts_that_know_nothing_of_the_tunnel(self):
        for sender, family in ((A, 4), (B, 6)):
            with self.subTest(sender=sender.name, family=family):
                got = iperf(self.world.host[sender], self.world.host[other(sender)],
                            sender.host(family), SECONDS)
                self.assertTrue(all(got), "octets by second: %s" % got)

    @needs("fragmentation and ICMP errors")
    def test_the_mss_is_clamped_both_ways(self):
        for family in (4, 6):
            with self.subTest(family=family):
                most = self.tunnel_mtu(family) - (40 if family == 4 else 60)
                path.forget(self.world.host[A], family)
                with Sniffer(self.world.host[A], "h0") as a, Sniffer(self.world.host[B],
                                                                     "h0") as b:
                    with WebServer(self.world.host[B], B.host(family), FILE,
                                   self.world.lab.dir) as web:
                        self.assertEqual(download(self.world.host[A], web.url), web.digest)
                for what, seen, mac in (("SYN at B", b, B), ("SYN/ACK at A", a, A)):
                    came = [f for f in seen.frames if f[:6].hex(":") == mac.mac("host")]
                    offers = [m for m in map(path.syn_mss, came) if m]
                    self.assertTrue(offers, what)
                    self.assertLessEqual(max(offers), most, what)

    def test_traceroute_reaches_the_host(self):
        for family in (4, 6):
            hops = path.traceroute(self.world.host[A], family, B.host(family), wait=0.5)
            self.assertEqual(hops[-1], B.host(family), hops)
            self.assertLessEqual(len(hops), 3, hops)

    @needs("fragmentation and ICMP errors")
    def test_every_gateway_is_a_hop_of_traceroute(self):
        for site in (A, B):
            for family in (4, 6):
                hops = path.traceroute(self.world.host[site], family, other(site).host(family))
                self.assertEqual(hops[0], site.gateway(family), hops)
                self.assertEqual(hops[-1], other(site).host(family), hops)
                self.assertNotIn(None, hops)


class RouterWorld(World):
    """The wan is a router, behind whose port to B the way is narrower than A's cipher port."""

    NARROW = 1300

    def plug(self, site, box):
        super().plug(site, box)
        port = "wan-" + site.name
        self.wan.ip("link set dev %s nomaster" % port, "route add %s/32 dev %s" % (site.outer(4), port))
        with self.wan.inside():
            for line in ("ip_forward=1", "conf.%s.proxy_arp=1" % port,
                         "neigh.%s.proxy_delay=0" % port):
                set_sysctl(*("net.ipv4." + line).split("="))
        if site is A:
            self.wan.ip("addr add 198.51.100.7/32 dev lo")
        else:
            self.wan.ip("link set dev %s mtu %d" % (port, self.NARROW))

    def config(self, site, **changes):
        config = super().config(site, **changes)
        if site is B:
            config["ports"][1]["mtu"] = self.NARROW
        return config


class Narrow(WorldTest):
    KIND = RouterWorld
    OPTIONS = {"host_mtu": MTU, "wan_mtu": MTU}

    def policy(self, site):
        return next(p for p in self.world.gateway[site].show("policies") if p["mtu4"])

    def test_the_gateway_learns_the_mtu_behind_a_router_and_tells_its_hosts(self):
        host = self.world.host[A]
        self.assertIsNone(self.policy(A)["path_mtu"])
        self.assertGreater(self.policy(A)["mtu4"], LEAST)
        for _ in range(3):
            sweep(host, 4, B.host(4), [LEAST - 28], df=True)
        row = self.policy(A)
        self.assertEqual(row["path_mtu"], RouterWorld.NARROW)
        self.assertEqual(row["mtu4"], self.policy(B)["mtu4"])
        self.assertEqual(path.mtu_learnt(host, 4, B.host(4)), row["mtu4"])
        sizes = range(row["mtu4"] - 100, row["mtu4"] - 28 + 1)
        self.assertEqual(sweep(host, 4, B.host(4), sizes, df=True), [])
        path.forget(host, 4)
        self.assertEqual(sweep(host, 4, B.host(4), range(1200, 1472, 7)), [])

    def test_tcp_flows_through_the_narrow_way(self):
        got = iperf(self.world.host[A], self.world.host[B], A.host(4), SECONDS)
        self.assertTrue(all(got), "octets by second: %s" % got)


def by_direction(site):
    """Keys of a group whose peers seal under root keys of their own."""
    return {"root_keys": ["from-" + site.name], "receive_root_keys": ["from-" + other(site).name],
            "spi": 0x2000 * site.number, "peer_spi": 0x2000 * other(site).number}


FORMATS = {
    "seh": lambda site: {"root_keys": ["from-a"], "spi": 0x1001, "source_id": site.source},
    "psp": lambda site: {"root_keys": ["from-a"], "spi": 0x1000 * site.number},
    "eesp-subsa": lambda site: {**by_direction(site), "sessions": 4},
    "esp": lambda site: {**by_direction(site), "child_sas": 1, "accept_child_sas": 1},
}


class FormatRouterWorld(RouterWorld):
    """The same in another format; two root keys serve them all."""

    def __init__(self, form, **options):
        self.form = form
        super().__init__(**options)

    def config(self, site, **changes):
        config = super().config(site, **changes)
        for n, name in enumerate(("from-a", "from-b")):
            self.lab.put(name + ".key", 'index = 8;\n%s' % "".join(
                '%s = "%s";\n' % (g, hashlib.sha256((name + g).encode()).hexdigest())
                for g in ("pre", "current", "next")))
        config["root_keys"] = [{"name": name, "level": "zone", "id": "%032x" % n,
                                "file": name + ".key"}
                               for n, name in enumerate(("from-a", "from-b"))]
        config["trust_groups"] = [{"name": "cluster", "format": self.form,
                                   **FORMATS[self.form](site)}]
        return config


class OtherFormats(unittest.TestCase):
    def test_the_gateway_learns_the_mtu_behind_a_router_in_every_format(self):
        for form in FORMATS:
            with self.subTest(form):
                world = FormatRouterWorld(form, host_mtu=MTU, wan_mtu=MTU)
                self.addCleanup(world.stop)
                self.learns(world.start())

    def learns(self, world):
        host = world.host[A]
        for _ in range(3):
            sweep(host, 4, B.host(4), [LEAST - 28], df=True)
        row = next(p for p in world.gateway[A].show("policies") if p["mtu4"])
        self.assertEqual(row["path_mtu"], RouterWorld.NARROW, world.text())
        self.assertEqual(path.mtu_learnt(host, 4, B.host(4)), row["mtu4"])
        path.forget(host, 4)
        self.assertEqual(sweep(host, 4, B.host(4), range(1200, 1472, 17)), [])
        self.assertEqual(world.drops().get("path_refused", 0), 0)
