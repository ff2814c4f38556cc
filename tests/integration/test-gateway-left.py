#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients of a gateway that leave while the daemon behind opens a stream for
them, of which stock libvirtd 9.0 dies: it is not told before it is done."""
import array
import contextlib
import fcntl
import os
import socket
import termios
import threading

from gateway import *
from lib import *
from rawrpc import *

UPLOAD, DOWNLOAD, CLOSE = 208, 209, 2
NEWER = 9999                    # than the tables
ANYWHERE = u32(0) * 5           # an offset, a length, flags
VOLUME = string('pool') + string('vol') + string('key') + ANYWHERE


def is_open(conn):
    try:
        return conn.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b''
    except BlockingIOError:
        return True


class Slow(Behind):
    """Keeps calls that open streams, with the connections they came by."""

    def __init__(self):
        super().__init__()
        self.kept = []
        self.tricks = dict.fromkeys((UPLOAD, DOWNLOAD), self.keep)

    def keep(self, conn, call):
        if call.type == CALL:
            self.kept.append((conn, call))

    def left_by(self, d, calls):
        """A client that leaves when these arrived; the kept ones."""
        with Conn(d.socket) as c:
            for i, call in enumerate(calls):
                c.send(message(call, VOLUME, serial=100 + i))
            wait_until(lambda: len(self.kept) == len(calls), 20, 'the calls')
        wait_until(lambda: connections(d.socket) == 0, 20, 'the client to go')
        with Conn(d.socket) as other:
            same(other.call(HOSTNAME).status, OK)
        return self.kept


def test_the_connection_ends_when_all_streams_are_open():
    with Slow() as behind, gateway(behind.path) as d:
        before = descriptors(d.process.pid)
        kept = behind.left_by(d, (UPLOAD, DOWNLOAD, UPLOAD))
        conn = kept[0][0]
        for n, (_, call) in enumerate(kept):
            same(is_open(conn), True, n)
            conn.sendall(reply_to(call, error_payload(), status=ERROR)
                         if n == 1 else
                         reply_to(call) + stream_of(call, b'x' * 9, CONTINUE))
        wait_until(lambda: not is_open(conn), 20, 'the end')
        wait_until(lambda: descriptors(d.process.pid) == before, 20,
                   'nothing to be left')


def test_it_ends_at_once_when_none_is_being_opened():
    with Slow() as behind, gateway(behind.path) as d:
        before = descriptors(d.process.pid)
        behind.tricks = {DOWNLOAD: lambda conn, call:
                         conn.sendall(reply_to(call)),
                         HOSTNAME: lambda conn, call: None}
        with Conn(d.socket) as c:
            same(c.call(DOWNLOAD, VOLUME).status, OK)
            c.send(message(HOSTNAME))
        wait_until(lambda: descriptors(d.process.pid) == before, 5,
                   'the end')


def test_a_daemon_that_never_answers_is_not_waited_for():
    with Slow() as behind, gateway(
            behind.path, listeners='[daemon]\nleave-timeout = 1\n'
            + LISTENERS) as d:
        conn = behind.left_by(d, (UPLOAD,))[0][0]
        wait_until(lambda: not is_open(conn), 20, 'the end')
        with Conn(d.socket) as c:
            same(c.call(HOSTNAME).status, OK)


def test_a_daemon_that_goes_meanwhile():
    with Slow() as behind, gateway(behind.path) as d:
        before = descriptors(d.process.pid)
        conn = behind.left_by(d, (UPLOAD,))[0][0]
        conn.shutdown(socket.SHUT_RDWR)
        wait_until(lambda: descriptors(d.process.pid) == before, 20,
                   'nothing to be left')
        with Conn(d.socket) as c:
            same(c.call(HOSTNAME).status, OK)


def test_the_gateway_ends_meanwhile():
    with Slow() as behind, gateway(behind.path) as d:
        conn, call = behind.left_by(d, (UPLOAD,))[0]
        d.process.terminate()
        conn.sendall(reply_to(call))
        same(d.process.wait(30), 0)


def test_the_gateway_ends_and_the_daemon_never_answers():
    with Slow() as behind, gateway(behind.path) as d:
        behind.left_by(d, (UPLOAD,))
        with Conn(d.socket) as c:
            c.send(message(UPLOAD, VOLUME))
            wait_until(lambda: len(behind.kept) == 2, 20, 'the call')
            d.process.terminate()
            same(d.process.wait(30), 0)
        same('still running' in d.log(), False)


# What goes on meanwhile ---------------------------------------------------

class Aborted(Slow):
    """Opens streams with serials below 100, and notes which are aborted."""

    def __init__(self):
        super().__init__()
        self.aborted = []

    def keep(self, conn, call):
        if call.type == CALL and call.serial >= 100:
            super().keep(conn, call)
        elif call.type == CALL:
            conn.sendall(reply_to(call) + stream_of(call, b'x' * 9, CONTINUE))
        elif call.status == ERROR:
            same(call.payload, b'')
            self.aborted.append(call.serial)
            conn.sendall(stream_of(call, b'x' * 9, CONTINUE)
                         + stream_of(call))


def test_streams_that_are_open_are_aborted():
    with Aborted() as behind, gateway(behind.path) as d:
        before = descriptors(d.process.pid)
        with Conn(d.socket) as c:
            for i, call in enumerate((UPLOAD, DOWNLOAD)):
                c.send(message(call, VOLUME, serial=10 + i))
                same(c.receive().status, OK)
                same(c.receive().payload, b'x' * 9)
            for i, call in enumerate((UPLOAD, DOWNLOAD, DOWNLOAD)):
                c.send(message(call, VOLUME, serial=100 + i))
            wait_until(lambda: len(behind.kept) == 3, 20, 'the calls')
            same(behind.aborted, [])
        wait_until(lambda: sorted(behind.aborted) == [10, 11], 20,
                   'both to be aborted')
        # Those that are not open yet are left alone until they are.
        conn = behind.kept[0][0]
        conn.sendall(reply_to(behind.kept[1][1]))
        wait_until(lambda: behind.aborted[2:] == [101], 20,
                   'the third one to be aborted')
        conn.sendall(reply_to(behind.kept[0][1], error_payload(),
                              status=ERROR))
        with Conn(d.socket) as other:
            same(other.call(HOSTNAME).status, OK)
        same((is_open(conn), behind.aborted[3:]), (True, []))
        conn.sendall(reply_to(behind.kept[2][1]))
        wait_until(lambda: descriptors(d.process.pid) == before, 20,
                   'nothing to be left')


def test_a_daemon_that_does_not_read_is_told_later():
    """An upload fills all there is on the way; then the client leaves."""
    with Slow() as behind, gateway(behind.path) as d:
        before = descriptors(d.process.pid)
        go, seen = threading.Event(), []

        def take(conn, call):
            if call.type == CALL:
                conn.sendall(reply_to(call))
                return
            seen.append((call.serial, call.status))
            go.wait(60 * SLOW)
        behind.tricks[UPLOAD] = take
        with Conn(d.socket) as c:
            same(c.call(UPLOAD, VOLUME).status, OK)
            c.send(message(DOWNLOAD, VOLUME, serial=100))
            wait_until(lambda: behind.kept, 20, 'the call')
            conn, call = behind.kept[0]
            c.s.settimeout(1)
            with contextlib.suppress(TimeoutError):
                while True:
                    c.send(message(UPLOAD, bytes(200000), serial=c.serial,
                                   mtype=STREAM, status=CONTINUE))
        wait_until(lambda: connections(d.socket) == 0, 20, 'the client to go')
        same(set(seen), {(c.serial, CONTINUE)})
        go.set()
        wait_until(lambda: seen[-1] == (c.serial, ERROR), 20, 'the abort')
        same(is_open(conn), True)
        conn.sendall(reply_to(call))
        wait_until(lambda: descriptors(d.process.pid) == before, 20,
                   'nothing to be left')


def test_procedures_that_the_tables_do_not_know_may_open_streams():
    with Slow() as behind, gateway(behind.path,
                                   'unknown-procedures = allow') as d:
        behind.tricks[NEWER] = behind.keep
        before = descriptors(d.process.pid)
        conn, call = behind.left_by(d, (NEWER,))[0]
        same(is_open(conn), True)
        conn.sendall(reply_to(call))
        wait_until(lambda: descriptors(d.process.pid) == before, 20,
                   'nothing to be left')


def unread(sock, what=termios.FIONREAD):
    """Bytes that are still to be read; with TIOCOUTQ by the other side."""
    count = array.array('i', [0])
    fcntl.ioctl(sock, what, count)
    return count[0]


LONG = 20000


def full(d, most=None):
    """A connection whose way to the client has no room for LONG bytes, or
    that was answered so often.  Returns it and how often it was."""
    c, count, last = Conn(d.socket), 0, 0
    while most is None or count < most:
        c.send(message(HOSTNAME, serial=count))
        try:
            wait_until(lambda: unread(c.s) >= last + LONG, 1, 'the answer')
        except AssertionError:
            return c, count
        last, count = unread(c.s), count + 1
    return c, count


def test_a_call_is_answered_when_the_client_has_said_that_it_leaves():
    """Its last words wait to be read, and it opens a stream."""
    with Slow() as behind, gateway(behind.path) as d:
        behind.tricks[HOSTNAME] = lambda conn, call: \
            conn.sendall(reply_to(call, string('h' * LONG)))
        before = descriptors(d.process.pid)
        c, count = full(d)
        c.close()
        c, again = full(d, count)
        with c:
            same(again, count)
            c.send(message(UPLOAD, VOLUME, serial=100)
                   + message(NEWER) * 250 + message(CLOSE))
            wait_until(lambda: behind.kept, 20, 'the call')
            conn, call = behind.kept[0]
            conn.sendall(reply_to(call))
            wait_until(lambda: unread(conn, termios.TIOCOUTQ) == 0, 20,
                       'the answer to be read')
            same(is_open(conn), True)
        wait_until(lambda: descriptors(d.process.pid) == before, 20,
                   'nothing to be left')


# The daemon that it is all about ------------------------------------------

def leave(where, volume, times):
    for _ in range(times):
        with Conn(where, 'storage:///system') as c:
            c.send(message(UPLOAD, volume, serial=77))


def test_stock_libvirtd_survives_it():
    with LibvirtdStorage() as behind:
        behind.make_pool()
        virsh(behind.uri('/system', 'storage'),
              'vol-create-as crowd v1 1M --format raw', check=0)
        volume = string('crowd') + string('v1') + string(
            os.path.join(behind.dir, 'pool', 'v1')) + ANYWHERE
        with gateway(behind.socket) as d:
            threads = [threading.Thread(target=leave,
                                        args=(d.socket, volume, 200))
                       for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wait_until(lambda: connections(behind.socket) == 0, 30,
                       'all connections to be closed')
        same(behind.is_running(), True)


if __name__ == '__main__':
    run()
