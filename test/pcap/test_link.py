# SPDX-License-Identifier: BSD-3-Clause
"""What a port answers on its link, and which frames it takes: ARP, neighbour discovery, ping, VLANs,
foreign Ethernet addresses."""

import socket
import struct

from harness import A, B, SakerTest
from ip import checksum
from plan import Plan, make_config

HOST = bytes.fromhex("02aaaaaaaa01")
ALL = b"\xff" * 6
CLEAR4, CLEAR6, HOST4, HOST6 = "10.1.0.1", "fd00:1::1", "10.1.0.9", "fd00:1::9"
OWN = {"clear": bytes.fromhex("027063617000"), "cipher": bytes.fromhex("027063617001")}


def packed(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ether(dst, payload, kind, tag=None):
    vlan = b"" if tag is None else struct.pack(">HH", 0x8100, tag)
    return dst + HOST + vlan + struct.pack(">H", kind) + payload


def arp(op, sender, target, target_mac=bytes(6), sender_mac=HOST):
    return (struct.pack(">HHBBH", 1, 0x800, 6, 4, op) + sender_mac + packed(sender) + target_mac
            + packed(target))


def icmp6(src, dst, message, hops=255):
    pseudo = packed(src) + packed(dst) + struct.pack(">IxxxB", len(message), 58)
    message = message[:2] + struct.pack(">H", checksum(pseudo + message)) + message[4:]
    return (struct.pack(">IHBB", 6 << 28, len(message), 58, hops) + packed(src) + packed(dst)
            + message)


def solicit(src, target, hops=255):
    group = "ff02::1:ff00:" + target.rsplit(":", 1)[1]
    message = struct.pack(">BBHI", 135, 0, 0, 0) + packed(target) + b"\x01\x01" + HOST
    return icmp6(src, group, message, hops)


def ping4(src, dst, size=32, ttl=9):
    body = struct.pack(">BBHHH", 8, 0, 0, 1, 2) + bytes(size)
    body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0, ttl, 1, 0)
    head += packed(src) + packed(dst)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


def ping6(src, dst):
    return icmp6(src, dst, struct.pack(">BBHHH", 128, 0, 0, 1, 2) + b"saker", 9)


