# SPDX-License-Identifier: BSD-3-Clause
"""ping and ping6 of every size, from nothing to beyond the MTU."""

from echo import Sweep, sweep
from features import needs
from wan import Sniffer
from world import A, B, ROOM_MTU, World, WorldTest, other

HEADERS = {4: 28, 6: 48}  # IP and ICMP
BEYOND = 2 * ROOM_MTU + 100
RING_FRAME = 1900
# A worker that polls leaves little of its CPU to the kernel's queues of what comes in there.
PATIENCE_S = 10
STEP = 41  # between sizes that the hosts fragment


def whole(family):
    """Every size that is one packet."""
    return range(ROOM_MTU - HEADERS[family] + 1)


def beyond(family):
    """Sizes that a host sends as two or three fragments."""
    return range(ROOM_MTU - HEADERS[family] + 1, BEYOND, STEP)


class PingTest(WorldTest):
    """The wan has room for every packet."""

    OPTIONS = {"idle": "poll"}

    def answered(self, site, family, sizes, df=False):
        ping = Sweep(self.world.host[site], family, other(site).host(family), df)
        missing = ping.run(sizes, PATIENCE_S)
        self.assertNoDrops()
        if missing:
            self.fail("sizes without an answer: %s, answered wrongly: %s, refused: %s\n%s" %
                      (missing, sorted(ping.wrong), ping.refused, self.world.losses()))

    def test_every_size_is_answered(self):
        self.answered(A, 4, whole(4))

    def test_every_size_of_ping6_is_answered(self):
        self.answered(A, 6, whole(6))

    def test_fragments_of_ping6_are_answered(self):
        self.answered(A, 6, beyond(6))


class Ping(PingTest):
    def test_every_size_is_answered_the_other_way(self):
        self.answered(B, 4, whole(4))

    def test_every_size_with_df_is_answered(self):
        self.answered(A, 4, whole(4), df=True)

    def test_every_size_of_ping6_is_answered_the_other_way(self):
        self.answered(B, 6, whole(6), df=True)

    # The driver has the kernel put fragments of IPv4 together, and has room for so much.
    @needs("fragmentation and ICMP errors")
    def test_fragments_are_answered(self):
        self.answered(A, 4, [n for n in beyond(4) if n < RING_FRAME])

    def test_nothing_of_it_passes_the_wan_in_clear(self):
        with Sniffer(self.world.wan, "wan-a") as seen:
            sweep(self.world.host[A], 4, B.host(4), range(100, 140))
        self.assertGreaterEqual(len(seen.sealed()), 80)
        self.assertEqual(seen.clear(), [])
        self.assertEqual(seen.repeats(), {})


class PingOverIpv6(PingTest):
    """The same with an IPv6 wan."""

    OPTIONS = {"outer": 6}


class LongFrames(PingTest):
    """The driver's ring has room for what the kernel joins, and so have saker's buffers."""

    class LongFrameWorld(World):
        def vdevs(self):
            return [v + ",framesz=9216,blocksz=36864" for v in super().vdevs()]

    KIND = LongFrameWorld

    @needs("fragmentation and ICMP errors")
    def test_fragments_of_every_size_are_answered(self):
        self.answered(A, 4, [*beyond(4), 5000, 8000])


del PingTest  # by itself it is no test
