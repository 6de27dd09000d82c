#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run groups of the end-to-end tests against the real program.

usage: test_pcap.py [--saker PROGRAM] [--keytool PROGRAM] [-v] [GROUP[.Class[.test]] ...]

Without a group all are run. The programs may also be named by SAKER and SAKER_KEYTOOL. More work
by environment: SAKER_TEST_KILLS (6), SAKER_TEST_PACKETS (100000), SAKER_TEST_SOURCES (20000), SAKER_TEST_PAIRS (1),
SAKER_TEST_KEEP (keeps the temporary directories). Exit codes: 0 passed, 1 failed, 77 skipped.
"""

import argparse
import importlib.util
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
GROUPS = ("profile", "format", "hostile", "subsa", "esp", "esp_peer", "link", "sn", "config", "keys",
          "live", "policy", "mtu", "scale", "process", "commands", "lcores", "eyes", "psp", "tss", "qos",
          "path", "psp_peer", "psp_roles", "psp_handout", "isolate", "proxy",
          "nonces", "mixed")
SKIP = 77


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--saker", help="the gateway program")
    parser.add_argument("--keytool", help="the key tool")
    parser.add_argument("-v", "--verbose", action="store_true", help="name each test")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="of: " + ", ".join(GROUPS))
    return parser.parse_args()


def names(groups):
    """Groups as unittest names them."""
    for group in groups or GROUPS:
        if group.split(".")[0] not in GROUPS:
            sys.exit("there is no group %s; there are %s" % (group, ", ".join(GROUPS)))
        yield "test_" + group


def main():
    args = parse()
    if importlib.util.find_spec("cryptography") is None:
        print("skipped: python3-cryptography is not installed")
        return SKIP
    for name, value in (("SAKER", args.saker), ("SAKER_KEYTOOL", args.keytool)):
        if value:
            os.environ[name] = os.path.abspath(value)
    sys.path.insert(0, HERE)
    suite = unittest.defaultTestLoader.loadTestsFromNames(names(args.groups))
    result = unittest.TextTestRunner(sys.stdout, verbosity=2 if args.verbose else 1).run(suite)
    failed = len({str(test).split(" (")[0] for test, _ in result.failures + result.errors})
    skipped = len(result.skipped)
    print("%d passed, %d failed" % (result.testsRun - failed - skipped, failed))
    if skipped and skipped == result.testsRun:
        return SKIP
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
