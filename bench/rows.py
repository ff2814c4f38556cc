# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: works, and the rows of the table that they fill.

A work is a function that measures one cell, that is one server (or one client
library) once, and returns named figures, or None where it has no meaning.
Several rows may show figures of one work.  To add a measurement, add a work
and its rows here; nothing else knows them.
"""
from typing import NamedTuple

import strangers
import volumes

IDLE = 4096
IDLE_TCP = 2048
BIG_XML = 262144 + 256
VOLUME = 512 << 20
TURNS = 4

# The columns, in both tables.
THEIRS, OURS, FLOOR = 'theirs', 'ours', 'floor'
HEADINGS = {
    'servers': {THEIRS: 'libvirtd', OURS: 'virgated', FLOOR: 'floor'},
    'gateway': {THEIRS: 'libvirtd', OURS: 'through', FLOOR: 'relay'},
    'clients': {THEIRS: 'libvirt.so', OURS: 'libvirgate', FLOOR: 'wire'},
}


# Works on servers: 'bench' starts what a cell needs and runs the clients.

def calls(bench, role, transport='unix', core=False, floor=(), **load):
    """Repeat one call; the raw client, so that only the server differs."""
    with bench.pinned(core), bench.server(role, *floor) as server:
        return bench.load(server, transport, **load)


def connect(bench, role, **load):
    """Connect, AUTH_LIST, CONNECT_OPEN, CONNECT_CLOSE, over and over."""
    with bench.server(role) as server:
        return bench.load(server, 'unix', work='connect', **load)


def idle(bench, role, transport='unix', count=IDLE, core=False):
    """A lone caller, then the same beside idle connections."""
    count = bench.scaled(count)
    with bench.pinned(core), bench.server(role) as server:
        result = bench.load(server, transport, work='idle', idle=count)
    result['opened_rate'] = count / result['opened_s']
    result['slowdown'] = result['p50_us'] / result['alone_p50_us']
    return result


def beside_xml(bench, role):
    """A lone caller beside one connection with 8 XML calls in flight."""
    with bench.server(role) as server:
        with bench.background(server, call='xml', depth=8):
            return bench.load(server, 'unix')


def beside_slow(bench, role):
    """A lone caller beside one client whose opens keep the driver busy."""
    if role == FLOOR:
        return None
    with bench.server(role) as server:
        name = server.write_node()
        with bench.background(server, work='connect', name=name):
            return bench.load(server, 'unix')


def through(bench, role, core=False, **load):
    """The same on libvirtd, and on libvirtd through what is before it."""
    with bench.pinned(core), bench.behind(role) as server:
        return bench.load(server, 'unix', **load)


def volume(bench, role):
    """A volume's contents, up and down."""
    with bench.behind(role, storage=True) as server:
        return bench.here(volumes.measure, server.unix, bench.scaled(VOLUME))


def with_rules(bench, role, rule, before=False):
    """CPU with 1000 rules and an audit trail, of that without, by turns."""
    if role != OURS:
        return None
    spent = {}
    with bench.pinned(True), bench.judged(rule, before) as judged, \
            (bench.behind(role) if before else bench.server(role)) as plain:
        for server in (plain, judged) * TURNS:
            figures = bench.load(server, 'unix', seconds=bench.seconds / 2)
            spent.setdefault(server, []).append(figures['server_us'])
    return {'ratio': sum(spent[judged]) / sum(spent[plain])}


def beside_strangers(bench, role, count):
    """First answers beside clients of a port with SASL that say nothing."""
    if role == FLOOR:
        return None
    with bench.server(role, asking=True) as server:
        return strangers.beside(server, count)


# Works on servers over TLS, with a client that knows TLS and bytes.

def tls(bench, role, core=False, **load):
    with bench.pinned(core), bench.tls_server(role) as server:
        return bench.tls_load(server, **load)


def beside_handshakes(bench, role):
    """A lone caller beside handshakes from 8 threads."""
    if role == FLOOR:
        return None
    with bench.tls_server(role) as server:
        with bench.background(server, work='connect', threads=8):
            return bench.tls_load(server)


# Works on client libraries: the role is the client, the server is given.

def library(bench, role, server=FLOOR, threads=1, core=False):
    """virDomainGetInfo over and over, or what it is elsewhere."""
    if role == FLOOR and threads > 1:
        return None
    with bench.pinned(core), bench.server(server) as running:
        if role == FLOOR:
            return bench.load(running, 'unix')
        return bench.library(role, running, threads)


