# SPDX-License-Identifier: BSD-3-Clause
"""Path MTUs that routers between gateways report, and reports that nobody should believe."""

import struct

import pcapfile
from harness import A, B, SakerTest, packets
from ip import checksum, ip_header, transport_checksum
from plan import NEAR4, Plan, make_config, octets

ROUTER = {4: "198.51.100.7", 6: "2001:db8:7::7"}
COMMANDS = ["start", "drain", "reload", "show policies json", "show drops json", "quit"]
PATH = 1300
SIZE = 1340  # of inner packets that fit the port and not the path


def report(quoted, mtu, family, to, kind=None, cut=548):
    """Fragmentation needed, or packet too big, from a router to an outer address."""
    src, dst = octets(ROUTER[family]), octets(to)
    if family == 4:
        body = struct.pack(">BBHHH", *(kind or (3, 4)), 0, 0, mtu) + quoted[:cut]
        body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
        return pcapfile.ethernet(ip_header(src, dst, 1, len(body)) + body)
    body = struct.pack(">BBHI", *(kind or (2, 0)), 0, mtu) + quoted[:cut]
    body = transport_checksum(src, dst, 58, body, 2)
    return pcapfile.ethernet(ip_header(src, dst, 58, len(body)) + body)


class Path(SakerTest):
    def setUp(self):
        super().setUp()
        self.outer = 4

    def plan(self, **options):
        self.p = Plan(self.lab, 1, outer=self.outer, **options)
        return self.p

    def inner(self, size=SIZE):
        return self.p.inner(A, 4, size)

    def sent(self, count=1, size=SIZE):
        """Outer packets as this gateway sends them."""
        run = self.lab.run(self.config(), [pcapfile.ethernet(self.inner(size))] * count)
        self.assertRan(run)
        self.assertEqual(len(packets(run.cipher)), count)
        return packets(run.cipher)

    def config(self, **gateway):
        config = make_config(self.lab, [self.p])
        config["gateway"].update(gateway)
        return config

    def hear(self, errors, clear=(), **gateway):
        run = self.lab.run(self.config(**gateway), clear, errors, commands=COMMANDS)
        self.assertEqual(run.status, 0, run.text())
        return run

    def learnt(self, run):
        return {row["path_mtu"] for row in run.shown["policies"]}

    def tell(self, quoted, mtu=PATH, **options):
        return report(quoted, mtu, self.outer, A.ip(self.outer), **options)

    def test_a_report_narrows_the_tunnel_and_senders_are_told(self):
        for self.outer in (4, 6):
            with self.subTest(outer=self.outer):
                self.plan()
                error = self.tell(self.sent()[0])
                big = pcapfile.ethernet(self.inner())
                run = self.hear([error], [big] * 1000)
                self.assertEqual(self.learnt(run), {PATH})  # a reload has not forgotten it
                self.assertEqual(run.drops("inbound"), {"path_mtu": 1})
                told = run.drops("outbound")["mtu"]
                self.assertGreater(told, 1000 - 129)
                most = run.shown["policies"][0]["mtu4"]
                answers = packets(run.clear)
                self.assertGreater(len(answers), 10)
                for answer in answers:
                    self.assertEqual((answer[16:20], answer[20:22]), (octets(NEAR4), b"\3\4"))
                    self.assertEqual(struct.unpack(">H", answer[26:28])[0], most)
                self.exactly(error, most)

    def test_sns_from_before_a_restart_are_not_recent_where_they_tell_no_time(self):
        self.plan(sn="counter")
        run = self.hear([self.tell(self.sent()[0])])
        self.assertEqual(self.learnt(run), {None})
        self.assertEqual(run.drops("inbound"), {"path_refused": 1})

    def exactly(self, error, most):
        """Packets of the tunnel MTU fit the path, and no longer ones would."""
        fits = self.hear([error], [pcapfile.ethernet(self.inner(most))] * 300)
        self.assertEqual(fits.drops("outbound"), {})
        length = len(packets(fits.cipher)[-1])
        self.assertLessEqual(length, PATH)
        self.assertGreater(length, PATH - 4)

    def test_a_lower_report_counts_and_a_higher_one_does_not(self):
        self.plan()
        quoted = self.sent()[0]
        run = self.hear([self.tell(quoted, 1320), self.tell(quoted, 1290), self.tell(quoted, 1310)])
        self.assertEqual(self.learnt(run), {1290})

    def test_no_report_makes_a_path_narrower_than_every_host_can_bear(self):
        for self.outer, least in ((4, 576), (6, 1280)):
            self.plan()
            run = self.hear([self.tell(self.sent()[0], 68)])
            self.assertEqual(self.learnt(run), {least})

    def test_it_can_be_switched_off(self):
        self.plan()
        run = self.hear([self.tell(self.sent()[0])], path_mtu=False)
        self.assertEqual(self.learnt(run), {None})
        self.assertEqual(set(run.drops("inbound")) & {"path_mtu", "path_refused"}, set())

    def forged(self, quoted):
        """Reports that no router would send of a packet of ours, by what is wrong with them."""
        at = 28 if self.outer == 4 else 48  # of the security header

        def changed(where, value):
            return quoted[:where] + value + quoted[where + len(value):]
        src, dst = ((12, 16), (16, 20)) if self.outer == 4 else ((8, 24), (24, 40))
        alien = octets(ROUTER[self.outer])
        future = struct.unpack(">Q", quoted[at + 16 : at + 24])[0] + (1 << 44)
        past = struct.unpack(">Q", quoted[at + 16 : at + 24])[0] - (200 << 24)
        return {
            "another sender": self.tell(changed(src[0], alien)),
            "another peer": self.tell(changed(dst[0], alien)),
            "another port": self.tell(changed(at - 6, b"\1\1")),
            "another SPI": self.tell(changed(at + 4, b"\1\2\3\4")),
            "another session": self.tell(changed(at + 2, b"\0\5")),
            "another source": self.tell(changed(at + 12, b"\1\2\3\4")),
            "an SN not yet sent": self.tell(changed(at + 16, struct.pack(">Q", future))),
            "an SN of long ago": self.tell(changed(at + 16, struct.pack(">Q", past))),
            "the header cut": self.tell(quoted, cut=at + 20),
            "eight octets only": self.tell(quoted, cut=at),
            "an MTU it fits": self.tell(quoted, mtu=len(quoted)),
            "no MTU": self.tell(quoted, mtu=0),
            "a wrong checksum": self.tell(quoted)[:-1] + bytes([self.tell(quoted)[-1] ^ 1]),
        }

    def test_forged_reports_change_nothing(self):
        for self.outer in (4, 6):
            self.plan()
            quoted = self.sent()[0]
            frames = self.forged(quoted)
            for name, frame in frames.items():
                with self.subTest(name, outer=self.outer):
                    run = self.hear([frame])
                    self.assertEqual(self.learnt(run), {None})
                    self.assertEqual(run.drops("inbound"), {"path_refused": 1})

    def test_every_truncation_and_bit_flip_of_a_report_does_no_harm(self):
        self.plan()
        frame = self.tell(self.sent()[0])
        cut = [frame[:n] for n in range(34, len(frame), 3)]
        flips = [frame[:i] + bytes([frame[i] ^ 1 << i % 8]) + frame[i + 1 :]
                 for i in range(34, len(frame))]
        self.assertEqual(self.learnt(self.hear(cut + flips)), {None})

    def test_a_report_to_another_gateway_of_the_group_is_none_of_ours(self):
        self.plan()
        quoted = self.p.seal(B, self.p.inner(B, 4, SIZE))
        run = self.hear([self.tell(quoted)])
        self.assertEqual(self.learnt(run), {None})
