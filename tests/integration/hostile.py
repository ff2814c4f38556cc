# SPDX-License-Identifier: LGPL-2.1-or-later
"""The catalogue of hostile clients: what each sends, how it must end.

A case is a function of one argument, the Ground it plays on, registered under
a name by @case or by a table.  The outcome is checked inside; the runner
(test-hostile-clients.py) watches memory, descriptors and other clients.
"""
import os
import socket
import struct
import time

from rawrpc import *

CASES = {}


def case(name):
    def register(fn):
        assert name not in CASES, name
        CASES[name] = fn
        return fn
    return register


class Ground:
    """Where a case plays: paths of the daemon under test."""

    def __init__(self, socket, socket_ro, port):
        self.socket, self.socket_ro, self.port = socket, socket_ro, port

    def fresh(self, **kw):
        return Conn(self.socket, open_name=None, **kw)

    def opened(self, **kw):
        return Conn(self.socket, **kw)

    def tcp(self, **kw):
        return Conn(self.port, **kw)


# How a case ends ---------------------------------------------------------

def closes(conn, seconds=15):
    """The daemon closes the connection and says nothing more."""
    conn.s.settimeout(seconds)
    try:
        reply = conn.receive()
    except Ended:
        return
    raise AssertionError(f'answered instead of closing: {reply}')


def still_usable(conn):
    """The connection goes on as if nothing had been sent."""
    reply = conn.call(FEATURE, u32(14))
    if reply.error and reply.error[0] == 1:     # not opened yet: same thing
        return
    assert reply.status == OK, reply


def refused(reply, code, text, domain=None):
    assert reply.status == ERROR, reply
    assert reply.error[0] == code, reply
    assert text in (reply.error[2] or ''), reply
    assert domain is None or reply.error[1] == domain, reply


def undecodable(reply):
    refused(reply, 39, 'Unable to decode message payload')


# Framing -----------------------------------------------------------------

def add_lengths():
    for length in (0, 1, 3, 4, 5, 20, 27, 33554437, 0x7fffffff, 0x80000000,
                   0xffffffff):
        for stage in ('fresh', 'opened'):
            @case(f'length word {length:#x}, {stage}')
            def _(ground, length=length, stage=stage):
                with getattr(ground, stage)() as c:
                    c.send(u32(length) + b'\0' * 40)
                    closes(c)


def add_claims():
    for claim, sent in ((33554436, 28), (33554436, 100000), (1000000, 27),
                        (60, 59), (28, 4), (28, 27)):
        @case(f'claim of {claim} bytes, {sent} sent, then silence')
        def _(ground, claim=claim, sent=sent):
            c = ground.opened()
            c.send(message(NUM_DOMAINS, b'\0' * (sent + 28), length=claim)
                   [:sent])
            c.s.settimeout(0.2)
            try:
                raise AssertionError(f'answered: {c.receive()}')
            except (Ended, socket.timeout):
                c.close()


@case('unauthenticated claim of 32 MiB')
def _(ground):
    with ground.fresh() as c:
        c.send(message(AUTH_LIST, length=33554436))
        closes(c)


@case('one byte at a time')
def _(ground):
    with ground.opened() as c:
        for byte in message(NUM_DOMAINS, serial=99):
            c.send(bytes([byte]))
        assert c.receive().serial == 99


@case('two messages cut in the middle')
def _(ground):
    with ground.opened() as c:
        data = message(NUM_DOMAINS, serial=7) * 2
        c.send(data[:40])
        c.send(data[40:])
        assert [c.receive().serial for _ in range(2)] == [7, 7]


@case('64 messages in one packet')
def _(ground):
    with ground.opened() as c:
        c.send(b''.join(message(NUM_DOMAINS, serial=n) for n in range(64)))
        assert {c.receive().serial for _ in range(64)} == set(range(64))


@case('the largest message there is')
def _(ground):
    with ground.opened() as c:
        try:
            c.send(message(LOOKUP_NAME, b'\0' * 33554408, serial=5))
            reply = c.receive()
        except (Ended, ConnectionError):
            return
        undecodable(reply)
        still_usable(c)


