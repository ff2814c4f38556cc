# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the protocol without any library: bytes out, bytes in.

For tests that look at what other clients cannot show: odd headers, replies
byte by byte, behaviour on broken input.
"""
import array
import socket
import struct

from lib import SLOW

REMOTE, QEMU, LXC = 0x20008086, 0x20008087, 0x00068000
ADMIN, KEEPALIVE = 0x06900690, 0x6b656570
CALL, REPLY, EVENT, STREAM, CALL_FDS, REPLY_FDS, HOLE = range(7)
OK, ERROR, CONTINUE = range(3)

OPEN, CLOSE, GET_TYPE, DOMAIN_DESTROY, DOMAIN_XML = 1, 2, 3, 12, 14
LOOKUP_ID, LOOKUP_NAME, RESUME, SUSPEND = 22, 23, 28, 34
NUM_DOMAINS, HOSTNAME, FEATURE, AUTH_LIST = 51, 59, 60, 66
SASL_INIT, SASL_START, SASL_STEP, POLKIT = 67, 68, 69, 70
SCREENSHOT, LIST_ALL_DOMAINS, REGISTER_EVENT = 211, 273, 316
FD_ASSOCIATE, LIFECYCLE_EVENT = 443, 318

TEST_UUID = bytes.fromhex('6695eb01f6a4830479aa97f2502e193f')


def u32(n):
    return struct.pack('>I', n & 0xffffffff)


def i64(n):
    return struct.pack('>q', n)


def string(s):
    b = s.encode() if isinstance(s, str) else s
    return u32(len(b)) + b + b'\0' * (-len(b) % 4)


def some(value):
    return u32(1) + value


NONE = u32(0)


def domain(name='test', uuid=TEST_UUID, id=1):
    return string(name) + uuid + u32(id)


def message(proc, payload=b'', serial=1, mtype=CALL, status=OK, prog=REMOTE,
            vers=1, length=None):
    n = 28 + len(payload) if length is None else length
    return struct.pack('>IIIIIII', n & 0xffffffff, prog & 0xffffffff,
                       vers & 0xffffffff, proc & 0xffffffff,
                       mtype & 0xffffffff, serial & 0xffffffff,
                       status & 0xffffffff) + payload


class Ended(Exception):
    """The peer closed the connection."""


class Reply:
    def __init__(self, head, payload):
        (self.prog, self.vers, self.proc, self.type, self.serial,
         self.status) = head
        self.payload = payload

    @property
    def error(self):
        """(code, domain, message, level, str1, str2, str3, int1, int2)"""
        if self.status != ERROR:
            return None
        r = Reader(self.payload)
        code, dom = r.i32(), r.i32()
        text, level = r.optional(), r.i32()
        if r.i32():
            r.string()
            r.skip(20)
        strs = [r.optional() for _ in range(3)]
        return (code, dom, text, level, *strs, r.i32(), r.i32())

    def __repr__(self):
        what = self.error if self.status == ERROR else self.payload[:64].hex()
        return (f'<{self.prog:#x} proc {self.proc} type {self.type} serial '
                f'{self.serial} status {self.status}: {what}>')


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def skip(self, n):
        self.at += n

    def i32(self):
        self.at += 4
        return struct.unpack_from('>i', self.data, self.at - 4)[0]

    def string(self):
        n = self.i32()
        s = self.data[self.at:self.at + n]
        self.at += n + -n % 4
        return s.decode(errors='replace')

    def optional(self):
        return self.string() if self.i32() else None


class Conn:
    """One connection; where is a socket path or a TCP port on 127.0.0.1."""

    def __init__(self, where, open_name='test:///default', flags=0,
                 timeout=30 * SLOW):
        if isinstance(where, int):
            self.s = socket.create_connection(('127.0.0.1', where), timeout)
            self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.s = socket.socket(socket.AF_UNIX)
            self.s.settimeout(timeout)
            self.s.connect(where)
        self.serial = 0
        self.buffer = b''
        if open_name is not None:
            self.call(AUTH_LIST)
            reply = self.open(open_name, flags)
            assert reply.status == OK, reply

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def open(self, name='test:///default', flags=0):
        return self.call(OPEN, some(string(name)) + u32(flags))

    def close(self):
        self.s.close()

    def send(self, data):
        self.s.sendall(data)

    def send_fds(self, data, fds):
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))
        self.s.sendmsg([data], [rights] if fds else [])

    def exact(self, n):
        while len(self.buffer) < n:
            try:
                part = self.s.recv(max(65536, n - len(self.buffer)))
            except ConnectionError:
                part = b''
            if not part:
                raise Ended()
            self.buffer += part
        part, self.buffer = self.buffer[:n], self.buffer[n:]
        return part

    def receive(self):
        n = struct.unpack('>I', self.exact(4))[0]
        body = self.exact(n - 4)
        return Reply(struct.unpack('>IIiiIi', body[:24]), body[24:])

    def call(self, proc, payload=b'', **kw):
        """Send a call and return its reply; what comes between is skipped."""
        self.serial += 1
        self.send(message(proc, payload, serial=self.serial, **kw))
        while True:
            reply = self.receive()
            if reply.serial == self.serial and reply.type in (REPLY,
                                                              REPLY_FDS):
                return reply
