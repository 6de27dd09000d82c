# SPDX-License-Identifier: BSD-3-Clause
"""Several workers: one owner for each session, hand-over without loss, how it is shown."""

import itertools
import struct

import pcapfile
from harness import B, A, SakerTest, packets
from plan import Plan, make_config
from test_scale import numbered

WORKERS = 4


class Owners(SakerTest):
    def setUp(self):
        super().setUp()
        self.plan = Plan(self.lab, 1, sn="counter", replay_window=1 << 17, replay_sources=64)

    def sealed(self, count, sources=1):
        """Packets of one session for each source, numbered inside."""
        first = itertools.count(1)
        return [self.plan.sealed_frame(A, numbered(n % sources, n, 10), sn=20000 << 48 | next(first),
                                       source=struct.pack(">I", 0x0a000001 + n % sources))
                for n in range(count)]

    def receive(self, queues, workers=WORKERS, **gateway):
        config = make_config(self.lab, [self.plan], B)
        config["gateway"].update(gateway)
        return self.lab.run(config, cipher=queues, workers=workers, timeout=120,
                            commands=["start", "drain", "show lcores json", "show lcores",
                                      "show port info json", "show sessions json",
                                      "show drops json", "quit"])

    def column(self, run, name):
        return [row[name] for row in run.shown["lcores"]]

    def test_a_packet_replayed_into_every_queue_is_accepted_once(self):
        frames = self.sealed(4000, sources=20)
        run = self.receive([frames] * WORKERS)
        self.assertRan(run)
        self.assertEqual(run.drops("inbound"), {"replay": 3 * len(frames)})
        self.assertEqual(len(set(packets(run.clear))), len(frames))
        self.assertEqual(len(packets(run.clear)), len(frames))

    def test_every_session_has_one_owner(self):
        frames = self.sealed(6000, sources=30)
        run = self.receive([frames[i::WORKERS] for i in range(WORKERS)])
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        owners = [(row["source"], row["session"]) for row in run.shown["sessions"]
                  if row["direction"] == "in"]
        self.assertEqual(len(owners), 30)
        self.assertEqual(len(set(owners)), 30)
        # What a source sends leaves by its owner's queue only.
        seen = [{struct.unpack_from(">I", f, 42)[0] for f in queue} for queue in run.clear]
        self.assertEqual(sum(map(len, seen)), 30)
        self.assertTrue(all(len(s) > 1 for s in seen), "some worker owns next to nothing")

    def test_all_queues_for_one_owner_lose_nothing(self):
        """Three workers hand over all they get; the owner's inbox is full most of the time."""
        frames = self.sealed(40000)
        run = self.receive([frames[i::WORKERS] for i in range(WORKERS)])
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertEqual(len(packets(run.clear)), len(frames))
        self.assertEqual(sorted(self.column(run, "handed_over")), [0] + [10000] * 3)
        self.assertEqual(sorted(self.column(run, "taken_over")), [0, 0, 0, 30000])
        self.assertEqual(sorted(self.column(run, "share_percent")), [0, 0, 0, 400])
        self.assertEqual(self.column(run, "inbox"), [0] * WORKERS)
        numbers = [struct.unpack_from(">I", f, 46)[0] for queue in run.clear for f in queue]
        for i in range(WORKERS):
            mine = [n for n in numbers if n % WORKERS == i]
            self.assertEqual(mine, sorted(mine), "packets of one queue were reordered")

    def test_sleeping_workers_lose_nothing_that_is_handed_over(self):
        frames = self.sealed(4000, sources=20)
        run = self.receive([frames[i::WORKERS] for i in range(WORKERS)], idle="sleep")
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertEqual(len(packets(run.clear)), len(frames))

    def test_says_how_packets_are_steered_and_why(self):
        frames = self.sealed(10)
        for choice in ("auto", "rte_flow"):
            run = self.receive([frames], steer=choice)
            self.assertRan(run)
            self.assertEqual(run.err.count("saker: steering by software: "), 1)
            self.assertIn("\nsteering by software: 1 receive queues are too few for 4 workers\n",
                          run.out)
            self.assertEqual({p["steer"] for p in run.shown["port_info"]}, {None, "software"})
        run = self.receive([[f] for f in frames[:WORKERS]], steer="rte_flow")
        self.assertRegex(run.err, "saker: steering by software: the device refuses a rule")
        run = self.receive([frames], steer="software")
        self.assertNotIn("steering", run.err)
        self.assertIn("\nsteering by software\n", run.out)

    def test_a_source_port_by_session_puts_a_session_on_one_queue(self):
        clear = [pcapfile.ethernet(numbered(n % 50, n, 10)) for n in range(2000)]
        ports = {}
        for choice in ("flow", "session"):
            plan = Plan(self.lab, 1)
            groups = [plan.config(A, source_port=choice)]
            run = self.lab.run(make_config(self.lab, [plan], groups=groups),
                               [clear[i::2] for i in range(2)], workers=2)
            self.assertRan(run)
            out = [f for q in run.cipher for f in q]
            self.assertEqual(len(out), len(clear))
            ports[choice] = {(f[34:36], f[44:46]) for f in out}
            self.assertTrue(all(p >= b"\xc0\x00" for p, _ in ports[choice]))
        self.assertEqual(len(ports["session"]), 2)
        self.assertEqual(len({p for p, _ in ports["session"]}), 2)
        self.assertGreater(len({p for p, _ in ports["flow"]}), 40)

    def test_workers_of_format_s_send_under_ids_of_their_own(self):
        clear = [pcapfile.ethernet(numbered(n % 50, n, 10)) for n in range(2000)]
        plan = Plan(self.lab, 1, form="S")
        run = self.lab.run(make_config(self.lab, [plan]), [clear[i::2] for i in range(2)],
                           workers=2)
        self.assertRan(run)
        opened = [plan.open(A, p) for p in packets(run.cipher)]
        self.assertEqual(len(opened), len(clear))
        first = struct.unpack(">I", plan.source(A))[0]
        self.assertEqual({o.header.source for o in opened},
                         {struct.pack(">I", first + w) for w in range(2)})
        self.assertEqual(len({(o.header.source, o.nonce) for o in opened}), len(clear))

    def test_format_s_refuses_workers_that_it_can_not_tell_apart(self):
        for options, what in ((dict(variant=3), "source address"),
                              (dict(variant=0, role="server"), "client id")):
            plan = Plan(self.lab, 1, form="S", **options)
            run = self.lab.run(make_config(self.lab, [plan]), [[], []], workers=2)
            self.assertEqual(run.status, 1)
            self.assertIn("only one worker may send under one " + what, run.err)

    def start_with_lists(self, workers, source, **lists):
        """A run of site A, whose first id is given. lists: ids in `addresses`, in `sources`."""
        plan = Plan(self.lab, 1, form="S")
        bindings = [{"source_id": i, "from": [B.ip4], "to": [A.ip4]}
                    for i in lists.get("addresses", ())]
        groups = [plan.config(A, source_id=source, addresses=bindings or None)]
        more = {"sources": lists["sources"]} if "sources" in lists else {}
        frames = [pcapfile.ethernet(numbered(n % 50, n, 10)) for n in range(100)]
        config = make_config(self.lab, [plan], groups=groups, policies=plan.policies(A, **more))
        return self.lab.run(config, [frames[i::workers] for i in range(workers)], workers=workers)

    def test_format_s_refuses_a_workers_id_that_the_lists_give_to_another(self):
        for lists in ({"addresses": ["0a000002"]}, {"sources": ["0a000002", "0a000009"]}):
            run = self.start_with_lists(2, "0a000001", **lists)
            self.assertEqual(run.status, 1, run.text())
            self.assertEqual(packets(run.cipher), [])
            self.assertIn(
                "trust group g1: its 2 workers send under the ids from 0a000001 on, one each, and "
                "addresses or sources have another's 0a000002; give each gateway a range", run.err)
            self.assertRan(self.start_with_lists(1, "0a000001", **lists))

    def test_format_s_warns_of_lists_in_which_a_workers_id_lacks(self):
        run = self.start_with_lists(3, "0a000001", sources=["0a000001", "0a000002"])
        self.assertRan(run)
        self.assertIn("trust group g1: addresses or sources leave out 0a000003, under which worker "
                      "2 sends; list every worker's id", run.err)
        run = self.start_with_lists(2, "0a000001", addresses=["0a000100"])
        self.assertRan(run)
        self.assertIn("have source id 0a000100 and none next to it; if that gateway has several "
                      "workers too, list the id of each", run.err)
        for workers, ids in ((1, ["0a000100"]), (2, ["0a000100", "0a000101"]),
                             (2, ["0a0000ff", "0a000100"])):
            run = self.start_with_lists(workers, "0a000001", addresses=ids)
            self.assertRan(run)
            self.assertNotIn("trust group", run.err)

    def test_workers_ids_do_not_pass_the_last_one(self):
        run = self.start_with_lists(2, "ffffffff")
        self.assertEqual(run.status, 1)
        self.assertIn("its 2 workers send under the ids from ffffffff on, one each, and these pass "
                      "the last id there is", run.err)
        self.assertRan(self.start_with_lists(2, "fffffffe"))

    def test_shows_what_each_worker_of_format_s_sends_under(self):
        plan = Plan(self.lab, 1, form="S")
        run = self.lab.run(make_config(self.lab, [plan]), [[], []], workers=2,
                           commands=["start", "drain", "show sessions json", "quit"])
        self.assertRan(run)
        self.assertEqual([(r["source"], r["session"]) for r in run.shown["sessions"]],
                         [("0a000001", 0), ("0a000002", 0)])