@case('text protocol on the socket')
def _(ground):
    with ground.fresh() as c:
        c.send(b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
        closes(c)


@case('a TLS hello on the socket')
def _(ground):
    with ground.fresh() as c:
        c.send(bytes.fromhex('16030100c8010000c40303') + os.urandom(190))
        closes(c)


# Headers -------------------------------------------------------------------

def signed(n):
    """libvirt prints these as signed numbers."""
    return n - (1 << 32) if n >> 31 else n


def add_programs():
    for prog, vers in ((0, 1), (1, 1), (0xffffffff, 1), (0x20008088, 1),
                       (0x0EA7BEEF, 1), (0x87539319, 1), (REMOTE, 0),
                       (REMOTE, 2), (REMOTE, 0xffffffff), (QEMU, 2), (LXC, 9)):
        for stage in ('fresh', 'opened'):
            @case(f'program {prog:#x} version {vers:#x}, {stage}')
            def _(ground, prog=prog, vers=vers, stage=stage):
                with getattr(ground, stage)() as c:
                    reply = c.call(NUM_DOMAINS, prog=prog, vers=vers)
                    refused(reply, 39,
                            f'Cannot find program {signed(prog)} '
                            f'version {signed(vers)}')
                    assert reply.prog == prog and reply.vers == vers
                    still_usable(c)


def add_procedures():
    for proc in (0, -1, 454, 500, 5000, 0x7fffffff, -0x80000000):
        @case(f'procedure {proc}')
        def _(ground, proc=proc):
            with ground.opened() as c:
                refused(c.call(proc), 39, 'unknown procedure', 7)
                still_usable(c)
    for prog, proc in ((QEMU, 0), (QEMU, 8), (LXC, 2), (QEMU, 6),
                       (REMOTE, LIFECYCLE_EVENT), (REMOTE, 107)):
        @case(f'program {prog:#x} procedure {proc} is no call')
        def _(ground, prog=prog, proc=proc):
            with ground.opened() as c:
                refused(c.call(proc, prog=prog), 39, 'unknown procedure')
                still_usable(c)


def add_types():
    for mtype in (REPLY, EVENT, STREAM, HOLE, 7, 100, -1, 0x7fffffff):
        for stage in ('fresh', 'opened'):
            @case(f'message type {mtype}, {stage}')
            def _(ground, mtype=mtype, stage=stage):
                with getattr(ground, stage)() as c:
                    c.send(message(NUM_DOMAINS, serial=77, mtype=mtype))
                    still_usable(c)


def add_status():
    for status in (ERROR, CONTINUE, 3, -1, 0x7fffffff):
        @case(f'call with status {status}')
        def _(ground, status=status):
            with ground.opened() as c:
                refused(c.call(NUM_DOMAINS, status=status), 39,
                        f'Unexpected message status {status & 0xffffffff}'
                        if status >= 0 else 'Unexpected message status')
                still_usable(c)


@case('serials repeated, backwards and extreme')
def _(ground):
    with ground.opened() as c:
        for serial in (5, 5, 0, 0xffffffff, 3):
            c.send(message(NUM_DOMAINS, serial=serial))
            assert c.receive().serial == serial


# Arguments -----------------------------------------------------------------

BAD_ARGUMENTS = {
    'no string at all': (LOOKUP_NAME, b''),
    'string shorter than it says': (LOOKUP_NAME, u32(4) + b'te'),
    'string longer than a message': (LOOKUP_NAME, u32(0xffffffff) + b'test'),
    'string above its limit': (LOOKUP_NAME, u32(4194305) + b'test'),
    'string without padding': (LOOKUP_NAME, u32(5) + b'tests'),
    'padding that is not zero': (LOOKUP_NAME, u32(5) + b'tests\0\1\0'),
    'NUL inside a string': (LOOKUP_NAME, u32(8) + b'te\0tessi'),
    'bytes after the arguments': (LOOKUP_NAME, string('test') + u32(0)),
    'one byte after the arguments': (LOOKUP_NAME, string('test') + b'\0'),
    'payload where none belongs': (NUM_DOMAINS, u32(1)),
    'integer cut short': (LOOKUP_ID, b'\0\0\0'),
    'optional flag 2': (OPEN, u32(2) + string('x') + u32(0)),
    'optional flag -1': (OPEN, u32(-1) + string('x') + u32(0)),
    'domain without uuid': (DOMAIN_XML, string('test')),
    'domain with half a uuid': (DOMAIN_XML, string('test') + b'\1' * 8),
    'domain without id': (DOMAIN_XML, string('test') + TEST_UUID),
    'name that is not UTF-8': (LOOKUP_NAME, string(b'\xff\xfe\xfd\xfc')),
    'typed parameters beyond the limit':
        (86 + 0, domain() + u32(0x7fffffff)),
    'SASL data beyond the limit':
        (SASL_START, string('PLAIN') + u32(0) + u32(65537) + b'\0' * 64),
    'SASL data that never come':
        (SASL_START, string('PLAIN') + u32(0) + u32(65536)),
    'SASL data with a negative count': (SASL_STEP, u32(0) + u32(-1)),
}
SET_MEMORY_PARAMETERS, SET_SCHEDULER = 197, 58
BAD_ARGUMENTS['typed parameters beyond the limit'] = (
    SET_MEMORY_PARAMETERS, domain() + u32(17) + b'\0' * 400)


def add_typed():
    one = string('soft_limit')
    for name, value in (('type 0', u32(0) + u32(1)), ('type 8', u32(8) + u32(1)),
                        ('type -1', u32(-1) + u32(1)),
                        ('no value', u32(4) + u32(1)),
                        ('string value cut', u32(7) + u32(100) + b'abcd')):
        BAD_ARGUMENTS[f'typed parameter of {name}'] = (
            SET_MEMORY_PARAMETERS, domain() + u32(1) + one + value)
    for count in (2, 16, 17, 0x10000, 0x7fffffff, 0xffffffff):
        BAD_ARGUMENTS[f'{count:#x} typed parameters, one sent'] = (
            SET_MEMORY_PARAMETERS, domain() + u32(count) + one
            + u32(4) + i64(1) + u32(0))


def add_arguments():
    for name, (proc, payload) in BAD_ARGUMENTS.items():
        @case(f'arguments: {name}')
        def _(ground, proc=proc, payload=payload):
            with ground.opened() as c:
                undecodable(c.call(proc, payload))
                still_usable(c)


def add_truncations():
    good = domain() + u32(0)
    for cut in range(len(good)):
        @case(f'dumpxml arguments cut at {cut}')
        def _(ground, cut=cut):
            with ground.opened() as c:
                undecodable(c.call(DOMAIN_XML, good[:cut]))
                still_usable(c)


# State ---------------------------------------------------------------------

def add_before_open():
    for proc, payload in ((NUM_DOMAINS, b''), (GET_TYPE, b''),
                          (LOOKUP_NAME, string('test')),
                          (LIST_ALL_DOMAINS, u32(1) + u32(0)),
                          (DOMAIN_DESTROY, domain()),
                          (SCREENSHOT, domain() + u32(0) + u32(0)),
                          (REGISTER_EVENT, u32(0) + u32(0))):
        @case(f'procedure {proc} before open')
        def _(ground, proc=proc, payload=payload):
            with ground.fresh() as c:
                refused(c.call(proc, payload), 1,
                        'hypervisor connection not open')
                still_usable(c)


@case('qemu program before open')
def _(ground):
    with ground.fresh() as c:
        refused(c.call(1, domain() + string('info') + u32(0), prog=QEMU), 1,
                'hypervisor connection not open')


@case('open twice')
def _(ground):
    with ground.opened() as c:
        refused(c.open(), 1, 'connection already open')
        still_usable(c)


@case('open twice in one packet')
def _(ground):
    with ground.fresh() as c:
        one = some(string('test:///default')) + u32(0)
        c.send(message(OPEN, one, serial=1) + message(OPEN, one, serial=2))
        replies = [c.receive(), c.receive()]
        assert sorted(r.status for r in replies) == [OK, ERROR], replies
        still_usable(c)


@case('call right behind open in one packet')
def _(ground):
    with ground.fresh() as c:
        c.send(message(OPEN, some(string('test:///default')) + u32(0),
                       serial=1) + message(NUM_DOMAINS, serial=2))
        assert {c.receive().serial, c.receive().serial} == {1, 2}


def add_names():
    for name in ('nosuch:///', 'test', '', ':', '://', 'test:', 'x' * 100000,
                 'test+ssh://root@127.0.0.1/default',
                 'test+unix:///default?socket=/etc/passwd',
                 'test+ext:///default?command=/bin/false',
                 'qemu+ssh://127.0.0.1/system', 'test://127.0.0.1/default',
                 'test:///etc/passwd', 'test:////etc/passwd',
                 'test:///../../etc/passwd', 'test:///nosuchfile.xml',
                 'TEST:///default', 'remote:///', 'test:///default/../x'):
        @case(f'open of {name[:40]!r}')
        def _(ground, name=name):
            with ground.fresh() as c:
                reply = c.open(name)
                assert reply.status == ERROR, reply
                assert 'root:' not in reply.error[2], reply
                still_usable(c)


@case('authentication calls where none is needed')
def _(ground):
    for proc, payload in ((SASL_INIT, b''), (POLKIT, b''),
                          (SASL_START, string('PLAIN') + u32(1) + u32(0)),
                          (SASL_STEP, u32(1) + u32(0))):
        for stage in ('fresh', 'opened'):
            with getattr(ground, stage)() as c:
                assert c.call(proc, payload).status == ERROR
                still_usable(c)


@case('close, then a call')
def _(ground):
    with ground.opened() as c:
        c.send(message(CLOSE, serial=1) + message(NUM_DOMAINS, serial=2))
        assert c.receive().serial == 1
        closes(c)


@case('close before open')
def _(ground):
    with ground.fresh() as c:
        assert c.call(CLOSE).status == OK
        closes(c)


@case('close twice in one packet')
def _(ground):
    with ground.opened() as c:
        c.send(message(CLOSE, serial=1) * 2)
        assert c.receive().serial == 1
        closes(c)


@case('write call on the read-only socket')
def _(ground):
    with Conn(ground.socket_ro) as c:
        refused(c.call(DOMAIN_DESTROY, domain()), 29, 'read only access')
        still_usable(c)


@case('write call after read-only open')
def _(ground):
    with ground.opened(flags=1) as c:
        refused(c.call(DOMAIN_DESTROY, domain()), 29, 'read only access')
        still_usable(c)


@case('open with unknown flags is as without')
def _(ground):
    with ground.opened(flags=0xfffffffe) as c:
        still_usable(c)


# Keepalive -----------------------------------------------------------------

def ping(**kw):
    return message(1, mtype=EVENT, serial=0, prog=KEEPALIVE, **kw)


@case('pong nobody asked for')
def _(ground):
    with ground.opened() as c:
        c.send(message(2, mtype=EVENT, serial=0, prog=KEEPALIVE) * 100)
        still_usable(c)


@case('ping before open')
def _(ground):
    with ground.fresh() as c:
        c.send(ping())
        reply = c.receive()
        assert (reply.prog, reply.proc) == (KEEPALIVE, 2), reply
        still_usable(c)


@case('keepalive as a call, an unknown one, one with a payload')
def _(ground):
    with ground.opened() as c:
        c.send(message(1, mtype=CALL, serial=0, prog=KEEPALIVE))
        c.send(message(99, mtype=EVENT, serial=0, prog=KEEPALIVE))
        c.send(message(2, b'abcd', mtype=EVENT, serial=0, prog=KEEPALIVE))
        reply = c.call(NUM_DOMAINS)
        assert reply.status == OK, reply


@case('flood of pings, pongs never read')
def _(ground):
    flood(ground.opened(), ping() * 2000, 500)


@case('flood of pings before login')
def _(ground):
    flood(ground.fresh(), ping() * 2000, 500)


# Floods --------------------------------------------------------------------

def flood(conn, block, times):
    """Write without reading until the daemon stops taking it."""
    conn.s.settimeout(0.5)
    try:
        for _ in range(times):
            conn.send(block)
    except (socket.timeout, ConnectionError):
        pass
    conn.close()


@case('100,000 calls without reading a reply')
def _(ground):
    flood(ground.opened(), message(DOMAIN_XML, domain() + u32(0)) * 1000, 100)


@case('100,000 calls before login')
def _(ground):
    flood(ground.fresh(), message(AUTH_LIST) * 1000, 100)


@case('100,000 calls, replies read late')
def _(ground):
    c = ground.opened(timeout=60)
    c.s.setblocking(False)
    data = memoryview(message(NUM_DOMAINS) * 100000)
    got = 0
    end = time.monotonic() + 60
    while got < 100000 * 32 and time.monotonic() < end:
        try:
            data = data[c.s.send(data[:1 << 20]):] if data else data
        except BlockingIOError:
            pass
        try:
            got += len(c.s.recv(1 << 20))
        except BlockingIOError:
            pass
    assert got == 100000 * 32, got
    c.close()


@case('flood of dropped types')
def _(ground):
    flood(ground.opened(), message(1, b'x' * 1000, mtype=REPLY) * 100, 200)


@case('flood of stream packets for no stream')
def _(ground):
    flood(ground.opened(), message(SCREENSHOT, b'x' * 60000, mtype=STREAM,
                                   status=CONTINUE), 300)


@case('flood of errors')
def _(ground):
    flood(ground.opened(), message(9999) * 1000, 100)


@case('events never read')
def _(ground):
    deaf = ground.opened()
    for event in (0,):
        assert deaf.call(REGISTER_EVENT, u32(event) + u32(0)).status == OK
    with ground.opened() as c:
        for n in range(5000):
            assert c.call(SUSPEND, domain()).status == OK
            assert c.call(RESUME, domain()).status == OK
    deaf.close()


# Many connections ------------------------------------------------------------

def crowd(ground, count, first=b'', where=None):
    """COUNT connections that send something and then say nothing."""
    conns = []
    for _ in range(count):
        s = socket.socket(socket.AF_UNIX if where is None else socket.AF_INET)
        s.settimeout(5)
        try:
            s.connect(ground.socket if where is None
                      else ('127.0.0.1', where))
            if first:
                s.send(first)
        except OSError:
            s.close()
            continue
        conns.append(s)
    for s in conns:
        s.close()


@case('1,000 connections that say nothing')
def _(ground):
    crowd(ground, 1000)


@case('1,000 connections over tcp that say nothing')
def _(ground):
    crowd(ground, 1000, where=ground.port)


@case('1,000 connections with half a header')
def _(ground):
    crowd(ground, 1000, message(AUTH_LIST)[:13])


@case('1,000 connections with a huge claim')
def _(ground):
    crowd(ground, 1000, message(AUTH_LIST, b'x' * 1000, length=60000))


@case('1,000 connections that end in mid-call')
def _(ground):
    crowd(ground, 1000, message(OPEN, some(string('test:///default'))
                                + u32(0)) + message(NUM_DOMAINS) * 10)


@case('500 connections reset at once')
def _(ground):
    for _ in range(500):
        s = socket.create_connection(('127.0.0.1', ground.port), 5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack('ii', 1, 0))
        s.send(message(AUTH_LIST) * 5)
        s.close()


# Endings ---------------------------------------------------------------------

def add_endings():
    shot = message(SCREENSHOT, domain() + u32(0) + u32(0), serial=9)
    for name, data in (
            ('calls in flight', message(DOMAIN_XML, domain() + u32(0)) * 200),
            ('a stream in flight', shot),
            ('ten streams in flight', shot * 10),
            ('registrations', message(REGISTER_EVENT, u32(0) + u32(0))),
            ('an open in flight', b''),
            ('half a message', message(NUM_DOMAINS)[:11])):
        for how in ('close', 'reset', 'half-close'):
            @case(f'ends with {name}, {how}')
            def _(ground, data=data, how=how, name=name):
                c = ground.tcp(open_name=None if 'open' in name
                               else 'test:///default')
                if 'open' in name:
                    data = message(OPEN, some(string('test:///default'))
                                   + u32(0))
                c.send(data)
                if how == 'reset':
                    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack('ii', 1, 0))
                if how == 'half-close':
                    c.s.shutdown(socket.SHUT_WR)
                    c.s.settimeout(10)
                    while c.s.recv(65536):
                        pass
                c.close()


