# SPDX-License-Identifier: BSD-3-Clause
"""Ports that saker makes itself: a tap in the host's own namespace, and one that was moved."""

import time

from echo import sweep
from gateway import Gateway
from space import plain_frames
from stream import both_ways
from transfer import WebServer, download, iperf
from world import A, B, SECONDS, World, WorldTest, other, set_up_host

FILE = 8 << 20
STEP = 23


class TapWorld(World):
    """The clear port of A is a tap beside host A's own processes; that of B is a tap of its box,
    moved to host B. So host A needs no box of its own."""

    def build(self, site):
        host = self.space("host-" + site.name)
        box = host if site is A else self.space("gw-" + site.name)
        self.host[site], self.box[site] = host, box
        self.plug(site, box)
        config = self.lab.write(self.config(site), site.name + ".cfg")
        vdevs = ("net_tap0,iface=t0", "net_af_packet1,iface=cipher")
        self.gateway[site] = Gateway(box, config, vdevs, 1, site.number - 1)

    def config(self, site, **changes):
        return super().config(site, ports=("net_tap0", "net_af_packet1"), **changes)

    def plug_hosts(self):
        for site in (A, B):
            host, box = self.host[site], self.box[site]
            if host is not box:
                box.ip("link set dev t0 netns " + host.name)
            # The kernel's end of the tap is another station than saker's.
            host.ip("link set dev t0 address %s" % site.mac("host"),
                    "link set dev t0 mtu %d up" % self.host_mtu)
            plain_frames(host, "t0")
            set_up_host(site, host, "t0", site.mac("tap") if self.static else None)


class Tap(WorldTest):
    KIND = TapWorld

    def test_sizes_up_to_the_mtu_are_answered(self):
        for site, family in ((A, 4), (B, 6)):
            top = self.world.host_mtu - (28 if family == 4 else 48)
            sizes = sorted({*range(0, top, STEP), top})
            missing = sweep(self.world.host[site], family, other(site).host(family), sizes)
            self.assertEqual(missing, [])

    # Through net_af_packet the kernel would put them together first.
    def test_two_and_three_fragments_are_answered(self):
        sizes = range(self.world.host_mtu, 3 * self.world.host_mtu - 200, 5 * STEP)
        for site, family in ((A, 4), (B, 4), (A, 6)):
            missing = sweep(self.world.host[site], family, other(site).host(family), sizes)
            self.assertEqual(missing, [])

    def test_a_numbered_stream_loses_nothing(self):
        out, back = both_ways(self.world, A, B, rate=1000)
        with out, back:
            time.sleep(1)
        for stream in (out, back):
            self.assertEqual((stream.lost(), stream.repeated(), stream.disordered()), ([], 0, []),
                             self.world.drops())

    def test_tcp_flows_without_a_stall(self):
        got = iperf(self.world.host[A], self.world.host[B], A.host(4), SECONDS)
        self.assertTrue(all(got), "octets by second: %s" % got)

    def test_a_web_page_arrives_whole(self):
        with WebServer(self.world.host[B], B.host(4), FILE, self.world.lab.dir) as web:
            self.assertEqual(download(self.world.host[A], web.url), web.digest)
