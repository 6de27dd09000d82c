# SPDX-License-Identifier: BSD-3-Clause
"""The program as a process: exit codes, signals, service manager, privileges, idleness."""

import os
import pathlib
import pwd
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import time
import unittest

import pcapfile
from harness import CIPHER_DEVICE, CLEAR_DEVICE, SakerTest, kill, packets, program
from plan import Plan, make_config
from test_scale import numbered

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OPTION = re.compile(r"^  (?:-(\w), |    )--([a-z-]+)(?: ([A-Z]+))?", re.M)
STATLINE = re.compile(r"^outbound \d+ in/s \d+ out/s [\d.]+ Gbit/s \d+ drops/s \| inbound \d+ in/s "
                      r"\d+ out/s [\d.]+ Gbit/s \d+ drops/s \| busiest lcore \d+ \d+ %$", re.M)


class ProcessTest(SakerTest):
    def setUp(self):
        super().setUp()
        self.plan = Plan(self.lab, 1)

    def config(self, **gateway):
        config = make_config(self.lab, [self.plan])
        config["gateway"].update(gateway)
        return config

    def frames(self, count=200):
        return [pcapfile.ethernet(numbered(n % 8, n, 40)) for n in range(count)]

    def prepare(self, config, *options, frames=()):
        """Arguments of a run between captures."""
        ends = []
        for device, packets_in in ((CLEAR_DEVICE, list(frames)), (CIPHER_DEVICE, [])):
            rx = self.lab.queues("rx-" + device, packets_in)
            ends.append("%s,rx_pcap=%s,tx_pcap=%s" % (device, rx[0],
                                                     self.lab.path("tx-%s.pcap" % device)))
        return self.lab.command(self.lab.write_config(config), ends, 1, options)

    def start(self, args, env=None, stdout=subprocess.PIPE):
        p = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=stdout, cwd=self.lab.dir,
                             stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})
        self.addCleanup(kill, p)
        return p

    def hears(self, process, text):
        heard = b""
        while text.encode() not in heard:
            ready = select.select([process.stdout], [], [], 30)[0]
            piece = os.read(process.stdout.fileno(), 4096) if ready else b""
            if not piece:
                return False
            heard += piece
        return True

    def end(self, process):
        """Ask it to end. Exit code and output."""
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=30)[0]
        return process.returncode, out.decode()


class ExitCodes(ProcessTest):
    def code(self, *args):
        return self.lab.execute([program("SAKER"), *args]).status

    def test_0_when_all_was_done(self):
        self.assertEqual(self.code("--help"), 0)
        self.assertEqual(self.code("--version"), 0)
        self.assertEqual(self.code("--", "--help"), 0)
        self.assertRan(self.lab.execute(self.prepare(self.config(), "--drain")))

    def test_1_when_something_failed(self):
        self.assertEqual(self.code("--", "-c", "nosuch.cfg"), 1)
        path = self.lab.write_config("gateway: { speed = 9; };", "bad.cfg")
        self.assertEqual(self.code("--", "-c", path, "--check-config"), 1)
        good = self.prepare(self.config(), "--user", "no-such-user")
        run = self.lab.execute(good)
        self.assertEqual(run.status, 1)
        self.assertIn("there is no user no-such-user", run.err)
        with open(self.lab.path("bad.cmd"), "w", encoding="ascii") as f:
            f.write("start\nstrat\n")
        run = self.lab.execute(self.prepare(self.config(), "--cmdline-file", "bad.cmd"))
        self.assertEqual(run.status, 1)

    def test_2_when_the_command_line_is_wrong(self):
        for args in ((), ("-c", "x.cfg"), ("--",), ("--", "--nosuch"), ("--", "-c"),
                     ("--", "-c", "x.cfg", "more"), ("--", "-c", "x.cfg", "--stats-period", "x")):
            with self.subTest(args=args):
                self.assertEqual(self.code(*args), 2)

    def test_help_document_and_man_page_agree_on_options_and_exit_codes(self):
        text = self.lab.execute([program("SAKER"), "--help"]).out
        man = (ROOT / "docs/man/saker.8").read_text().replace("\\-", "-")
        document = (ROOT / "docs/cli.md").read_text()
        options = OPTION.findall(text)
        self.assertGreater(len(options), 8)
        for letter, name, value in options:
            self.assertRegex(man, r"(?m)^\.B[RI]* .*--%s\b.*%s" % (name, value))
            self.assertRegex(document, r"(?m)^\| (`-%s.*)?`--%s.*\|" % (letter or "-", name))
        self.assertEqual(set(re.findall(r"^\.BR? .*--([a-z-]+)", man, re.M)),
                         {name for _, name, _ in options})
        codes = dict(re.findall(r"(\d+) ([a-z ]+)[,.\n]", text[text.index("Exit codes:"):]))
        self.assertEqual(set(codes), {"0", "1", "2", "130"})
        for code in codes:
            self.assertRegex(man, r"(?m)^\.B %s$" % code)
            self.assertRegex(document, r"(?m)^\| %s \|" % code)