# Descriptors -----------------------------------------------------------------

def with_files(count, fn):
    fds = [os.open('/dev/null', os.O_RDONLY) for _ in range(count)]
    try:
        fn(fds)
    finally:
        for fd in fds:
            os.close(fd)


def add_unannounced():
    for count in (1, 32, 33, 253):
        @case(f'{count} descriptors that nobody announced')
        def _(ground, count=count):
            def go(fds):
                with ground.opened() as c:
                    for n in range(50):
                        c.send_fds(message(NUM_DOMAINS, serial=n), fds)
                        assert c.receive().serial == n
            with_files(count, go)


@case('a descriptor with every byte')
def _(ground):
    def go(fds):
        with ground.opened() as c:
            for byte in message(NUM_DOMAINS, serial=3):
                c.send_fds(bytes([byte]), fds)
            assert c.receive().serial == 3
    with_files(1, go)


def associate(count, payload=None):
    body = domain() + string('x') + u32(0) if payload is None else payload
    return message(FD_ASSOCIATE, u32(count) + body, mtype=CALL_FDS, serial=4)


@case('announced descriptors that never come')
def _(ground):
    with ground.opened() as c:
        c.send(associate(2) + b'\0\0' + message(NUM_DOMAINS))
        closes(c)


@case('fewer descriptors than announced')
def _(ground):
    def go(fds):
        with ground.opened() as c:
            c.send(associate(2))
            c.send_fds(b'\0', fds)
            c.send(b'\0' + message(NUM_DOMAINS))
            closes(c)
    with_files(1, go)


