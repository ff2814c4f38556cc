#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients, the gateway and the daemon behind it are killed at random: whoever
lives is told nothing but answers to what he asked, nothing is left behind,
and everything recovers by itself.

It goes on for as many seconds as VIRGATE_KILLS says, in three parts, with
VIRGATE_CLIENTS clients, which live in processes of ten.  Ten minutes of 200:
VIRGATE_KILLS=600 VIRGATE_CLIENTS=200.
"""
import json
import os
import random
import signal
import subprocess
import sys
import time

from gateway import LibvirtdStorage, connections, gateway, gets_through
from lib import *

SECONDS = float(os.environ.get('VIRGATE_KILLS', '9'))
CLIENTS = int(os.environ.get('VIRGATE_CLIENTS', '40'))
EACH = 10


class Crowd:
    """Processes of clients, and what they reported."""

    def __init__(self, d):
        self.d, self.born, self.processes, self.reports = d, 0, [], []

    def fill(self):
        self.processes = [p for p in self.processes if p.poll() is None]
        while len(self.processes) < CLIENTS // EACH:
            self.born += 1
            report = os.path.join(self.d.dir, f'crowd-{self.born}')
            self.reports.append(report)
            argv = [sys.executable, '-B', os.path.join(
                os.path.dirname(os.path.abspath(__file__)), 'crowd.py'),
                self.d.socket, report, str(self.born), str(EACH),
                'test:///default', 'storage:///system']
            with open(os.path.join(self.d.dir, 'crowd-log'), 'a') as log:
                self.processes.append(subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def kill_one(self):
        p = random.choice(self.processes)
        p.kill()
        p.wait()
        self.fill()

    def end(self):
        for p in self.processes:
            p.kill()
        for p in self.processes:
            p.wait()
        self.processes = []

    def lines(self):
        for report in self.reports:
            if os.path.exists(report):
                with open(report) as f:
                    counts = {}
                    for line in f:
                        if line.endswith('}\n'):
                            found = json.loads(line)
                            if 'wrong' in found:
                                yield found
                            else:
                                counts = found
                    yield counts

    def wrong(self):
        return [found['wrong'] for found in self.lines() if 'wrong' in found]

    def counts(self):
        total = {}
        for found in self.lines():
            for what, n in found.items():
                if what != 'wrong':
                    total[what] = total.get(what, 0) + n
        return total


class Stage:
    """The daemon behind, the gateway, the crowd, and how they are killed."""

    def __init__(self, behind, d, crowd):
        self.behind, self.d, self.crowd = behind, d, crowd
        self.kills = {}

    def kill_client(self):
        self.crowd.kill_one()

    def kill_daemon(self):
        self.behind.stop(signal.SIGKILL)
        self.revive()

    def revive(self):
        """libvirtd 9.0 does not survive for long that a connection ends while
        it opens a stream, as those of a killed gateway do."""
        if not self.behind.is_running():
            pid = os.path.join(self.behind.dir, 'pid')
            if os.path.exists(pid):
                os.remove(pid)
            self.behind.start()

    def kill_gateway(self):
        self.restart_gateway(signal.SIGKILL)

    def end_gateway(self):
        self.restart_gateway(signal.SIGTERM)

    def restart_gateway(self, number):
        self.d.stop(number, 30)
        os.replace(os.path.join(self.d.dir, 'log'),
                   os.path.join(self.d.dir, 'log-before'))
        self.d.start()

    def is_back(self):
        """Is there an answer?  If the daemon has none it is no gateway's."""
        if gets_through(self.d.socket):
            return True
        if not self.behind.is_running():
            self.count('daemon died')
            self.revive()
        elif not gets_through(self.behind.socket):
            self.count('daemon hung')
            self.kill_daemon()
        return False

    def count(self, what):
        self.kills[what] = self.kills.get(what, 0) + 1

    def go_on(self, seconds, *ways):
        """Kill in these ways for so long; all of them at least once."""
        end, todo = time.monotonic() + seconds, list(ways)
        while todo or time.monotonic() < end:
            time.sleep(random.random() * 2)     # anything may come between
            way = todo.pop() if todo else random.choice(ways)
            way()
            self.count(way.__name__)
            wait_until(self.is_back, 120, 'an answer after ' + way.__name__)
            same(self.crowd.wrong()[:5], [])

    def rest(self, most=1 << 16):
        """Nobody is there: what the gateway and the daemon hold on to.  The
        gateway comes down to at most so many descriptors.  libvirtd may keep
        a file of an upload whose client left before it was answered."""
        self.crowd.end()
        wait_until(self.is_back, 120, 'an answer')
        wait_until(lambda: connections(self.d.socket) == 0
                   and connections(self.behind.socket) == 0, 60,
                   'connections to be closed')
        pid = self.d.process.pid
        wait_until(lambda: descriptors(pid) <= most, 60,
                   f'at most {most} descriptors')
        return {'descriptors': descriptors(pid),
                'KiB': resident(pid) >> 10,
                'descriptors there': descriptors(self.behind.process.pid)}

    def report(self, what, *more):
        print(f'{what}:', *more, self.crowd.counts(), self.kills, flush=True)


def test_random_kills():
    may_take(600 + 2 * SECONDS)
    with LibvirtdStorage() as behind, gateway(behind.socket) as d:
        behind.make_pool()
        crowd = Crowd(d)
        stage = Stage(behind, d, crowd)
        try:
            # The gateway lives: whatever else is killed leaves nothing in it.
            crowd.fill()
            stage.go_on(SECONDS / 12, stage.kill_client, stage.kill_daemon)
            first = stage.rest()
            crowd.fill()
            stage.go_on(SECONDS / 3, stage.kill_client, stage.kill_daemon)
            last = stage.rest(first['descriptors'])
            stage.report('clients and daemon', first, last)
            same(last['KiB'] - first['KiB'] < (8 << 10) * SLOW, True,
                 f'memory: {first} {last}')

            # The daemon lives: gateways that die leave no connection there.
            crowd.fill()
            stage.go_on(SECONDS / 3, stage.kill_client, stage.kill_gateway,
                        stage.end_gateway)
            stage.report('clients and gateway', stage.rest())

            crowd.fill()
            stage.go_on(SECONDS / 4, stage.kill_client, stage.kill_daemon,
                        stage.kill_gateway, stage.end_gateway)
            before = crowd.counts()['names']
            wait_until(lambda: crowd.counts()['names'] > before, 30,
                       'clients to go on')
            stage.report('all', stage.rest())
            same(crowd.wrong()[:5], [])
            with open(os.path.join(d.dir, 'crowd-log')) as f:
                same(f.read(), '')
        finally:
            crowd.end()


if __name__ == '__main__':
    run()
