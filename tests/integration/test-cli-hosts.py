#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virgate with several hosts: in order, in parallel, and no worse off for a
dead one, a hanging one, or one that ends halfway."""
import json
import tempfile
import threading

from cli import Worlds, virgate
from lib import *


class Silent:
    """A host that takes connections and never says a word."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='virgate-test-')
        self.socket = os.path.join(self.dir, 'sock')
        self.uri = f'test+unix:///default?socket={self.socket}'

    def __enter__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket)
        self.listener.listen(64)
        return self

    def __exit__(self, *exc):
        self.listener.close()
        shutil.rmtree(self.dir)


DEAD = 'test+unix:///default?socket=/nonexistent/socket'


def options(*uris):
    return [word for uri in uris for word in ('-c', uri)]


def test_answers_come_in_one_table_in_the_order_given():
    with Worlds(2) as (a, b):
        virgate('-c', b.uri(), 'suspend', 'test', check=0)
        out = virgate(*options(b.uri(), a.uri()), 'list', check=0)[1]
        lines = out.split('\n')
        same(lines[0].split(), ['HOST', 'Id', 'Name', 'State'])
        same(lines[2].split(), [b.uri(), '1', 'test', 'paused'])
        same(lines[3].split(), [a.uri(), '1', 'test', 'running'])
        out = virgate('--json', *options(b.uri(), a.uri()), 'list',
                      check=0)[1]
        same(json.loads(out), [
            {'host': b.uri(), 'id': 1, 'name': 'test', 'state': 'paused'},
            {'host': a.uri(), 'id': 1, 'name': 'test', 'state': 'running'}])


def test_a_dead_host_costs_its_own_row():
    with Worlds() as (a,):
        rc, out, err = virgate(*options(DEAD, a.uri(), DEAD), 'list')
        same(rc, 5)
        rows = out.strip('\n').split('\n')
        same(len(rows), 5, out)
        same('Failed to connect' in rows[2], True, out)
        same(rows[3].split()[1:], ['1', 'test', 'running'])
        same('Failed to connect' in rows[4], True, out)
        rc, out, err = virgate('--json', *options(DEAD, a.uri()), 'hostname')
        dead, alive = json.loads(out)
        same((rc, dead['host'], alive['host']), (5, DEAD, a.uri()))
        same('Failed to connect' in dead['error']['message'], True, out)
        same(sorted(alive), ['host', 'hostname'])


def test_all_dead_is_no_connection():
    same(virgate(*options(DEAD, DEAD), 'list')[0], 3)


def test_a_hanging_host_delays_nobody_beyond_the_timeout():
    with Worlds() as (a,), Silent() as hanging:
        began = time.monotonic()
        rc, out, err = virgate(*options(hanging.uri, a.uri()), '-t', '2',
                               'list')
        took = time.monotonic() - began
        same(rc, 5)
        same('Timed out' in out.split('\n')[2], True, out)
        same(out.split('\n')[3].split()[1:], ['1', 'test', 'running'])
        same(took < 5 * SLOW, True, f'took {took} s')
        same(virgate('-c', hanging.uri, '-t', '0.2', 'list')[0], 4)


def test_a_hundred_hosts():
    """More than run at once: 64."""
    with Worlds() as (a,):
        out = virgate(*options(*[a.uri()] * 100), 'hostname', check=0)[1]
        same(len(out.strip('\n').split('\n')), 102, out)
        with Silent() as hanging:
            began = time.monotonic()
            uris = [hanging.uri] * 50 + [a.uri()] * 50
            # Long enough for those that answer on a busy machine.
            rc, out, err = virgate(*options(*uris), '-t', str(3 * SLOW),
                                   'hostname')
            took = time.monotonic() - began
            same(out.count('Timed out'), 50, out)
            same(took < 15 * SLOW, True, f'took {took} s')


def test_an_alias_names_a_group():
    with Worlds(2) as (a, b), tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, 'client.conf')
        with open(path, 'w') as f:
            f.write(f'[client]\ndefault-uri = both\n[alias]\none = {a.uri()}\n'
                    f'two = {b.uri()}\nboth = one two\n'
                    f'all = both dead\ndead = {DEAD}\n')
        rows = virgate('--config', path, '-c', 'both', 'hostname',
                       check=0)[1].split('\n')
        same([row.split()[0] for row in rows[2:4]], ['one', 'two'])
        out = virgate('--json', '--config', path, '-c', 'all', 'list')[1]
        same([row['host'] for row in json.loads(out)], ['one', 'two', 'dead'])
        out = virgate('--config', path, '-c', 'two', 'uri', check=0)[1]
        same(out.strip(), b.uri())
        out = virgate('--json', '--config', path, 'hostname', check=0,
                      env={'VIRGATE_DEFAULT_URI': '',
                           'LIBVIRT_DEFAULT_URI': ''})[1]
        same([row['host'] for row in json.loads(out)], ['one', 'two'],
             'the default may be a group')


def test_documents_stand_under_their_hosts():
    with Worlds() as (a,):
        rc, out, err = virgate(*options(a.uri(), DEAD), 'dumpxml', 'test')
        same(rc, 5)
        same(out.startswith(f'==> {a.uri()} <==\n<domain'), True, out)
        same(out.split('\n')[-3], f'==> {DEAD} <==')
        same(out.split('\n')[-2].startswith('error: '), True, out)


def test_records_become_rows():
    with Worlds() as (a,):
        out = virgate(*options(a.uri(), DEAD), 'nodeinfo')[1]
        same(out.split('\n')[0].split()[:3], ['HOST', 'CPU', 'model'])
        same(out.split('\n')[2].split()[1:4], ['i686', '16', '1400'])


def test_one_host_only():
    rc, out, err = virgate(*options(DEAD, DEAD), 'console', 'test')
    same(rc, 2)
    same('one host only' in err, True, err)


def test_events_of_several_hosts():
    with Worlds(2) as (a, b):
        with subprocess.Popen(
                [RUN, 'virgate', *options(a.uri(), b.uri()), 'event',
                 '--event', 'lifecycle', '--loop'], stdout=subprocess.PIPE,
                text=True) as p:
            seen = []
            reader = threading.Thread(
                target=lambda: seen.extend(iter(p.stdout.readline, '')))
            reader.start()
            try:
                for host in (a, b):
                    def happened():
                        virgate('-c', host.uri(), 'suspend test; resume test')
                        return any(line.startswith(host.uri() + ': event ')
                                   for line in seen)
                    wait_until(happened, 20, 'an event of each host')
                p.send_signal(signal.SIGINT)
                same(p.wait(20), 0)
            finally:
                p.kill()
                reader.join()
        same('events received' in ''.join(seen), True, seen)


if __name__ == '__main__':
    run()
