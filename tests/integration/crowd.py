# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many clients in one process, each of which knows what it must be told.

    crowd.py SOCKET REPORT SEED CLIENTS URI DATA-URI

Every answer names its question: errors quote the name that was asked for,
guests, events and volumes are the client's own.  What is wrong is appended to
the file REPORT as it happens, for a process that may be killed at any time;
its last other line has the counts.
"""
import hashlib
import json
import random
import sys
import threading
import time

from lib import SLOW
from rawrpc import *

LOST = 'the connection to the hypervisor is lost'
DEFINE, UNDEFINE, UPLOAD, DOWNLOAD = 11, 35, 208, 209
NODE_DEVICE, VOLUME_CREATE, VOLUME_DELETE = 113, 93, 94
NETWORK, POOL = 46, 84
QUIET = 60 * SLOW               # no answer takes so long


class Wrong(Exception):
    """An answer that is not to what was asked, or none at all."""


class Lost(Exception):
    """Somebody was killed."""


class Report:
    def __init__(self, path):
        self.file, self.lock = open(path, 'a', buffering=1), threading.Lock()
        self.counts, self.written = {}, 0

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + n
            if time.monotonic() - self.written > 1:
                self.written = time.monotonic()
                self.file.write(json.dumps(self.counts) + '\n')

    def wrong(self, text):
        self.file.write(json.dumps({'wrong': text}) + '\n')


class Client:
    def __init__(self, where, report, seed, uri, data_uri):
        self.where, self.report, self.uri, self.data_uri = \
            where, report, uri, data_uri
        self.random, self.seed = random.Random(seed), seed
        self.sessions = self.serial = 0
        self.name = f'crowd-{seed}'

    def begin(self):
        """What was asked before may still be done; so all is new."""
        self.sessions += 1
        self.name = f'crowd-{self.seed}-{self.sessions}'
        self.uuid = hashlib.md5(self.name.encode()).digest()
        self.serial = self.random.randrange(1 << 20)
        self.is_told = False

    # Talking ---------------------------------------------------------------

    def ask(self, proc, payload=b'', **kw):
        self.serial += 1
        self.conn.send(message(proc, payload, serial=self.serial, **kw))
        return self.serial

    def next(self):
        """What is no event; those are looked at here."""
        while True:
            got = self.conn.receive()
            if got.type != EVENT:
                return got
            self.look_at_event(got)

    def look_at_event(self, got):
        data = Reader(got.payload)
        data.i32()
        name = data.string()
        if got.proc != LIFECYCLE_EVENT or name != self.name:
            raise Wrong(f'{self.name}: event {got} about {name}')
        self.report.count('events')

    def check(self, got, wanted, what):
        """Is it an answer to one of these?  wanted: serial to procedure."""
        if got.proc != wanted.pop(got.serial, None):
            raise Wrong(f'{self.name}: {what}: {got}, not asked for')
        if got.error and LOST in got.error[2]:
            raise Lost()

    def call(self, proc, payload=b'', what='a call'):
        serial = self.ask(proc, payload)
        got = self.next()
        self.check(got, {serial: proc}, what)
        return got

    # What it does ----------------------------------------------------------

    def many_names(self):
        """Pipelined; answers come in any order."""
        wanted, names, data = {}, {}, []
        for i in range(self.random.randrange(1, 40)):
            self.serial += 1
            proc = self.random.choice((NODE_DEVICE, NETWORK, POOL))
            wanted[self.serial] = proc
            names[self.serial] = f'{self.name}.{self.serial}'
            data.append(message(proc, string(names[self.serial]),
                                serial=self.serial))
        self.conn.send(b''.join(data))
        while wanted:
            got = self.next()
            self.check(got, wanted, 'names')
            if not got.error or f"'{names[got.serial]}'" not in got.error[2]:
                raise Wrong(f'{names[got.serial]}: {got}')
            self.report.count('names')

    def guest(self):
        """Define it, be told of that, look at it, and remove it."""
        xml = (f'<domain type="test"><name>{self.name}</name><uuid>'
               f'{self.uuid.hex()}</uuid><memory>8192</memory><title>'
               f'{self.random.random()}</title><os><type>hvm</type></os>'
               '</domain>')
        me = domain(self.name, self.uuid)
        got = self.call(DEFINE, string(xml), 'define')
        if got.error or Reader(got.payload).string() != self.name:
            raise Wrong(f'{self.name}: define: {got}')
        if not self.is_told:
            got = self.call(REGISTER_EVENT, u32(0) + some(me), 'register')
            if got.error:
                raise Wrong(f'{self.name}: register: {got}')
            self.is_told = True
        for _ in range(self.random.randrange(4)):
            got = self.call(DOMAIN_XML, me + u32(0), 'xml')
            text = '' if got.error else Reader(got.payload).string()
            if f'<name>{self.name}</name>' not in text \
                    or xml[xml.index('<title>'):xml.index('<os>')] not in text:
                raise Wrong(f'{self.name}: xml: {got}')
            self.report.count('guests')
        got = self.call(UNDEFINE, me, 'undefine')
        if got.error:
            raise Wrong(f'{self.name}: undefine: {got}')

    def receive_stream(self, proc, payload):
        """libvirtd may send the first data before it answers the call."""
        serial = self.ask(proc, payload)
        data, is_answered, is_over = [], False, False
        while not is_answered or not is_over:
            got = self.next()
            self.check(got, {serial: proc}, 'stream')
            if got.error or (is_answered and got.type != STREAM):
                raise Wrong(f'{self.name}: stream: {got}')
            if got.type == REPLY:
                is_answered = True
            elif got.status == CONTINUE and got.payload:
                data.append(got.payload)
            else:
                is_over = True
            if self.random.random() < 0.001:
                raise Lost()            # it changed its mind
        if got.status == CONTINUE or got.type == REPLY:
            self.conn.send(message(proc, serial=serial, mtype=STREAM))
            got = self.next()
            self.check(got, {serial: proc}, 'the end of a stream')
            if got.error:
                raise Wrong(f'{self.name}: the end of a stream: {got}')
        self.report.count('stream bytes', sum(map(len, data)))
        self.report.count('streams')
        return b''.join(data)

    def screenshot(self):
        data = self.receive_stream(SCREENSHOT, domain() + u32(0) + u32(0))
        if len(data) < 30000 or data[1:4] != b'PNG':
            raise Wrong(f'{self.name}: a screenshot of {len(data)} bytes')

    def volume(self):
        """Upload what nobody else has, and get it back."""
        size = self.random.randrange(1, 4 << 20)
        data = (self.name.encode() + b' ') * (size // len(self.name) + 1)
        data = data[:size]
        pool = string('crowd') + hashlib.md5(b'crowd').digest()
        got = self.call(VOLUME_CREATE, pool + string(
            f'<volume><name>{self.name}</name><capacity>{size}</capacity>'
            '</volume>') + u32(0), 'volume')
        if got.error:
            raise Wrong(f'{self.name}: volume: {got}')
        vol = got.payload
        self.upload(vol, data)
        back = self.receive_stream(DOWNLOAD, vol + i64(0) + i64(size)
                                   + u32(0))
        if back != data:
            raise Wrong(f'{self.name}: {len(back)} of {size} bytes, '
                        f'{back[:40]}')
        got = self.call(VOLUME_DELETE, vol + u32(0), 'removal')
        if got.error:
            raise Wrong(f'{self.name}: removal: {got}')

    def upload(self, vol, data):
        serial = self.ask(UPLOAD, vol + i64(0) + i64(len(data)) + u32(0))
        got = self.next()
        self.check(got, {serial: UPLOAD}, 'upload')
        if got.error:
            raise Wrong(f'{self.name}: upload: {got}')
        for at in range(0, len(data), 200000):
            self.conn.send(message(UPLOAD, data[at:at + 200000],
                                   serial=serial, mtype=STREAM,
                                   status=CONTINUE))
        self.conn.send(message(UPLOAD, serial=serial, mtype=STREAM))
        got = self.next()
        self.check(got, {serial: UPLOAD}, 'the end of an upload')
        if got.error:
            raise Wrong(f'{self.name}: the end of an upload: {got}')
        self.report.count('stream bytes', len(data))

    def rude_end(self):
        """Leave calls, a stream and half a message behind."""
        for _ in range(self.random.randrange(30)):
            self.ask(DOMAIN_XML, domain() + u32(0))
        self.ask(SCREENSHOT, domain() + u32(0) + u32(0))
        self.conn.send(message(DOMAIN_XML, domain() + u32(0))[:40])
        raise Lost()

    # Its life --------------------------------------------------------------

    def session(self):
        """One connection, and what it is used for."""
        deeds = (self.many_names,) * 6 + (self.guest,) * 3 \
            + (self.screenshot,) * 2
        uri = self.uri
        if self.random.random() < 0.1:
            uri, deeds = self.data_uri, (self.volume,)
        with Conn(self.where, None, timeout=QUIET) as self.conn:
            self.conn.call(AUTH_LIST)
            if self.conn.open(uri).error:
                self.report.count('refused')
                raise Lost()
            self.begin()
            self.report.count('connections')
            for _ in range(self.random.randrange(1, 20)):
                self.random.choice(deeds)()
            if uri == self.uri and self.random.random() < 0.3:
                self.rude_end()

    def live(self):
        while True:
            try:
                self.session()
            except TimeoutError:
                self.report.wrong(f'{self.name}: no answer')
            except (Lost, OSError, Ended):
                self.report.count('ends')
                time.sleep(self.random.random() * 0.2)
            except Wrong as e:
                self.report.wrong(str(e))
            except Exception as e:
                self.report.wrong(f'{self.name}: {e!r}')


def main(where, report, seed, clients, uri, data_uri):
    report = Report(report)
    for i in range(int(clients)):
        client = Client(where, report, f'{seed}-{i}', uri, data_uri)
        threading.Thread(target=client.live, daemon=True).start()
    threading.Event().wait()


if __name__ == '__main__':
    main(*sys.argv[1:])
