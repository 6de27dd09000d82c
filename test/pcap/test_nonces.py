# SPDX-License-Identifier: BSD-3-Clause
"""No (key, nonce) pair repeats, over all formats, roles and directions, whatever happens to the
gateways. SAKER_TEST_PAIRS=10 goes through it ten times as long."""

import os
import shutil
import struct
import threading
import time

import pcapfile
from harness import A, B, SakerTest, kill, packets, setting
from nonces import Ledger, every_row
from pair import RECORD, Prompt, end_pipe, quick_dir
from plan import EPOCH, make_config
from test_keys import read_key_file

TIMES = setting("SAKER_TEST_PAIRS", 1)
COUNT = 8  # packets of a row and family in a run
RATE = 6000  # packets a second that are taken out of a pipe


def successor(source):
    return "%0*x" % (2 * len(source), int.from_bytes(source, "big") + 1) if source else None


class Gateways(SakerTest):
    def setUp(self):
        super().setUp()
        self.rows = every_row(self.lab)
        self.ledger = Ledger()
        self.state = {s: os.path.join(quick_dir(), "state") for s in (A, B)}

    def config(self, site, rows, changes=None):
        """changes: row -> settings of its group, or None."""
        groups = [r.config(site, **(changes(r) or {} if changes else {})) for r in rows]
        config = make_config(self.lab, [r.plan for r in rows], site, groups=groups)
        config["gateway"]["state_dir"] = self.state[site]
        config["gateway"]["rotate_grace_ms"] = 0
        return config

    def clear(self, site, rows, count=COUNT):
        """DSCPs of every class, several sources and flows."""
        return [pcapfile.ethernet(r.plan.inner(site, family, 90, seed)) for seed in range(count)
                for r in rows for family in r.plan.families()]

    def run_once(self, site, where, workers=1, changes=None, rows=None):
        rows = [r for r in rows or self.rows if workers == 1 or r.many]
        frames = self.clear(site, rows)
        run = self.lab.run(self.config(site, rows, changes),
                           [frames[i::workers] for i in range(workers)], workers=workers)
        self.assertRan(run)
        # A busy machine may be late with a reservation: then nothing is sent, which is right.
        self.assertLessEqual(set(run.drops()), {"sn_unreserved"})
        self.assertEqual(len(packets(run.cipher)) + sum(run.drops().values()), len(frames))
        self.ledger.take(rows, site, where, packets(run.cipher))

    def rotate(self):
        for key in self.lab.keys.values():
            self.assertEqual(self.lab.keytool("rotate", key.path).status, 0)
        self.learn()

    def learn(self):
        for key in self.lab.keys.values():
            read_key_file(key)
        for row in self.rows:
            row.values.learn()

    def check(self):
        for row, where, before in self.ledger.repeats[:5]:
            print("repeated:", row, where, "as", *before)
        self.assertEqual(len(self.ledger.repeats), 0)


class Lives(Gateways):
    def test_restarts_rotations_and_changes_of_every_format_repeat_no_pair(self):
        def beside(row):
            """Sessions and ids move to the place of a neighbour."""
            if row.form == "E" and "qos_classes" not in row.settings:
                return {"session_first": 1}
            if row.form == "S":
                return {"source_id": successor(row.plan.source(site))}
            return None

        for n in range(TIMES):
            for site in (A, B):
                self.run_once(site, "%s, first" % site.name)
                self.run_once(site, "%s, three workers" % site.name, 3)
                self.run_once(site, "%s, other sessions" % site.name, 2, beside)
            self.rotate()
            for site in (A, B):
                self.run_once(site, "%s, rotated" % site.name, 2)
        self.check()
        self.assertGreater(len(self.ledger.pairs), 3000 * TIMES)


class Broken(Gateways):
    """What saker can't know of: then pairs do repeat, and this test must notice."""

    def repeated(self):
        return {str(row) for row, _, _ in self.ledger.repeats}

    def counting(self):
        return {str(row) for row in self.rows if row.counts}

    def test_a_state_directory_rolled_back_repeats_pairs_but_not_of_those_who_go_by_the_clock(self):
        old = os.path.join(quick_dir(), "old")
        self.run_once(A, "first")
        shutil.copytree(self.state[A], old)
        self.run_once(A, "second")
        self.check()
        shutil.rmtree(self.state[A])
        shutil.copytree(old, self.state[A])
        self.run_once(A, "rolled back")
        self.assertEqual(self.repeated(), self.counting())
        self.assertGreater(len(self.repeated()), 10)

    def test_a_lost_state_directory_does_too_unless_the_epoch_is_raised_or_the_key_rotated(self):
        self.run_once(A, "first")
        shutil.rmtree(self.state[A])
        self.rotate()
        self.run_once(A, "lost, other keys")
        shutil.rmtree(self.state[A])
        later = [r for r in self.rows if "epoch" in r.config(A) or not r.counts]
        self.run_once(A, "lost, next epoch", rows=later, changes=lambda r: r.counts and {
            "epoch": EPOCH + 1})
        self.check()
        shutil.rmtree(self.state[A])
        self.run_once(A, "lost, all else the same", rows=later)
        self.assertEqual(self.repeated(), self.counting() & {str(r) for r in later})
