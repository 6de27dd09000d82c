# SPDX-License-Identifier: BSD-3-Clause
"""A running gateway: started, asked at its prompt, stopped or killed."""

import itertools
import json
import os
import re
import subprocess
import time

EAL = ("--no-huge", "-m", "512", "--no-pci", "--no-shconf")
START_S, ANSWER_S, STOP_S = 30, 20, 20
serial = itertools.count()


def program(name):
    path = os.environ.get(name)
    if not path:
        raise RuntimeError("%s does not name the program" % name)
    return path


def tables(text):
    """Rows of every JSON table in the text, by title."""
    found = {}
    for line in text.splitlines():
        at = line.find('{"')
        if at >= 0:
            try:
                found.update(json.loads(line[at:]))
            except json.JSONDecodeError:
                continue
    return found


def cpus(count, first):
    """`count` workers and the main lcore, all on one CPU: number `first` of those allowed."""
    allowed = sorted(os.sched_getaffinity(0))
    cpu = allowed[first % len(allowed)]
    return "(0-%d)@%d" % (count, cpu)


class Gateway:
    """One process of saker, in a namespace, with its prompt on a pipe."""

    def __init__(self, space, config, vdevs, workers=1, cpu=0, eal=(), options=()):
        self.space = space
        self.dir = os.path.dirname(config)
        self.prefix = "netns-%d" % next(serial)
        self.args = [program("SAKER"), *EAL, "--file-prefix=" + self.prefix,
                     "--lcores=" + cpus(workers, cpu), *("--vdev=" + v for v in vdevs), *eal,
                     "--", "-c", config, "-i", *options]
        self.process = None
        self.logs = []

    def start(self, wait=True):
        """Start; with `wait` until traffic may pass.

        In a session of its own, which the kernel schedules as a group (sched_autogroup): on Linux
        6.18 a group with both many short sleepers, as idle workers are, and a thread that never
        sleeps keeps everybody outside of it from the CPU for seconds, softirqs and RCU as well.
        """
        n = len(self.logs) // 2
        base = os.path.join(self.dir, "%s-%d" % (self.prefix, n))
        self.logs += [base + ".out", base + ".err"]
        with open(self.logs[-2], "wb") as out, open(self.logs[-1], "wb") as err:
            self.process = subprocess.Popen(
                self.space.command(*self.args), stdin=subprocess.PIPE, stdout=out, stderr=err,
                cwd=self.dir, start_new_session=True)
        self.write("start")
        if wait:
            self.wait_started()
        return self

    def write(self, line):
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError("saker has ended\n" + self.text()) from None

    def read(self, which):
        with open(self.logs[which], encoding="utf-8", errors="replace") as f:
            return f.read()

    def out(self):
        return self.read(-2)

    def err(self):
        return self.read(-1)

    def wait_started(self):
        self.mark(START_S)

    def mark(self, timeout):
        """Wait until all commands so far were carried out: what answers a command that there is
        not comes after them."""
        word = "mark-%d" % next(serial)
        self.write(word)
        end = time.monotonic() + timeout
        while "'%s'" % word not in self.err():
            if self.process.poll() is not None:
                raise AssertionError("saker ended with %s\n%s" % (self.process.returncode,
                                                                  self.text()))
            if time.monotonic() > end:
                raise AssertionError("saker does not answer\n" + self.text())
            time.sleep(0.005)

    def command(self, line, timeout=ANSWER_S):
        """Run a command; what it printed, (stdout, stderr)."""
        out, err = len(self.out()), len(self.err())
        self.write(line)
        self.mark(timeout)
        said = "\n".join(x for x in self.err()[err:].splitlines() if "'mark-" not in x)
        return self.out()[out:], said

    def show(self, noun):
        """Rows of `show NOUN json`."""
        out, err = self.command("show %s json" % noun)
        rows = tables(out).get(noun.replace(" ", "_"))
        if rows is None:
            raise AssertionError("no answer to show %s: %s%s" % (noun, out, err))
        return rows

    def drops(self):
        """Reason to packets, both directions."""
        found = {}
        for row in self.show("drops"):
            found[row["reason"]] = found.get(row["reason"], 0) + row["packets"]
        return {reason: n for reason, n in found.items() if n}

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """As a power cut: no clean-up at all."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def stop(self):
        """A clean end; the exit status."""
        if self.process is None:
            return None
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        return self.process.returncode

    def text(self):
        """What a person wants to see after a failure."""
        out = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.out())
        return "--- stdout\n%s\n--- stderr\n%s" % (out[-3000:], self.err()[-3000:])
