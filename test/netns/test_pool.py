# SPDX-License-Identifier: BSD-3-Clause
"""Three gateways that share root keys, and packets that are dealt out to them one by one."""

import time

from pool import MEMBERS, PoolWorld
from stream import both_ways
from transfer import WebServer, download
from wan import Sniffer
from world import A, B, GUARD_S, SECONDS, World, WorldTest

FILE = 1 << 20
PATIENCE_S = 10


class Pool(WorldTest):
    KIND = PoolWorld

    def complete(self, streams):
        """All has arrived; else the drops may say why."""
        for stream in streams:
            self.assertGreater(stream.total(), 100)
            self.assertEqual(stream.lost(), [], self.world.drops())
            self.assertEqual(stream.repeated(), 0)

    def opened(self):
        """Packets that each member has opened."""
        return [sum(p["in_packets"] for p in self.world.gateway[m].show("policies"))
                for m in self.world.members]

    def test_each_member_opens_what_it_gets(self):
        before = self.opened()
        streams = both_ways(self.world, A, B, rate=600)
        with Sniffer(self.world.wan, "wan-a") as seen, streams[0], streams[1]:
            time.sleep(SECONDS)
        self.complete(streams)
        self.assertNoDrops()
        gained = [now - then for now, then in zip(self.opened(), before)]
        self.assertGreater(min(gained), streams[0].total() // MEMBERS - 50, gained)
        self.assertEqual(len({s.source for s in seen.sealed()}), 1 + MEMBERS)
        self.assertEqual(seen.repeats(), {})

    def test_a_web_page_arrives_whole(self):
        with WebServer(self.world.host[B], B.host(4), FILE, self.world.lab.dir) as web:
            self.assertEqual(download(self.world.host[A], web.url), web.digest)

    def test_the_others_carry_on_when_one_is_killed_and_it_may_come_back(self):
        gateway = self.world.gateway[self.world.members[1]]
        streams = both_ways(self.world, A, B, rate=600)
        with Sniffer(self.world.wan, "wan-a") as seen:
            with streams[0], streams[1]:
                time.sleep(0.3)
                self.world.deal_to((0, 2))
                time.sleep(0.1)
                gateway.kill()
                time.sleep(0.7)
                gateway.start()
                time.sleep(GUARD_S)
                self.world.deal_to(range(MEMBERS))
                time.sleep(0.5)
        self.complete(streams)
        self.assertEqual(seen.repeats(), {})

    def test_a_sudden_death_loses_only_what_the_dead_one_got(self):
        gateway = self.world.gateway[self.world.members[2]]
        streams = both_ways(self.world, A, B, rate=600)
        with streams[0], streams[1]:
            gateway.kill()
            time.sleep(0.6)
            self.world.deal_to((0, 1))
            time.sleep(0.4)
        gateway.start()
        time.sleep(GUARD_S)
        self.world.deal_to(range(MEMBERS))
        for stream in streams:
            lost = [n for _, n in stream.lost()]
            self.assertGreater(len(lost), 0)
            self.assertLess(len(lost), 0.5 * stream.total())
            self.assertLess(max(lost), stream.total() - 10)


class TwinsInAPool(WorldTest):
    """By mistake two members have one source id."""

    class TwinsWorld(PoolWorld):
        def warm_up(self):
            """Some packets are refused from the start."""

    KIND = TwinsWorld
    OPTIONS = {"sources": ("0a000002", "0a000003", "0a000003")}

    def test_their_packets_are_refused_as_repeated_where_they_meet(self):
        _, back = both_ways(self.world, A, B, rate=600)
        end = time.monotonic() + PATIENCE_S  # they meet where both send in one slot
        drops = {}
        with back:
            while "replay" not in drops and time.monotonic() < end:
                time.sleep(0.2)
                drops = self.world.gateway[A].drops()
        self.assertIn("replay", drops)


class Twin(WorldTest):
    """By mistake site B has the source id of site A."""

    class TwinWorld(World):
        def config(self, site, **changes):
            config = super().config(site, **changes)
            config["trust_groups"][0]["source_id"] = A.source
            return config

    KIND = TwinWorld

    NEEDS = ("notice of a twin",)

    # It hears SNs that it has not used; what the other one hears may be its own, reflected.
    def test_the_less_busy_gateway_hears_its_own_source_id_and_says_so(self):
        out, back = both_ways(self.world, A, B, rate=50)
        back.rate = 500
        with out, back:
            time.sleep(1.5)
        gateway = self.world.gateway[A]
        self.assertIn("OUR SOURCE ID", gateway.err())
        self.assertGreater(gateway.show("groups")[0]["twin"], 0)
