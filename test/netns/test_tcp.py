# SPDX-License-Identifier: BSD-3-Clause
"""TCP without a stall, and downloads that are the same octet for octet."""

from transfer import WebServer, download, iperf
from world import A, B, SECONDS, WorldTest, other

FILE = 24 << 20


class Tcp(WorldTest):
    def flows(self, sender, family, streams=1):
        receiver = other(sender)
        got = iperf(self.world.host[sender], self.world.host[receiver], sender.host(family),
                    SECONDS, streams)
        self.assertGreaterEqual(len(got), SECONDS - 1)
        self.assertTrue(all(got), "octets by second: %s" % got)

    def test_ipv4_flows_from_a_to_b_without_a_stall(self):
        self.flows(A, 4)

    def test_ipv4_flows_from_b_to_a_without_a_stall(self):
        self.flows(B, 4)

    def test_ipv6_flows_from_a_to_b_without_a_stall(self):
        self.flows(A, 6)

    def test_ipv6_flows_from_b_to_a_without_a_stall(self):
        self.flows(B, 6, streams=4)

    def downloads(self, site, family):
        with WebServer(self.world.host[other(site)], other(site).host(family), FILE,
                       self.world.lab.dir) as web:
            self.assertEqual(download(self.world.host[site], web.url), web.digest)

    def test_a_web_page_arrives_whole(self):
        self.downloads(A, 4)

    def test_a_web_page_over_ipv6_arrives_whole(self):
        self.downloads(B, 6)
