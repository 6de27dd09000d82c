# SPDX-License-Identifier: BSD-3-Clause
"""What a gateway owes its neighbours: its Ethernet address, an answer to ping; and with fixed next
hops, silence."""

import unittest

from echo import sweep
from space import mute, plain_frames
from wan import ARP, Sniffer, asks, network
from world import A, B, World, WorldTest, other

VLAN = 5


class Resolved(WorldTest):
    NEEDS = ("neighbour resolution",)

    def reached(self, sizes=range(0, 1300, 100)):
        for family in (4, 6):
            self.assertEqual(sweep(self.world.host[A], family, B.host(family), sizes), [])

    def test_a_host_finds_its_gateway(self):
        self.reached()
        for site in (A, B):
            space = self.world.host[site]
            for family in (4, 6):
                said = space.run("ip", "-%d" % family, "neigh", "show", site.gateway(family))
                self.assertIn(site.mac("clear"), said.stdout)

    def test_ping_of_the_gateway_is_answered(self):
        for site in (A, B):
            for family in (4, 6):
                missing = sweep(self.world.host[site], family, site.gateway(family),
                                range(0, 1300, 50))
                self.assertEqual(missing, [])

    def test_a_host_with_a_new_address_is_found_again(self):
        self.reached()
        space, mac = self.world.host[B], "02:00:00:00:0b:0b"
        space.ip("link set dev h0 down", "link set dev h0 address " + mac, "link set dev h0 up",
                 "addr replace %s/64 dev h0 nodad" % B.host(6),
                 "route replace default via %s dev h0" % B.gateway(4),
                 "route replace ::/0 via %s dev h0" % B.gateway(6))
        for family in (4, 6):  # Linux tells its neighbours by what it asks
            self.comes_back(lambda f=family: sweep(space, f, B.gateway(f), range(2)))
            self.comes_back(lambda f=family: sweep(self.world.host[A], f, B.host(f), range(2)))
        self.reached()

    def comes_back(self, missing):
        """A link takes a while to come up, and to be noticed."""
        for _ in range(10):
            if not missing():
                return
        self.fail("no answer")

    def test_gateways_ask_for_each_other_and_the_first_packets_wait(self):
        asked_on_the_wan(self, 4)


def asked_on_the_wan(test, family):
    world = test.world
    with Sniffer(world.wan, "wan-a") as seen:
        world.restart()
        test.assertEqual(sweep(world.host[A], 6, B.host(6), range(4)), [])
        test.assertEqual(sweep(world.host[B], 4, A.host(4), range(4)), [])
    asking = [f for f in seen.frames
              if (f[12:14] == ARP if family == 4 else network(f) and asks(f))]
    test.assertTrue(asking)


class ResolvedOverIpv6(WorldTest):
    OPTIONS = {"outer": 6}
    NEEDS = ("neighbour resolution",)

    def test_gateways_ask_for_each_other_and_the_first_packets_wait(self):
        asked_on_the_wan(self, 6)


class FixedWorld(World):
    """Next hops are fixed, whatever the program can do."""

    def __init__(self, **options):
        super().__init__(static=True, **options)


class Fixed(WorldTest):
    KIND = FixedWorld

    def test_traffic_passes_and_nothing_is_asked(self):
        with Sniffer(self.world.wan, "wan-a") as seen:
            for site in (A, B):
                for family in (4, 6):
                    self.assertEqual(sweep(self.world.host[site], family,
                                           other(site).host(family), range(0, 1000, 100)), [])
        self.assertEqual([f.hex() for f in seen.frames if f[12:14] == ARP], [])
        self.assertEqual(seen.clear(), [])


class VlanWorld(World):
    """The clear ports are in a VLAN."""

    def __init__(self, **options):
        super().__init__(host_device="h0.%d" % VLAN, **options)

    def config(self, site, **changes):
        config = super().config(site, **changes)
        config["ports"][0]["vlan"] = VLAN
        return config

    def prepare(self, site):
        space = self.host[site]
        try:
            space.ip("link add link h0 name h0.%d type vlan id %d" % (VLAN, VLAN),
                     "link set dev h0.%d up" % VLAN)
        except RuntimeError as e:
            raise unittest.SkipTest("this kernel has no VLANs") from e
        plain_frames(space, "h0.%d" % VLAN)
        mute(space, "h0")
        space.run("ethtool", "-K", "h0", "txvlan", "off", "rxvlan", "off", check=False)


class Vlan(Resolved):
    KIND = VlanWorld

    def test_hosts_of_another_vlan_are_not_heard(self):
        before = sum(self.world.gateway[A].drops().values())
        with Sniffer(self.world.host[A], "h0") as seen:
            self.world.host[A].ip("addr add 10.1.1.9/24 dev h0")
            sweep(self.world.host[A], 4, "10.1.1.1", range(2))
        self.assertTrue(seen.frames)
        self.assertGreaterEqual(sum(self.world.gateway[A].drops().values()), before)
