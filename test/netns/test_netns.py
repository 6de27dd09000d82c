#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two gateways between Linux hosts, all in network namespaces of their own: the real program on
real interfaces.

usage: test_netns.py [--saker PROGRAM] [--keytool PROGRAM] [-v] [GROUP[.Class[.test]] ...]

Without a group all are run. The programs may also be named by SAKER and SAKER_KEYTOOL. By
environment: SAKER_TEST_SECONDS (3) for how long traffic is kept up, SAKER_TEST_KEEP keeps the
temporary directories. Exit codes: 0 passed, 1 failed, 77 skipped.

Everything happens behind unshare(1): interfaces, namespaces and processes go with this program,
however it ends.
"""

import argparse
import os
import signal
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
GROUPS = ("ping", "tcp", "path", "neighbours", "change", "cores", "pool", "tap", "eyes", "esp",
          "proxy")
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


def tests_of(outcomes):
    """How many of them are tests; a class that could not be set up is none."""
    return len({test.id() for test, _ in outcomes if isinstance(test, unittest.TestCase)})


def run(args):
    suite = unittest.defaultTestLoader.loadTestsFromNames(names(args.groups))
    result = unittest.TextTestRunner(sys.stdout, verbosity=2 if args.verbose else 1).run(suite)
    for test, reason in result.skipped:
        print("skipped %s: %s" % (test.id(), reason))
    skipped = tests_of(result.skipped)
    passed = result.testsRun - tests_of(result.failures + result.errors) - skipped
    failed = len(result.failures) + len(result.errors)
    print("%d passed, %d failed, %d skipped" % (passed, failed, len(result.skipped)))
    if not result.wasSuccessful():
        return 1
    return 0 if passed else SKIP


def main():
    args = parse()
    for name, value in (("SAKER", args.saker), ("SAKER_KEYTOOL", args.keytool)):
        if value:
            os.environ[name] = os.path.abspath(value)
    sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "pcap")]
    import sandbox

    reason = sandbox.enter()
    if reason:
        print("skipped: " + reason)
        return SKIP
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return run(args)


if __name__ == "__main__":
    sys.exit(main())
