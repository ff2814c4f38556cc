#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who waits for whom when a connection is opened: daemons behind that accept
and never answer, and drivers that are asked before or after them."""
import contextlib
import os
import socket
import tempfile
import threading
import time

from gateway import *
from lib import *
from rawrpc import *
from trial import SLOW_DRIVER, trial_modules


@contextlib.contextmanager
def deaf_daemons(count):
    """Sockets that accept, and never say a word."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        deaf = []
        for i in range(count):
            s = stack.enter_context(socket.socket(socket.AF_UNIX))
            s.bind(os.path.join(folder, str(i)))
            s.listen(100)
            s.settimeout(20 * SLOW)
            deaf.append(s)
        yield deaf


def driver(name, path, *keys):
    lines = [f'[driver {name}]', 'module = upstream',
             f'upstream = remote+unix:///?socket={path}', *keys]
    return '\n'.join(lines) + '\n'


def wait_for(d, stack, name, deaf, clients):
    """Clients that open this, which leads to a deaf daemon."""
    for _ in range(clients):
        c = stack.enter_context(Conn(d.socket, None))
        c.send(message(OPEN, some(string(name)) + u32(0)))
    stack.enter_context(deaf.accept()[0])


def answered_at_once(d, name):
    began = time.monotonic()
    with Conn(d.socket, name, timeout=50) as c:
        took = time.monotonic() - began
        same(took < 4 * SLOW, True, f'{name}: {took} s')
        same(c.call(HOSTNAME).status, OK)


# Daemons that hang --------------------------------------------------------

def test_a_dead_host_ties_nobody_up():
    """Connecting takes its time; the others are told at once."""
    with deaf_daemons(1) as (deaf,), Libvirtd() as behind:
        with gateway(behind.socket, 'hosts = good\n' + driver(
                'dead', deaf.getsockname(), 'hosts = dead',
                'connect-timeout = 2')) as d:
            def refusal():
                with Conn(d.socket, None) as c:
                    reply = c.open('test:///default?host=dead')
                    refused(reply, 'in time')
                    return reply.error[2]
            began = time.monotonic()
            refusal()
            same(time.monotonic() - began > 1.5, True)
            # Who tries waits for 2 s, and then nobody does for 4 s.
            began = time.monotonic()
            tried = sum(' seconds)' not in refusal() for _ in range(20))
            most = 1 + (time.monotonic() - began) / 5
            same(tried <= most, True, f'{tried} of 20 tried')
            with Conn(d.socket, None) as c:
                same(c.open('test:///default?host=good').error, None)


def stay_out_of_the_way(limits, hosts):
    with deaf_daemons(hosts) as dead, Libvirtd() as behind, \
            contextlib.ExitStack() as stack:
        more = ['hosts = good']
        for i, deaf in enumerate(dead):
            more.append(driver(f'dead{i}', deaf.getsockname(),
                               f'hosts = dead{i}', 'connect-timeout = 60'))
        with gateway(behind.socket, '\n'.join(more) + '[driver test]\n'
                     + '[daemon]\n' + limits) as d:
            for i, deaf in enumerate(dead):
                wait_for(d, stack, f'test:///default?host=dead{i}', deaf, 20)
            answered_at_once(d, 'test:///default?host=good')
            answered_at_once(d, 'test:///default')


def test_many_who_wait_for_dead_hosts_leave_room_for_others():
    stay_out_of_the_way('', 8)


def test_those_who_wait_need_no_other_workers():
    stay_out_of_the_way('workers = 1\npriority-workers = 1\n'
                        'gateway-workers = 3\n', 2)


def while_drivers_hang(limits, name, request):
    """Four clients whose driver takes its time over this; a gateway beside
    it is to answer meanwhile, and they are answered in the end."""
    with Libvirtd() as behind, trial_modules(SLOW_DRIVER) as folder, \
            contextlib.ExitStack() as stack:
        pipe = os.path.join(folder, 'pipe')
        os.mkfifo(pipe)
        with gateway(behind.socket, f'[driver slow]\npipe = {pipe}\n'
                     f'[daemon]\n{limits}\n',
                     args=('--module-dir', folder)) as d:
            slow = [stack.enter_context(Conn(d.socket, name))
                    for _ in range(4)]
            for c in slow:
                c.send(request)
            answered_at_once(d, 'test:///default')
            writer = os.open(pipe, os.O_RDWR)
            for c in slow:
                same(c.receive().status, OK)
            os.close(writer)


