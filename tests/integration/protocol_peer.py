# SPDX-License-Identifier: LGPL-2.1-or-later
"""Peers for tests of the protocol tables, on Unix sockets.

Recorder stands between a client and a server and keeps every payload.
TableServer answers every call with a result made from our tables alone, and
keeps every payload of the client.  Both keep them as lines that
test-protocol-golden reads.
"""
import os
import socket
import struct
import sys
import threading

from lib import SOURCE

sys.path.insert(0, os.path.join(SOURCE, 'protocol'))
import table  # noqa: E402

CALL, REPLY, EVENT, STREAM, CALL_WITH_FDS, REPLY_WITH_FDS = range(6)
HEADER = struct.Struct('>IIiiIi')
TABLES = [os.path.join(SOURCE, 'protocol', name + '.table') for name in
          ('remote', 'qemu', 'lxc', 'admin', 'keepalive')]
PROGRAMS = {p.number: p for p in table.read_tables(TABLES).programs}


def payload_kind(kind, status, payload):
    """What a message's payload is for test-protocol-golden, or None."""
    if status == 1:
        return 'error' if payload else None
    if status != 0:
        return None
    return {CALL: 'args', CALL_WITH_FDS: 'args', REPLY: 'ret',
            REPLY_WITH_FDS: 'ret', EVENT: 'msg'}.get(kind)


class Records:
    def __init__(self):
        self.lines, self.lock = [], threading.Lock()

    def add(self, message):
        program, _, number, kind, _, status = HEADER.unpack(message[:24])
        payload = message[24:]
        if kind in (CALL_WITH_FDS, REPLY_WITH_FDS):
            payload = payload[4:]
        what = payload_kind(kind, status, payload)
        if what and program in PROGRAMS:
            with self.lock:
                self.lines.append(f'{PROGRAMS[program].name} {number} {what} '
                                  f'{payload.hex()}'.rstrip())

    def procedures(self, what):
        return {tuple(line.split()[:2]) for line in self.lines
                if line.split()[2] == what}


class Listener:
    """Accepts on a Unix socket, one thread for each connection."""

    def __init__(self, path):
        self.path, self.records = path, Records()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:             # it was closed
                return
            threading.Thread(target=self.serve, args=(conn,),
                             daemon=True).start()


class Recorder(Listener):
    def __init__(self, path, target):
        self.target = target
        super().__init__(path)

    def serve(self, conn):
        onward = socket.socket(socket.AF_UNIX)
        onward.connect(self.target)
        back = threading.Thread(target=self.pump, args=(onward, conn),
                                daemon=True)
        back.start()
        self.pump(conn, onward)
        back.join()
        conn.close()
        onward.close()

    def pump(self, source, sink):
        pending = b''
        while True:
            try:
                data = source.recv(65536)
                sink.sendall(data)
            except OSError:
                data = b''
            if not data:
                break
            pending = self.keep_whole(pending + data)
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def keep_whole(self, data):
        while len(data) >= 4:
            size, = struct.unpack('>I', data[:4])
            if len(data) < size:
                break
            self.records.add(data[4:size])
            data = data[size:]
        return data


class Values:
    """Encodes a small value for any type; special ones by field name."""

    SCALARS = {'i32': '>i', 'u32': '>I', 'i64': '>q', 'u64': '>Q',
               'f64': '>d', 'u8': '>I', 'u16': '>I', 'char': '>i'}
    TYPED = {1: ('>i', -7), 2: ('>I', 4000000000), 3: ('>q', -1 << 60),
             4: ('>Q', 1 << 63), 5: ('>d', 1.5), 6: ('>i', 1)}

    def __init__(self, typed=1, present=True):
        self.typed, self.present, self.special = typed, present, {}

    @staticmethod
    def string(text):
        data = text.encode()
        return struct.pack('>I', len(data)) + data + bytes(-len(data) % 4)

    def item(self, field):
        if field.struct:
            return self.struct(field.struct)
        if field.kind in ('string', 'name'):
            return self.string(self.special.get(field.name, 'a-name'))
        if field.kind == 'typed_param_value':
            if self.typed == 7:
                return struct.pack('>I', 7) + self.string('text')
            form, value = self.TYPED[self.typed]
            return struct.pack('>I', self.typed) + struct.pack(form, value)
        return struct.pack(self.SCALARS[field.kind],
                           self.special.get(field.name, 1))

    def field(self, field):
        if field.form == 'ONE':
            return self.item(field)
        if field.form == 'FIXED':
            if field.kind == 'opaque':
                return bytes(range(field.limit)) + bytes(-field.limit % 4)
            return self.item(field) * field.limit
        if field.form == 'OPTIONAL':
            return struct.pack('>I', 1) + self.item(field) if self.present \
                else struct.pack('>I', 0)
        if field.kind == 'opaque':
            return struct.pack('>I', 1) + b'\1\0\0\0'
        return struct.pack('>I', 1) + self.item(field)

    def struct(self, struct_type):
        if struct_type is None:
            return b''
        return b''.join(self.field(f) for f in struct_type.fields)


class TableServer(Listener):
    """values: how results are made; callbacks: eventID to callback id."""

    def __init__(self, path):
        self.values, self.callbacks, self.conn = Values(), {}, None
        super().__init__(path)

    def serve(self, conn):
        self.conn = conn
        stream = conn.makefile('rb')
        while True:
            head = stream.read(4)
            if len(head) < 4:
                return
            message = stream.read(struct.unpack('>I', head)[0] - 4)
            self.records.add(message)
            program, _, _, kind, _, _ = HEADER.unpack(message[:24])
            if kind == CALL_WITH_FDS:
                stream.read(struct.unpack('>I', message[24:28])[0])
            if program in PROGRAMS and kind != EVENT:
                self.answer(conn, message, kind)

    def answer(self, conn, message, kind):
        program, version, number, _, serial, status = \
            HEADER.unpack(message[:24])
        if kind == STREAM:
            if status != 2:     # confirm a finish or an abort
                self.send(conn, program, version, number, STREAM, serial)
            return
        proc = PROGRAMS[program].procedures[number - 1]
        self.values.special = {'callbackID': number * 1000}
        if proc.name.endswith('event_callback_register_any'):
            event, = struct.unpack('>i', message[24:28])
            self.callbacks[event] = 2000 + event
            self.values.special = {'callbackID': 2000 + event}
        if proc.name == 'auth_list':
            self.values.special = {'types': 0}
        if proc.name == 'connect_get_uri':
            self.values.special = {'uri': 'test:///default'}
        self.send(conn, program, version, number, REPLY, serial,
                  self.values.struct(proc.ret))

    @staticmethod
    def send(conn, program, version, number, kind, serial, payload=b''):
        conn.sendall(struct.pack('>I', 28 + len(payload)) + HEADER.pack(
            program, version, number, kind, serial, 0) + payload)

    def send_event(self, number, callback):
        proc = PROGRAMS[0x20008086].procedures[number - 1]
        self.values.special = {'callbackID': callback}
        self.send(self.conn, 0x20008086, 1, number, EVENT, 0,
                  self.values.struct(proc.args))