class Work(NamedTuple):
    measure: callable
    args: dict = {}
    table: str = 'servers'
    server: str = None          # the one that all columns need, if it is one


def before(**args):
    return Work(through, args, 'gateway')


def before_rules(**args):
    return Work(with_rules, dict(args, before=True), 'gateway')


def on(server, **args):
    return Work(library, dict(args, server=server), 'clients', server)


WORKS = {
    'unix': Work(calls),
    'tcp': Work(calls, {'transport': 'tcp'}),
    'unix-core': Work(calls, {'core': True}),
    'tcp-core': Work(calls, {'transport': 'tcp', 'core': True}),
    'depth-8': Work(calls, {'depth': 8}),
    'depth-64': Work(calls, {'depth': 64}),
    'tcp-depth-64': Work(calls, {'transport': 'tcp', 'depth': 64}),
    'conns-64': Work(calls, {'connections': 64}),
    'conns-512': Work(calls, {'connections': 512}),
    'xml': Work(calls, {'call': 'xml'}),
    'list': Work(calls, {'call': 'list'}),
    'big-xml': Work(calls, {'call': 'big-xml', 'depth': 4,
                            'floor': (f'--xml-bytes={BIG_XML}',)}),
    'connect': Work(connect),
    'connect-8': Work(connect, {'threads': 8}),
    'idle': Work(idle),
    'idle-core': Work(idle, {'core': True}),
    'idle-tcp': Work(idle, {'transport': 'tcp', 'count': IDLE_TCP}),
    'beside-xml': Work(beside_xml),
    'beside-slow': Work(beside_slow),
    'strangers-20': Work(beside_strangers, {'count': 20}),
    'strangers-2000': Work(beside_strangers, {'count': 2000}),
    'tls': Work(tls),
    'tls-core': Work(tls, {'core': True}),
    'tls-depth-64': Work(tls, {'depth': 64}),
    'tls-connect': Work(tls, {'work': 'connect'}),
    'tls-connect-8': Work(tls, {'work': 'connect', 'threads': 8}),
    'tls-idle': Work(tls, {'work': 'idle', 'idle': 500}),
    'tls-storm': Work(beside_handshakes),
    'gw': before(),
    'gw-core': before(core=True),
    'gw-depth-64': before(depth=64),
    'gw-conns-64': before(connections=64),
    'gw-conns-64-core': before(connections=64, core=True),
    'gw-xml': before(call='xml'),
    'gw-connect': before(work='connect'),
    'gw-volume': Work(volume, table='gateway'),
    'rules': Work(with_rules, {'rule': 'allow operator'}),
    'rules-names': Work(with_rules, {'rule': 'allow operator domain:te*'}),
    'gw-rules': before_rules(rule='allow operator'),
    'gw-rules-names': before_rules(rule='allow operator domain:te*'),
    'lib-floor': on(FLOOR),
    'lib-virgated': on(OURS),
    'lib-floor-core': on(FLOOR, core=True),
    'lib-virgated-core': on(OURS, core=True),
    'lib-floor-8': on(FLOOR, threads=8),
    'lib-virgated-8': on(OURS, threads=8),
}


class Row(NamedTuple):
    key: str
    title: str
    work: str
    figure: str
    unit: str
    targets: tuple = ()         # (column or 'self', '<=' or '>=', bound)


def at_most(**bounds):
    return tuple((column, '<=', bound) for column, bound in bounds.items())


def at_least(**bounds):
    return tuple((column, '>=', bound) for column, bound in bounds.items())