def test_calls_that_hang_leave_room_for_a_gateway():
    while_drivers_hang('workers = 2', 'slow:///', message(HOSTNAME, serial=9))


def test_drivers_that_hang_hold_no_line_of_a_gateway():
    """They come after it, which declined."""
    while_drivers_hang('gateway-workers = 1', None, message(
        OPEN, some(string('slow:///open')) + u32(0)))


def test_nobody_waits_for_those_who_left():
    go = threading.Event()

    def wait(conn, call):
        go.wait(30 * SLOW)
        conn.sendall(reply_to(call))
    with Behind() as behind:
        behind.tricks[OPEN] = wait
        with gateway(behind.path, '[daemon]\ngateway-workers = 1\n') as d, \
                Conn(d.socket, None) as first:
            first.send(message(OPEN, some(string('test:///default'))
                               + u32(0)))
            try:
                wait_until(lambda: (OPEN, CALL) in behind.seen, 20, 'one')
                with contextlib.ExitStack() as stack:
                    for _ in range(20):
                        c = stack.enter_context(Conn(d.socket, None))
                        c.send(message(OPEN, some(string('test:///default'))
                                       + u32(0)))
                    wait_until(lambda: connections(d.socket) == 21, 20,
                               'the others')
                wait_until(lambda: connections(d.socket) == 1, 20,
                           'the others to leave')
            finally:
                go.set()
            same(first.receive().status, OK)
            with Conn(d.socket) as c:
                same(c.call(HOSTNAME).status, OK)
            same(behind.seen.count((OPEN, CALL)), 2)


# The order of drivers -----------------------------------------------------

def test_a_driver_is_not_kept_waiting_by_gateways_after_it():
    with deaf_daemons(1) as (deaf,), contextlib.ExitStack() as stack:
        with Virgated(config=LISTENERS + '[driver test]\n' + driver(
                'dead', deaf.getsockname(), 'connect-timeout = 60')) as d:
            wait_for(d, stack, 'qemu:///system', deaf, 20)
            answered_at_once(d, 'test:///default')


def test_a_gateway_is_not_kept_waiting_by_gateways_before_it():
    """But for those that might be asked the same."""
    with deaf_daemons(1) as (deaf,), Behind() as behind, \
            contextlib.ExitStack() as stack:
        with Virgated(config=LISTENERS + driver(
                'dead', deaf.getsockname(), 'connect-timeout = 60',
                'uri = qemu:///system') + driver('good', behind.path)) as d:
            wait_for(d, stack, 'qemu:///system', deaf, 20)
            answered_at_once(d, 'lxc:///system')


def test_the_first_driver_that_does_not_decline_decides():
    with Behind() as one, Behind() as two, deaf_daemons(1) as (deaf,):
        asked = []
        for which, behind in ('one', one), ('two', two):
            behind.tricks[OPEN] = lambda conn, call, which=which: (
                asked.append((which, Reader(call.payload).optional())),
                conn.sendall(reply_to(call)))
        with Virgated(config=LISTENERS
                      + driver('one', one.path, 'uri = *')
                      + '[driver test]\n'
                      + driver('two', two.path, 'allow-names = esx:///x')
                      + driver('dead', deaf.getsockname())) as d:
            for name, want in (('lxc:///system', 'one'),
                               ('test:///default', 'one'),
                               ('esx:///x', 'two'),
                               ('esx:///y', None)):
                with Conn(d.socket, None) as c:
                    reply = c.open(name)
                same((reply.error is None, asked),
                     (want is not None, [(want, name)] if want else []), name)
                asked.clear()
            # A file is not for gateways, and stays here.
            with Conn(d.socket, None) as c:
                refused(c.open('test:///nosuch'), 'nosuch')
            same(asked, [])


if __name__ == '__main__':
    run()
