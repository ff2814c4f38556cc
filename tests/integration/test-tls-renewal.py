#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates that are replaced while everybody works, and handshakes that
stall or come in storms."""
import contextlib
import re
import ssl
import struct
import threading

from tls import *


def frame(procedure, serial, payload=b''):
    return struct.pack('>7I', 28 + len(payload), 0x20008086, 1, procedure, 0,
                       serial, 0) + payload


LIST = frame(66, 0)
OPEN = frame(1, 1, struct.pack('>II', 1, 15) + b'test:///default\0'
             + bytes(4))
HOSTNAME = frame(59, 2)


class Client:
    """A client of the wire: open, and one call after another."""

    def __init__(self, port, folder, stem='client'):
        context = ssl.create_default_context(cafile=f'{folder}/cacert.pem')
        context.load_cert_chain(f'{folder}/{stem}cert.pem',
                                f'{folder}/{stem}key.pem')
        plain = socket.create_connection(('127.0.0.1', port), 20 * SLOW)
        self.socket = context.wrap_socket(plain, server_hostname='localhost')
        self.buffer = b''
        self.need(1)
        self.call(LIST)
        self.call(OPEN)

    def need(self, count):
        while len(self.buffer) < count:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError('the server closed the connection')
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def call(self, message=HOSTNAME):
        self.socket.sendall(message)
        size = int.from_bytes(self.need(4), 'big')
        reply = self.need(size - 4)
        status = int.from_bytes(reply[20:24], 'big')
        if status != 0:
            raise AssertionError(f'status {status}: {reply}')

    def serial(self):
        """Of the certificate that the server showed."""
        der = self.socket.getpeercert(True)
        return ssl.DER_cert_to_PEM_cert(der)

    def close(self):
        self.socket.close()


class Caller(threading.Thread):
    """Calls all the time, until it is told to stop."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.calls, self.failure = client, 0, None
        self.is_stopped = threading.Event()

    def run(self):
        try:
            while not self.is_stopped.is_set():
                self.client.call()
                self.calls += 1
        except Exception as e:  # whatever it is, it is the test's failure
            self.failure = e


@contextlib.contextmanager
def callers(port, folder, count):
    crowd = [Caller(Client(port, folder)) for _ in range(count)]
    for caller in crowd:
        caller.start()
    try:
        yield crowd
    finally:
        for caller in crowd:
            caller.is_stopped.set()
        for caller in crowd:
            caller.join()
            caller.client.close()


def read(path):
    with open(path) as f:
        return f.read()


def replace(folder, name, text, mode=0o644):
    """Put a file in place as certificate managers do."""
    path = os.path.join(folder, name)
    with open(path + '.new', 'w') as f:
        os.fchmod(f.fileno(), mode)
        f.write(text)
    os.rename(path + '.new', path)


def told(ours, since, word, seconds=10):
    wait_until(lambda: word in ours.log()[since:], seconds,
               f'{word!r} in\n{ours.log()[since:]}')


def test_renewal_under_load():
    """Certificate, CA bundle and revocation list, ten times, and once with a
    key of another pair."""
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        other = make_pki(os.path.join(root, 'other'))
        users = os.path.join(root, 'users')
        shutil.copytree(folder, users)
        with VirgatedTls(folder) as ours, \
                callers(ours.port, users, 50) as crowd:
            shown = {read(f'{folder}/servercert.pem')}
            for turn in range(10):
                since = len(ours.log())
                before = read(f'{folder}/servercert.pem')
                key = read(f'{folder}/serverkey.pem')
                if turn == 5:
                    replace(folder, 'serverkey.pem',
                            read(f'{other}/serverkey.pem'), 0o600)
                    told(ours, since, 'they are of different pairs; '
                         'everything goes on as before')
                    client = Client(ours.port, users)
                    same(client.serial(), before, 'the old set serves')
                    client.close()
                    replace(folder, 'serverkey.pem', key, 0o600)
                    told(ours, since, 'changed and was read again')
                    continue
                pki('server', 'localhost', '--ip', '127.0.0.1', '--dir',
                    folder, '--force')
                replace(folder, 'cacert.pem', read(f'{folder}/cacert.pem')
                        + (read(f'{other}/cacert.pem') if turn % 2 else '')
                        if turn else read(f'{folder}/cacert.pem'))
                pki('client', f'x{turn}', '--dir', folder, '--out',
                    f'{root}/x{turn}')
                pki('revoke', f'x{turn}', '--dir', folder)
                if turn % 3 == 2:
                    ours.process.send_signal(signal.SIGHUP)
                    told(ours, since, 'reload: done')
                else:
                    told(ours, since, 'changed and was read again')
                now = read(f'{folder}/servercert.pem')
                assert now not in shown
                shown.add(now)

                def new_one():
                    client = Client(ours.port, users)
                    try:
                        return client.serial() == now
                    finally:
                        client.close()
                wait_until(new_one, what='the new certificate')
            same([c.failure for c in crowd if c.failure], [], 'calls')
            assert min(c.calls for c in crowd) > 10
            assert 'the first to expire, in' in ours.log()