ROWS = [
    Row('cpu-unix', 'server CPU per call, unix', 'unix', 'server_us', 'µs',
        at_most(theirs=0.25, floor=2)),
    Row('cpu-tcp', 'server CPU per call, tcp', 'tcp', 'server_us', 'µs',
        at_most(theirs=0.25, floor=2)),
    Row('cpu-unix-core', '  on one core, unix', 'unix-core', 'server_us',
        'µs', at_most(theirs=0.25, floor=2)),
    Row('cpu-tcp-core', '  on one core, tcp', 'tcp-core', 'server_us', 'µs',
        at_most(theirs=0.25, floor=2)),
    Row('p50-unix', 'one call after another, unix: p50', 'unix', 'p50_us',
        'µs'),
    Row('p50-tcp', '  tcp: p50', 'tcp', 'p50_us', 'µs'),
    Row('p50-unix-core', '  on one core, unix: p50', 'unix-core', 'p50_us',
        'µs', at_most(theirs=0.3, floor=1.5)),
    Row('p50-tcp-core', '  on one core, tcp: p50', 'tcp-core', 'p50_us', 'µs',
        at_most(theirs=0.3, floor=1.5)),
    Row('p99-unix', '  unix: p99', 'unix', 'p99_us', 'µs'),
    Row('xml', 'XML of a domain: p50', 'xml', 'p50_us', 'µs'),
    Row('list', 'LIST_ALL_DOMAINS: p50', 'list', 'p50_us', 'µs'),
    Row('depth-8', '8 in flight, 1 connection', 'depth-8', 'rate', '/s'),
    Row('depth-64', '64 in flight, 1 connection', 'depth-64', 'rate', '/s',
        at_least(theirs=20)),
    Row('depth-64-tcp', '  tcp', 'tcp-depth-64', 'rate', '/s'),
    Row('conns-64', '64 connections', 'conns-64', 'rate', '/s',
        at_least(theirs=6)),
    Row('conns-512', '512 connections', 'conns-512', 'rate', '/s',
        at_least(theirs=9)),
    Row('big-xml', '256 KiB replies, depth 4', 'big-xml', 'mb_s', 'MB/s',
        at_least(theirs=4)),
    Row('connect', 'connect, open, close', 'connect', 'rate', '/s',
        at_least(theirs=2.5)),
    Row('connect-8', '  in 8 threads', 'connect-8', 'rate', '/s'),
    Row('connect-cpu', '  server CPU for each', 'connect', 'server_us', 'µs'),
    Row('idle-p50', f'p50 beside {IDLE} idle / without', 'idle', 'slowdown',
        'x', at_most(self=1.1)),
    Row('idle-p50-core', '  on one core', 'idle-core', 'slowdown', 'x',
        at_most(self=1.1)),
    Row('idle-open', f'opening {IDLE} connections', 'idle', 'opened_rate',
        '/s', at_least(theirs=25)),
    Row('idle-open-core', '  on one core', 'idle-core', 'opened_rate', '/s',
        at_least(theirs=25)),
    Row('idle-rss', 'RSS per idle connection, unix', 'idle', 'rss_kib', 'KiB',
        at_most(self=1)),
    Row('idle-pss', 'PSS per idle connection, unix', 'idle', 'pss_kib', 'KiB',
        at_most(self=1)),
    Row('idle-rss-tcp', '  RSS, tcp', 'idle-tcp', 'rss_kib', 'KiB',
        at_most(self=1)),
    Row('idle-pss-tcp', '  PSS, tcp', 'idle-tcp', 'pss_kib', 'KiB',
        at_most(self=1)),
    Row('beside-xml', 'p50 beside 8 XML calls in flight', 'beside-xml',
        'p50_us', 'µs'),
    Row('beside-slow', 'p99 beside slow driver calls', 'beside-slow',
        'p99_us', 'µs', at_most(theirs=1)),
    Row('beside-slow-p50', '  p50', 'beside-slow', 'p50_us', 'µs'),

    Row('rules-cpu', 'CPU with 1000 rules and a trail / without', 'rules',
        'ratio', 'x', at_most(self=1.1)),
    Row('rules-names-cpu', '  with 1000 rules by name', 'rules-names',
        'ratio', 'x', at_most(self=1.1)),

    Row('strangers-20', 'new local client beside 20 strangers',
        'strangers-20', 'local_ms', 'ms', at_most(self=250)),
    Row('strangers-20-tcp', '  remote client', 'strangers-20', 'remote_ms',
        'ms', at_most(self=250)),
    Row('strangers-2000', 'new local client beside 2000 strangers',
        'strangers-2000', 'local_ms', 'ms', at_most(self=250)),
    Row('strangers-2000-tcp', '  remote client', 'strangers-2000',
        'remote_ms', 'ms', at_most(self=250)),
    Row('strangers-rss', '  RSS for each stranger', 'strangers-2000',
        'stranger_kib', 'KiB', at_most(self=64)),

    Row('tls-cpu', 'server CPU per call, TLS', 'tls', 'server_us', 'µs',
        at_most(theirs=0.4, floor=2)),
    Row('tls-cpu-core', '  on one core', 'tls-core', 'server_us', 'µs',
        at_most(theirs=0.4, floor=2)),
    Row('tls-p50', '  p50', 'tls', 'p50_us', 'µs'),
    Row('tls-depth-64', '64 in flight, TLS', 'tls-depth-64', 'rate', '/s',
        at_least(theirs=20)),
    Row('tls-connect', 'handshake, open, close, TLS', 'tls-connect', 'rate',
        '/s'),
    Row('tls-connect-8', '  in 8 threads', 'tls-connect-8', 'rate', '/s',
        at_least(theirs=1.4)),
    Row('tls-connect-cpu', '  server CPU for each', 'tls-connect-8',
        'server_us', 'µs'),
    Row('tls-idle-rss', 'RSS per idle connection, TLS', 'tls-idle', 'rss_kib',
        'KiB', at_most(self=22)),
    Row('tls-storm', 'p99 beside 8 threads of handshakes', 'tls-storm',
        'p99_us', 'µs', at_most(theirs=1 / 3)),

    Row('gw-p50', 'one call after another, gateway: p50', 'gw', 'p50_us',
        'µs', at_most(theirs=1.4)),
    Row('gw-p50-core', '  on one core', 'gw-core', 'p50_us', 'µs',
        at_most(theirs=1.4)),
    Row('gw-cpu', "its CPU per call, of libvirtd's", 'gw', 'server_us',
        'µs', at_most(theirs=0.25)),
    Row('gw-cpu-core', '  on one core', 'gw-core', 'server_us', 'µs',
        at_most(theirs=0.25)),
    Row('gw-cpu-64', '  64 connections', 'gw-conns-64', 'server_us', 'µs',
        at_most(theirs=0.25)),
    Row('gw-cpu-64-core', '  64 connections on one core', 'gw-conns-64-core',
        'server_us', 'µs', at_most(theirs=0.25)),
    Row('gw-conns-64', '64 connections', 'gw-conns-64', 'rate', '/s',
        at_least(theirs=0.95)),
    Row('gw-conns-64-core', '  on one core', 'gw-conns-64-core', 'rate',
        '/s'),
    Row('gw-depth-64', '64 in flight, 1 connection', 'gw-depth-64', 'rate',
        '/s', at_least(theirs=0.95)),
    Row('gw-depth-64-cpu', '  its CPU per call', 'gw-depth-64', 'server_us',
        'µs', at_most(theirs=0.25)),
    Row('gw-xml', 'XML of a domain: p50', 'gw-xml', 'p50_us', 'µs'),
    Row('gw-xml-cpu', '  its CPU per call', 'gw-xml', 'server_us', 'µs'),
    Row('gw-connect', 'connect, open, close', 'gw-connect', 'rate', '/s'),
    Row('gw-upload', 'volume upload', 'gw-volume', 'up_mb_s', 'MB/s',
        at_least(theirs=0.9)),
    Row('gw-download', '  download', 'gw-volume', 'down_mb_s', 'MB/s',
        at_least(theirs=0.9)),
    Row('gw-rules-cpu', 'CPU with 1000 rules and a trail / without',
        'gw-rules', 'ratio', 'x', at_most(self=1.1)),
    Row('gw-rules-names-cpu', '  with 1000 rules by name', 'gw-rules-names',
        'ratio', 'x', at_most(self=1.1)),

    Row('lib-cpu-floor', 'client CPU per call, to floor', 'lib-floor',
        'client_us', 'µs', at_most(theirs=0.45, floor=1.3)),
    Row('lib-cpu', 'client CPU per call, to virgated', 'lib-virgated',
        'client_us', 'µs', at_most(theirs=0.45, floor=1.3)),
    Row('lib-cpu-floor-core', '  on one core, to floor', 'lib-floor-core',
        'client_us', 'µs', at_most(theirs=0.45, floor=1.3)),
    Row('lib-cpu-core', '  on one core, to virgated', 'lib-virgated-core',
        'client_us', 'µs', at_most(theirs=0.45, floor=1.3)),
    Row('lib-p50-floor', 'p50, to floor', 'lib-floor', 'p50_us', 'µs'),
    Row('lib-p50', 'p50, to virgated', 'lib-virgated', 'p50_us', 'µs'),
    Row('lib-8-floor', '8 threads, 1 connection, to floor', 'lib-floor-8',
        'rate', '/s', at_least(theirs=3)),
    Row('lib-8', '8 threads, 1 connection, to virgated', 'lib-virgated-8',
        'rate', '/s', at_least(theirs=3)),
]
