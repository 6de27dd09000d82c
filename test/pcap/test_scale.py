# SPDX-License-Identifier: BSD-3-Clause
"""Many packets over several workers, and many sources in bounded memory."""

import struct
import zlib
from collections import defaultdict

import pcapfile
from harness import A, B, SakerTest, forwarded, packets, setting
from ip import ip_header
from plan import Plan, make_config, octets

FLOWS = 64


def numbered(flow, number, size):
    """A UDP packet of a flow with its number inside."""
    body = struct.pack(">II", flow, number) + bytes(size)
    datagram = struct.pack(">HHHH", 1000 + flow, 2000, 8 + len(body), 0) + body
    return ip_header(octets("10.1.0.5"), octets("10.64.1.9"), 17, len(datagram)) + datagram


def queue_of(frame, queues):
    """As a NIC would: by addresses and ports of the (outer) packet."""
    return zlib.crc32(frame[26:38]) % queues


def spread(frames, queues):
    """One list per receive queue."""
    out = [[] for _ in range(queues)]
    for frame in frames:
        out[queue_of(frame, queues)].append(frame)
    return out


class Workers(SakerTest):
    def frames(self):
        count = setting("SAKER_TEST_PACKETS", 100000)
        sizes = (0, 5, 40, 200, 500) if count <= 200000 else (0, 5, 40)
        return [pcapfile.ethernet(numbered(n * 7 % FLOWS, n, sizes[n % len(sizes)]))
                for n in range(count)]

    def flows(self, queues):
        """(flow, queue) to numbers, in order."""
        out = defaultdict(list)
        for q, frames in enumerate(queues):
            for frame in frames:
                flow, number = struct.unpack_from(">II", frame, 42)
                out[flow, q].append(number)
        return out

    def check_order(self, queues, count):
        """Every packet came, once, and those of a flow by one queue in order."""
        flows = self.flows(queues)
        self.assertEqual(len({flow for flow, _ in flows}), len(flows), "a flow left by two queues")
        self.assertEqual(sum(len(n) for n in flows.values()), count)
        for numbers in flows.values():
            self.assertTrue(all(a < b for a, b in zip(numbers, numbers[1:])), "reordered")

    def both_ways(self, frames, workers, receivers, **options):
        plan = Plan(self.lab, 1, **options)
        self.lab.keys["zone-x"].write()
        sent = self.lab.run(make_config(self.lab, [plan]), spread(frames, workers), workers=workers,
                            timeout=240)
        self.assertRan(sent)
        self.assertEqual(sent.drops(), {})
        self.assertEqual(sum(map(len, sent.cipher)), len(frames))
        sessions = {f[44:46] for q in sent.cipher for f in q}
        self.assertEqual(len(sessions), workers)
        arrived = sent.cipher
        if receivers != workers:
            arrived = spread([f for q in sent.cipher for f in q], receivers)
        got = self.lab.run(make_config(self.lab, [plan], B), cipher=arrived, workers=receivers,
                           timeout=240)
        self.assertRan(got)
        self.assertEqual(got.drops(), {})
        self.check_order(got.clear, len(frames))
        want = sorted(pcapfile.ip_packet(f) for f in frames)
        self.assertSame(sorted(forwarded(got.clear, 2)), want)

    def test_one_to_four_workers_keep_every_flow_in_order(self):
        frames = self.frames()
        for workers in (1, 2, 3, 4):
            with self.subTest(workers=workers):
                self.both_ways(frames, workers, workers, replay="none")

    def test_a_session_that_arrives_on_every_queue_belongs_to_one_worker(self):
        """Queues run apart by more than any time window here, so the window is by the counter."""
        frames = self.frames()[:60000]
        for workers, receivers in ((1, 4), (2, 3), (4, 2)):
            with self.subTest(workers=workers, receivers=receivers):
                self.both_ways(frames, workers, receivers, sn="counter", replay_window=1 << 18)

    def test_a_window_stays_closed_over_several_workers(self):
        plan = Plan(self.lab, 1, sn="counter", replay_window=1 << 16)
        clear = [numbered(n % FLOWS, n, 20) for n in range(20000)]
        sent = self.lab.run(make_config(self.lab, [plan]), [pcapfile.ethernet(p) for p in clear])
        self.assertRan(sent)
        got = self.lab.run(make_config(self.lab, [plan], B), cipher=[sent.cipher[0]] * 3, workers=3)
        self.assertRan(got)
        self.assertSame(sorted(forwarded(got.clear, 2)), sorted(clear))
        self.assertEqual(got.drops("inbound"), {"replay": 40000})


class Memory(SakerTest):
    def peak_kb(self, plan, frames, **changes):
        config = make_config(self.lab, [plan], groups=[plan.config(A, **changes)])
        run = self.lab.run(config, cipher=frames, timeout=240)
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertEqual(len(forwarded(run.clear)), len(frames))
        return run.maxrss_kb

    def sealed(self, plan, sources, count):
        clear = plan.inner(B, 4, 60)
        return [plan.sealed_frame(B, clear, source=struct.pack(">I", 1 + n % sources))
                for n in range(count)]

    def test_many_sources_cost_a_replay_table_and_nothing_else(self):
        many = setting("SAKER_TEST_SOURCES", 20000)
        plan = Plan(self.lab, 1, sn="counter")
        one_frames, many_frames = self.sealed(plan, 1, many), self.sealed(plan, many, many)
        none = {"replay": "none", "replay_window": None, "replay_sources": None}
        small = self.peak_kb(plan, one_frames, **none)
        large = self.peak_kb(plan, many_frames, **none)
        self.assertGreater(small, 10000)
        self.assertLess(abs(large - small), 2048, "without a table sources cost nothing")
        window = {"replay_window": 64, "replay_sources": many + many // 4}
        table = self.peak_kb(plan, many_frames, **window)
        entry = 2 * 64 // 8 + 240
        self.assertGreater(table - small, many * 2 * 64 // 8 // 1024)
        self.assertLess(table - small, many * 1.25 * entry / 1024 + 4096)

    def test_many_flows_cost_the_sender_nothing(self):
        many = setting("SAKER_TEST_SOURCES", 20000)
        plan = Plan(self.lab, 1, variant=2)
        peaks = []
        for flows in (1, many):
            frames = [pcapfile.ethernet(numbered(n % flows % 60000, n, 20)) for n in range(many)]
            run = self.lab.run(make_config(self.lab, [plan]), frames, timeout=240)
            self.assertRan(run)
            out = packets(run.cipher)
            ids = {plan.open(A, p).header.source for p in out[:2000]}
            self.assertEqual(len(ids), min(flows, 2000))
            peaks.append(run.maxrss_kb)
        self.assertGreater(peaks[0], 10000)
        self.assertLess(abs(peaks[1] - peaks[0]), 2048)
