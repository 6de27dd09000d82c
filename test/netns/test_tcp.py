# SPDX-License-Identifier: BSD-3-Clause
"""TCP without a stall, and downloads that are the same octet for octet."""

from transfer import Iperf, WebServer, download
from world import A, B, SECONDS, WorldTest, other

FILE = 24 << 20


class Tcp(WorldTest):
    OPTIONS = {"idle": "poll"}

    def flow_both_ways(self, family, streams):
        hosts = self.world.host
        runs = [Iperf(hosts[sender], hosts[other(sender)], sender.host(family), SECONDS, streams)
                for sender in (A, B)]
        for run in runs:
            got = run.result()
            self.assertGreaterEqual(len(got), SECONDS * 0.8)  # intervals waver
            self.assertTrue(all(got), "octets by second: %s" % got)

    def test_ipv4_flows_both_ways_without_a_stall(self):
        self.flow_both_ways(4, 1)

    def test_ipv6_flows_both_ways_without_a_stall(self):
        self.flow_both_ways(6, 4)

    def downloads(self, site, family):
        with WebServer(self.world.host[other(site)], other(site).host(family), FILE,
                       self.world.lab.dir) as web:
            self.assertEqual(download(self.world.host[site], web.url), web.digest)

    def test_a_web_page_arrives_whole(self):
        self.downloads(A, 4)

    def test_a_web_page_over_ipv6_arrives_whole(self):
        self.downloads(B, 6)
