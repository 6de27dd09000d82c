# SPDX-License-Identifier: BSD-3-Clause
"""Sequence numbers: repeats are refused, and no sender uses one twice, whatever happens to it."""

import mmap
import os
import random
import shutil
import struct
import subprocess
import time
import unittest

import pcapfile
import profile
from harness import A, B, Lab, SakerTest, forwarded, packets, setting
from plan import EPOCH, Plan, make_config
from sender import Sender

HERE = os.path.dirname(os.path.abspath(__file__))


class Clock:
    """The wall clock that a saker sees."""

    def __init__(self, lab):
        self.path = lab.path("clock-shift")
        library = lab.path("clock_shim.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library,
                        os.path.join(HERE, "clock_shim.c")], check=True)
        with open(self.path, "wb") as f:
            f.write(bytes(8))
        self.file = open(self.path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 8)
        self.env = {"LD_PRELOAD": library, "CLOCK_SHIFT_FILE": self.path}

    def shift(self, ms):
        self.map[:8] = struct.pack("=q", ms)

    def close(self):
        self.map.close()
        self.file.close()


class Replay(SakerTest):
    def twice(self, **options):
        plan = Plan(self.lab, 1, replay_window=1024, **options)
        clear = [plan.inner(B, 4, 60 + i % 50, i) for i in range(500)]
        frames = [plan.sealed_frame(B, p) for p in clear]
        run = self.lab.run(make_config(self.lab, [plan]), cipher=frames + frames)
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), clear)
        self.assertEqual(run.drops("inbound"), {"replay": 500})

    def test_a_capture_repeated_is_dropped_whole_as_replay(self):
        for sn in ("time", "counter"):
            for variant in range(5):
                with self.subTest(sn=sn, variant=variant):
                    self.lab = Lab()
                    self.twice(sn=sn, variant=variant)

    def test_what_saker_itself_sent_is_accepted_once(self):
        plan = Plan(self.lab, 1)
        clear = [plan.inner(A, 4, 200, i) for i in range(300)]
        sent = self.lab.run(make_config(self.lab, [plan]), [pcapfile.ethernet(p) for p in clear])
        self.assertRan(sent)
        run = self.lab.run(make_config(self.lab, [plan], B), cipher=sent.cipher[0] * 2)
        self.assertSame(forwarded(run.clear, 2), clear)
        self.assertEqual(run.drops("inbound"), {"replay": 300})

    def test_reordering_inside_the_window_passes_and_beyond_it_is_refused(self):
        plan = Plan(self.lab, 1, sn="counter", replay_window=64)
        clear = [plan.inner(B, 4, 100, i) for i in range(200)]
        frames = [plan.sealed_frame(B, p) for p in clear]
        order = [199] + list(range(199))
        run = self.lab.run(make_config(self.lab, [plan]), cipher=[frames[i] for i in order])
        want = [clear[199]] + clear[136:199]
        self.assertSame(forwarded(run.clear), want)
        self.assertEqual(run.drops("inbound"), {"replay": 136})

    def test_a_third_slot_back_is_too_old(self):
        plan = Plan(self.lab, 1)
        ms = plan.sealed_ms
        times = (ms, ms - 100, ms - 200, ms + 100, ms)
        clear = [plan.inner(B, 4, 100, i) for i in range(len(times))]
        frames = [plan.sealed_frame(B, p, sn=profile.sn_at(t, i + 1))
                  for i, (p, t) in enumerate(zip(clear, times))]
        run = self.lab.run(make_config(self.lab, [plan]), cipher=frames)
        self.assertSame(forwarded(run.clear), [clear[0], clear[1], clear[3], clear[4]])
        self.assertEqual(run.drops("inbound"), {"replay_old": 1})

    def test_a_full_table_refuses_new_sources(self):
        plan = Plan(self.lab, 1, replay_sources=4)
        clear = [plan.inner(B, 4, 100, i) for i in range(2000)]
        frames = [plan.sealed_frame(B, p, source=struct.pack(">I", i + 1))
                  for i, p in enumerate(clear)]
        run = self.lab.run(make_config(self.lab, [plan]), cipher=frames)
        drops = run.drops("inbound")
        self.assertEqual(set(drops), {"replay_table_full"})
        self.assertGreater(drops["replay_table_full"], 1900)
        self.assertEqual(len(forwarded(run.clear)) + drops["replay_table_full"], 2000)

    def test_old_packets_and_those_from_before_the_start_are_refused(self):
        plan = Plan(self.lab, 1)
        frames = [plan.sealed_frame(B, plan.inner(B, 4, 100))]
        guarded = plan.config(A, start_guard=True)
        run = self.lab.run(make_config(self.lab, [plan], groups=[guarded]), cipher=frames)
        self.assertEqual((forwarded(run.clear), run.drops("inbound")), ([], {"start_guard": 1}))
        time.sleep(0.3)
        narrow = plan.config(A, window_ms=200)
        run = self.lab.run(make_config(self.lab, [plan], groups=[narrow]), cipher=frames)
        self.assertEqual((forwarded(run.clear), run.drops("inbound")), ([], {"stale": 1}))

    def test_sequence_numbers_are_dense_inside_a_slot(self):
        plan = Plan(self.lab, 1)
        clear = [pcapfile.ethernet(plan.inner(A, 4, 100, i)) for i in range(3000)]
        run = self.lab.run(make_config(self.lab, [plan]), clear)
        sns = [plan.open(A, p).header.sn for p in packets(run.cipher)]
        self.assertEqual(len(sns), 3000)
        now = int(time.time() * 1000)
        for a, b in zip(sns, sns[1:]):
            next_slot = b >> 24 > a >> 24 and b & 0xFFFFFF == 1
            self.assertTrue(b == a + 1 or next_slot, (hex(a), hex(b)))
        self.assertLessEqual(abs((sns[-1] >> 24) - (profile.sn_at(now) >> 24)), 600)


