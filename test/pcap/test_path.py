# SPDX-License-Identifier: BSD-3-Clause
"""Path MTUs that routers between gateways report, and reports that nobody should believe."""

import struct

import libsas
import pcapfile
from harness import A, B, SakerTest, packets
from ip import checksum, ip_header, transport_checksum
from plan import NEAR4, Plan, make_config, octets
from plan_esp import EspPlan
from plan_subsa import SubsaPlan
from plan_tss import TssPlan
from test_psp import Psp
from test_psp_roles import Roles

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

    def test_a_report_on_the_first_fragment_of_a_packet_is_believed(self):
        """Over IPv6 no router cuts what this gateway has cut too wide."""
        self.outer = 6
        self.plan()
        config = self.config()
        config["ports"][0]["mtu"] = 9000
        for policy in config["policies"]:
            policy["fragment"] = "outer"
        clear = [pcapfile.ethernet(self.inner(4000))]
        sent = packets(self.lab.run(config, clear).cipher)
        self.assertEqual([p[6] for p in sent], [44] * 3)
        for quoted, learnt in ((sent[1], {None}), (sent[0], {PATH})):
            run = self.lab.run(config, (), [self.tell(quoted)], commands=COMMANDS)
            self.assertEqual(self.learnt(run), learnt, run.text())
        run = self.lab.run(config, clear * 200, [self.tell(sent[0])], commands=COMMANDS)
        self.assertLessEqual(len(packets(run.cipher)[-2]), PATH)

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


HEAD = 28  # of the security header behind IPv4 and UDP
# Format: how to make its plan, where its whole SN lies, further copies of its low octets, and what
# tells whose packet it is: offset and value of a forgery.
FORMATS = {
    "seh": (lambda lab: Plan(lab, 1, form="S"), 8, (), ((4, b"\1\2\3\4"), (0, b"\x11\x30"))),
    "esp, fallback SA": (lambda lab: EspPlan(lab, 1), 8, ((4, 4),), ((0, b"\0\2"), (3, b"\4"))),
    "esp, SA of a worker": (lambda lab: EspPlan(lab, 1, child_sas=4), 8, ((4, 4),),
                            ((0, b"\0\2"), (3, b"\0"))),
    "eesp-subsa": (lambda lab: SubsaPlan(lab, 1), 8, ((16, 8),),
                   ((2, b"\0\7"), (2, b"\1\0"), (4, b"\1\2"), (7, b"\0"))),
    "tss": (lambda lab: TssPlan(lab, 1), 8, (), ((1, b"\1\2\3"), (4, b"\1\2\3\4"), (0, b"\x15"))),
    "tss, client": (lambda lab: TssPlan(lab, 1, role="client"), 8, (), ((10, b"\x80"),)),
    "eesp-subsa without SNs": (lambda lab: SubsaPlan(lab, 1, sn_field="none"), 8, (),
                               ((2, b"\0\7"), (4, b"\1\2"))),
}


