# SPDX-License-Identifier: BSD-3-Clause
"""SAs of PSP from a gateway that runs: the prompt, the socket and who may use it."""

import json
import os
import re
import socket
import stat
import threading
import time

import libsas
import psp
from harness import B, kill
from live import Live
from test_psp_roles import Roles

MANY = 1024


class Prompt(Roles):
    def test_the_prompt_writes_sas_to_files_and_prints_no_key(self):
        root = self.root("b")
        config = self.config(B, self.group("server", root))
        run = self.lab.run(config, commands=[
            "psp spi new g", "psp spi new g 3", "psp spi new g 2 " + self.lab.path("two.key"), "quit"])
        self.assertRan(run)
        self.assertIsNone(re.search("[0-9a-f]{32}", run.out + run.err))
        names = ["state-b/psp-g-00000001.key", "state-b/psp-g-00000002.key", "two.key"]
        spis = []
        for name in names:
            path = self.lab.path(name)
            self.assertIn(name, run.err)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            for sa in libsas.read(path):
                self.assertEqual(sa.key, psp.derive(root.values["current"], 1, sa.spi))
                spis.append(sa.spi)
        self.assertEqual(spis, [1, 2, 3, 4, 5, 6])

    def refused(self, group, command, *words):
        run = self.lab.run(self.config(B, group), commands=[command, "quit"])
        self.assertEqual(run.status, 1)
        for word in words:
            self.assertIn(word, run.err)

    def test_what_can_not_be_handed_out_is_told(self):
        root = self.root("b")
        server = self.group("server", root)
        self.refused(server, "psp spi new x", "no such trust group")
        self.refused(server, "psp spi new g 0", "count is not")
        self.refused(server, "psp spi new g 1025", "count is not")
        self.refused(server, "psp spi new g -3", "count is not")
        self.refused(self.group("peer", root), "psp spi new g", "hands no SPIs out")
        self.refused(self.group("server", root, spi=5, spi_last=9), "psp spi new g 6",
                     "5 SPIs are left", "rotate it")
        with open(self.lab.path("there.key"), "w", encoding="ascii"):
            pass
        self.refused(server, "psp spi new g 1 " + self.lab.path("there.key"), "is there already")

    def test_a_restart_skips_the_rest_of_a_block_and_the_key_tool_goes_on_behind_it(self):
        config = self.config(B, self.group("server", self.root("b")))
        seen = []
        for n in range(3):
            path = self.lab.path("run-%d.key" % n)
            self.assertRan(self.lab.run(config, commands=["psp spi new g 5 " + path, "quit"]))
            seen += [s.spi for s in libsas.read(path)]
            seen += [s.spi for s in self.handed(config, "tool-%d.key" % n, 2)]
        self.assertEqual(len(set(seen)), 21)
        self.assertEqual(seen, sorted(seen))

    def test_a_rotation_at_the_prompt_turns_bit_31_once_the_grace_time_is_over(self):
        config = self.config(B, self.group("server", self.root("b")))
        config["gateway"]["rotate_grace_ms"] = 0
        names = [self.lab.path("%d.key" % n) for n in range(2)]
        run = self.lab.run(config, commands=[
            "psp spi new g 2 " + names[0], "key rotate zone-b", "start", "drain",
            "psp spi new g 2 " + names[1], "quit"])
        self.assertRan(run)
        self.assertEqual([[s.spi for s in libsas.read(n)] for n in names],
                         [[1, 2], [0x80000001, 0x80000002]])


