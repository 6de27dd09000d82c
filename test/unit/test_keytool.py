#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Try saker-keytool as a person would.

usage: test_keytool.py path/to/saker-keytool
"""

import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import time
import unittest

VECTORS = pathlib.Path(__file__).parents[1] / "kat/vectors/stateless-profile.json"
VARIANTS = ("source-id", "source-id-64", "connection-id", "source-ip", "ip-pair")
ID_DIGITS = (8, 16, 8, 0, 0)  # of the gateway's own source id

CONFIG = """
gateway: {{ name = "gw"; state_dir = "."; }};
ports: ( {{ name = "clear"; device = "a"; role = "clear"; address = "10.1.0.1"; }},
         {{ name = "cipher"; device = "b"; role = "cipher"; address = "192.0.2.1"; }} );
root_keys: ( {roots} );
trust_groups: ( {{ name = "g"; spi = 0x{spi:08x}L; variant = "{variant}"; suite = "{suite}";
  root_keys = [ {names} ]; combine = "{combine}"; role = "{role}"; {source}
  {sn} rekey_shift = {shift}; }} );
policies: ( {{ name = "rest"; action = "drop"; }} );
"""
COUNTER = 'sn = "counter"; epoch = 70000;'

program = None


def address(hexadecimal):
    """An address as text, from its octets."""
    octets = bytes.fromhex(hexadecimal)
    if len(octets) == 4:
        return ".".join(str(b) for b in octets)
    return ":".join(hexadecimal[i:i + 4] for i in range(0, 32, 4))


def published_cases():
    with open(VECTORS, encoding="ascii") as file:
        return [c for c in json.load(file)["cases"] if c["format"] == "E"]


class Keytool(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.scratch.name)
        self.file = self.dir / "zone.key"

    def tearDown(self):
        self.scratch.cleanup()

    def run_tool(self, *arguments, status=0):
        """Run the program, expect an exit status, give what it said."""
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True,
                              check=False, timeout=30)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def refused(self, words, *arguments, status=1):
        said = self.run_tool(*arguments, status=status)
        self.assertIn(words, said.stderr)
        self.assertTrue(said.stderr.startswith("saker-keytool") or str(self.dir) in said.stderr)

    def keys(self, path=None):
        """Index, and generation to value, of a root key file."""
        text = (path or self.file).read_text(encoding="ascii")
        index = int(re.search(r"^index = (\d+)", text, re.M)[1])
        return index, dict(re.findall(r'^(pre|current|next) = "([0-9a-f]{64})";$', text, re.M))

    def put_key(self, path, index, value):
        path.write_text('index = %d; current = "%s";\n' % (index, value), encoding="ascii")
        path.chmod(0o600)

    def put_config(self, case, role="peer", sn="", **changes):
        """A configuration with the trust group of a published case. Gives its path."""
        group = dict(case["group"], **changes)
        roots = []
        for level, key in group["roots"].items():
            self.put_key(self.dir / (level + ".key"), key["index"], key["value"])
            roots.append('{ name = "%s"; level = "%s"; id = "%s"; file = "%s.key"; }'
                         % (level, level, key["id"], level))
        digits = ID_DIGITS[case["variant"]]
        shift = group["rekey_shift"]
        path = self.dir / "saker.cfg"
        path.write_text(CONFIG.format(
            roots=", ".join(roots), names=", ".join('"%s"' % n for n in group["roots"]),
            spi=group["spi"], variant=VARIANTS[case["variant"]], suite=group["suite"],
            combine=group["combine"], role=role, sn=sn, shift=-1 if shift is None else shift,
            source='source_id = "%s";' % ("5" * digits) if digits else ""), encoding="ascii")
        return path

    def arguments_of(self, case):
        """What `derive` needs to name the data key of a published case."""
        found = ["-g", "g", "-e", case["epoch"], "-n", 1]
        if case["variant"] < 3:
            found += ["-s", case["source_id"]]
        else:
            found += ["--src", address(case["outer_src"])]
        if case["variant"] == 4:
            found += ["--dst", address(case["outer_dst"])]
        if case["group"]["rekey_shift"] is not None:
            found += ["--sn", case["counter"]]
        return found

    def plain_case(self):
        """A published case of variant source-id whose key depends on the epoch alone."""
        return next(c for c in published_cases()
                    if c["variant"] == 0 and c["group"]["rekey_shift"] is None
                    and c["group"]["suite"] == "aes-256-gcm" and len(c["group"]["roots"]) > 1)

    def test_new_makes_a_private_file_and_shows_no_key(self):
        old = os.umask(0)
        said = self.run_tool("new", self.file)
        os.umask(old)
        index, keys = self.keys()
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertEqual(index, 0)
        self.assertEqual(sorted(keys), ["current", "next"])
        self.assertNotEqual(keys["current"], keys["next"])
        self.assertIsNotNone(re.search(r'id = "[0-9a-f]{32}";', said.stdout))
        for value in keys.values():
            self.assertNotIn(value[:8], said.stdout + said.stderr)
        self.assertEqual(os.listdir(self.dir), ["zone.key"])

    def test_new_makes_different_keys_each_time(self):
        self.run_tool("new", self.file)
        self.run_tool("new", self.dir / "other")
        self.assertNotEqual(self.keys()[1], self.keys(self.dir / "other")[1])

    def test_new_takes_index_and_leaves_next_out(self):
        self.run_tool("new", "--index", "4000000000", "--without-next", self.file)
        index, keys = self.keys()
        self.assertEqual((index, list(keys)), (4000000000, ["current"]))
        self.assertIn("4000000000", self.run_tool("show", self.file).stdout)

    def test_new_touches_no_file_that_is_there(self):
        self.run_tool("new", self.file)
        before = self.file.read_bytes()
        self.refused("is there already", "new", self.file)
        self.assertEqual(self.file.read_bytes(), before)
        self.assertEqual(os.listdir(self.dir), ["zone.key"])

    def test_show_tells_generations_apart_and_shows_no_key(self):
        self.run_tool("new", self.file, "--index", "7")
        said = self.run_tool("show", self.file).stdout
        rows = [line.split() for line in said.splitlines()]
        self.assertEqual([r[1:3] for r in rows[1:]], [["current", "7"], ["next", "8"]])
        self.assertNotEqual(rows[1][3], rows[2][3])
        for value in self.keys()[1].values():
            self.assertNotIn(value[:8], said)

    def test_show_goes_on_after_a_bad_file_and_fails(self):
        self.run_tool("new", self.file)
        self.file.chmod(0o640)
        self.run_tool("new", self.dir / "good")
        said = self.run_tool("show", self.file, self.dir / "good", status=1)
        self.assertIn("chmod 600", said.stderr)
        self.assertIn("current", said.stdout)

    def test_rotate_steps_every_generation(self):
        self.run_tool("new", self.file, "--index", "7")
        _, first = self.keys()
        said = self.run_tool("rotate", self.file).stdout
        index, second = self.keys()
        self.assertEqual(index, 8)
        self.assertEqual(second["pre"], first["current"])
        self.assertEqual(second["current"], first["next"])
        self.assertNotIn(second["next"], first.values())
        self.run_tool("rotate", self.file)
        index, third = self.keys()
        self.assertEqual((index, third["pre"], third["current"]),
                         (9, second["current"], second["next"]))
        self.assertNotIn(third["next"], list(first.values()) + list(second.values()))
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertIn("before: current: index 7", said)
        self.assertIn("after:  pre: index 7", said)
        self.assertEqual(os.listdir(self.dir), ["zone.key"])

    def test_rotate_without_next_wants_force(self):
        self.run_tool("new", self.file, "--without-next")
        before = self.file.read_bytes()
        self.refused("no next key", "rotate", self.file)
        self.assertEqual(self.file.read_bytes(), before)
        _, first = self.keys()
        self.run_tool("rotate", "--force", self.file)
        index, second = self.keys()
        self.assertEqual((index, second["pre"]), (1, first["current"]))
        self.assertEqual(len(set(second.values())), 3)

    def test_rotate_stops_at_the_last_index(self):
        self.run_tool("new", self.file, "--index", "4294967294")
        self.refused("used up its indices", "rotate", self.file)

    def test_rotate_follows_a_symbolic_link(self):
        self.run_tool("new", self.file)
        link = self.dir / "link"
        link.symlink_to(self.file)
        self.run_tool("rotate", link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(self.keys()[0], 1)

    def test_derive_gives_every_published_data_key(self):
        cases = published_cases()
        self.assertEqual(len(cases), 69)
        for case in cases:
            with self.subTest(case["name"]):
                config = self.put_config(case)
                said = self.run_tool("derive", "-c", config, "--raw", *self.arguments_of(case))
                self.assertEqual(said.stdout.split(),
                                 [str(case["epoch"]), case["data_key"], case["mask"]])
                self.assertIn("keep it secret", said.stderr)

    def test_derive_gives_another_key_for_another_root_key(self):
        case = self.plain_case()
        config = self.put_config(case)
        level, key = next(iter(case["group"]["roots"].items()))
        self.put_key(self.dir / (level + ".key"), key["index"],
                     ("1" if key["value"][0] == "0" else "0") + key["value"][1:])
        said = self.run_tool("derive", "-c", config, "--raw", *self.arguments_of(case))
        self.assertNotEqual(said.stdout.split()[1], case["data_key"])

    def test_derive_writes_a_private_client_file(self):
        case = self.plain_case()
        config = self.put_config(case, role="server")
        out = self.dir / "client.keys"
        arguments = ["derive", "-c", config, *self.arguments_of(case)]
        said = self.run_tool(*arguments, "-n", 3, "-o", out)
        text = out.read_text(encoding="ascii")
        shifts = {"zone": 6, "user": 4, "task": 2}
        key_idx = sum((key["index"] & 3) << shifts[level]
                      for level, key in case["group"]["roots"].items())
        self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o600)
        self.assertNotIn(case["data_key"], said.stdout + said.stderr)
        for part in ("spi = 0x%08x;" % case["group"]["spi"], 'variant = "source-id";',
                     'suite = "aes-256-gcm";', 'source_id = "%s";' % case["source_id"],
                     "epoch = %d; key_index = 0x%02x;" % (case["epoch"], key_idx),
                     'key = "%s";' % case["data_key"], 'mask = "%s";' % case["mask"]):
            self.assertIn(part, text)
        self.assertEqual([int(e) for e in re.findall(r"epoch = (\d+)", text)],
                         [case["epoch"] + i for i in range(3)])
        self.assertEqual(len(set(re.findall(r' key = "(\w+)"', text))), 3)
        self.refused("is there already", *arguments, "-o", out)
        self.assertEqual(out.read_text(encoding="ascii"), text)
        self.assertEqual(self.run_tool(*arguments, "-n", 3).stdout, text)

    def test_derive_takes_the_epoch_of_the_discipline(self):
        case = self.plain_case()
        arguments = ["derive", "--raw", "-g", "g", "-s", case["source_id"]]
        said = self.run_tool(*arguments, "-c", self.put_config(case, sn=COUNTER))
        self.assertEqual([r.split()[0] for r in said.stdout.splitlines()], ["70000", "70001"])
        today = int(time.time()) // 86400
        said = self.run_tool(*arguments, "-c", self.put_config(case))
        self.assertIn(int(said.stdout.split()[0]), (today, today + 1))

    def test_derive_says_what_it_lacks(self):
        case = self.plain_case()
        config = self.put_config(case)
        base = ["derive", "-c", config, "-g", "g"]
        source = ["-s", case["source_id"]]
        self.refused('no trust group "h"', "derive", "-c", config, "-g", "h", *source)
        self.refused("give it with --source", *base)
        self.refused("is not 8 hexadecimal digits", *base, "-s", "0a00")
        self.refused("leave --src out", *base, *source, "--src", "192.0.2.1")
        self.refused("leave --sn out", *base, *source, "--sn", "5")
        config = self.put_config(case, rekey_shift=24)
        self.refused("give a counter with --sn", *base, *source)
        self.refused("print it with --raw", *base, *source, "--sn", "5")
        (self.dir / "zone.key").unlink(missing_ok=True)
        (self.dir / "user.key").unlink(missing_ok=True)
        self.refused("can't open the key file", *base, *source, "--sn", "5", "--raw")

    def test_derive_wants_the_addresses_of_a_pair(self):
        case = next(c for c in published_cases() if c["variant"] == 4)
        base = ["derive", "--raw", "-c", self.put_config(case, rekey_shift=None), "-g", "g"]
        self.refused("give it with --src", *base)
        self.refused("give it with --dst", *base, "--src", "192.0.2.1")
        self.refused("different families", *base, "--src", "192.0.2.1", "--dst", "2001:db8::1")
        self.refused("is not an IP address", *base, "--src", "192.0.2", "--dst", "192.0.2.1")
        self.refused("leave --source out", *base, "-s", "0a000001")

    def test_a_wrong_command_line_exits_with_2(self):
        for words, *arguments in (
                ["usage:"], ["no command \"frob\"", "frob"], ["name one file", "new"],
                ["usage:", "new", "--frob", "x"], ["name the files", "show"],
                ["is not a whole number", "new", "--index", "-1", "x"],
                ["is not a whole number", "new", "--index", "4294967295", "x"],
                ["name one root key file", "rotate", "a", "b"],
                ["name the configuration", "derive", "-g", "g"],
                ["is not a number of epochs", "derive", "-n", "5"],
                ["is not a number of epochs", "derive", "-n", "0"],
                ["is not a counter", "derive", "--sn", "281474976710656"],
                ["--raw prints", "derive", "-c", "c", "-g", "g", "--raw", "-o", "f"]):
            with self.subTest(arguments):
                said = self.run_tool(*arguments, status=2)
                self.assertIn(words, said.stderr)
                self.assertEqual(said.stdout, "")

    def test_help_goes_to_stdout(self):
        overview = self.run_tool("--help").stdout
        for command in ("new", "show", "rotate", "derive"):
            self.assertIn("  %s " % command, overview)
            said = self.run_tool("help", command).stdout
            self.assertTrue(said.startswith("usage: saker-keytool %s " % command))
            self.assertEqual(self.run_tool(command, "--help").stdout, said)
        self.assertEqual(self.run_tool("help").stdout, overview)
        self.assertRegex(self.run_tool("--version").stdout, r"^saker-keytool \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
