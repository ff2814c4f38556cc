#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hostile clients against virgated: outcome, memory, descriptors, neighbours.

Beside the catalogue (hostile.py) a process of its own keeps one established
connection busy and opens new ones: nobody may hold these up.  How fast they
are is for the benchmark to say; the bounds here are what a busy machine does
not reach and a daemon that waits for a hostile client does.
"""
import multiprocessing
import os
import sys
import time

from lib import *
from rawrpc import *
import hostile

CASE_MEMORY = 16 << 20          # no case may add more
LEFT_MEMORY = 1 << 20           # the whole catalogue may leave
CALL_MS, CONNECT_MS = 500 * SLOW, 1000 * SLOW


def waited(pid):
    """Seconds that a process's threads have waited for a processor."""
    total = 0
    for task in os.listdir(f'/proc/{pid}/task'):
        try:
            with open(f'/proc/{pid}/task/{task}/schedstat') as f:
                total += int(f.read().split()[1])
        except OSError:
            pass
    return total / 1e9


def timed(pid, fn):
    """How long fn took, less what others kept both sides from running."""
    before = waited(pid) + waited(os.getpid())
    began = time.monotonic()
    fn()
    took = time.monotonic() - began
    return took - (waited(pid) + waited(os.getpid()) - before)


def connect(path):
    with Conn(path, timeout=60):
        pass


def neighbour(pid, path, begun, stop, result):
    """Call and connect until told to stop; report the slowest of each."""
    slow_call = slow_connect = 0.0
    with Conn(path, timeout=60) as c:
        begun.set()
        while not stop.is_set():
            slow_call = max(slow_call,
                            timed(pid, lambda: c.call(NUM_DOMAINS)))
            slow_connect = max(slow_connect,
                               timed(pid, lambda: connect(path)))
            stop.wait(0.01)
    result.put((slow_call * 1000, slow_connect * 1000))


def daemon_pid(d):
    """The wrapper script execs the program, so the child is the daemon."""
    return d.process.pid


def settled(d, fds):
    """Descriptors are back to what they were; the neighbour has one more
    connection from time to time."""
    wait_until(lambda: descriptors(daemon_pid(d)) <= fds + 1, 10,
               'descriptors to be closed')


def play(d, ground, names):
    failed = []
    pid = daemon_pid(d)
    base_fds = descriptors(pid)
    for name in names:
        before = peak(pid)
        try:
            hostile.CASES[name](ground)
            settled(d, base_fds)
            grown = peak(pid) - before
            assert grown <= CASE_MEMORY * SLOW, f'{grown >> 10} KiB more'
            assert d.is_running(), 'virgated is gone'
        except Exception as e:
            failed.append(f'{name}: {type(e).__name__} {e}')
            if not d.is_running():
                break
    return failed


def peak(pid):
    """Most resident memory so far, in bytes; reset for the next reader."""
    with open(f'/proc/{pid}/status') as f:
        high = next(int(l.split()[1]) << 10 for l in f if 'VmHWM' in l)
    with open(f'/proc/{pid}/clear_refs', 'w') as f:
        f.write('5')
    return high


def test_catalogue_in_full():
    # A sanitizer's quarantine of freed memory is not what is measured.
    os.environ['ASAN_OPTIONS'] = 'quarantine_size_mb=1'
    names = [n for n in hostile.CASES
             if os.environ.get('HOSTILE_ONLY', '') in n]
    same(len(hostile.CASES) >= 150, True, 'cases in the catalogue')
    begun, stop = multiprocessing.Event(), multiprocessing.Event()
    result = multiprocessing.Queue()
    with Virgated(tcp=True) as d:
        ground = hostile.Ground(d.socket, d.socket_ro, d.port)
        keep = Conn(d.socket)       # so that the driver's world stays
        play(d, ground, names)      # warm: what a first run allocates
        watcher = multiprocessing.Process(target=neighbour,
                                          args=(daemon_pid(d), d.socket, begun, stop,
                                                result))
        before = resident(daemon_pid(d))
        watcher.start()
        assert begun.wait(30), 'the neighbour does not get in'
        failed = play(d, ground, names)
        stop.set()
        slow_call, slow_connect = result.get(timeout=30)
        watcher.join(30)
        left = resident(daemon_pid(d)) - before
        keep.close()
    print(f'{len(names)} cases, {left >> 10} KiB left, slowest call '
          f'{slow_call:.1f} ms, slowest new client {slow_connect:.1f} ms')
    if left > LEFT_MEMORY * SLOW:
        failed.append(f'{left >> 10} KiB left behind')
    if slow_call > CALL_MS:
        failed.append(f'an established client waited {slow_call:.0f} ms')
    if slow_connect > CONNECT_MS:
        failed.append(f'a new client waited {slow_connect:.0f} ms')
    assert not failed, '\n' + '\n'.join(failed)


if __name__ == '__main__':
    run()