class Socket(Roles):
    def serve(self, **changes):
        self.b = self.root("b")
        config = self.config(B, self.group("server", self.b, **changes))
        config["gateway"]["psp_socket"] = "./hand.sock"
        self.live = Live(self.lab, config).ready()
        self.addCleanup(lambda: self.live.process.poll() is None and kill(self.live.process))
        self.path = self.lab.path("hand.sock")
        return config

    def connect(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(s.close)
        s.settimeout(20)
        s.connect(self.path)
        return s

    def ask(self, text, s=None):
        """Answers to lines, as many as there are lines."""
        s = s or self.connect()
        s.sendall(text if isinstance(text, bytes) else text.encode())
        f = s.makefile("rb")
        n = text.count(b"\n" if isinstance(text, bytes) else "\n")
        return [json.loads(f.readline()) for _ in range(n)]

    def end(self):
        run = self.live.end()
        self.assertEqual(run.status, 0, run.text())
        self.assertIsNone(re.search("[0-9a-f]{32}", run.out + run.err))
        self.assertFalse(os.path.exists(self.path))
        return run

    def check(self, answer, count, seen):
        self.assertEqual((answer["group"], answer["version"], len(answer["sas"])), ("g", 1, count))
        for sa in answer["sas"]:
            spi = int(sa["spi"], 16)
            self.assertEqual(sa["key"], psp.derive(self.b.values["current"], 1, spi).hex())
            self.assertNotIn(spi, seen)
            seen.add(spi)

    def test_it_hands_out_many_at_once_to_its_own_user(self):
        self.serve()
        mode = os.stat(self.path).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        seen = set()
        for answer, count in zip(self.ask(
                '{"group":"g"}\n{"count": %d, "group": "g"}\n{"group":"g","count":5}\n' % MANY),
                (1, MANY, 5)):
            self.check(answer, count, seen)
        for answer in self.ask('{"group":"g","count":%d}\n' % MANY * 6):
            self.check(answer, MANY, seen)  # over the end of a block
        self.end()

    def test_several_clients_at_once_get_different_ones(self):
        self.serve()
        seen, lock, faults = set(), threading.Lock(), []

        def work():
            try:
                for answer in self.ask('{"group":"g","count":50}\n' * 20):
                    with lock:
                        self.check(answer, 50, seen)
            except Exception as e:  # told by the main thread
                faults.append(e)

        threads = [threading.Thread(target=work) for _ in range(10)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(faults, [])
        self.assertEqual(len(seen), 10 * 20 * 50)
        self.end()

    def test_what_is_no_request_gets_one_sentence_and_no_key(self):
        self.serve()
        lines = [b"garbage", b"{}", b'{"group":"x"}', b'{"group":"g","count":0}',
                 b'{"group":"g","count":2000}', b"\xff\xfe", b'{"group":"g\\""}', b"[1]", b""]
        for line, answer in zip(lines, self.ask(b"\n".join(lines) + b"\n")):
            self.assertEqual(list(answer), ["error"], line)
        s = self.connect()
        self.assertIn("NUL", self.ask(b"a\0b\n", s)[0]["error"])
        self.assertEqual(s.recv(10), b"")
        self.check(self.ask('{"group":"g"}\n')[0], 1, set())
        self.end()

    def test_an_overlong_line_ends_the_connection(self):
        self.serve()
        s = self.connect()
        s.sendall(b"x" * 4096)
        answer = s.makefile("rb").read()
        self.assertIn("longer than 4096", json.loads(answer)["error"])
        self.check(self.ask('{"group":"g"}\n')[0], 1, set())
        self.end()

    def test_clients_that_take_nothing_and_say_nothing_hold_nobody_up(self):
        self.serve()
        seen, silent = set(), [self.connect() for _ in range(7)]
        slow = [self.connect() for _ in range(7)]
        for s in slow:  # they never read
            s.sendall(b'{"group":"g","count":1024}\n' * 100)
        for s in silent:
            s.sendall(b'{"gr')
        began = time.monotonic()
        self.check(self.ask('{"group":"g","count":3}\n')[0], 3, seen)
        self.assertLess(time.monotonic() - began, 3)
        self.assertEqual(self.live.rows("stats")[0][0]["packets_in"], 0)  # others are served too
        for s in silent + slow:  # all are hung up on
            s.settimeout(15)
            while True:
                try:
                    if not s.recv(1 << 16):
                        break
                except ConnectionResetError:
                    break
        self.check(self.ask('{"group":"g","count":3}\n')[0], 3, seen)
        self.end()

    def test_more_clients_than_places_wait_for_one(self):
        self.serve()
        idle = [self.connect() for _ in range(16)]
        late = self.connect()
        late.sendall(b'{"group":"g"}\n')
        late.settimeout(1)
        self.assertRaises(TimeoutError, late.recv, 10)
        idle[3].close()
        late.settimeout(20)
        self.check(json.loads(late.makefile("rb").readline()), 1, set())
        self.end()

    def test_it_says_when_the_spis_are_used_up(self):
        self.serve(spi=100, spi_last=109)
        answers = self.ask('{"group":"g","count":8}\n{"group":"g","count":3}\n{"group":"g","count":2}\n')
        self.assertEqual(len(answers[0]["sas"]), 8)
        self.assertIn("rotate", answers[1]["error"])
        self.assertEqual([s["spi"] for s in answers[2]["sas"]], ["0000006c", "0000006d"])
        self.end()

    def test_a_stale_socket_is_replaced_and_anything_else_is_left_alone(self):
        config = self.serve()
        kill(self.live.process)
        self.assertTrue(os.path.exists(self.path))
        self.live = Live(self.lab, config).ready()
        self.check(self.ask('{"group":"g"}\n')[0], 1, set())
        config["gateway"]["state_dir"] = "./other"
        other = self.lab.run(config, commands=["quit"])
        self.assertEqual(other.status, 1)
        self.assertIn("psp_socket", other.err)
        self.check(self.ask('{"group":"g"}\n')[0], 1, set())
        self.end()
        with open(self.path, "w", encoding="ascii") as f:
            f.write("mine")
        other = self.lab.run(config, commands=["quit"])
        self.assertEqual(other.status, 1)
        with open(self.path, encoding="ascii") as f:
            self.assertEqual(f.read(), "mine")

    def test_what_was_handed_out_before_a_kill_is_not_handed_out_again(self):
        config = self.serve()
        seen = set()
        self.check(self.ask('{"group":"g","count":9}\n')[0], 9, seen)
        kill(self.live.process)
        self.live = Live(self.lab, config).ready()
        self.check(self.ask('{"group":"g","count":9}\n')[0], 9, seen)
        self.end()

    @staticmethod
    def other_user(path):
        """What a process of another user gets of the socket."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setgid(65534)
                os.setuid(65534)
                s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                s.settimeout(5)
                s.connect(path)
                s.sendall(b'{"group":"g"}\n')
                code = 0 if s.recv(10) == b"" else 1
            except PermissionError:
                code = 2
            except ConnectionError:
                code = 0
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_other_users_get_nothing(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        self.serve()
        os.chmod(self.lab.dir, 0o755)
        self.assertEqual(self.other_user(self.path), 2, "the file's mode does not keep it out")
        os.chmod(self.path, 0o666)
        self.assertEqual(self.other_user(self.path), 0, "its credentials are not looked at")
        self.end()
