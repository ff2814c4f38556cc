#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A catalogue of servers that misbehave, met by the client library.

Each case is a server that behaves until a certain call and then does one
thing wrong.  Whatever it is: the client ends by itself, within its deadline,
with an error that says what happened, and its memory stays small.
"""
import concurrent.futures
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import lib

REMOTE, VERSION = 0x20008086, 1
AUTH_LIST, OPEN, LIST, XML, SHOT = 66, 1, 273, 14, 211
CLOSE, LIFECYCLE = 2, 318
# The server here is Python on a busy machine: it must not be what is late.
CONNECT_MS = int(1000 * max(1, lib.SLOW / 2))
CALL_MS = int(700 * max(1, lib.SLOW / 2))
MEMORY_KIB = 16 * 1024
PROBE = os.path.join(lib.BUILD, 'tests', 'integration', 'client-probe')
MODULES = os.path.join(lib.BUILD, 'plugins', 'transport-unix', '.libs')


def u32(n):
    return struct.pack('>I', n & 0xffffffff)


def xdr_string(text):
    return u32(len(text)) + text + b'\0' * (-len(text) % 4)


def frame(procedure, kind, serial, status, payload=b'', program=REMOTE,
          version=VERSION, length=None):
    if length is None:
        length = 28 + len(payload)
    return struct.pack('>IIIiiIi', length, program, version, procedure, kind,
                       serial, status) + payload


class Call:
    """A call that the server has read, and how to answer it."""

    def __init__(self, sock, procedure, serial):
        self.sock, self.procedure, self.serial = sock, procedure, serial

    def send(self, data):
        self.sock.sendall(data)

    def reply(self, payload=b'', procedure=0, kind=1, serial=0, status=0,
              **kw):
        self.send(frame(self.procedure + procedure, kind,
                        self.serial + serial & 0xffffffff, status, payload,
                        **kw))


DOMAIN = xdr_string(b'test') + bytes(16) + u32(1)
GOOD = {AUTH_LIST: u32(1) + u32(0), OPEN: b'', CLOSE: b'',
        LIST: u32(1) + DOMAIN + u32(1), XML: xdr_string(b'<domain/>'),
        SHOT: u32(1) + xdr_string(b'image/png')}

LARGEST = [0]   # growth of memory in each case, KiB
CASES = []      # (name, procedure, what the client does, misbehaviour, text)


def case(name, at, does, text=''):
    """Register a misbehaviour; text must be part of the client's message,
    and None says that the client must succeed in spite of it."""
    def register(fn):
        CASES.append((name, at, does, fn, text))
        return fn
    return register


# What can go wrong at any call ---------------------------------------------

ANYWHERE = {}


def anywhere(text=''):
    def register(fn):
        ANYWHERE[fn.__name__] = (fn, text)
        return fn
    return register


@anywhere('in time')
def silence(call):
    pass


@anywhere('closed the connection')
def close(call):
    call.sock.close()


@anywhere('middle of a message')
def close_in_length(call):
    call.send(b'\0\0')
    call.sock.close()


@anywhere('middle of a message')
def close_in_header(call):
    call.send(frame(call.procedure, 1, call.serial, 0)[:13])
    call.sock.close()


@anywhere('middle of a message')
def close_in_payload(call):
    call.send(frame(call.procedure, 1, call.serial, 0, b'1234', length=4096))
    call.sock.close()


@anywhere('no message')
def http(call):
    call.send(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')


@anywhere()
def noise(call):
    call.send(random.Random(1).randbytes(100000))


@anywhere('no message')
def length_too_small(call):
    call.send(u32(27) + bytes(100))


@anywhere('no message')
def length_too_large(call):
    call.send(u32(33554437) + bytes(100))


@anywhere()
def claim_never_fulfilled(call):
    call.reply(length=33554436)


@anywhere()
def claim_of_8_mib_fulfilled(call):
    call.reply(bytes(8 << 20))


@anywhere()
def claim_of_30_mib_fulfilled(call):
    call.reply(bytes(30 << 20))


@anywhere('in time')
def one_byte_at_a_time(call):
    for byte in frame(call.procedure, 1, call.serial, 0, bytes(4096)):
        call.send(bytes([byte]))
        time.sleep(0.02)


@anywhere('nobody asked')
def wrong_serial(call):
    call.reply(GOOD[call.procedure], serial=1)


@anywhere('nobody asked')
def wrong_procedure(call):
    call.reply(GOOD[call.procedure], procedure=1)


@anywhere('nobody asked')
def wrong_program(call):
    call.reply(GOOD[call.procedure], program=REMOTE + 1)


@anywhere('nobody asked')
def wrong_version(call):
    call.reply(GOOD[call.procedure], version=2)


@anywhere('type 0')
def call_from_the_server(call):
    call.reply(GOOD[call.procedure], kind=0)


@anywhere('type 9')
def unknown_type(call):
    call.reply(GOOD[call.procedure], kind=9)


@anywhere('status 2')
def unfinished_reply(call):
    call.reply(GOOD[call.procedure], status=2)


@anywhere('cannot decode')
def bytes_after_the_end(call):
    call.reply(GOOD[call.procedure] + bytes(4))


@anywhere('cannot decode')
def error_of_noise(call):
    call.reply(b'\xff' * 100, status=1)


@anywhere('cannot decode')
def error_without_payload(call):
    call.reply(status=1)


@anywhere('without a reason')
def error_without_code(call):
    call.reply(bytes(44), status=1)


@anywhere()
def error_of_4_mib(call):
    call.reply(u32(1) + u32(7) + u32(1) + xdr_string(b'x' * 4194304) + u32(2)
               + bytes(28), status=1)


@anywhere('no message')
def more_descriptors_than_allowed(call):
    call.reply(u32(33), kind=5)


@anywhere()
def descriptors_announced_and_not_sent(call):
    call.reply(u32(2) + GOOD[call.procedure] + b'\0\0', kind=5)


@anywhere('unknown program')
def message_of_unknown_program(call):
    call.send(frame(1, 2, 1, 0, program=0x12345678))


@anywhere('in time')
def pings_without_end(call):
    ping = frame(1, 2, 0, 0, program=0x6b656570) * 1000
    while True:
        call.send(ping)


@anywhere('in time')
def unknown_events_without_end(call):
    event = frame(9999, 2, 1, 0, bytes(1000)) * 50
    while True:
        call.send(event)


@anywhere('in time')
def stream_data_of_nobody_without_end(call):
    data = frame(SHOT, 3, 77, 2, bytes(1000)) * 50
    while True:
        call.send(data)


for where, does in ((AUTH_LIST, 'list'), (OPEN, 'list'), (LIST, 'list'),
                    (LIST, 'async'), (SHOT, 'stream')):
    for title, (function, expected) in ANYWHERE.items():
        case(f'{title} at {where} ({does})', where, does, expected)(function)


# What is special to one call -----------------------------------------------

def answer(at, does, text, name, *args, **kw):
    case(name, at, does, text)(lambda call: call.reply(*args, **kw))


answer(AUTH_LIST, 'list', 'cannot decode', '21 auth types',
       u32(21) + bytes(84))
answer(AUTH_LIST, 'list', 'cannot decode', 'more auth types than bytes',
       u32(20) + bytes(4))
answer(AUTH_LIST, 'list', 'unknown here', 'an unknown auth type',
       u32(1) + u32(99))
answer(AUTH_LIST, 'list', '', 'sasl, but no answer to it', u32(1) + u32(1))
answer(AUTH_LIST, 'list', '', 'polkit, but no answer to it', u32(1) + u32(2))
answer(AUTH_LIST, 'list', None, 'no auth types', u32(0))
answer(OPEN, 'list', 'cannot decode', 'a payload where there is none',
       bytes(8))
answer(LIST, 'list', 'cannot decode', '16385 domains',
       u32(16385) + DOMAIN * 16385 + u32(16385))
answer(LIST, 'list', 'cannot decode', '2^32 - 1 domains', u32(0xffffffff))
answer(LIST, 'list', 'cannot decode', 'more domains than bytes',
       u32(16384) + DOMAIN)
answer(LIST, 'list', 'cannot decode', 'a name longer than the message',
       u32(1) + u32(4000) + bytes(100))
answer(LIST, 'list', 'cannot decode', 'a name of 2^32 - 1 bytes',
       u32(1) + u32(0xffffffff) + bytes(100))
answer(LIST, 'list', 'cannot decode', 'a NUL in a name',
       u32(1) + xdr_string(b'a\0bc') + bytes(16) + u32(1) + u32(1))
answer(LIST, 'list', 'cannot decode', 'a name that is no UTF-8',
       u32(1) + xdr_string(b'\xff\xfe\xfd\xfc') + bytes(20) + u32(1))
answer(LIST, 'list', 'cannot decode', 'padding that is not zero',
       u32(1) + u32(3) + b'abcd' + bytes(20) + u32(1))
answer(XML, 'xml', 'cannot decode', 'a string above the limit',
       u32(4194305) + bytes(4194308))
answer(XML, 'xml', None, 'a string at the limit',
       xdr_string(b'x' * 4194304))
answer(SHOT, 'stream', 'cannot decode', 'an optional of 2',
       u32(2) + xdr_string(b'x'))


@case('the same reply twice', OPEN, 'list', 'nobody asked')
def reply_twice(call):
    call.reply(GOOD[OPEN])
    call.reply(GOOD[OPEN])


@case('a reply before any call', LIST, 'event', 'nobody asked')
def reply_in_advance(call):
    call.reply(GOOD[LIST], serial=1)


@case('an event that cannot be decoded', LIST, 'event',
      'cannot decode the event')
def undecodable_event(call):
    call.send(frame(LIFECYCLE, 2, 1, 0, b'\xff' * 40))


@case('events without end', LIST, 'event', 'in time')
def events_without_end(call):
    event = frame(LIFECYCLE, 2, 1, 0,
                  u32(0) + DOMAIN + u32(0) + u32(0)) * 100
    while True:
        call.send(event)


@case('silence instead of a pong', AUTH_LIST, 'ping', 'in time')
def no_pong(call):
    call.reply(GOOD[AUTH_LIST])
    serve(call.sock)


@case('the end instead of a pong', AUTH_LIST, 'ping')
def end_instead_of_pong(call):
    call.reply(GOOD[AUTH_LIST])
    serve(call.sock)
    call.sock.close()


def stream(name, text=''):
    """A stream that goes wrong after its call was answered."""
    def register(fn):
        def run(call):
            call.reply(GOOD[SHOT])
            fn(call)
        return case('stream: ' + name, SHOT, 'stream', text)(run)
    return register


@stream('silence', 'in time')
def stream_silence(call):
    pass


@stream('an error of noise', 'no part of a stream')
def stream_noise(call):
    call.reply(b'\1\2\3', kind=3, status=1)


@stream('an unknown status', 'no part of a stream')
def stream_status(call):
    call.reply(b'', kind=3, status=17)


@stream('a hole of negative length', 'no part of a stream')
def stream_hole(call):
    call.reply(b'\xff' * 8 + bytes(4), kind=6, status=2)


@stream('a hole that is too short', 'no part of a stream')
def stream_short_hole(call):
    call.reply(b'\0', kind=6, status=2)


@stream('data after their end')
def stream_after_end(call):
    call.reply(b'', kind=3, status=2)
    call.reply(b'more', kind=3, status=2)


@stream('a packet of 8 MiB', 'nobody asked')
def stream_large_packet(call):
    call.reply(bytes(8 << 20), kind=3, status=2)


@stream('data without end', None)
def stream_without_end(call):
    while True:
        call.reply(bytes(200000), kind=3, status=2)


@stream('holes without end', None)
def stream_holes(call):
    hole = struct.pack('>qI', 1, 0)
    while True:
        call.reply(hole, kind=6, status=2)


@stream('no confirmation of the end', 'in time')
def stream_unconfirmed(call):
    call.reply(b'', kind=3, status=2)


@case('stream: data before the reply, without end', SHOT, 'stream')
def stream_before_reply(call):
    while True:
        call.reply(bytes(200000), kind=3, status=2)


# The server and the client -------------------------------------------------

def read_exactly(sock, count):
    data = b''
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_call(sock):
    """The next call; pings are not answered."""
    while True:
        length, program, _, procedure, _, serial, _ = struct.unpack(
            '>IIIiiIi', read_exactly(sock, 28))
        read_exactly(sock, length - 28)
        if program == REMOTE:
            return Call(sock, procedure, serial)


def serve(sock, until=OPEN):
    """Behave up to and including the answer to this call."""
    while True:
        call = read_call(sock)
        call.reply(GOOD[call.procedure])
        if call.procedure == until:
            return


def misbehave(listener, at, fn):
    sock, _ = listener.accept()
    with sock:
        try:
            while True:
                call = read_call(sock)
                if call.procedure == at:
                    break
                call.reply(GOOD[call.procedure])
            fn(call)
            while True:         # good for everything else
                call = read_call(sock)
                if call.procedure != at:
                    call.reply(GOOD.get(call.procedure, b''))
        except (OSError, EOFError, struct.error):
            pass


def meet(entry, directory, alone=False):
    """Run one case; returns a complaint, or None."""
    name, at, does, fn, text = entry
    path = os.path.join(directory, f'{"alone" if alone else "sock"}'
                                   f'{CASES.index(entry)}')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(30 * lib.SLOW)
        server = threading.Thread(target=misbehave, args=(listener, at, fn))
        server.start()
        try:
            got = probe(path, does)
        finally:
            server.join(30 * lib.SLOW)
    return got if isinstance(got, str) else judge(got, text)


def probe(path, does):
    # Freed memory that AddressSanitizer keeps is not the client's.
    asan = os.environ.get('ASAN_OPTIONS', '') + ':quarantine_size_mb=1'
    env = dict(os.environ, VIRGATE_MODULE_DIR=MODULES,
               XDG_CONFIG_HOME='/nonexistent', ASAN_OPTIONS=asan)
    try:
        p = subprocess.run([PROBE, f'test+unix:///default?socket={path}',
                            str(CONNECT_MS), str(CALL_MS), does], env=env,
                           capture_output=True, timeout=30 * lib.SLOW)
    except subprocess.TimeoutExpired:
        return 'hangs'
    if p.returncode != 0:
        return f'ended with {p.returncode}: {p.stderr.decode()[-2000:]}'
    return json.loads(p.stdout)


def judge(got, text):
    worst = (CONNECT_MS + CALL_MS + 2000) * lib.SLOW + 2000
    if got['ms'] > worst or got['total_ms'] > worst + 3000:
        return f'took too long: {got}'
    if got['kib'] > MEMORY_KIB * (4 if lib.SLOW > 1 else 1):
        return f'took too much memory: {got}'
    LARGEST.append(got['kib'])
    if text is None:
        return None if got['result'] == 0 else f'failed: {got}'
    if got['result'] == 0 and text:
        return f'did not fail: {got}'
    if got['result'] != 0 and (len(got['message']) < 10 or got['code'] == 0):
        return f'does not say why: {got}'
    if text not in got['message']:
        return f'does not say {text!r}: {got}'
    return None


def test_every_server_is_survived():
    assert len(CASES) >= 60, len(CASES)
    with tempfile.TemporaryDirectory(prefix='virgate-test-') as directory, \
            concurrent.futures.ThreadPoolExecutor(4) as pool:
        complaints = list(pool.map(lambda c: meet(c, directory), CASES))
        # Four at a time can be late for each other: these get a second look.
        complaints = [c and meet(entry, directory, alone=True)
                      for entry, c in zip(CASES, complaints)]
    for entry, complaint in zip(CASES, complaints):
        if complaint:
            print(f'{entry[0]}: {complaint}', file=sys.stderr)
    bad = sum(c is not None for c in complaints)
    assert not bad, f'{bad} of {len(CASES)} cases'
    print(f'{len(CASES)} servers; at most {max(LARGEST)} KiB')


def test_default_deadline_is_15_seconds():
    """Connect and open give up after 15 s when nothing else is asked for."""
    global CONNECT_MS
    entry = ('default', AUTH_LIST, 'list', silence, 'in time')
    CASES.append(entry)
    CONNECT_MS = 0
    with tempfile.TemporaryDirectory(prefix='virgate-test-') as directory:
        start = time.monotonic()
        complaint = meet(entry, directory)
    seconds = time.monotonic() - start
    assert 14.5 < seconds < 17 * lib.SLOW, seconds
    assert complaint is None or 'too long' in complaint, complaint


if __name__ == '__main__':
    lib.run()
