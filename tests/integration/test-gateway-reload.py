#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""[driver] sections that change while clients are connected: new connections
get what the file says now, old ones keep what they have until they end."""
import contextlib
import os
import re
import threading

from gateway import LISTENERS
from lib import *
from rawrpc import *

DEFINE = 11


def section(name, behind, more=''):
    return f'''[driver {name}]
module = upstream
upstream = remote+unix:///?socket={behind.socket}
{more}
'''


class Front(Virgated):
    def __init__(self, drivers, more=''):
        self.head = LISTENERS + more
        super().__init__('--verbose', config=self.head + drivers)
        self.reloads = 0

    def reload(self, drivers, outcome='done'):
        """Give it this file; what the log says of it."""
        path = os.path.join(self.dir, 'virgated.conf')
        with open(path + '~', 'w') as f:
            f.write((self.head + drivers).replace('@DIR@', self.dir))
        os.rename(path + '~', path)
        before = self.log()
        self.process.send_signal(signal.SIGHUP)

        def said():
            return [line.split('reload: ', 1)[1] for line in
                    self.log()[len(before):].splitlines() if 'reload: ' in line]

        wait_until(lambda: any(outcome in line for line in said()), 20,
                   f'a reload: {outcome}')
        return said()


def mark(behind, name):
    """A guest by which a daemon is recognised, as long as this is open."""
    conn = Conn(behind.socket)
    reply = conn.call(DEFINE, string(
        f'<domain type="test"><name>{name}</name><memory>8192</memory>'
        '<os><type>hvm</type></os></domain>'))
    assert not reply.error, reply
    return conn


def sees(conn):
    """Which of the marked daemons it is."""
    return ''.join(name for name in 'ab'
                   if not conn.call(LOOKUP_NAME, string(name)).error)


@contextlib.contextmanager
def two():
    with Libvirtd() as a, Libvirtd() as b, mark(a, 'a'), mark(b, 'b'):
        yield a, b


def test_new_connections_get_the_new_drivers():
    with two() as (a, b), Front(section('one', a)) as d, \
            Conn(d.socket) as old:
        same(sees(old), 'a')
        same(d.reload(section('one', a)), ['done'])
        same(d.reload(section('one', b)), ['[driver one]: changed', 'done'])
        with Conn(d.socket) as new:
            same((sees(old), sees(new)), ('a', 'b'))
            # another one before it, then that one alone, then none
            same(d.reload(section('two', a) + section('one', b)),
                 ['[driver two]: added', 'done'])
            with Conn(d.socket) as third:
                same((sees(old), sees(new), sees(third)), ('a', 'b', 'a'))
                same(d.reload(section('two', a)),
                     ['[driver one]: removed', 'done'])
                same((sees(old), sees(new), sees(third)), ('a', 'b', 'a'))
            same(d.reload('[driver test]\n'),
                 ['[driver test]: added', '[driver two]: removed', 'done'])
            same((sees(old), sees(new)), ('a', 'b'))
            with Conn(d.socket) as own:
                same(sees(own), '')


def test_an_error_leaves_the_old_ones():
    with two() as (a, b), Front(section('one', a)) as d:
        for wrong, text in [
                (section('one', b, 'identity = perhaps'), "'perhaps' is none"),
                (section('one', b, 'colour = red'), 'colour'),
                (section('one', b) + '[driver two]\nmodule = nosuch\n',
                 'nosuch'),
                (section('one', b, 'unknown-procedures = x'), 'neither'),
                # an error elsewhere
                (section('one', b) + '[acl x]\nmodule = rules\nrule = what\n'
                 + '[listen more]\ntransport = unix\npath = @DIR@/more\n'
                   'acl = x\n', 'write allow')]:
            said = d.reload(wrong, 'everything goes on as before')
            assert text in said[-1] and 'virgated.conf:' in said[-1], said
            with Conn(d.socket) as conn:
                same(sees(conn), 'a')
        d.reload(section('one', b))
        with Conn(d.socket) as conn:
            same(sees(conn), 'b')


def test_routes():
    with two() as (a, b), \
            Front(section('one', a, 'hosts = a')) as d:
        with Conn(d.socket, None) as conn:
            assert conn.open('test:///default').error
        d.reload(section('one', a, 'hosts = a') + section('two', b))
        for name, want in ('test:///default?host=a', 'a'), \
                ('test:///default', 'b'):
            with Conn(d.socket, name) as conn:
                same(sees(conn), want)


def test_old_drivers_go_with_their_last_connection():
    """Nothing of them is left, and the metrics have one of each name."""
    with two() as (a, b), \
            Front(section('one', a), '[daemon]\nmetrics-file = @DIR@/metrics\n'
                  'metrics-interval = 1\n') as d:
        def up():
            with open(os.path.join(d.dir, 'metrics')) as f:
                return re.findall(r'^virgate_upstream_connections\{(.*)\} (.*)$',
                                  f.read(), re.M)

        def settled(want):
            wait_until(lambda: up() == want, 20, f'{want} in the metrics')

        with Conn(d.socket):
            settled([('section="driver one"', '1')])
            d.reload(section('one', b))
            with Conn(d.socket):
                settled([('section="driver one"', '1')])
        settled([('section="driver one"', '0')])
        before = descriptors(d.process.pid)
        for n in range(30):
            with Conn(d.socket):
                d.reload(section('one', b if n % 2 else a, f'#{n}\n')
                         + section('two', a) * (n % 2))
        wait_until(lambda: descriptors(d.process.pid) <= before, 20,
                   'descriptors to be closed')


def test_while_many_come_and_go():
    with two() as (a, b), Front(section('one', a)) as d:
        stop, wrong = threading.Event(), []

        def come():
            while not stop.is_set():
                try:
                    with Conn(d.socket) as conn:
                        seen = sees(conn), sees(conn)
                        if seen[0] not in ('a', 'b') or seen[0] != seen[1]:
                            wrong.append(seen)
                except Exception as error:      # every failure is one
                    wrong.append(repr(error))

        threads = [threading.Thread(target=come) for _ in range(8)]
        for thread in threads:
            thread.start()
        for n in range(40):
            d.reload(section('one', a if n % 2 else b))
        stop.set()
        for thread in threads:
            thread.join()
        same(wrong[:3], [])


run()
