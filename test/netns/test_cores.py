# SPDX-License-Identifier: BSD-3-Clause
"""Four workers a gateway, several of them on one CPU."""

import signal
import socket
import struct
import time

from space import packet_socket
from stream import Stream, both_ways
from transfer import Iperf
from wan import Sniffer, sealed
from world import A, B, PATIENT, SECONDS, WORKERS, WorldTest

FLOWS = 32
COPIES = 64
STALL_S = 0.25
RATE = 800  # a worker may pause for two seconds before its queue of 512 frames is full


class Cores(WorldTest):
    OPTIONS = {"workers": WORKERS, "queues": WORKERS, "group": PATIENT}

    def senders(self, site):
        """Workers that have sent."""
        columns = ("tx_packets", "outbound_out", "inbound_out")
        return sum(1 for row in self.world.gateway[site].show("lcores")
                   if any(row.get(c) for c in columns))

    def test_flows_keep_their_order_and_every_session_has_one_owner(self):
        out, back = both_ways(self.world, A, B, flows=FLOWS, rate=RATE)
        with Sniffer(self.world.wan, "wan-a") as seen, out, back:
            time.sleep(SECONDS)
        self.assertNoDrops()
        for stream in (out, back):
            self.assertEqual(stream.lost(), [])
            self.assertEqual(stream.repeated(), 0)
            self.assertEqual(stream.disordered(), [])
        self.assertEqual(seen.repeats(), {})
        for site in (A, B):
            sessions = {s.session for s in seen.sealed() if s.source.hex() == site.source}
            self.assertGreater(len(sessions), 1, "workers that seal at " + site.name)
            self.assertGreater(self.senders(site), 1)

        self.each_session_has_one_owner()

    def test_a_gateway_that_stands_still_for_a_moment_loses_nothing_and_keeps_the_order(self):
        """What has come meanwhile lies in queues and inboxes, and all workers wake at once."""
        out, back = both_ways(self.world, A, B, flows=FLOWS, rate=2 * RATE)
        with out, back:
            for site in (A, B, A, B):
                time.sleep(0.4)
                process = self.world.gateway[site].process
                process.send_signal(signal.SIGSTOP)
                time.sleep(STALL_S)
                process.send_signal(signal.SIGCONT)
        self.assertNoDrops()
        for stream in (out, back):
            self.assertEqual(stream.lost(), [])
            self.assertEqual(stream.disordered(), [])
        for site in (A, B):
            handed = sum(row["handed_over"] for row in self.world.gateway[site].show("lcores"))
            self.assertGreater(handed, 100)

    def each_session_has_one_owner(self):
        for site in (A, B):
            owners = {}
            for row in self.world.gateway[site].show("sessions"):
                if row["direction"] == "in":
                    owners.setdefault((row["source"], row["session"]), []).append(row["lcore"])
            self.assertGreater(len(owners), 1)
            self.assertEqual({k: v for k, v in owners.items() if len(v) != 1}, {})

    def test_tcp_flows_without_a_stall(self):
        hosts = self.world.host
        for run in [Iperf(hosts[a], hosts[b], a.host(4), SECONDS, 8) for a, b in ((A, B), (B, A))]:
            got = run.result()
            self.assertTrue(all(got), "octets by second: %s" % got)

    def test_a_packet_replayed_into_every_queue_is_accepted_once(self):
        caught = self.intercept()
        before = self.world.gateway[B].drops().get("replay", 0)
        with Stream(self.world.host[A], self.world.host[B], B.host(4), rate=0) as heard:
            with Sniffer(self.world.box[B], "cipher") as seen:
                self.inject(caught)
                time.sleep(0.5)
        self.assertEqual(list(seen.repeats().values()), [COPIES])
        self.assertEqual(heard.got[0], [1])
        refused = self.world.gateway[B].drops()
        self.assertEqual(refused.get("replay", 0) - before, COPIES - 1, refused)
        rows = self.world.gateway[B].show("lcores")
        self.assertGreater(sum(row["handed_over"] for row in rows), 0)

    def intercept(self):
        """A packet of A to the stream's port that B never got."""
        self.world.wan.ip("link set dev wan-b nomaster")
        try:
            with Sniffer(self.world.wan, "wan-a", whole=True) as seen:
                with self.world.host[A].inside():
                    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                with s:
                    s.sendto(struct.pack(">HQ", 0, 1), (B.host(4), 5000))
                time.sleep(0.2)
        finally:
            self.world.wan.ip("link set dev wan-b master br")
        frames = [f for f in seen.frames if sealed(f) and sealed(f).source.hex() == A.source]
        self.assertEqual(len(frames), 1)
        return frames[0]

    def inject(self, frame):
        """The same packet from many UDP ports, which nothing authenticates."""
        with packet_socket(self.world.wan, "wan-b") as s:
            for port in range(20000, 20000 + COPIES):
                s.send(frame[:34] + struct.pack(">H", port) + frame[36:])