class Signals(ProcessTest):
    def test_ends_cleanly_on_a_signal(self):
        for sig in (signal.SIGINT, signal.SIGTERM):
            p = self.start(self.prepare(self.config(), "--stats-period", "1"))
            self.assertTrue(self.hears(p, "busiest lcore"))
            p.send_signal(sig)
            p.communicate(timeout=30)
            self.assertEqual(p.returncode, 0)

    def test_a_hangup_during_the_start_is_a_reload_after_it(self):
        p = self.start(self.prepare(self.config()))
        self.assertTrue(self.hears(p, "Detected CPU lcores"))
        p.send_signal(signal.SIGHUP)
        self.assertTrue(self.hears(p, "reload: done"))
        self.assertEqual(self.end(p)[0], 0)

    def test_traffic_goes_on_when_nobody_reads_what_is_printed(self):
        p = self.start(self.prepare(self.config(), "--stats-period", "1"))
        self.assertTrue(self.hears(p, "busiest lcore"))
        p.stdout.close()
        time.sleep(2.5)
        self.assertIsNone(p.poll())
        p.send_signal(signal.SIGTERM)
        self.assertEqual(p.wait(30), 0)

    def test_a_second_signal_ends_even_a_program_that_hangs(self):
        """Nobody reads its output, so it hangs when it prints the statistics."""
        p = self.start(self.prepare(self.config(), "--stats-period", "1"))
        self.assertTrue(self.hears(p, "busiest lcore"))
        out = os.open("/proc/self/fd/%d" % p.stdout.fileno(), os.O_WRONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, out)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(out, b"x" * 512)
        p.send_signal(signal.SIGINT)
        time.sleep(2.5)
        self.assertIsNone(p.poll())
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(30), 130)

    def test_prints_a_line_every_period(self):
        p = self.start(self.prepare(self.config(), "--stats-period", "1", frames=self.frames()))
        self.assertTrue(self.hears(p, "%\n"))
        code, out = self.end(p)
        self.assertEqual(code, 0)
        p = self.start(self.prepare(self.config(), "--stats-period", "1"))
        self.assertTrue(self.hears(p, "busiest lcore"))
        time.sleep(2)
        self.assertRegex(self.end(p)[1], STATLINE)