class Link(SakerTest):
    def setUp(self):
        super().setUp()
        self.plan = Plan(self.lab, 0)

    def go(self, frames, at="clear", ports=None):
        """Frames to one port; changes of ports by name. Returns the run and what each sent."""
        config = make_config(self.lab, [self.plan])
        config["ports"][0].update({"address": CLEAR4 + "/16", "address6": CLEAR6 + "/64"})
        for port in config["ports"]:
            port.update((ports or {}).get(port["name"], {}))
        run = self.lab.run(config, **{at: frames})
        self.assertRan(run)
        return run, [f for q in run.clear for f in q], [f for q in run.cipher for f in q]

    def inner(self, dst=OWN["clear"], tag=None):
        """A frame that goes through the tunnel."""
        return ether(dst, self.plan.inner(A, 4, 60), 0x800, tag)

    def test_answers_arp_for_its_own_addresses_only(self):
        frames = [ether(ALL, arp(1, HOST4, CLEAR4), 0x806), ether(ALL, arp(1, HOST4, "10.1.0.2"),
                                                                 0x806)]
        run, sent, _ = self.go(frames)
        want = HOST + OWN["clear"] + b"\x08\x06" + arp(2, CLEAR4, HOST4, HOST, OWN["clear"])
        self.assertSame([f[:42] for f in sent], [want])
        self.assertEqual(run.drops(), {"not_ours": 1})

    def test_answers_arp_for_the_end_of_a_tunnel(self):
        run, _, sent = self.go([ether(ALL, arp(1, B.ip4, A.ip4), 0x806)], "cipher")
        self.assertEqual(len(sent), 1)
        self.assertEqual(sent[0][22:32], OWN["cipher"] + packed(A.ip4))
        self.assertEqual(run.drops(), {})

    def test_answers_solicitations_from_the_link_only(self):
        group = bytes.fromhex("3333ff000001")
        frames = [ether(group, solicit(HOST6, CLEAR6, hops), 0x86DD) for hops in (255, 254)]
        run, sent, _ = self.go(frames)
        self.assertEqual(len(sent), 1)
        self.assertEqual(sent[0][:12], HOST + OWN["clear"])
        self.assertEqual(sent[0][54], 136)
        self.assertEqual(sent[0][62:78], packed(CLEAR6))
        self.assertEqual(sent[0][78:86], b"\x02\x01" + OWN["clear"])
        self.assertEqual(run.drops(), {"neighbour_bad": 1})

    def test_answers_ping(self):
        frames = [ether(OWN["clear"], ping4(HOST4, CLEAR4, n), 0x800) for n in (0, 1, 1400)]
        frames.append(ether(OWN["clear"], ping6(HOST6, CLEAR6), 0x86DD))
        run, sent, _ = self.go(frames)
        self.assertEqual(len(sent), 4)
        for frame, n in zip(sent, (0, 1, 1400)):
            self.assertEqual(frame[:12], HOST + OWN["clear"])
            self.assertEqual(frame[26:34], packed(CLEAR4) + packed(HOST4))
            self.assertEqual((frame[22], frame[34], checksum(frame[34:42 + n])), (64, 0, 0))
        self.assertEqual(sent[3][54], 129)
        self.assertEqual(run.drops(), {})

    def test_sends_nothing_else_to_where_its_own_address_is(self):
        packet = ping4(HOST4, CLEAR4)
        head = packet[:9] + b"\x11" + bytes(2) + packet[12:20]
        packet = head[:10] + struct.pack(">H", checksum(head)) + head[12:] + packet[20:]
        run, sent, _ = self.go([ether(OWN["clear"], packet, 0x800)])
        self.assertEqual(sent, [])
        self.assertEqual(run.drops(), {"own_address": 1})

    def test_answers_a_bounded_number_of_questions(self):
        run, sent, _ = self.go([ether(ALL, arp(1, HOST4, CLEAR4), 0x806)] * 20000)
        refused = run.drops().get("answer_rate", 0)
        self.assertEqual(len(sent) + refused, 20000)
        self.assertGreater(refused, 0)
        self.assertGreaterEqual(len(sent), 256)

    def test_notices_who_uses_its_address(self):
        run, sent, _ = self.go([ether(ALL, arp(1, CLEAR4, CLEAR4), 0x806)])
        self.assertEqual((sent, run.drops()), ([], {"address_conflict": 1}))

    def test_answers_within_its_vlan_only(self):
        frames = [ether(ALL, arp(1, HOST4, CLEAR4), 0x806, tag) for tag in (5, 6, None)]
        run, sent, _ = self.go(frames, ports={"clear": {"vlan": 5}})
        self.assertEqual(len(sent), 1)
        self.assertEqual(sent[0][12:18], bytes.fromhex("810000050806"))
        self.assertEqual(run.drops(), {"vlan": 2})

    def test_sends_with_the_tag_of_its_vlan(self):
        _, _, sent = self.go([self.inner(tag=5)],
                             ports={"clear": {"vlan": 5}, "cipher": {"vlan": 7}})
        self.assertEqual(len(sent), 1)
        self.assertEqual(sent[0][:18], bytes.fromhex("020000000003") + OWN["cipher"]
                         + bytes.fromhex("810000070800"))

    def test_takes_foreign_frames_only_where_told_to(self):
        frames = [self.inner(HOST), self.inner(ALL), self.inner()]
        for changes, taken in (({}, 3), ({"next_hop_mac": None}, 1),
                               ({"next_hop_mac": None, "promiscuous": True}, 3)):
            run, _, sent = self.go(frames, ports={"clear": changes})
            self.assertEqual(len(sent), taken, changes)
            self.assertEqual(run.drops().get("not_ours", 0), 3 - taken)

    def test_asks_for_a_next_hop_and_drops_what_it_can_not_send(self):
        changes = {"next_hop_mac": None, "address": A.ip4 + "/24"}
        run, _, sent = self.go([self.inner()] * 40, ports={"cipher": changes})
        asked = [f[28:42] for f in sent if f[:6] == ALL and f[12:14] == b"\x08\x06"]
        own, peer = packed(A.ip4), packed(B.ip4)
        self.assertEqual([(f[:4], f[10:]) for f in asked], [(own, own)] + [(own, peer)] * 3)
        self.assertEqual(run.drops(), {"no_neighbour": 40})
