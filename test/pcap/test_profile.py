# SPDX-License-Identifier: BSD-3-Clause
"""The test side itself: profile.py against the known answers, captures, traffic."""

import os
import tempfile
import unittest

import known_answers
import pcapfile
import profile
import traffic
from ip import Refused, ip_parse


class Profile(unittest.TestCase):
    def test_every_known_answer_holds_both_ways(self):
        cases = known_answers.known_answers()
        self.assertEqual(len(cases), 96)
        for case in cases:
            with self.subTest(case["name"]):
                self.assertEqual(list(known_answers.check_case(case)), [])

    def test_a_wrong_known_answer_is_noticed(self):
        case = dict(known_answers.known_answers()[0])
        case["mask"] = "00" * 12
        self.assertEqual(len(list(known_answers.check_case(case))), 1)

    def test_ultra_ethernet_derivation_agrees(self):
        key = bytes.fromhex("34448a064292601b11a0978f56a2d34cf3fc35ede1a6bc04f8db3e5243a2b0ca")
        v4 = bytes.fromhex("1dc0000074e5c0a82a01")
        v6 = bytes.fromhex("000000001dc0000074e520010cb0000000000fc0000000000abc")
        server = {v4: v4[:2] + bytes(4) + v4[6:], v6: v6[:6] + bytes(4) + v6[10:]}
        for label, context, want in (
            (b"U1", v4, "151b4ddb30112971ddeff3213000ee74d8f18aac2135601f1e5215e505fed449"),
            (b"U1", v6, "55d1ee8647bd53fad0e5325795af18e7559b7d42a895edf70f9c170341e8f767"),
            (b"U2", server[v4], "245e67ab286218530edd53c26ea9ec33c96b35192d0a0eb54d08be281c5d304b"),
            (b"U2", server[v6], "b59002ad3e6a9ae5864878730070f8916e43e5011acaa4be3504256185f24d97"),
        ):
            out = profile.kdf(key, label, context, 0x160)
            self.assertEqual(out[:32].hex(), want)
        self.assertEqual(profile.kdf(key, b"U1", v4, 0x160)[32:].hex(), "a7c6992c26b0bd5dd5c20e0c")

    def test_zero_and_equal_root_keys_are_refused(self):
        with self.assertRaises(ValueError):
            profile.combine_master_key("xor", [bytes(32), None, None])
        with self.assertRaises(ValueError):
            profile.combine_master_key("hkdf", [b"k" * 32, b"k" * 32, None])

    def test_freshness_wraps_with_the_epoch_number(self):
        ms = 65536 * 86400 * 1000
        profile.freshness(ms + 50, 2000, 500)(profile.sn_at(ms - 1000))
        with self.assertRaises(Refused) as caught:
            profile.freshness(ms, 2000, 500)(profile.sn_at(ms - 5000))
        self.assertEqual(caught.exception.reason, "stale")
        with self.assertRaises(Refused) as caught:
            profile.freshness(ms - 5000, 2000, 500)(profile.sn_at(ms))
        self.assertEqual(caught.exception.reason, "future")


class Captures(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.path = os.path.join(self.dir.name, "x.pcap")

    def test_frames_survive_both_resolutions(self):
        frames = [bytes(range(60)), bytes(1514)]
        for nanoseconds in (False, True):
            pcapfile.write(self.path, frames, nanoseconds)
            self.assertEqual(pcapfile.read(self.path), frames)

    def test_a_torn_record_is_a_fault_unless_expected(self):
        pcapfile.write(self.path, [bytes(60), bytes(60)])
        os.truncate(self.path, os.path.getsize(self.path) - 1)
        with self.assertRaises(pcapfile.Truncated):
            pcapfile.read(self.path)
        self.assertEqual(len(pcapfile.read(self.path, torn=True)), 1)

    def test_traffic_is_mixed_right_and_the_same_for_a_seed(self):
        frames = list(traffic.Traffic(5).frames(3000))
        self.assertEqual(frames, list(traffic.Traffic(5).frames(3000)))
        self.assertNotEqual(frames, list(traffic.Traffic(6).frames(3000)))
        self.assertEqual({f.kind for f in frames}, {"protect", "bypass", "uncovered", "arp"})
        seen = {"fragment": 0, "options": 0, "extension": 0, "vlan": 0, "qinq": 0}
        for octets in (f.octets for f in frames if f.kind != "arp"):
            packet = pcapfile.ip_packet(octets)
            view = ip_parse(packet)
            self.assertEqual(view.total, len(packet))
            self.assertTrue(40 <= len(packet) <= 1500)
            seen["fragment"] += view.fragment
            seen["options"] += packet[0] >> 4 == 4 and view.l4_at > 20
            seen["extension"] += packet[0] >> 4 == 6 and view.l4_at > 40
            seen["vlan"] += octets[12:14] == b"\x81\x00"
            seen["qinq"] += octets[12:14] == b"\x88\xa8"
        self.assertGreater(min(seen.values()), 10, seen)