class ServiceManager(ProcessTest):
    def setUp(self):
        super().setUp()
        self.name = "\0saker-test-%d" % os.getpid()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(self.name)
        self.socket.settimeout(30)
        self.env = {"NOTIFY_SOCKET": "@" + self.name[1:]}

    def message(self):
        return self.socket.recv(4096).decode().splitlines()

    def test_is_told_when_traffic_runs_and_when_it_ends(self):
        p = self.start(self.prepare(self.config()), self.env)
        ready = self.message()
        self.assertEqual(ready[0], "READY=1")
        self.assertRegex(ready[1], r"^STATUS=2 ports, 1 workers, crypto driver \w+$")
        self.assertEqual(self.end(p)[0], 0)
        self.assertEqual(self.message()[0], "STOPPING=1")

    def test_gets_signs_of_life_and_the_statistics_line(self):
        p = self.start(self.prepare(self.config(), "--stats-period", "1"),
                       {**self.env, "WATCHDOG_USEC": "400000"})
        seen = set()
        while not {"READY", "WATCHDOG", "STATUS"} <= seen:
            message = self.message()
            seen.add(message[0].split("=")[0])
            if message[0].startswith("STATUS="):
                self.assertRegex(message[0][7:], STATLINE)
        self.assertEqual(self.end(p)[0], 0)

    def test_is_told_nothing_by_a_start_that_fails(self):
        self.assertEqual(self.lab.execute(self.prepare(self.config(), "--crypto-driver", "nosuch"),
                                          env=self.env).status, 1)
        self.socket.setblocking(False)
        self.assertRaises(BlockingIOError, self.message)

    def test_the_unit_is_sound_and_closed(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        text = (ROOT / "config/saker.service").read_text()
        for line in ("Type=notify", "ExecReload=/bin/kill -HUP $MAINPID", "LimitCORE=0",
                     "NoNewPrivileges=yes", "ProtectSystem=strict", "StateDirectory=saker"):
            self.assertIn("\n%s\n" % line, text)
        text = text.replace("/usr/bin/saker", program("SAKER")).replace("man:saker(8)",
                                                                        "man:man(1)")
        unit = self.lab.path("saker.service")
        with open(unit, "w", encoding="ascii") as f:
            f.write("\n".join(l for l in text.splitlines() if not l.startswith("Documentation")))
        run = self.lab.execute(["systemd-analyze", "verify", "--man=no", unit])
        self.assertNotIn("saker.service", run.out + run.err)
        run = self.lab.execute(["systemd-analyze", "security", "--offline=true",
                                "--threshold=30", unit])
        if "nrecognized option" in run.err:
            self.skipTest("systemd-analyze is too old")
        self.assertEqual(run.status, 0, run.text())


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class Privileges(ProcessTest):
    USER = "nobody"

    def setUp(self):
        super().setUp()
        self.plan.lab.key("zone-x")
        self.uid = pwd.getpwnam(self.USER).pw_uid
        os.chmod(self.lab.dir, 0o755)

    def give(self):
        """To the user: the directory, so that state can be made in it, and the keys."""
        os.chown(self.lab.dir, self.uid, -1)
        for key in self.lab.keys.values():
            os.chown(key.path, self.uid, -1)

    def status(self, pid, task=None):
        path = "/proc/%d/status" % pid if task is None else "/proc/%d/task/%s/status" % (pid, task)
        with open(path, encoding="ascii") as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)

    def test_gives_up_root_for_good(self):
        self.give()
        p = self.start(self.prepare(self.config(), "--user", self.USER, "--stats-period", "1",
                                    frames=self.frames()))
        self.assertTrue(self.hears(p, "busiest lcore"))
        status = self.status(p.pid)
        self.assertEqual(status["Uid"].split(), [str(self.uid)] * 4)
        self.assertNotIn("0", status["Gid"].split() + status["Groups"].split())
        self.assertEqual(int(status["CapEff"], 16) & ~(1 << 12 | 1 << 13), 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        for task in os.listdir("/proc/%d/task" % p.pid):
            other = self.status(p.pid, task)
            self.assertEqual(other["Uid"].split(), [str(self.uid)] * 4)
            if other["Name"].startswith(("rte-worker", "eal-intr")):
                self.assertEqual(int(other["CapEff"], 16), 0)
        code, out = self.end(p)
        self.assertEqual(code, 0, out)
        for name in ("state-a", "state-a/lock", "state-a/sn-reservations"):
            self.assertEqual(os.stat(self.lab.path(name)).st_uid, self.uid)
        self.assertEqual(len(pcapfile.read(self.lab.path("tx-%s.pcap" % CIPHER_DEVICE))), 200)

    def test_reads_keys_as_that_user_from_the_beginning(self):
        run = self.lab.execute(self.prepare(self.config(), "--user", self.USER, "--drain"))
        self.assertEqual(run.status, 1)
        self.assertIn("zone-x.key: can't open the key file: Permission denied", run.err)

    def test_needs_root_for_it(self):
        self.give()
        args = self.prepare(self.config(), "--user", "daemon", "--check-config")
        text = shlex.join(args)
        if shutil.which("su") is None:
            self.skipTest("su is not there")
        run = self.lab.execute(["su", "-s", "/bin/sh", self.USER, "-c", text])
        if "Permission denied" in run.err:
            self.skipTest("%s can't reach the program" % self.USER)
        self.assertEqual(run.status, 1)
        self.assertIn("only root can become user daemon", run.err)


class Memory(ProcessTest):
    def test_says_how_many_hugepages_there_must_be(self):
        config = self.config(mbufs=4194304)
        args = [a for a in self.prepare(config, "--drain") if a != "--no-huge"]
        at = args.index("-m")
        run = self.lab.execute(args[:at] + args[at + 2:])
        self.assertEqual(run.status, 1)
        self.assertRegex(run.err, r"needs about 2\d{4} MB of hugepages, \d+ MB are free; reserve "
                                  r"them with 'sysctl -w vm.nr_hugepages=1\d{4}'")

    def test_says_how_much_to_give_without_hugepages(self):
        run = self.lab.execute(self.prepare(self.config(mbufs=4194304), "--drain"))
        self.assertEqual(run.status, 1)
        self.assertRegex(run.err, r"--no-huge gives 512 MB; give EAL '-m 2\d{4}'")


class Idleness(ProcessTest):
    def naps(self, idle):
        run = self.lab.run(self.config(idle=idle), self.frames(2000), workers=2,
                           commands=["start", "drain", "show lcores json", "show drops json",
                                     "quit"])
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertEqual(len(packets(run.cipher)), 2000)
        self.assertEqual({row["idle"] for row in run.shown["lcores"]}, {idle})
        return [row["naps"] for row in run.shown["lcores"]]

    def test_workers_sleep_only_when_told_to_and_lose_nothing(self):
        self.assertEqual(self.naps("poll"), [0, 0])
        self.assertTrue(all(n > 0 for n in self.naps("sleep")))
