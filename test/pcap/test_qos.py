# SPDX-License-Identifier: BSD-3-Clause
"""QoS classes: session ids of their own, so that windows bear what a network lets wait."""

from collections import defaultdict

import pcapfile
from harness import A, B, SakerTest, forwarded, packets
from pair import Pair
from plan import Plan, make_config
from plan_subsa import SubsaPlan

CLASSES = ["ef, va", "af11 - af13, 8"]
VOICE, BULK, REST = 46, 8, 0
FIRST = 5  # session
COMMANDS = ["start", "drain", "show drops json", "show sessions json", "quit"]


def class_of(dscp):
    return 1 if dscp in (46, 44) else 2 if 10 <= dscp <= 14 or dscp == 8 else 0


def dscp_of(packet):
    return packet[1] >> 2


class Classes(SakerTest):
    def send(self, plan, clear, workers=1, **changes):
        group = plan.config(A, **{"qos_classes": CLASSES, **changes})
        return self.lab.run(make_config(self.lab, [plan], groups=[group]),
                            [[pcapfile.ethernet(p) for p in clear[i::workers]]
                             for i in range(workers)], workers=workers, commands=COMMANDS)

    def inner(self, plan, count):
        """Every DSCP in turn, twice."""
        return [plan.inner(A, 4, 60 + i % 90, i // 2) for i in range(count)]

    def test_each_class_and_worker_has_a_session(self):
        workers = 2
        plan = Plan(self.lab, 1, session_first=FIRST)
        clear = self.inner(plan, 1000)
        run = self.send(plan, clear, workers)
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        seen = defaultdict(list)
        for worker, queue in enumerate(run.cipher):
            for outer in packets([queue]):
                opened = plan.open(A, outer)
                session = FIRST + class_of(dscp_of(opened.packet)) * workers + worker
                self.assertEqual(opened.header.session, session)
                self.assertEqual(dscp_of(outer), dscp_of(opened.packet))
                seen[session].append(opened.header.sn)
        self.assertEqual(sorted(seen), list(range(FIRST, FIRST + 3 * workers)))
        for sns in seen.values():
            self.assertEqual(sns, sorted(set(sns)))
        self.assertEqual(sum(map(len, seen.values())), len(clear))
        rows = [r for r in run.shown["sessions"] if r["direction"] == "out"]
        self.assertEqual({r["session"]: r["class"] for r in rows},
                         {s: (s - FIRST) // workers for s in seen})

    def test_each_class_and_worker_has_a_sub_sa_and_a_receiver_opens_them_all(self):
        workers = 2
        plan = SubsaPlan(self.lab, 1, session_first=FIRST)
        clear = [plan.inner(A, 4, 60 + i % 90, i // 2) for i in range(500)]
        run = self.send(plan, clear, workers)
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        keys = {}
        for worker, queue in enumerate(run.cipher):
            for outer in packets([queue]):
                opened = plan.open(A, outer)
                self.assertEqual(opened.session, FIRST + worker + workers * class_of(
                    dscp_of(opened.packet)))
                keys[opened.session] = opened.key
        self.assertEqual(sorted(keys), list(range(FIRST, FIRST + 3 * workers)))
        self.assertEqual(len(set(keys.values())), 3 * workers)
        back = self.lab.run(make_config(self.lab, [plan], B), cipher=[f for q in run.cipher
                                                                     for f in q])
        self.assertRan(back)
        self.assertEqual(back.drops(), {})
        self.assertEqual(len(forwarded(back.clear)), len(clear))

    def late(self, **changes):
        """Bulk packets that arrive after 200 voice packets that were sent behind them."""
        plan = Plan(self.lab, 1, sn="counter", replay_window=64)
        clear = [plan.inner(A, 4, 100, (BULK, VOICE)[i % 2]) for i in range(400)]
        run = self.send(plan, clear, **changes)
        self.assertRan(run)
        frames = sorted(run.cipher[0], key=lambda f: dscp_of(pcapfile.ip_packet(f)) == BULK)
        return self.lab.run(make_config(self.lab, [plan], B), cipher=frames)

    def test_a_class_that_waits_is_accepted_behind_one_that_does_not(self):
        run = self.late()
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertEqual(len(forwarded(run.clear)), 400)

    def test_within_one_class_the_same_delay_is_too_long(self):
        run = self.late(qos_classes=["0-63"])
        self.assertGreater(run.drops("inbound").get("replay", 0), 100)

    def test_a_restart_repeats_nothing_in_any_class(self):
        for sn in ("time", "counter"):
            with self.subTest(sn=sn):
                plan = Plan(self.lab, 1 if sn == "time" else 2, sn=sn)
                last = {}
                for _ in range(3):
                    run = self.send(plan, self.inner(plan, 300))
                    self.assertRan(run)
                    self.assertEqual(run.drops(), {})
                    for outer in packets(run.cipher):
                        h = plan.open(A, outer).header
                        self.assertGreater(h.sn, last.get(h.session, 0))
                        last[h.session] = h.sn
                self.assertEqual(sorted(last), [0, 1, 2])

    def test_too_few_sessions_are_refused_with_the_number_that_is_needed(self):
        plan = Plan(self.lab, 1)
        run = self.send(plan, self.inner(plan, 10), workers=4, sessions=11)
        self.assertNotEqual(run.status, 0)
        self.assertIn("trust group g1: 11 sessions are too few for 4 workers and 3 QoS classes; "
                      "raise sessions to 12", run.err)

    def test_a_data_key_s_blocks_are_shared_by_the_classes(self):
        plan = Plan(self.lab, 1, sn="counter", rekey=-1)
        clear = [plan.inner(A, 4, 64, (REST, VOICE, BULK)[i % 3]) for i in range(300)]
        # 64 octets and the ICV's block: 5 each, so 100 of each class would take 500
        run = self.send(plan, clear, max_blocks=3 * 250)
        self.assertEqual(len(packets(run.cipher)), 3 * 50)
        self.assertEqual(run.drops(), {"key_exhausted": 150})


class Reload(SakerTest):
    """Classes come and go while packets flow. The wire fails on any SN that does not rise."""

    def test_classes_come_and_go_and_no_packet_is_lost(self):
        plan = Plan(self.lab, 1)
        pair = Pair(self, plan)
        self.addCleanup(pair.kill)
        pair.start()
        dscp = dscp_of(pair.clear)
        sessions = []
        for i in range(6):
            config = dict(pair.config[A])
            group = dict(config["trust_groups"][0])
            group["qos_classes"] = [["ef"], ["cs1", str(dscp)], []][i % 3]
            config["trust_groups"] = [group]
            self.lab.write_config(config, "a.cfg")
            before = dict(pair.wire.last)
            pair.a.run("reload", "reload: done")
            pair.sent(200)
            sessions += [s for (_, s), sn in pair.wire.last.items()
                         if sn != before.get((next(iter(before))[0], s), 0)]
        self.assertEqual(set(sessions), {0, 2})
        shown = pair.end(self)
        pair.check(self, shown)