@case('33 descriptors announced')
def _(ground):
    with ground.opened() as c:
        c.send(associate(33) + b'\0' * 33)
        closes(c)


@case('more descriptors announced than a word holds')
def _(ground):
    with ground.opened() as c:
        c.send(associate(0xffffffff))
        closes(c)


@case('call with descriptors, none announced')
def _(ground):
    with ground.opened() as c:
        c.send(associate(0))
        assert c.receive().status == ERROR
        still_usable(c)


@case('call with descriptors too short for their count')
def _(ground):
    with ground.opened() as c:
        c.send(message(FD_ASSOCIATE, b'', mtype=CALL_FDS))
        closes(c)


@case('32 descriptors for a call that wants none')
def _(ground):
    def go(fds):
        with ground.opened() as c:
            c.send(message(NUM_DOMAINS, u32(32), mtype=CALL_FDS, serial=8))
            for fd in fds:
                c.send_fds(b'\0', [fd])
            assert c.receive().serial == 8
            still_usable(c)
    with_files(32, go)


@case('descriptors in the middle of a long message')
def _(ground):
    def go(fds):
        for conn, length in ((ground.fresh, 60000), (ground.opened, 1 << 20)):
            for _ in range(5):
                with conn() as c:
                    c.send(struct.pack('>I', length) + bytes(40000))
                    for _ in range(20):
                        c.send_fds(b'\0', fds)
    with_files(32, go)


