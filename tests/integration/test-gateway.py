#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virgated before another daemon: what passes, what does not, and what is
left when either side goes.  The other daemon is libvirtd's test driver, or a
server of our own where it has to misbehave."""
import os
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import time

import protocol_peer
from gateway import *
from lib import *
from rawrpc import *

UPLOAD, DOWNLOAD, STATE = 208, 209, 212
SET_IDENTITY, PERFORM3, CLOSE_CALLBACK, CLOSED = 419, 216, 360, 362
PING = message(1, prog=KEEPALIVE, mtype=EVENT, serial=0)
UNKNOWN, NODE_DEVICE = 460, 113
LOST = 'the connection to the hypervisor is lost'
VOLUME = string('pool') + string('vol') + string('key')


# Stock clients -----------------------------------------------------------

SESSIONS = [
    'list --all', 'dumpxml test', 'net-list --all', 'pool-list --all',
    'iface-list', 'nodedev-list', 'domstats test --raw', 'nodeinfo',
    'capabilities', 'dominfo nosuch', 'domblklist test', 'vcpuinfo test',
    'suspend test; domstate test --reason; resume test',
    'net-destroy default; net-start default; net-info default',
    'pool-info default-pool; vol-list default-pool',
    'snapshot-create-as test s1; snapshot-list test; snapshot-delete test s1',
    'attach-device test /dev/null', 'migrate test qemu:///system',
    'secret-list', 'vol-upload --pool default-pool nosuch /dev/null',
    'managedsave test; start test', 'event --list', 'uri', 'hostname',
    'qemu-monitor-command test x', 'echo done',
]


def told(uri, commands):
    code, out, err = virsh(uri, commands)
    text = f'{out}\n{err}\n{code}'.replace(uri, 'URI')
    text = re.sub(r'\d{4}-\d\d-\d\d [\d:]{8}', 'DATE', text)
    return re.sub(r'(?m)(time|cpu|CPU|id|ID).*\d.*$', r'\1', text)


def test_sessions_are_the_same():
    wrong = []
    with Libvirtd() as direct, Libvirtd() as behind, \
            gateway(behind.socket) as d:
        for commands in SESSIONS:
            for kind in ('uri', 'uri_ro'):
                want = told(getattr(direct, kind)(), commands)
                got = told(getattr(d, kind)(), commands)
                if got != want:
                    wrong.append(f'{kind} {commands}\n--- direct\n{want}\n'
                                 f'--- gateway\n{got}')
    same(wrong, [], 'sessions')


def test_screenshot_is_the_same():
    with Libvirtd() as behind, gateway(behind.socket) as d:
        shots = []
        for daemon in (behind, d):
            path = os.path.join(d.dir, 'shot')
            virsh(daemon.uri(), 'screenshot', 'test', path, check=0)
            with open(path, 'rb') as f:
                shots.append(f.read())
        same(shots[0] == shots[1] and len(shots[0]) > 30000, True)


def test_events_arrive():
    with Libvirtd() as behind, gateway(behind.socket) as d, \
            Conn(d.socket) as watcher, Conn(behind.socket) as actor:
        same(watcher.call(REGISTER_EVENT, u32(0) + NONE).status, OK)
        same(actor.call(SUSPEND, domain()).status, OK)
        event = watcher.receive()
        same((event.proc, event.type), (LIFECYCLE_EVENT, EVENT))


def test_many_clients_get_their_own_answers():
    """Pipelined calls of many clients: each reply is its caller's."""
    with Libvirtd() as behind, gateway(behind.socket) as d:
        wrong = []

        def one(n):
            with Conn(d.socket) as c:
                names = [f'guest-{n}-{i}' for i in range(40)]
                c.send(b''.join(message(NODE_DEVICE, string(name),
                                        serial=1000 + i)
                                for i, name in enumerate(names)))
                for _ in names:
                    reply = c.receive()
                    name = names[reply.serial - 1000]
                    if not reply.error or f"'{name}'" not in reply.error[2]:
                        wrong.append((name, reply))
        threads = [threading.Thread(target=one, args=(n,)) for n in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        same(wrong[:3], [])


# What passes -------------------------------------------------------------

def test_every_procedure_passes_both_ways():
    """The arguments and results of all procedures, as the tables have them."""
    own = {'auth_list', 'auth_sasl_init', 'auth_sasl_start', 'auth_sasl_step',
           'auth_polkit', 'connect_open', 'connect_close',
           'connect_supports_feature', 'connect_set_identity',
           'domain_migrate_perform3', 'domain_migrate_perform3_params'}
    passed = 0
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c:
        values = protocol_peer.Values()
        for program in list(protocol_peer.PROGRAMS.values())[:3]:
            for number, proc in enumerate(program.procedures, 1):
                stream = any('STREAM' in str(w) for w in
                             getattr(proc, 'flags', ()))
                if proc.name in own or 'event' in proc.name.split('_')[:3] \
                        or getattr(proc, 'is_event', False) or stream:
                    continue
                reply = c.call(number, values.struct(proc.args),
                               prog=program.number)
                if reply.error and 'unknown procedure' in reply.error[2]:
                    continue            # an event
                behind.values.special = {'callbackID': number * 1000}
                if proc.name == 'connect_get_uri':
                    behind.values.special = {'uri': 'test:///default'}
                same((proc.name, reply.error), (proc.name, None))
                same(reply.payload, behind.values.struct(proc.ret),
                     proc.name)
                passed += 1
    same(passed > 370, True, f'{passed} procedures')


def test_malformed_calls_stay_here():
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c:
        behind.seen.clear()
        for payload in (b'', domain()[:-4], domain() + u32(0),
                        u32(0xffffffff) + domain(), string(b'\xff\xfe')
                        + TEST_UUID + u32(1), string(b'a\0b') + TEST_UUID
                        + u32(1)):
            refused(c.call(SUSPEND, payload),
                    'Unable to decode message payload')
        refused(c.call(9999), 'unknown procedure: 9999')
        refused(c.call(LIFECYCLE_EVENT), 'unknown procedure')
        refused(c.call(1, prog=ADMIN), 'Cannot find program')
        same(behind.seen, [])
        same(c.call(SUSPEND, domain()).status, OK)
        same(behind.seen, [(SUSPEND, CALL)])


def test_replies_come_in_any_order():
    waiting = []

    def later(conn, call):
        waiting.append(call)
        if len(waiting) == 20:
            for c in random.sample(waiting, 20):
                conn.sendall(reply_to(c))
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c:
        behind.tricks[SUSPEND] = later
        for i in range(20):
            c.send(message(SUSPEND, domain(), serial=7 * i))
        same(sorted(c.receive().serial for _ in range(20)),
             [7 * i for i in range(20)])


def test_calls_in_flight_are_bounded():
    """A daemon that hangs gets so many, and each is answered in the end."""
    kept, limit, count = [], 10, 3000
    with Behind() as behind, gateway(
            behind.path, args=('--set', f'daemon.max-client-requests={limit}',
                               '--set', 'daemon.keepalive-interval=0')) as d, \
            Conn(d.socket) as c:
        same(c.call(HOSTNAME).status, OK)
        behind.tricks[HOSTNAME] = lambda conn, call: kept.append((conn, call))
        sender = threading.Thread(target=c.send, daemon=True, args=(b''.join(
            message(HOSTNAME, serial=10 + i) for i in range(count)),))
        sender.start()
        wait_until(lambda: len(kept) == limit, 20, 'as many as may be')
        with Conn(d.socket) as other:           # has had time for more
            same(other.call(STATE, domain() + u32(0)).status, OK)
        same(len(kept), limit)
        for n in range(count):
            wait_until(lambda: len(kept) > n, 20, 'the next')
            same(len(kept) - n <= limit, True, n)
            conn, call = kept[n]
            conn.sendall(reply_to(call, string('host')))
            same(c.receive().serial, 10 + n)
        sender.join(20)


def test_procedures_newer_than_the_tables():
    for more, status in (('', ERROR), ('unknown-procedures = allow', OK)):
        with Behind() as behind, gateway(behind.path, more) as d:
            behind.tricks[UNKNOWN] = lambda conn, call: conn.sendall(
                reply_to(call, b'four' + call.payload))
            with Conn(d.socket) as c:
                reply = c.call(UNKNOWN, b'args')
                same((reply.status, reply.payload if status == OK else None),
                     (status, b'fourargs' if status == OK else None))
                same(c.call(HOSTNAME).status, OK)
            with Conn(d.socket_ro) as c:
                refused(c.call(UNKNOWN, b'args'), 'unknown procedure')


def test_unknown_events_pass_and_unknown_programs_do_not():
    def events(conn, call):
        conn.sendall(message(459, b'new!', mtype=EVENT)
                     + message(99, b'new!', mtype=EVENT, prog=QEMU)
                     + reply_to(call, string('host')))
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c:
        behind.tricks[HOSTNAME] = events
        c.send(message(HOSTNAME, serial=5))
        same([(r.proc, r.payload) for r in (c.receive(), c.receive())],
             [(459, b'new!'), (99, b'new!')])
        same(c.receive().serial, 5)
        behind.tricks[HOSTNAME] = lambda conn, call: conn.sendall(
            message(1, prog=0x1234, mtype=EVENT))
        refused(c.call(HOSTNAME), 'lost: something came that must not')


def test_what_a_daemon_must_not_send():
    """Each of these ends the connection to it, with an answer for the call."""
    bad = {
        'a reply to nothing': lambda c: reply_to(c, serial=c.serial + 1),
        'another procedure': lambda c: reply_to(c, proc=HOSTNAME),
        'a short reply': lambda c: reply_to(c, b''),
        'a long reply': lambda c: reply_to(c, u32(1) + u32(1) + u32(0)),
        'no error': lambda c: reply_to(c, b'xx', status=ERROR),
        'status 2': lambda c: reply_to(c, u32(1) + u32(1), status=CONTINUE),
        'a call': lambda c: reply_to(c, mtype=CALL),
        'type 9': lambda c: reply_to(c, mtype=9),
        'descriptors': lambda c: reply_to(c, u32(0) + u32(1) + u32(1),
                                          mtype=REPLY_FDS)[:-8]
        + u32(1) + u32(1),
        'a bad event': lambda c: reply_to(c, b'xxxx', mtype=EVENT,
                                          proc=LIFECYCLE_EVENT),
        'a call as event': lambda c: reply_to(c, mtype=EVENT, proc=STATE),
        'too long': lambda c: u32(0x7fffffff) + b'x' * 64,
        'too short': lambda c: u32(3) + b'x' * 64,
    }
    with Behind() as behind, gateway(behind.path) as d:
        for name, make in bad.items():
            if name == 'descriptors':
                continue
            behind.tricks[STATE] = lambda conn, call: conn.sendall(make(call))
            with Conn(d.socket) as c:
                reply = c.call(STATE, domain() + u32(0))
                assert reply.error and 'must not be sent' in reply.error[2], \
                    (name, reply)
                refused(c.call(HOSTNAME), 'must not be sent')


# Streams -----------------------------------------------------------------

def test_a_stream_towards_the_client():
    data = os.urandom(100000)

    def download(conn, call):
        if call.type == STREAM:
            conn.sendall(stream_of(call))
            return
        conn.sendall(reply_to(call))
        for i in range(50):
            conn.sendall(stream_of(call, data, CONTINUE))
            conn.sendall(reply_to(call, i64(4096) + u32(0), mtype=HOLE,
                                  status=CONTINUE))
        conn.sendall(stream_of(call, status=CONTINUE))
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c:
        behind.tricks[DOWNLOAD] = download
        c.call(DOWNLOAD, VOLUME + u32(0) * 5)
        for i in range(50):
            packet, hole = c.receive(), c.receive()
            same((packet.type, packet.payload == data), (STREAM, True))
            same((hole.type, hole.payload), (HOLE, i64(4096) + u32(0)))
        end = c.receive()
        same((end.type, end.status, end.payload), (STREAM, CONTINUE, b''))
        c.send(message(DOWNLOAD, serial=c.serial, mtype=STREAM))
        end = c.receive()
        same((end.type, end.status), (STREAM, OK))


def test_a_stream_from_the_client():
    got = []

    def upload(conn, call):
        if call.type == CALL:
            conn.sendall(reply_to(call))
        elif call.status == CONTINUE:
            got.append((call.type, call.payload))
        else:
            conn.sendall(stream_of(call))
    data = os.urandom(262120)
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c:
        behind.tricks[UPLOAD] = upload
        same(c.call(UPLOAD, VOLUME + u32(0) * 5).status, OK)
        for i in range(20):
            c.send(message(UPLOAD, data, serial=c.serial, mtype=STREAM,
                           status=CONTINUE))
            c.send(message(UPLOAD, i64(65536) + u32(0), serial=c.serial,
                           mtype=HOLE, status=CONTINUE))
        c.send(message(UPLOAD, serial=c.serial, mtype=STREAM))
        same(c.receive().status, OK)
        same(got == [(STREAM, data), (HOLE, i64(65536) + u32(0))] * 20, True)
        # It is over: what comes late is dropped, and nothing else suffers.
        c.send(message(UPLOAD, data, serial=c.serial, mtype=STREAM,
                       status=CONTINUE))
        same(c.call(HOSTNAME).status, OK)
        same(len(got), 40)


def test_a_stream_that_fails_or_is_aborted():
    def upload(conn, call):
        if call.type == CALL:
            conn.sendall(reply_to(call))
        elif call.status == CONTINUE:
            conn.sendall(stream_of(call, error_payload(), ERROR))
        else:
            conn.sendall(stream_of(call))
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c:
        behind.tricks[UPLOAD] = upload
        c.call(UPLOAD, VOLUME + u32(0) * 5)
        c.send(message(UPLOAD, b'data', serial=c.serial, mtype=STREAM,
                       status=CONTINUE))
        refused(c.receive(), 'it failed')
        c.call(UPLOAD, VOLUME + u32(0) * 5)
        c.send(message(UPLOAD, serial=c.serial, mtype=STREAM, status=ERROR))
        end = c.receive()
        same((end.type, end.status), (STREAM, OK))


def test_a_client_that_does_not_read():
    """The daemon behind is held back; nothing piles up here."""
    sent, stop = [0], threading.Event()

    def download(conn, call):
        conn.sendall(reply_to(call))
        conn.settimeout(0.5)
        try:
            while not stop.is_set() and sent[0] < 400:
                conn.sendall(stream_of(call, b'x' * 262120, CONTINUE))
                sent[0] += 1
        except OSError:
            pass
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c, Conn(d.socket) as other:
        behind.tricks[DOWNLOAD] = download
        other.call(HOSTNAME)
        before = resident(d.process.pid)
        c.call(DOWNLOAD, VOLUME + u32(0) * 5)
        last = [-1]

        def is_held():
            if sent[0] == last[0]:
                return True
            last[0] = sent[0]
            time.sleep(0.2)
        wait_until(is_held, 20, 'the daemon to be held back')
        same(sent[0] < 60, True, f'{sent[0]} packets were taken')
        same(other.call(HOSTNAME).status, OK)
        grown = resident(d.process.pid) - before
        same(grown < 8 << 20, True, f'{grown} bytes')
        stop.set()


def test_a_daemon_that_does_not_read():
    """The client is held back; nothing piles up here, and others go on."""
    go = threading.Event()

    def upload(conn, call):
        if call.type == CALL:
            conn.sendall(reply_to(call))
        elif call.status == CONTINUE:
            go.wait(60 * SLOW)
        else:
            conn.sendall(stream_of(call))
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c, Conn(d.socket) as other:
        behind.tricks[UPLOAD] = upload
        other.call(HOSTNAME)
        before = resident(d.process.pid)
        c.call(UPLOAD, VOLUME + u32(0) * 5)
        c.s.settimeout(1)
        packet = message(UPLOAD, b'x' * 262120, serial=c.serial,
                         mtype=STREAM, status=CONTINUE)
        taken = part = 0
        try:
            for taken in range(400):
                part = 0
                while part < len(packet):
                    part += c.s.send(packet[part:])
        except TimeoutError:
            pass
        same(taken < 60, True, f'{taken} packets were taken')
        same(other.call(HOSTNAME).status, OK)
        grown = resident(d.process.pid) - before
        same(grown < 8 << 20, True, f'{grown} bytes')
        c.s.settimeout(30 * SLOW)
        go.set()
        c.send(packet[part:] + message(UPLOAD, serial=c.serial, mtype=STREAM))
        same(c.receive().status, OK)


# Keepalive, read-only, identity ------------------------------------------

def test_each_side_has_its_own_keepalive():
    pongs = []

    def hello(conn, call):
        conn.sendall(PING + reply_to(call, string('h')))
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c:
        behind.tricks[HOSTNAME] = hello
        behind.seen.clear()
        c.send(PING)
        pong = c.receive()
        same((pong.prog, pong.proc), (KEEPALIVE, 2))
        same(c.call(HOSTNAME).status, OK)       # its ping does not come here
        same(behind.seen, [(HOSTNAME, CALL)])
        same(c.call(FEATURE, u32(10)).payload, u32(1))
        same(behind.seen, [(HOSTNAME, CALL)])


def test_a_daemon_on_a_unix_socket_is_not_asked_to_ping():
    """A stock one answers pings without that."""
    with Behind() as behind, gateway(behind.path) as d, Conn(d.socket) as c:
        same(c.call(HOSTNAME).status, OK)
        same((FEATURE, CALL) in behind.seen, False)
    with Libvirtd() as behind, Conn(behind.socket) as c:
        c.send(PING)
        pong = c.receive()
        same((pong.prog, pong.proc), (KEEPALIVE, 2))


def test_a_daemon_that_hangs_is_given_up():
    with Libvirtd() as behind, gateway(
            behind.socket, args=('--set', 'daemon.keepalive-interval=1',
                                 '--set', 'daemon.keepalive-count=3')) as d, \
            Conn(d.socket) as c:
        with open(os.path.join(behind.dir, 'pid')) as f:
            pid = int(f.read())
        os.kill(pid, signal.SIGSTOP)
        try:
            refused(c.call(HOSTNAME), 'lost: pings are not answered')
        finally:
            os.kill(pid, signal.SIGCONT)


def test_read_only_is_kept_here_and_passed_on():
    flags = []

    def opened(conn, call):
        flags.append(call.payload[-4:])
        conn.sendall(reply_to(call))
    with Behind() as behind, gateway(behind.path) as d:
        behind.tricks[OPEN] = opened
        for where, asked, ro in ((d.socket, 0, 0), (d.socket_ro, 0, 1),
                                 (d.socket, 1, 1)):
            with Conn(where, flags=asked) as c:
                reply = c.call(DOMAIN_DESTROY, domain())
                same(reply.status, ERROR if ro else OK)
                same(c.call(DOMAIN_XML, domain() + u32(0)).status, OK)
                same(c.call(DOMAIN_XML, domain() + u32(1)).status,
                     ERROR if ro else OK)      # with secrets
            same(flags.pop(), u32(ro))


def identity_of(payload):
    r, found = Reader(payload), {}
    for _ in range(r.i32()):
        name, kind = r.string(), r.i32()
        if kind == 7:
            found[name] = r.string()
        else:
            found[name] = struct.unpack('>q', r.data[r.at:r.at + 8])[0]
            r.skip(8)
    return found


def test_the_identity_is_passed_on():
    told_to = []

    def identity(conn, call):
        told_to.append(identity_of(call.payload))
        conn.sendall(reply_to(call, error_payload('not you'), status=ERROR))
    with Behind() as behind:
        behind.tricks[SET_IDENTITY] = identity
        with gateway(behind.path) as d, Conn(d.socket) as c:
            got = told_to.pop()
            same((got['unix-user-id'], got['unix-group-id'],
                  got['process-id']), (os.getuid(), os.getgid(), os.getpid()))
            # What the client itself claims goes nowhere.
            claim = u32(1) + string('user-name') + u32(7) + string('root') \
                + u32(0)
            refused(c.call(SET_IDENTITY, claim), 'access denied')
            same(told_to, [])
        with gateway(behind.path, 'identity = no') as d, Conn(d.socket):
            same(told_to, [])
        with gateway(behind.path, 'identity = required') as d, \
                Conn(d.socket, None) as c:
            refused(c.open(), 'not you')


def test_names_and_uris_that_would_reach_further():
    with Behind() as behind, gateway(
            behind.path, 'migrate-to = qemu+tls://*.example.com/system '
            'qemu+tls://b/system?x=y') as d:
        behind.seen.clear()
        for name in ('test:///etc/passwd', 'vmwareplayer:///session',
                     'qemu+ssh:///system', 'esx://h/', 'qemu:///embed?root=/',
                     'test:////default', 'test:::///default',
                     'hyperv:///system', 'x:///system'):
            with Conn(d.socket, None) as c:
                assert c.open(name).error, name
        same(behind.seen, [])
        opened = []
        behind.tricks[OPEN] = lambda conn, call: (
            opened.append(call.payload[4:]), conn.sendall(reply_to(call)))
        for name in ('qemu:///system?socket=/run/x', 'lxc:///system?MODE=x',
                     'qemu:///system#?socket=/run/x'):
            with Conn(d.socket, name):
                same(opened.pop(), string(name[:name.index(':') + 10])
                     + u32(0), name)
        behind.tricks.clear()
        with Conn(d.socket) as c:
            def perform(daemon, data=NONE):
                return c.call(PERFORM3, domain() + NONE + u32(0) + daemon
                              + data + i64(2) + NONE + i64(0))
            for uri in ('qemu+ext:///?command=/bin/sh', 'qemu+tls://h/system',
                        'qemu+tls://a.example.com/system?command=x',
                        'qemu+tls://h?x=.example.com/system',
                        'qemu+tls://h/.example.com/system',
                        'qemu+tls://h%00.example.com/system',
                        'qemu+ssh://a.example.com/system'):
                refused(perform(some(string(uri))), 'does not migrate to')
            for uri in ('qemu+tls://a.example.com/system',
                        'qemu+tls://b/system?x=y'):
                same(perform(some(string(uri))).error, None, uri)
            same(perform(NONE).error, None)
            same(perform(NONE, some(string('tcp:h:1'))).error, None)
            refused(perform(NONE, some(string('unix:///run/x'))),
                    'does not migrate to')


# Routing -----------------------------------------------------------------

def test_routes():
    config = LISTENERS + '''
[auth peercred]
users = *
[listen open]
transport = unix
path = @DIR@/open
mode = 0700
auth = peercred
[driver one]
module = upstream
upstream = remote+unix:///?socket={0}
hosts = one eins
[driver two]
module = upstream
upstream = remote+unix:///?socket={1}
hosts = two*
uri = qemu:///*
[driver fixed]
module = upstream
upstream = qemu+unix:///system?socket={1}
uri = lxc:///* ch:///*
[driver root]
module = upstream
upstream = remote+unix:///?socket={0}
users = nobody root
listeners = open
[driver rest]
module = upstream
upstream = remote+unix:///?socket={1}
groups = *
uri = vz:///system
'''
    names = []

    def note(which):
        def opened(conn, call):
            r = Reader(call.payload)
            names.append((which, r.optional()))
            conn.sendall(reply_to(call))
        return opened
    with Behind() as one, Behind() as two:
        one.tricks[OPEN], two.tricks[OPEN] = note('one'), note('two')
        with Virgated(config=config.format(one.path, two.path)) as d:
            at = os.path.join(d.dir, 'open')
            for where, name, want in (
                    (d.socket, 'qemu:///system?host=one',
                     ('one', 'qemu:///system')),
                    (d.socket, 'qemu:///system?a=b&host=eins&c=d',
                     ('one', 'qemu:///system')),
                    (d.socket, 'qemu:///session?host=two2',
                     ('two', 'qemu:///session')),
                    (d.socket, 'lxc:///system', ('two', 'qemu:///system')),
                    (at, 'qemu:///system', ('one', 'qemu:///system')),
                    (d.socket, 'lxc:///system?host=two', None),
                    (d.socket, 'qemu:///system?host=three', None),
                    (d.socket, 'qemu:///system', None),
                    (d.socket, 'vz:///system', None)):
                with Conn(where, None) as c:
                    c.call(AUTH_LIST)
                    reply = c.open(name)
                    same((name, names.pop() if names else None), (name, want),
                         reply)
                    same((name, reply.error is None), (name, want is not None),
                         reply)


# Ends --------------------------------------------------------------------

def test_a_daemon_that_goes():
    """Calls under way and streams end with an error, the close callback is
    told, later calls fail at once, and the next connection finds the new
    daemon."""
    with Libvirtd() as behind, gateway(behind.socket) as d:
        with Conn(d.socket) as c:
            same(c.call(CLOSE_CALLBACK).status, OK)
            with open(os.path.join(behind.dir, 'pid')) as f:
                pid = int(f.read())
            os.kill(pid, signal.SIGSTOP)
            for serial in (100, 101, 102):
                c.send(message(DOMAIN_XML, domain() + u32(0), serial=serial))
            os.kill(pid, signal.SIGKILL)
            os.kill(pid, signal.SIGCONT)
            got = [c.receive() for _ in range(4)]
            for reply in got[:3]:
                refused(reply, LOST)
            same(sorted(r.serial for r in got[:3]), [100, 101, 102])
            same((got[3].proc, got[3].payload), (CLOSED, u32(1)))
            refused(c.call(HOSTNAME), LOST)
            behind.process.wait()
            with Conn(d.socket, None) as other:
                refused(other.open(), 'Failed to connect socket')
            os.remove(os.path.join(behind.dir, 'pid'))
            behind.start()
            wait_until(lambda: gets_through(d.socket), 20, 'the new daemon')
            refused(c.call(HOSTNAME), LOST)


def test_streams_of_a_daemon_that_goes():
    def download(conn, call):
        conn.sendall(reply_to(call) + stream_of(call, b'x', CONTINUE))
        conn.shutdown(socket.SHUT_RDWR)
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c:
        behind.tricks[DOWNLOAD] = download
        same(c.call(DOWNLOAD, VOLUME + u32(0) * 5).status, OK)
        same(c.receive().payload, b'x')
        end = c.receive()
        same(end.type, STREAM)
        refused(end, LOST)


def test_a_descriptor_that_there_is_no_room_to_pass_on():
    """There is room to receive it and none for a copy: the connection behind
    is lost over it, which the client is told, and nothing else."""
    with Behind() as behind, gateway(behind.path) as d, \
            Conn(d.socket) as c, open('/dev/null') as null:
        pid = d.process.pid
        used = {int(fd) for fd in os.listdir(f'/proc/{pid}/fd')}
        free = min(set(range(len(used) + 1)) - used)
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (free + 1, hard))
        c.send(message(FD_ASSOCIATE, u32(1) + domain() + string('x') + u32(0),
                       serial=50, mtype=CALL_FDS))
        c.send_fds(b'\0', [null.fileno()])
        refused(c.receive(), LOST)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        refused(c.call(HOSTNAME), LOST)
        wait_until(lambda: gets_through(d.socket), 20, 'a new connection')


def test_a_client_that_goes():
    """Its connection behind is closed, in the middle of whatever it did."""
    with Libvirtd() as behind, gateway(behind.socket) as d:
        def settled():
            wait_until(lambda: connections(d.socket) == 1
                       and connections(behind.socket) == 1, 20,
                       'all connections but one to be closed')
            return descriptors(d.process.pid)
        with Conn(d.socket) as keep:
            before = settled()
            for i in range(30):
                c = Conn(d.socket)
                for serial in range(i):
                    c.send(message(DOMAIN_XML, domain() + u32(0),
                                   serial=serial))
                if i % 3 == 0:
                    c.send(message(DOMAIN_XML, domain() + u32(0))[:40])
                c.close()
            same(settled(), before)
            same(keep.call(HOSTNAME).status, OK)


def test_limits_of_one_daemon():
    with Behind() as behind, gateway(behind.path,
                                     'max-connections = 2') as d:
        with Conn(d.socket), Conn(d.socket), Conn(d.socket, None) as c:
            refused(c.open(), 'max-connections = 2')

        def again():
            with Conn(d.socket, None) as c:
                return c.open().error is None
        wait_until(again, 10, 'room for another')


if __name__ == '__main__':
    run()