class Quoted(SakerTest):
    """Reports on packets that say in other ways whose they are."""

    def config(self):
        return make_config(self.lab, [self.p])

    def run_once(self, clear=(), cipher=()):
        run = self.lab.run(self.config(), clear, cipher, commands=COMMANDS)
        self.assertEqual(run.status, 0, run.text())
        return run

    def sent(self):
        run = self.run_once([pcapfile.ethernet(self.p.inner(A, 4, SIZE))])
        return packets(run.cipher)[0]

    def sn(self, packet):
        return struct.unpack_from(">Q", packet, HEAD + self.sn_at)[0]

    def with_sn(self, packet, sn):
        data, octet = bytearray(packet), struct.pack(">Q", sn)
        for at, size in ((self.sn_at, 8), *self.copies):
            data[HEAD + at : HEAD + at + size] = octet[8 - size :]
        return bytes(data)

    def newest(self, timed):
        """A packet with an SN that the next run takes for its newest: each start goes on above all
        that the run before it had reserved."""
        got = [self.sent() for _ in range(1 if timed else 3)]
        if timed:
            return got[0]
        last, step = self.sn(got[2]), self.sn(got[2]) - self.sn(got[1])
        return self.with_sn(got[2], last + step - 1)

    def outcome(self, *quoted):
        run = self.run_once((), [report(q, PATH, 4, A.ip4) for q in quoted])
        return {row["path_mtu"] for row in run.shown["policies"]}, run.drops("inbound")

    def check(self, timed, forgeries):
        """All in one run: what is recent in one is not in the next."""
        quoted = self.newest(timed)
        ahead = self.with_sn(quoted, self.sn(quoted) + (1 << (44 if timed else 30)))
        bad = [quoted[: HEAD + at] + value + quoted[HEAD + at + len(value) :]
               for at, value in forgeries] + [ahead]
        self.assertEqual(self.outcome(*bad, quoted),
                         ({PATH}, {"path_mtu": 1, "path_refused": len(bad)}))

    def narrow(self, clear):
        config = self.config()
        config["ports"][1]["mtu"] = PATH
        run = self.lab.run(config, [pcapfile.ethernet(p) for p in clear], commands=COMMANDS)
        self.assertEqual(run.status, 0, run.text())
        return run

    def check_tunnel_mtu(self):
        """The longest packet that fits, exactly."""
        most = self.narrow([]).shown["policies"][0]["mtu4"]
        run = self.narrow([self.p.inner(A, 4, n) for n in (most + 1, most)])
        self.assertEqual(run.drops(), {"mtu": 1})
        length = len(packets(run.cipher)[0])
        self.assertTrue(PATH - 4 < length <= PATH, length)


class OtherFormats(Quoted):
    def test_the_tunnel_mtu_is_what_fits(self):
        for name, (make, *_) in FORMATS.items():
            with self.subTest(name):
                self.p = make(self.lab)
                self.check_tunnel_mtu()

    def test_a_report_on_a_packet_of_ours_is_believed_and_no_forged_one(self):
        for name, (make, self.sn_at, self.copies, forgeries) in FORMATS.items():
            with self.subTest(name):
                self.p = make(self.lab)
                self.check(name == "seh", forgeries)

    def test_workers_of_format_s_are_known_by_their_ids(self):
        self.p, self.sn_at, self.copies = Plan(self.lab, 1, form="S"), 8, ()
        one = pcapfile.ethernet(self.p.inner(A, 4, SIZE))
        run = self.lab.run(self.config(), [[], [one]], workers=2, commands=COMMANDS)
        quoted = packets(run.cipher)[0]
        self.assertEqual(quoted[HEAD + 4 : HEAD + 8], struct.pack(">I", 0x0a000002))
        error = report(quoted, PATH, 4, A.ip4)
        run = self.lab.run(self.config(), (), [[error], []], workers=2, commands=COMMANDS)
        self.assertEqual({row["path_mtu"] for row in run.shown["policies"]}, {PATH})
        self.assertEqual(self.outcome(quoted), ({None}, {"path_refused": 1}))


class PspFormat(Psp, Quoted):
    """The same of PSP, whose SPIs tell workers apart."""

    sn_at, copies = 8, ()

    def config(self):
        return Psp.config(self, [self.group()], [self.policy()])

    def test_a_report_on_a_packet_of_ours_is_believed_and_no_forged_one(self):
        self.masters()
        self.p = Plan(self.lab, 1)
        self.check(False, ((6, b"\7"), (3, b"\x09")))

    def test_the_tunnel_mtu_is_what_fits(self):
        self.masters()
        self.p = Plan(self.lab, 1)
        self.check_tunnel_mtu()


class HandedOutPsp(Roles, Quoted):
    """The same where a receiver has handed out an SA for each worker."""

    sn_at, copies = 8, ()

    def config(self):
        return Roles.config(self, A, self.group("client", keys="to-b.key"), dst="any")

    def test_a_report_on_a_packet_of_ours_is_believed_and_no_forged_one(self):
        libsas.write(self.lab.path("to-b.key"), 1,
                     [libsas.Sa(0x77 + n, bytes((n,)) * 32) for n in (1, 2)])
        self.p = Plan(self.lab, 1)
        self.check(True, ((7, b"\x77"), (7, b"\x79"), (4, b"\x80")))