@case('announced descriptors over tcp')
def _(ground):
    with ground.tcp() as c:
        c.send(associate(1) + b'\0')
        closes(c)


@case('ends between announced descriptors')
def _(ground):
    def go(fds):
        for _ in range(50):
            with ground.opened() as c:
                c.send(associate(32))
                for fd in fds[:5]:
                    c.send_fds(b'\0', [fd])
    with_files(5, go)


# Streams ---------------------------------------------------------------------

def packet(payload=b'', status=CONTINUE, serial=42, mtype=STREAM,
           proc=SCREENSHOT):
    return message(proc, payload, serial=serial, mtype=mtype, status=status)


def shoot(ground):
    c = ground.opened()
    c.send(message(SCREENSHOT, domain() + u32(0) + u32(0), serial=42))
    reply = c.receive()
    assert (reply.type, reply.status) == (REPLY, OK), reply
    return c


def add_streams():
    for name, data in (
            ('data to a stream that is only read', packet(b'x' * 1000)),
            ('end of data to a stream that is only read', packet()),
            ('abort with a payload', packet(b'x' * 10, ERROR)),
            ('finish with a payload', packet(b'x' * 10, OK)),
            ('abort twice', packet(b'', ERROR) * 2),
            ('finish twice', packet(b'', OK) * 2),
            ('finish, then data', packet(b'', OK) + packet(b'x' * 100)),
            ('hole that was not asked for',
             packet(i64(100) + u32(0), mtype=HOLE)),
            ('hole without a length', packet(b'', mtype=HOLE)),
            ('hole of negative length',
             packet(i64(-1) + u32(0), mtype=HOLE)),
            ('status 3', packet(b'', 3)),
            ('another serial', packet(b'', ERROR, serial=43)),
            ('another procedure', packet(b'', ERROR, proc=201)),
            ('the same serial for a second stream',
             message(SCREENSHOT, domain() + u32(0) + u32(0), serial=42)),
            ('the same serial for another call',
             message(NUM_DOMAINS, serial=42))):
        @case(f'stream: {name}')
        def _(ground, data=data):
            with shoot(ground) as c:
                c.send(data)
                still_usable(c)


@case('a picture that nobody reads')
def _(ground):
    conns = [shoot(ground) for _ in range(20)]
    for c in conns:
        c.close()


for add in (add_lengths, add_claims, add_programs, add_procedures, add_types,
            add_status, add_typed, add_arguments, add_truncations,
            add_before_open, add_names, add_endings, add_unannounced,
            add_streams):
    add()
