# SPDX-License-Identifier: BSD-3-Clause
"""What a running saker shows to those who look in from outside."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import time

import openmetrics
import pcapfile
import pcapng
import profile
from harness import A, B, SakerTest, packets
from live import Live
from plan import EPOCH, NEAR4, Plan, make_config, octets
from test_policy import udp

NOUNS = ("stats", "drops", "stages", "groups", "keys", "sessions", "lcores", "policies", "peers", "psp")
POINTS = ("clear-in", "cipher-out", "cipher-in", "clear-out", "drops")


class Eyes(SakerTest):
    """10 packets are sealed, 3 fit no MTU, 5 are opened, 2 are damaged."""

    def setUp(self):
        super().setUp()
        self.plan = Plan(self.lab, 1, sn="counter")
        self.config = make_config(self.lab, [self.plan])
        self.config["ports"][1]["mtu"] = 1300
        frame = pcapfile.ethernet
        self.clear = [frame(self.plan.inner(A, 4, 100, i)) for i in range(10)]
        self.clear += [frame(self.plan.inner(A, 4, 1290, i)) for i in range(3)]
        self.cipher = [self.plan.sealed_frame(B, self.plan.inner(B, 4, 80, i)) for i in range(7)]
        for i in (2, 4):
            self.cipher[i] = self.cipher[i][:-1] + bytes([self.cipher[i][-1] ^ 1])

    def live(self, **more):
        live = Live(self.lab, self.config, self.clear, self.cipher, **more)
        self.addCleanup(live.end)
        return live.ready()


class Telemetry(Eyes):
    def test_tells_what_show_tells(self):
        live = self.live().received(20)
        self.assertIn("/saker/drops", json.loads(live.ask("/")[0])["/"])
        out, back = live.rows("stats")[0]
        self.assertEqual((out["direction"], out["packets_in"], out["packets_out"]),
                         ("outbound", 13, 10))
        self.assertEqual((back["packets_in"], back["packets_out"]), (7, 8))  # 3 errors
        drops = {r["reason"]: r["packets"] for r in live.rows("drops")[0]}
        self.assertEqual(drops, {"mtu": 3, "bad_icv": 2})
        policy = live.rows("policies")[0][0]
        self.assertEqual((policy["out_packets"], policy["out_drops"], policy["in_packets"]),
                         (10, 3, 5))
        self.assertEqual(policy["out_octets"], 1000)
        peer = live.rows("peers")[0]
        self.assertEqual([(p["peer"], p["out_packets"], p["out_drops"], p["in_octets"])
                          for p in peer], [(B.ip4, 10, 3, 400)])
        self.assertEqual(live.rows("groups")[0][0]["in_drops"], 2)
        stages = live.rows("stages")[0]
        self.assertTrue(any(s["stage"] == "seal" and s["packets"] == 10 for s in stages))
        lcore = live.rows("lcores")[0][0]
        self.assertEqual((lcore["outbound_in"], lcore["inbound_in"]), (13, 7))
        sources = {r["source"] for r in live.rows("sessions")[0] if r["direction"] == "in"}
        self.assertEqual(sources, {B.source[:4].hex()})
        self.assertRan(live.end())

    def test_never_tells_octets_of_keys(self):
        live = self.live()
        text = "".join(live.ask(*("/saker/" + n for n in NOUNS)))
        self.assertIn(self.plan.keys[0].id.hex(), text)
        for value in self.plan.keys[0].values.values():
            self.assertNotIn(value.hex()[:16], text.lower())
        self.assertRan(live.end())

    def test_gives_long_tables_page_by_page(self):
        policies = [{"name": "policy-%d" % i, "dst": "10.%d.%d.0/24" % (128 + i // 256, i % 256),
                     "action": "drop"}
                    for i in range(300)]
        self.config["policies"] += policies
        live = self.live()
        names, first = [], 0
        while first is not None:
            rows, table = live.rows("policies", first)
            self.assertTrue(rows)
            names += [r["name"] for r in rows]
            first = table.get("next")
        self.assertEqual(table["total"], len(self.config["policies"]))
        self.assertEqual(names, [p["name"] for p in self.config["policies"]])
        self.assertEqual(live.rows("policies", 100000)[0], [])
        self.assertRan(live.end())

    def test_refuses_what_is_no_row_and_lives_on(self):
        live = self.live()
        for bad in ("x", "-1", "1x", "99999999999999999999999", "0 0"):
            self.assertIn("null", live.ask("/saker/drops," + bad)[0], bad)
        for noun in ("config", "drops/x", "", "nosuch"):
            self.assertNotIn("rows", live.ask("/saker/" + noun)[0])
        self.assertTrue(live.rows("stats")[0])
        self.assertRan(live.end())

    def test_speaks_with_dpdk_telemetry_py(self):
        tool = shutil.which("dpdk-telemetry.py")
        if tool is None:
            self.skipTest("dpdk-telemetry.py is not installed (Debian package dpdk-dev)")
        live = self.live().received(20)
        told = subprocess.run([tool, "-f", live.prefix], input="/saker/drops\n", text=True,
                              capture_output=True, timeout=20, check=True).stdout
        rows = json.loads(told.splitlines()[-1])["/saker/drops"]["rows"]
        self.assertEqual({r["reason"] for r in rows.values()}, {"mtu", "bad_icv"})
        self.assertRan(live.end())


class Metrics(Eyes):
    def check(self, text):
        """Samples that the damaged and the long packets gave; by two parsers if there are two."""
        families = openmetrics.parse(text)
        drops = families["saker_dropped_packets"]["samples"]
        self.assertEqual({dict(k)["reason"]: v for k, v in drops.items() if v},
                         {"mtu": 3, "bad_icv": 2})
        self.assertEqual({dict(k)["direction"] for k in drops}, {"inbound", "outbound"})
        policy = families["saker_policy_packets"]["samples"]
        self.assertEqual(sorted(v for k, v in policy.items() if ("group", "g1") in k)[-2:],
                         [5, 10])
        self.assertTrue(all(f["samples"] for f in families.values()), families)
        stage = families["saker_stage_packets"]["samples"]
        self.assertEqual(stage[(("direction", "outbound"), ("lcore", "1"), ("stage", "seal"))], 10)
        if importlib.util.find_spec("prometheus_client"):
            from prometheus_client.openmetrics.parser import text_string_to_metric_families
            theirs = {f.name: f for f in text_string_to_metric_families(text)}
            self.assertEqual(set(theirs), set(families))
            for name, family in families.items():
                self.assertEqual(len(theirs[name].samples), len(family["samples"]), name)

    def run_once(self, *commands):
        script = ["start", "drain", *commands, "quit"]
        run = self.lab.run(self.config, self.clear, self.cipher, commands=script)
        self.assertRan(run)
        return run

    def test_shown_text_passes_parsers(self):
        out = self.run_once("show metrics").out
        self.check(out[: out.index("# EOF\n") + 6])

    def test_reader_is_strict(self):
        good = "# TYPE a_b counter\n# UNIT a_b b\na_b_total{c=\"d\"} 1\n# EOF\n"
        openmetrics.parse(good)
        for old, new in (("# EOF\n", ""), ("_total", ""), (" 1", " x"), ("b b", "b c"),
                         ('"d"', '"d'), ("a_b_total{c=\"d\"} 1\n", 2 * "a_b_total{c=\"d\"} 1\n")):
            with self.assertRaises(ValueError):
                openmetrics.parse(good.replace(old, new))

    def test_json_holds_the_same_samples(self):
        rows = self.run_once("show metrics json").shown["metrics"]
        byname = {(r["name"], r["labels"]): r["value"] for r in rows}
        self.assertEqual(byname["saker_received_packets_total", '{direction="outbound"}'], 13)
        self.assertEqual(len(byname), len(rows))

    def test_file_is_replaced_every_period_and_at_the_end(self):
        path = self.lab.path("saker.prom")
        live = self.live(options=("--metrics-file", path, "--stats-period", "1"))
        live.until(lambda: os.path.exists(path), "the metrics file")
        with open(path, encoding="ascii") as f:
            openmetrics.parse(f.read())
            first = os.fstat(f.fileno()).st_ino
            live.until(lambda: os.stat(path).st_ino != first, "another metrics file")
            f.seek(0)
            openmetrics.parse(f.read())  # who has the old one open still reads a whole one
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)
        live.received(20)
        self.assertRan(live.end())
        with open(path, encoding="ascii") as f:
            self.check(f.read())
        self.assertFalse(os.path.exists(path + ".tmp"))

    def test_a_file_that_cannot_be_written_is_told_once_and_stops_nobody(self):
        path = self.lab.path("nosuch/saker.prom")
        live = self.live(options=("--metrics-file", path, "--stats-period", "1"))
        time.sleep(2.5)
        live.received(20)
        run = live.end()
        self.assertRan(run)
        self.assertEqual(run.err.count(path), 1, run.err)
        self.assertIn("No such file", run.err)

    def test_a_full_disk_is_told_and_so_is_its_end(self):
        small = self.lab.path("small")
        os.mkdir(small)
        wrap = ["unshare", "-m", "--propagation", "private", "sh", "-c",
                'mount -t tmpfs -o size=8k none "$0" && head -c 8192 /dev/zero > "$0/fill"; '
                'exec "$@"', small]
        if subprocess.run([*wrap, "true"], check=False, capture_output=True).returncode:
            self.skipTest("tmpfs can't be mounted here")
        path = os.path.join(small, "saker.prom")
        live = self.live(options=("--metrics-file", path, "--stats-period", "1"), wrap=wrap)
        live.until(lambda: "No space left" in live.text(live.err), "a message")
        inside = "/proc/%d/root" % live.process.pid
        os.unlink(inside + small + "/fill")
        subprocess.run(["nsenter", "-t", str(live.process.pid), "-m", "mount", "-o",
                        "remount,size=4m", small], check=True)
        live.until(lambda: "are written" in live.text(live.err), "the end of it")
        run = live.end()
        self.assertIn("No space left on device; free some space there\n", run.err)
        self.assertIn("saker: metrics are written to %s again\n" % path, run.err)
        self.assertEqual(run.err.count(path), 2, run.err)

    def test_tells_nothing_of_a_links_target(self):
        """A link beside the file, where it would be written first, is not followed."""
        path, victim = self.lab.path("saker.prom"), self.lab.path("victim")
        with open(victim, "w", encoding="ascii") as f:
            f.write("untouched")
        os.symlink(victim, path + ".tmp")
        live = self.live(options=("--metrics-file", path))
        live.until(lambda: path in live.text(live.err), "a message")
        live.end()
        with open(victim, encoding="ascii") as f:
            self.assertEqual(f.read(), "untouched")


class OtherProcesses(Eyes):
    """DPDK's own tools attach to saker. They share its memory, so hugepages are needed, and
    devices that other processes can attach to: net_null can, net_pcap can't."""

    PAGES = "/proc/sys/vm/nr_hugepages"
    WANTED = 160  # of 2 MB

    def setUp(self):
        super().setUp()
        for tool in ("dpdk-dumpcap", "dpdk-proc-info", "nsenter"):
            if shutil.which(tool) is None:
                self.skipTest(tool + " is not installed")
        self.reserve()
        self.mount = self.lab.path("huge")
        os.mkdir(self.mount)
        self.wrap = ("unshare", "-m", "--propagation", "private", "sh", "-c",
                     'mount -t hugetlbfs -o pagesize=2M none "$0" && exec "$@"', self.mount)
        if subprocess.run([*self.wrap, "true"], check=False, capture_output=True).returncode:
            self.skipTest("hugetlbfs can't be mounted here")

    def reserve(self):
        with open(self.PAGES, encoding="ascii") as f:
            before = f.read()
        if int(before) >= self.WANTED:
            return
        try:
            with open(self.PAGES, "w", encoding="ascii") as f:
                f.write(str(self.WANTED))
        except OSError as e:
            self.skipTest("hugepages can't be reserved: %s" % e)
        self.addCleanup(lambda: open(self.PAGES, "w", encoding="ascii").write(before))
        with open(self.PAGES, encoding="ascii") as f:
            if int(f.read()) < self.WANTED:
                self.skipTest("there are not enough hugepages")

    def attach(self, live, tool, *args):
        """Run a tool that sees the memory of saker."""
        return subprocess.run(["nsenter", "-t", str(live.process.pid), "-m", tool, *args],
                              capture_output=True, text=True, timeout=60, check=False)

    def sharing(self):
        """A saker that takes commands as they are typed: (it, where to type)."""
        devices = ("net_null0", "net_null1")
        for port, device in zip(self.config["ports"], devices):
            port["device"] = device
        pipe = self.lab.path("commands")
        os.mkfifo(pipe)
        live = self.live(eal=("--huge-dir", self.mount, "-m", "256"), wrap=self.wrap,
                         vdevs=["%s,size=%d,copy=1" % (d, 80) for d in devices],
                         options=("--cmdline-file", pipe))
        typing = open(pipe, "w", buffering=1, encoding="ascii")
        self.addCleanup(typing.close)
        return live, typing

    def test_dumpcap_captures_what_a_port_receives(self):
        """Traffic is stopped before dumpcap lets go: DPDK 22.11 frees what a
        worker may still be writing into (docs/operations.md)."""
        live, typing = self.sharing()
        path = self.lab.path("dump.pcapng")
        tool = subprocess.Popen(["nsenter", "-t", str(live.process.pid), "-m", "dpdk-dumpcap",
                                 "--file-prefix=" + live.prefix, "-i", "net_null0", "-w", path],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(tool.kill)
        live.until(lambda: os.path.exists(path), "the file of dumpcap")
        typing.write("start\n")
        live.until(lambda: tool.poll() is not None or os.path.getsize(path) > 4096, "packets")
        typing.write("stop\nshow stats json\n")
        live.until(lambda: "stats" in live.text(live.out), "stop")
        tool.send_signal(signal.SIGINT)
        errors = tool.communicate(timeout=60)[1]
        self.assertEqual(tool.returncode, 0, errors)
        captured = [p for _, _, p in pcapng.read(path).packets]
        self.assertEqual(set(captured), {bytes(80)}, errors)
        typing.write("quit\n")
        live.process.wait(30)
        run = live.end()
        self.assertRan(run)
        self.assertNotIn("dumpcap", run.err)

    def test_proc_info_tells_of_ports(self):
        live, typing = self.sharing()
        typing.write("start\n")
        done = self.attach(live, "dpdk-proc-info", "--file-prefix=" + live.prefix, "--", "--stats")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("NIC statistics for port 0", done.stdout)
        typing.write("quit\n")
        live.process.wait(30)
        self.assertRan(live.end())

    def test_says_once_that_nobody_can_attach_without_hugepages(self):
        run = self.live().end()
        self.assertEqual(run.err.count("can't attach"), 1, run.err)


class Captures(Eyes):
    def run_commands(self, *commands, **more):
        script = list(commands)
        run = self.lab.run(self.config, self.clear, self.cipher, commands=script + ["quit"], **more)
        return run

    def test_all_points_of_one_run_in_one_file(self):
        path = self.lab.path("all.pcapng")
        run = self.run_commands("capture start all " + path, "start", "drain",
                                "show captures json", "capture stop", "show captures")
        self.assertRan(run)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        f = pcapng.read(path)
        self.assertEqual([i.name for i in f.interfaces], list(POINTS))
        self.assertTrue(all(i.options[pcapng.IF_TSRESOL] == [b"\x09"] for i in f.interfaces))
        at = {p: [frame for name, _, frame in f.packets if name == p] for p in POINTS}
        self.assertSame(at["clear-in"], self.clear)
        self.assertSame(at["cipher-in"], self.cipher)
        self.assertSame(at["cipher-out"], run.cipher[0])
        self.assertSame(at["clear-out"], run.clear[0])
        self.check_drops(f)
        self.assertTrue(all(abs(t / 1e9 - time.time()) < 600 for t in f.times))
        self.assertIn("drops: 5 packets in %s, 0 lost" % path, run.out)

    def check_drops(self, f):
        """Reasons stand in the comments; frames are those that came, as far as they still are."""
        drops = [(c, frame) for name, c, frame in f.packets if name == "drops"]
        self.assertEqual(sorted(c for c, _ in drops), [["bad_icv"]] * 2 + [["mtu"]] * 3)
        self.assertFalse(any(c for name, c, _ in f.packets if name != "drops"))
        lost = {pcapfile.ip_packet(frame) for c, frame in drops if c == ["mtu"]}
        self.assertEqual(lost, {pcapfile.ip_packet(frame) for frame in self.clear[10:]})
        for c, frame in drops:
            self.assertEqual(frame[:14], bytes(12) + b"\x08\0")
            if c == ["bad_icv"]:
                self.assertEqual(profile.decap(pcapfile.ip_packet(frame))[1][:16],
                                 profile.decap(pcapfile.ip_packet(self.cipher[2]))[1][:16])

    def test_frames_that_are_no_ip_keep_their_ethernet_header(self):
        arp = bytes(12) + b"\x08\x06" + bytes(46)
        self.clear = [arp, self.clear[0][:13], pcapfile.ethernet(b"\x95" + bytes(30))]
        path = self.lab.path("drops.pcapng")
        run = self.run_commands("capture start drops " + path, "start", "drain", "capture stop drops")
        self.assertRan(run)
        got = [(c, frame) for _, c, frame in pcapng.read(path).packets if c[0] != "bad_icv"]
        self.assertEqual(got[:2], [(["neighbour_bad"], arp), (["runt"], self.clear[1])])
        self.assertEqual((got[2][0], got[2][1][12:15]), (["not_ip"], b"\xff\xff\x95"))

    def test_runs_while_traffic_does_and_leaves_workers_alone_afterwards(self):
        paths = [self.lab.path("%d.pcapng" % i) for i in range(4)]
        script = []
        for p in paths:
            script += ["capture start all " + p, "show captures json", "capture stop"]
        run = self.run_commands("start", *script, "drain", "show drops json", workers=3)
        self.assertRan(run)
        for p in paths:
            pcapng.read(p)
        self.assertEqual(run.drops(), {"mtu": 3, "bad_icv": 2})

    def test_what_finds_no_room_is_counted(self):
        """Whatever is not in the file is in the count of losses."""
        self.clear = [self.clear[0]] * 20000
        path = self.lab.path("big.pcapng")
        run = self.run_commands("capture start clear-in " + path, "start", "drain", "capture stop",
                                "show captures json")
        self.assertRan(run)
        row = run.shown["captures"][0]
        n = len(pcapng.read(path).packets)
        self.assertEqual((row["point"], row["running"], row["packets"]), ("clear-in", False, n))
        self.assertEqual(n + row["lost"], 20000)
        self.assertEqual(row["octets"], n * len(self.clear[0]))

    def test_a_full_disk_is_told_once_and_counted(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        small = self.lab.path("small")
        os.mkdir(small)
        wrap = ["unshare", "-m", "--propagation", "private", "sh", "-c",
                'mount -t tmpfs -o size=16k none "$0" && exec "$@"', small]
        if subprocess.run([*wrap, "true"], check=False, capture_output=True).returncode:
            self.skipTest("tmpfs can't be mounted here")
        self.clear = [self.clear[0]] * 2000
        script = self.lab.path("full.cmd")
        with open(script, "w", encoding="ascii") as f:
            f.write("capture start clear-in %s/f\nstart\ndrain\ncapture stop\n"
                    "show captures json\nquit\n" % small)
        live = Live(self.lab, self.config, self.clear, self.cipher, wrap=wrap,
                    options=("--cmdline-file", script))
        self.assertEqual(live.process.wait(60), 0)
        run = live.end()
        self.assertEqual(run.err.count("No space left"), 1, run.err)
        row = run.shown["captures"][0]
        self.assertGreater(row["lost"], 0)
        self.assertEqual(row["packets"] + row["lost"], 2000)

    def test_refuses_what_it_should_not_write_over(self):
        link, fifo, victim = (self.lab.path(n) for n in ("link", "fifo", "victim"))
        with open(victim, "w", encoding="ascii") as f:
            f.write("untouched")
        os.symlink(victim, link)
        os.mkfifo(fifo)
        for bad, why in ((link, "name the file itself"), (fifo, "no regular file"),
                         ("/dev/full", "no regular file"), (self.lab.dir, "directory"),
                         (self.lab.path("no/such"), "No such")):
            run = self.run_commands("capture start drops " + bad)
            self.assertEqual(run.status, 1, run.text())
            self.assertIn(bad + " can't be written", run.err)
            self.assertIn(why, run.err)
        with open(victim, encoding="ascii") as f:
            self.assertEqual(f.read(), "untouched")

    def test_refuses_what_makes_no_sense(self):
        one, two = self.lab.path("one"), self.lab.path("two")
        for commands, why in (
                (("capture start nosuch f",), "there is no point 'nosuch'"),
                (("capture stop",), "nothing is captured"),
                (("capture stop nosuch",), "there is no point"),
                (("capture start drops " + one, "capture start all " + two), "already"),
                (("capture start drops " + one, "capture stop clear-in"), "at clear-in"),
                (("capture start drops " + one, "capture start clear-in " + one),
                 "another capture writes it")):
            run = self.run_commands(*commands)
            self.assertEqual(run.status, 1, run.text())
            self.assertIn(why, run.err)

    def test_a_file_of_before_is_emptied_and_made_private(self):
        path = self.lab.path("old")
        with open(path, "wb") as f:
            f.write(bytes(100000))
        os.chmod(path, 0o644)
        self.assertRan(self.run_commands("capture start drops " + path, "capture stop"))
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(pcapng.read(path).packets, [])


class Trace(Eyes):
    def trace(self, *commands, **more):
        run = self.lab.run(self.config, self.clear, self.cipher, commands=[*commands, "quit"],
                           **more)
        self.assertRan(run)
        return run

    def test_tells_what_became_of_each_packet(self):
        run = self.trace("trace 50", "start", "drain", "show trace json", "show trace")
        rows = run.shown["trace"]
        self.assertEqual(len(rows), 20)
        out = [r for r in rows if r["direction"] == "outbound"]
        sealed = [r for r in out if r["verdict"] == "sent"]
        self.assertEqual(len(sealed), 10)
        header = [profile.read_header(profile.decap(p)[1]) for p in packets(run.cipher)]
        for r, h, p in zip(sealed, header, packets(run.cipher)):
            self.assertEqual((r["sn"], r["session"], r["source"]),
                             ("%016x" % h.sn, h.session, A.source[:4].hex()))
            self.assertEqual((r["octets_in"], r["octets_out"]), (114, len(p)))
            self.assertEqual((r["group"], r["src"], r["reason"]), ("g1", NEAR4, None))
            self.assertEqual(r["stages"],
                             "rx parse classify route plan sn headers seal tx")
        lost = [r for r in out if r["verdict"] == "drop"]
        self.assertEqual([(r["reason"], r["sn"], r["octets_in"]) for r in lost],
                         [("mtu", None, 1304)] * 3)
        self.assertTrue(all(r["policy"] and r["stages"].endswith("route") for r in lost))
        self.check_inbound([r for r in rows if r["direction"] == "inbound"])
        self.assertIn("30 more packets are waited for", run.out)

    def check_inbound(self, rows):
        bad = [r for r in rows if r["verdict"] == "drop"]
        self.assertEqual([(r["reason"], r["group"], r["policy"]) for r in bad],
                         [("bad_icv", "g1", None)] * 2)
        good = [r for r in rows if r["verdict"] == "sent"]
        self.assertEqual([(r["src"], r["dst"], r["octets_out"]) for r in good],
                         [(B.ip4, A.ip4, 80)] * 5)
        self.assertTrue(all(r["policy"] and r["source"] == B.source[:4].hex() for r in good))

    def test_stops_by_itself(self):
        run = self.trace("trace 4", "start", "drain", "show trace json")
        self.assertEqual([r["number"] for r in run.shown["trace"]], [1, 2, 3, 4])
        self.assertNotIn("waited for", run.out)

    def test_a_new_trace_forgets_the_old_one_and_zero_ends_it(self):
        run = self.trace("trace 1000", "start", "trace 1000", "trace 0", "drain",
                         "show trace json", "show trace")
        self.assertEqual(run.shown["trace"], [])
        self.assertIn("no packets were traced", run.out)

    def test_sees_both_workers_of_a_packet_that_is_handed_over(self):
        # of 8 sessions some belong to each of three workers
        self.cipher = [self.plan.sealed_frame(B, self.plan.inner(B, 4, 80, i), session=i % 8)
                       for i in range(64)]
        self.clear = []
        run = self.trace("trace 1000", "start", "drain", "show trace json", "show lcores json",
                         workers=3)
        rows = run.shown["trace"]
        handed = [r for r in rows if r["verdict"] == "handed over"]
        self.assertEqual(len(handed), sum(r["handed_over"] for r in run.shown["lcores"]))
        self.assertTrue(handed)
        self.assertTrue(all(r["stages"].endswith(" own") for r in handed))
        self.assertEqual(len([r for r in rows if r["verdict"] == "sent"]), 64)

    def test_refuses_what_is_no_number(self):
        for bad in ("-1", "1025", "x", "1x"):
            run = self.lab.run(self.config, commands=["trace " + bad])
            self.assertEqual(run.status, 1)
            self.assertIn("'%s'" % bad, run.err)

    def test_tells_what_saker_answers_itself(self):
        """A neighbour asks for the address of the cipher port."""
        mac = b"\x02\0\0\0\0\x03"
        ask = b"\0\1\x08\0\6\4\0\1" + mac + octets(B.ip4) + bytes(6) + octets(A.ip4)
        self.cipher = [b"\xff" * 6 + mac + b"\x08\x06" + ask + bytes(18)]
        self.clear = []
        row = self.trace("trace 1", "start", "drain", "show trace json").shown["trace"][0]
        self.assertEqual((row["verdict"], row["reason"], row["policy"], row["sn"], row["stages"]),
                         ("taken", None, None, None, "rx outer"))

    def test_shows_bypass(self):
        self.config["policies"].insert(0, {"name": "by", "dst": "10.9.0.53/32",
                                           "action": "bypass"})
        self.clear = [pcapfile.ethernet(udp(NEAR4, "10.9.0.53"))]
        self.cipher = [pcapfile.ethernet(udp("10.9.0.53", NEAR4))]
        rows = self.trace("trace 9", "start", "drain", "show trace json").shown["trace"]
        self.assertEqual(sorted((r["direction"], r["verdict"], r["policy"]) for r in rows),
                         [("inbound", "bypass", "by"), ("outbound", "bypass", "by")])


class OwnSource(SakerTest):
    """Site A, and packets that verify under A's own source id."""

    def twin_frame(self, plan, seed, **changes):
        """What a second gateway with A's source id would send to A."""
        outer = {} if plan.o.variant < 3 else {"outer_src": octets(A.ip(plan.o.outer))}
        clear = plan.inner(B, 4, 80, seed)
        return plan.sealed_frame(B, clear, source=plan.wire_source(A), **outer, **changes)

    def run_twice(self, plan, cipher, clear=10, **more):
        """Send some packets, then receive; SNs of the first run are used by then."""
        config = make_config(self.lab, [plan])
        out = [pcapfile.ethernet(plan.inner(A, 4, 80, i)) for i in range(clear)]
        self.assertRan(self.lab.run(config, out))
        run = self.lab.run(config, (), cipher, commands=[
            "start", "drain", "show groups json", "show metrics json", "quit"], **more)
        self.assertRan(run)
        group = run.shown["groups"][0]
        metrics = {r["name"]: r["value"] for r in run.shown["metrics"]}
        self.assertEqual(metrics["saker_group_own_source_packets_total"], group["own_source"])
        self.assertEqual(metrics["saker_group_twin_packets_total"], group["twin"])
        return run, (group["own_source"], group["twin"])

    def test_shouts_about_sns_that_were_never_used(self):
        for variant, outer in ((0, 4), (1, 4), (2, 4), (3, 4), (4, 4), (3, 6), (4, 6)):
            with self.subTest(variant=variant, outer=outer):
                plan = Plan(self.lab, 1 + variant + outer, variant=variant, outer=outer,
                            sn="counter", replay_window=1024)
                frames = [self.twin_frame(plan, i, sn=EPOCH << 48 | 1 << 40 | i) for i in range(5)]
                frames += [plan.sealed_frame(B, plan.inner(B, 4, 80, i)) for i in range(3)]
                run, counted = self.run_twice(plan, frames)
                self.assertEqual(counted, (5, 5))
                self.assertEqual(run.err.count("ANOTHER GATEWAY"), 1, run.err)
                self.assertIn("trust group g%d" % plan.n, run.err)
                self.assertIn("5 packets came under our own source id, 5 of them", run.out)

    def test_hears_a_twin_of_any_worker_in_format_s(self):
        """Worker n sends under source id + n; B's own id is far from those."""
        for variant in range(3):
            with self.subTest(variant=variant):
                plan = Plan(self.lab, 20 + variant, form="S", variant=variant, sn="counter",
                            replay_window=1024)
                first, twins, others = plan.wire_source(A), [], []
                for step in range(6):
                    at = 3 if variant == 2 else len(first) - 1
                    source = first[:at] + bytes([first[at] + step]) + first[at + 1 :]
                    frame = plan.sealed_frame(B, plan.inner(B, 4, 80, step), source=source,
                                              sn=EPOCH << 48 | 1 << 40 | step)
                    (twins if step < 3 else others).append(frame)
                run, counted = self.run_twice(plan, twins + others, workers=3)
                self.assertEqual(counted, (3, 3))
                self.assertIn("ANOTHER GATEWAY SENDS UNDER OUR SOURCE ID", run.err)

    def test_takes_what_its_own_workers_of_format_s_sent_for_reflected(self):
        plan = Plan(self.lab, 23, form="S", sn="counter", replay="none")
        config = make_config(self.lab, [plan])
        out = [pcapfile.ethernet(plan.inner(A, 4, 80, i)) for i in range(40)]
        sent = self.lab.run(config, [out[i::2] for i in range(2)], workers=2)
        self.assertRan(sent)
        back = [pcapfile.ethernet(self.turned(p)) for p in packets(sent.cipher)]
        run = self.lab.run(config, ((), ()), back, workers=2,
                           commands=["start", "drain", "show groups json", "quit"])
        group = run.shown["groups"][0]
        self.assertEqual((group["own_source"], group["twin"]), (40, 0))
        self.assertNotIn("ANOTHER GATEWAY", run.err)

    @staticmethod
    def turned(outer):
        """Outer addresses exchanged: the checksum stays right, and the key is not theirs."""
        return outer[:12] + outer[16:20] + outer[12:16] + outer[20:]

    def test_counts_reflected_packets_without_alarm(self):
        plan = Plan(self.lab, 1, sn="counter")
        frames = [self.twin_frame(plan, i, sn=EPOCH << 48 | i) for i in range(1, 8)]
        run, counted = self.run_twice(plan, frames)
        self.assertEqual(counted, (7, 0))
        self.assertNotIn("ANOTHER GATEWAY", run.err)
        self.assertEqual(run.err.count("reflected"), 1, run.err)

    def test_shouts_about_a_session_that_is_none_of_ours(self):
        plan = Plan(self.lab, 1, sn="counter")
        frame = self.twin_frame(plan, 1, sn=EPOCH << 48 | 1, session=5)
        run, counted = self.run_twice(plan, [frame])
        self.assertEqual(counted, (1, 1))
        self.assertIn("ANOTHER GATEWAY", run.err)

    def test_works_without_windows_and_with_several_workers(self):
        plan = Plan(self.lab, 1, sn="counter", replay="none")
        frames = [self.twin_frame(plan, i, sn=EPOCH << 48 | 1 << 40 | i, session=i % 8)
                  for i in range(40)]
        self.assertEqual(self.run_twice(plan, frames, workers=3)[1], (40, 40))

    def test_knows_the_ids_of_all_its_workers_where_there_are_no_sessions(self):
        """B's id is the one behind A's: a second worker at A would take it."""
        plan = Plan(self.lab, 1, form="S", sn="counter", replay="none")
        frames = [plan.sealed_frame(B, plan.inner(B, 4, 80, i), sn=EPOCH << 48 | 1 << 40 | i)
                  for i in range(5)]
        self.assertEqual(self.run_twice(plan, frames)[1], (0, 0))
        run, counted = self.run_twice(plan, frames, workers=2)
        self.assertEqual(counted, (5, 5))
        self.assertIn("ANOTHER GATEWAY", run.err)

    def test_is_not_fooled_by_packets_that_do_not_verify(self):
        plan = Plan(self.lab, 1, sn="counter")
        frame = self.twin_frame(plan, 1, sn=EPOCH << 48 | 1 << 40)
        run, counted = self.run_twice(plan, [frame[:-1] + bytes([frame[-1] ^ 1])] * 9)
        self.assertEqual(counted, (0, 0))
        self.assertNotIn("own source", run.err + run.out)

    def test_says_nothing_of_peers_and_of_clients_whose_id_both_sides_carry(self):
        for number, options in enumerate(({}, {"role": "server", "rekey": -1},
                                          {"role": "client", "rekey": -1}), 1):
            with self.subTest(**options):
                plan = Plan(self.lab, number, sn="counter", **options)
                frames = [plan.sealed_frame(B, plan.inner(B, 4, 80, i)) for i in range(5)]
                run, counted = self.run_twice(plan, frames)
                self.assertEqual(counted, (0, 0))
                self.assertFalse(run.drops())
                self.assertNotIn("own source", run.err + run.out)

    def test_shouts_again_but_not_often(self):
        plan = Plan(self.lab, 1, sn="counter", replay="none")
        frames = [self.twin_frame(plan, i, sn=EPOCH << 48 | 1 << 40 | i) for i in range(20)]
        live = Live(self.lab, make_config(self.lab, [plan]), (), frames)
        self.addCleanup(live.end)
        live.ready().received(20)
        live.until(lambda: "ANOTHER GATEWAY" in live.text(live.err), "a warning")
        time.sleep(2.5)
        run = live.end()
        self.assertLessEqual(run.err.count("ANOTHER GATEWAY"), 2, run.err)
