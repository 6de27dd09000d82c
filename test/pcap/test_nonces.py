# SPDX-License-Identifier: BSD-3-Clause
"""No (key, nonce) pair repeats, over all formats, roles and directions, whatever happens to the
gateways. SAKER_TEST_PAIRS=10 goes through it ten times as long."""

import os
import shutil
import threading
import time

import pcapfile
from harness import A, B, SakerTest, kill, packets, setting
from nonces import PORT, Ledger, every_row, stateless
from pair import Prompt, end_pipe, quick_dir, written
from plan import EPOCH, make_config
from plan_proxy import inner, rule
from test_keys import read_key_file

TIMES = setting("SAKER_TEST_PAIRS", 1)
COUNT = 8  # packets of a row and family in a run
RATE = 6000  # packets a second that are taken out of a pipe


def successor(source):
    return "%0*x" % (2 * len(source), int.from_bytes(source, "big") + 1) if source else None


class Pipe(threading.Thread):
    """Keeps what a saker writes, at a pace at which all of it can be opened later."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.outers = path, []
        os.mkfifo(path)

    def run(self):
        for size, frame in written(self.path):
            if len(frame) < size:
                return  # it was killed while it wrote
            self.outers.append(pcapfile.ip_packet(frame))
            if len(self.outers) % 64 == 0:
                time.sleep(64 / RATE)


class Gateways(SakerTest):
    def setUp(self):
        super().setUp()
        self.rows = every_row(self.lab)
        self.ledger = Ledger()
        self.epoch = EPOCH
        self.state = {s: os.path.join(quick_dir(), "state") for s in (A, B)}

    def config(self, site, rows, changes=None):
        """changes: row -> settings of its group, or None."""
        groups = [r.config(site, **(changes(r) or {} if changes else {})) for r in rows]
        for group in groups:
            if group.get("epoch") == EPOCH:
                group["epoch"] = self.epoch
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
            if row.form in "ST":
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

    def test_a_client_that_is_handed_keys_which_it_had_derived_goes_on_behind_them(self):
        rows = [stateless(self.lab, 90 + n, form, role="client", sn="counter")
                for n, form in enumerate("ES")]
        for row in rows:
            row.plan.port = PORT + row.plan.n
            out = row.plan.wire_source(A).hex()
            server = self.lab.write_config(make_config(self.lab, [row.plan], B), "server.cfg")
            run = self.lab.keytool("derive", "-c", server, "-g", "g%d" % row.plan.n, "-s", out,
                                   "-e", str(EPOCH), "-n", "1", "-o",
                                   self.lab.path("client-%d.keys" % row.plan.n))
            self.assertEqual(run.status, 0, run.text())

        def handed(row):
            return {"root_keys": None, "data_keys": "client-%d.keys" % row.plan.n}

        for where, changes in (("root keys", None), ("handed keys", handed),
                               ("root keys again", None)):
            self.run_once(A, where, 1, changes, rows)
        self.check()
        self.assertEqual(len(self.ledger.pairs), 3 * 2 * 2 * COUNT)

    def test_what_a_proxy_seals_and_what_the_gateway_seals_itself_share_lines_and_no_pair(self):
        come = stateless(self.lab, 95, replay_window=4096).plan
        come.port = PORT + 95
        goes = [r for r in self.rows if r.many and r.counts
                and getattr(r.plan.o, "role", "peer") == "peer"
                and getattr(r.plan.o, "child_sas", 2) >= 2]
        for n, workers in enumerate((1, 2, 1)):
            clear = self.clear(A, goes)
            sealed = [come.sealed_frame(B, inner(r.plan, 4, 90, seed)) for seed in range(COUNT)
                      for r in goes if r.plan.o.outer == 4]
            config = self.config(A, goes)
            config["trust_groups"].append(come.config(A))
            config["proxies"] = [rule(come, r.plan) for r in goes]
            run = self.lab.run(config, [clear[w::workers] for w in range(workers)],
                               [sealed[w::workers] for w in range(workers)], workers=workers)
            self.assertRan(run)
            self.assertLessEqual(set(run.drops()), {"sn_unreserved"})
            self.assertEqual(len(packets(run.cipher)) + sum(run.drops().values()),
                             len(clear) + len(sealed))
            self.ledger.take(goes, A, "proxy %d" % n, packets(run.cipher))
        self.check()


class Changes(Gateways):
    """Two workers of a gateway send without end while its keys, epochs and settings change; then
    it is killed."""

    WORKERS = 2

    def start(self, site, rows):
        n = len(self.ledger.pairs)
        endless, empty = self.lab.path("endless.pcap"), self.lab.path("empty.pcap")
        pcapfile.write(endless, self.clear(site, rows, 4))
        pcapfile.write(empty, [])
        self.pipes = [Pipe(self.lab.path("pipe-%d-%d" % (n, w))) for w in range(self.WORKERS)]
        for pipe in self.pipes:
            pipe.start()
            self.addCleanup(end_pipe, pipe.path)
        rx = [",rx_pcap=" + endless] * self.WORKERS
        tx = [",tx_pcap=" + p.path for p in self.pipes]
        self.gateway = Prompt(
            self.lab, "live-%d" % n, self.config(site, rows),
            ["net_pcap0" + "".join(rx) + ",infinite_rx=1",
             "net_pcap1,rx_pcap=" + empty + "".join(tx)], workers=self.WORKERS)
        self.addCleanup(lambda p=self.gateway.process: p.poll() is None and kill(p))
        self.gateway.type("start")
        self.sent()

    def sent(self, more=400):
        """Wait until every worker has sent some more."""
        goals = [len(p.outers) + more for p in self.pipes]
        end = time.monotonic() + 90
        while any(len(p.outers) < goal for p, goal in zip(self.pipes, goals)):
            self.assertLess(time.monotonic(), end, "no traffic:\n" + self.gateway.text())
            time.sleep(0.01)

    def rotate_live(self, name):
        self.gateway.run("key rotate " + name, "before the next rotation", 90)
        self.learn()
        self.sent()

    def reload(self, site, rows, changes):
        self.lab.write_config(self.config(site, rows, changes),
                              os.path.basename(self.gateway.path))
        self.gateway.run("reload", "reload: done", 90)
        self.sent()

    def step_epochs(self, rows):
        self.epoch += 1
        for row in rows:
            if "epoch" in row.config(A):
                self.gateway.run("epoch set g%d %d" % (row.plan.n, self.epoch), "is in epoch", 90)
        self.sent()

    def end(self, site, rows, where):
        kill(self.gateway.process)
        for pipe in self.pipes:
            pipe.join(60)
        self.ledger.take(rows, site, where, [o for p in self.pipes for o in p.outers])

    @staticmethod
    def other_classes(row):
        """QoS classes come where there were none, and go where there were some."""
        if row.form in "EB" and row.many:
            return {"qos_classes": [] if row.settings.get("qos_classes") else ["cs1", "ef"]}
        return {"isolate": "policy"} if getattr(row.plan.o, "variant", 0) == 2 else None

    def live(self, site, keys):
        rows = [r for r in self.rows if r.many]
        self.start(site, rows)
        for name in keys:
            self.rotate_live(name)
        self.reload(site, rows, self.other_classes)
        self.step_epochs(rows)
        self.reload(site, rows, None)
        for name in keys[:1]:
            self.rotate_live(name)
        self.end(site, rows, "%s, live" % site.name)

    def test_rotations_reloads_epochs_and_a_kill_under_load_repeat_no_pair(self):
        for n in range(TIMES):
            for site in (A, B):
                sending = [r.plan.sending[site].name for r in self.rows if r.form in "BX"]
                self.live(site, ["zone-x", sending[n % len(sending)]])
                self.run_once(site, "%s, after the kill" % site.name, 3)
        self.check()
        self.assertGreater(len(self.ledger.pairs), 5000 * TIMES)


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