def test_broken_sets_are_refused_whole_and_named():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        other = make_pki(os.path.join(root, 'other'))
        good = {n: read(f'{folder}/{n}') for n in
                ('cacert.pem', 'cacrl.pem', 'servercert.pem',
                 'serverkey.pem')}
        with VirgatedTls(folder) as ours:
            for name, text, mode, words in (
                    ('cacert.pem', '', 0o644, 'the file is empty'),
                    ('cacrl.pem', read(f'{other}/cacrl.pem'), 0o644,
                     'it is not signed by the CA in use'),
                    ('servercert.pem', 'x', 0o644,
                     'no certificate in PEM form'),
                    ('serverkey.pem', good['serverkey.pem'], 0o644,
                     'others can read it')):
                since = len(ours.log())
                replace(folder, name, text, mode)
                told(ours, since, words)
                ours.process.send_signal(signal.SIGHUP)
                told(ours, since, 'it goes on as before')
                same(Client(ours.port, other_copy(root, folder, good))
                     .serial(), good['servercert.pem'])
                since = len(ours.log())
                replace(folder, name, good[name],
                        0o600 if 'key' in name else 0o644)
                told(ours, since, 'changed and was read again')


def other_copy(root, folder, good):
    """The files as they were, for a client."""
    copy = os.path.join(root, 'copy')
    if not os.path.exists(copy):
        shutil.copytree(folder, copy)
        for name, text in good.items():
            replace(copy, name, text, 0o600)
    return copy


def test_revoked_connections_end_and_others_stay():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        bob = os.path.join(root, 'bob')
        pki('client', 'bob', '--dir', folder, '--out', bob)
        with VirgatedTls(folder) as ours:
            alice, robert = Client(ours.port, folder), Client(ours.port, bob)
            alice.call()
            robert.call()
            pki('revoke', 'bob', '--dir', folder)

            def is_over():
                try:
                    robert.call()
                except (OSError, EOFError):
                    return True
                return False
            wait_until(is_over, what='the end of the revoked connection')
            alice.call()
            Client(ours.port, folder).call()


def test_linked_files_are_followed():
    """As mounted secrets do: a link to a folder that is swapped."""
    with tempfile.TemporaryDirectory() as root:
        make_pki(os.path.join(root, 'one'))
        shutil.copytree(os.path.join(root, 'one'), os.path.join(root, 'two'))
        pki('server', 'localhost', '--dir', os.path.join(root, 'two'),
            '--force')
        mount = os.path.join(root, 'mount')
        os.mkdir(mount)
        os.symlink('../one', os.path.join(mount, 'data'))
        for name in ('cacert.pem', 'cacrl.pem', 'servercert.pem',
                     'serverkey.pem'):
            os.symlink('data/' + name, os.path.join(mount, name))
        with VirgatedTls(mount) as ours:
            since = len(ours.log())
            os.symlink('../two', os.path.join(mount, 'fresh'))
            os.rename(os.path.join(mount, 'fresh'),
                      os.path.join(mount, 'data'))
            told(ours, since, 'changed and was read again')
            same(Client(ours.port, os.path.join(root, 'one')).serial(),
                 read(os.path.join(root, 'two', 'servercert.pem')))


def test_days_to_expiry_are_logged():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        pki('server', 'localhost', '--dir', folder, '--force', '--days', '20')
        with VirgatedTls(folder) as ours:
            # Of twenty days, some moments are over.
            line = re.compile('warning listen public: the certificate is the '
                              'first to expire, in (19|20) days')
            assert line.search(ours.log()), ours.log()
            since = len(ours.log())
            ours.process.send_signal(signal.SIGHUP)
            wait_until(lambda: line.search(ours.log()[since:]),
                       what='the days after a reload')


def test_500_stalled_handshakes_leave_others_served():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        with VirgatedTls(folder, more='[daemon]\nhandshake-timeout = 30\n'
                         'max-unopened = 600\n') as ours:
            client = Client(ours.port, folder)
            stalled = []
            slowest_call = slowest_connect = 0
            for i in range(500):
                s = socket.create_connection(('127.0.0.1', ours.port))
                s.sendall(b'\x16\x03\x01\x02\x00' if i % 2 else b'')
                stalled.append(s)
                if i % 25 == 0:
                    began = time.monotonic()
                    client.call()
                    middle = time.monotonic()
                    Client(ours.port, folder).close()
                    slowest_call = max(slowest_call, middle - began)
                    slowest_connect = max(slowest_connect,
                                          time.monotonic() - middle)
            for s in stalled:
                s.close()
            assert slowest_call < 2 * SLOW, slowest_call
            assert slowest_connect < 2 * SLOW, slowest_connect
            print(f'slowest call {slowest_call * 1000:.1f} ms, slowest '
                  f'handshake {slowest_connect * 1000:.1f} ms')


def test_nothing_is_left_behind():
    """Descriptors after a thousand connections of all kinds."""
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        with VirgatedTls(folder) as ours:
            def fds():
                return descriptors(ours.process.pid)
            Client(ours.port, folder).close()
            wait_until(lambda: fds() > 0)
            before = fds() - 0
            for _ in range(250):
                Client(ours.port, folder).close()
                socket.create_connection(('127.0.0.1', ours.port)).close()
            wait_until(lambda: fds() <= before, what='descriptors to close')


if __name__ == '__main__':
    run()
