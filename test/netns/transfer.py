# SPDX-License-Identifier: BSD-3-Clause
"""TCP between hosts: iperf3, and downloads from a web server."""

import functools
import hashlib
import http.server
import itertools
import json
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
import unittest
import urllib.request

port = itertools.count(5300)
SLACK_S = 30


class Iperf:
    """One run of iperf3; octets flow from `sender` to `receiver`, and are counted there."""

    def __init__(self, sender, receiver, host, seconds, streams=1, rate=None):
        if shutil.which("iperf3") is None:
            raise unittest.SkipTest("iperf3 is not installed")
        number = str(next(port))
        self.timeout = seconds + SLACK_S
        self.server = subprocess.Popen(
            sender.command("iperf3", "-s", "-1", "-p", number, "--forceflush"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        for line in self.server.stdout:
            if "listening" in line:
                break
        args = ["iperf3", "-c", host, "-p", number, "-R", "-J", "-t", str(seconds), "-P",
                str(streams), "--connect-timeout", "5000"]
        self.client = subprocess.Popen(
            receiver.command(*args, *(["-b", rate] if rate else [])), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True)

    def result(self):
        """Octets received in each second."""
        try:
            out, err = self.client.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError("iperf3 hangs") from None
        finally:
            for p in (self.client, self.server):
                p.kill()
                p.wait()
            self.server.stdout.close()
        report = json.loads(out or "{}")
        if self.client.returncode != 0 or "error" in report:
            raise AssertionError("iperf3: %s %s" % (report.get("error"), err))
        return [i["sum"]["bytes"] for i in report["intervals"] if i["sum"]["seconds"] > 0.5]


def iperf(*args, **options):
    return Iperf(*args, **options).result()


class Conversation:
    """One TCP connection from enter to exit, over which octets trickle and are compared."""

    CHUNK, PAUSE_S = 4096, 0.004

    def __init__(self, sender, receiver, host):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with receiver.inside():
            listener = socket.create_server((host, next(port)), family=family)
        with sender.inside():
            self.source = socket.create_connection(listener.getsockname()[:2], timeout=SLACK_S)
        with listener:
            self.sink = listener.accept()[0]
        self.sink.settimeout(SLACK_S)
        self.sent, self.got = hashlib.sha256(), hashlib.sha256()
        self.octets = 0
        self.fault = None
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self.send, self.receive)]

    def send(self):
        try:
            while not self.stopped.wait(self.PAUSE_S):
                chunk = os.urandom(self.CHUNK)
                self.source.sendall(chunk)
                self.sent.update(chunk)
            self.source.shutdown(socket.SHUT_WR)
        except OSError as e:
            self.fault = e

    def receive(self):
        try:
            while chunk := self.sink.recv(1 << 16):
                self.got.update(chunk)
                self.octets += len(chunk)
        except OSError as e:
            self.fault = e

    def goes_on(self):
        """Wait for more octets; False if none come."""
        before, end = self.octets, time.monotonic() + SLACK_S
        while self.octets == before and self.fault is None and time.monotonic() < end:
            time.sleep(0.01)
        return self.octets > before

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for t in self.threads:
            t.join()
        self.source.close()
        self.sink.close()

    def whole(self):
        """Did all arrive that was sent?"""
        return self.fault is None and self.sent.digest() == self.got.digest()


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        """Without a look-up of its own name, which no resolver here answers."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


class Server6(Server):
    address_family = socket.AF_INET6


class WebServer:
    """A file of random octets, and its SHA-256, at a host between enter and exit."""

    def __init__(self, space, host, octets, directory):
        self.path = os.path.join(directory, "file")
        content = os.urandom(octets)
        with open(self.path, "wb") as f:
            f.write(content)
        self.digest = hashlib.sha256(content).hexdigest()
        kind = Server6 if ":" in host else Server
        with space.inside():
            self.server = kind((host, next(port)),
                               functools.partial(Handler, directory=directory))
        name = "[%s]" % host if ":" in host else host
        self.url = "http://%s:%d/file" % (name, self.server.server_address[1])

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.path)


def download(space, url, timeout=30):
    """SHA-256 of what a host gets from there."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    digest = hashlib.sha256()
    with space.inside(), opener.open(url, timeout=timeout) as answer:
        while chunk := answer.read(1 << 18):
            digest.update(chunk)
    return digest.hexdigest()