class Reuse(SakerTest):
    """Kill it, shift its clock: no (source, session, SN) appears twice."""

    def kills(self, rounds, workers=1, **options):
        plan = Plan(self.lab, 1, **options)
        last, total, log = {}, 0, ""
        source = random.Random(7)
        for i in range(rounds):
            sender = Sender(self, plan, last, workers)
            if i % 3 < 2:
                sender.wait_sent(1 + source.randrange(100000))
            time.sleep(source.random() * (0.3 if i % 3 < 2 else 1.0))
            log = sender.kill()
            self.assertIsNone(sender.fault(), "round %d\n%s" % (i, log))
            total += sender.sent()
        self.assertGreater(total, 1000 * rounds // 2, log)
        self.assertEqual(len(last), workers)

    def test_killed_again_and_again_it_repeats_nothing_by_the_clock(self):
        self.kills(setting("SAKER_TEST_KILLS", 6), rekey=-1)

    def test_killed_again_and_again_it_repeats_nothing_by_the_counter(self):
        self.kills(setting("SAKER_TEST_KILLS", 6), sn="counter")

    def test_killed_again_and_again_two_workers_repeat_nothing(self):
        self.kills(setting("SAKER_TEST_KILLS", 6), workers=2)

    @unittest.skipUnless(shutil.which("cc"), "needs a C compiler")
    def test_clock_set_between_runs_repeats_nothing(self):
        plan = Plan(self.lab, 1)
        clock = Clock(self.lab)
        self.addCleanup(clock.close)
        last, sent = {}, []
        for shift in (0, -1500, 1000, -86400000, 0, 3000, 2000, 0):
            clock.shift(shift)
            sender = Sender(self, plan, last, env=clock.env)
            sender.wait_sent(2000, 3)
            log = sender.kill()
            self.assertIsNone(sender.fault(), "shift %d ms\n%s" % (shift, log))
            sent.append(sender.sent())
        self.assertGreater(sent[0], 0)
        self.assertEqual(sent[3], 0, "sent while the clock was a day behind its reservation")

    @unittest.skipUnless(shutil.which("cc"), "needs a C compiler")
    def test_clock_set_during_a_run_repeats_nothing(self):
        plan = Plan(self.lab, 1)
        clock = Clock(self.lab)
        self.addCleanup(clock.close)
        last = {}
        sender = Sender(self, plan, last, env=clock.env)
        self.assertTrue(sender.wait_sent(1000), "nothing was sent")
        for shift in (-100, -5000, -86400000, -200, 2000, 0, 3000, 100000, 100100):
            clock.shift(shift)
            sender.wait_sent(5000, 0.5)
            time.sleep(0.1)
        went_on = sender.wait_sent(1000)
        log = sender.kill()
        self.assertIsNone(sender.fault(), log)
        self.assertTrue(went_on, "it never sent again\n" + log)

    @unittest.skipUnless(shutil.which("cc"), "needs a C compiler")
    def test_the_check_itself_notices_a_repeated_number(self):
        """A state directory that is lost while the clock is set back is past all help."""
        plan = Plan(self.lab, 1)
        clock = Clock(self.lab)
        self.addCleanup(clock.close)
        last = {}
        for shift in (0, -10000):
            clock.shift(shift)
            sender = Sender(self, plan, last, env=clock.env)
            self.assertTrue(sender.wait_sent(1) or shift)
            time.sleep(0.2)
            sender.kill()
            shutil.rmtree(self.lab.path("state-a"))
        self.assertRegex(sender.fault() or "", "SN [0-9a-f]{16} follows")

    def test_a_lost_state_directory_repeats_nothing(self):
        plan = Plan(self.lab, 1)
        last = {}
        for _ in range(3):
            sender = Sender(self, plan, last)
            sender.wait_sent(3000)
            log = sender.kill()
            self.assertIsNone(sender.fault(), log)
            shutil.rmtree(self.lab.path("state-a"))
        self.assertTrue(last)

    def test_an_epoch_that_moves_on_starts_anew_and_one_that_does_not_goes_on(self):
        plan = Plan(self.lab, 1, sn="counter")
        clear = [pcapfile.ethernet(plan.inner(A, 4, 100))] * 10

        def send(epoch):
            config = make_config(self.lab, [plan], groups=[plan.config(A, epoch=epoch)])
            run = self.lab.run(config, clear)
            return run, [plan.open(A, p).header.sn for p in packets(run.cipher)]

        run, first = send(EPOCH)
        self.assertRan(run)
        self.assertEqual(first, [EPOCH << 48 | i for i in range(1, 11)])
        run, again = send(EPOCH)
        self.assertRan(run)
        self.assertGreater(min(again), max(first))
        run, ahead = send(EPOCH + 1)
        self.assertEqual(ahead, [EPOCH + 1 << 48 | i for i in range(1, 11)])
        run, behind = send(EPOCH)
        self.assertEqual((run.status, behind), (1, []), run.text())
        self.assertRegex(run.err, "epoch")


class Limits(SakerTest):
    def test_sending_stops_when_the_key_is_used_up(self):
        plan = Plan(self.lab, 1, sn="counter")
        clear = [pcapfile.ethernet(plan.inner(A, 4, 160))] * 100
        config = make_config(self.lab, [plan], groups=[plan.config(A, max_blocks=500)])
        run = self.lab.run(config, clear)
        drops = run.drops("outbound")
        self.assertEqual(set(drops), {"key_exhausted"}, run.text())
        self.assertTrue(0 < len(packets(run.cipher)) <= 50)
        again = self.lab.run(config, clear)
        self.assertEqual(again.drops("outbound"), {"key_exhausted": 100})
        self.assertEqual(packets(again.cipher), [])
