#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`virgate connect`: any transport on standard input and output, for stock
virsh (+ext) and for whoever else has a pipe; and that no byte is lost in it."""
import hashlib
import random
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

import tls
from lib import *
from rawrpc import AUTH_LIST, HOSTNAME, OPEN, message, some, string, u32

CHUNK = 1 << 16


def connect(*argv, **kw):
    kw.setdefault('stdin', subprocess.PIPE)
    kw.setdefault('stdout', subprocess.PIPE)
    kw.setdefault('stderr', subprocess.PIPE)
    return subprocess.Popen([RUN, 'virgate', *argv], **kw)


def wrapper(folder, *argv):
    """A program without arguments, as libvirt's +ext wants it."""
    path = os.path.join(folder, 'through')
    with open(path, 'w') as f:
        f.write('#!/bin/sh\nexec ' + ' '.join(
            "'" + a + "'" for a in (RUN, 'virgate', *argv)) + '\n')
    os.chmod(path, 0o755)
    return path


class Echo:
    """A peer on a Unix socket that treats one connection with fn."""

    def __init__(self, fn):
        self.dir = tempfile.mkdtemp(prefix='virgate-test-')
        self.path = os.path.join(self.dir, 'sock')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(4)
        self.thread = threading.Thread(target=self.serve, args=(fn,))
        self.failure = None

    def serve(self, fn):
        conn, _ = self.listener.accept()
        with conn:
            try:
                fn(conn)
            except OSError as e:
                self.failure = e

    def uri(self):
        return f'test+unix:///?socket={self.path}'

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        try:
            self.thread.join(60 * SLOW)
        finally:
            self.listener.close()
            shutil.rmtree(self.dir, ignore_errors=True)


def noise(seed, total):
    """The same bytes each time, in pieces of odd sizes."""
    dice = random.Random(seed)
    block = dice.randbytes(1 << 20)
    while total > 0:
        n = min(dice.choice((1, 1000, 4096, 65537, 1 << 20)), total, 1 << 20)
        at = dice.randrange(0, (1 << 20) - n + 1)
        yield block[at:at + n]
        total -= n


def digest(pieces):
    h = hashlib.sha256()
    for piece in pieces:
        h.update(piece)
    return h.hexdigest()


def test_stock_virsh_over_ext():
    need('virsh')
    with Virgated() as d:
        through = wrapper(d.dir, 'connect', d.uri())
        uri = f'test+ext:///default?command={through}'
        same(virsh(uri, 'list', '--name')[:2], (0, 'test\n'))
        same(virsh(uri, 'domstate', 'test', check=0)[1].strip(), 'running')
        through = wrapper(d.dir, 'connect', d.uri().replace('sock', 'nobody'))
        status, _, err = virsh(uri, 'list')
        same(status, 1)
        assert 'Failed to connect socket to' in err, err


def tls_config(folder, text=''):
    return text + f"""[listen net]
transport = tls
address = 127.0.0.1
port = 0
ca-cert = {folder}/cacert.pem
cert = {folder}/servercert.pem
key = {folder}/serverkey.pem
auth = x509

[auth x509]
allow = CN=alice

[driver test]
"""


def test_stock_virsh_and_aliases_over_ext_on_tls():
    need('virsh')
    with tempfile.TemporaryDirectory() as pki:
        tls.make_pki(pki)
        with Virgated('--verbose', config=tls_config(pki)) as d:
            uri = f'test+tls://127.0.0.1:{d.port}/default'
            conf = os.path.join(d.dir, 'client.conf')
            with open(conf, 'w') as f:
                f.write(f'[client]\ndefault-uri = {uri}\n\n[alias]\n'
                        f'host1 = {uri}\n\n[transport tls]\n'
                        f'pki-path = {pki}\n')
            want = 0, 'test\n'
            for words in ([uri], ['host1'], []):
                through = wrapper(d.dir, '--config', conf, 'connect', *words)
                got = virsh(f'test+ext:///default?command={through}', 'list',
                            '--name')
                same(got[:2], want, f'{words} {got[2]} {d.log()}')
            same('let in as' in d.log() and 'alice' in d.log(), True)
            env = {'VIRGATE_CONNECT_URI': uri}
            with open(conf, 'w') as f:
                f.write(f'[transport tls]\npki-path = {pki}\n')
            through = wrapper(d.dir, '--config', conf, 'connect')
            p = connect('--config', conf, 'connect', env=dict(os.environ,
                                                              **env))
            p.stdin.write(struct.pack('>7I', 28, 0x20008086, 1, 66, 0, 0, 0))
            p.stdin.close()
            reply = p.stdout.read()
            same((p.wait(60 * SLOW), reply[:4], p.stderr.read()),
                 (0, struct.pack('>I', 36), b''))


def test_calls_that_come_together_are_answered_over_tls():
    """libvirtd looks for one message in a record of TLS, and without pings
    for what is behind it only when something else comes."""
    calls = [message(AUTH_LIST), message(
        OPEN, some(string('test:///default')) + u32(0), serial=2)]
    calls += [message(HOSTNAME, serial=3 + i) for i in range(30)]
    with tempfile.TemporaryDirectory() as pki:
        tls.make_pki(pki)
        with tls.LibvirtdTls(pki, 'keepalive_interval = -1\n') as d:
            p = connect('connect', f'test+tls://127.0.0.1:{d.port}/default'
                        f'?pkipath={pki}')
            for together in calls[:1], calls[1:2], calls[2:]:
                p.stdin.write(b''.join(together))
                p.stdin.flush()
                for _ in together:
                    n, = struct.unpack('>I', p.stdout.read(4))
                    reply = p.stdout.read(n - 4)
                    same(reply[20:24], u32(0))
            p.stdin.close()
            same((p.wait(60 * SLOW), p.stderr.read()), (0, b''))


def test_the_programs_name_can_say_it():
    """virgate-connect-ALIAS, for clients that pass no arguments."""
    with Virgated() as d:
        os.makedirs(os.path.join(d.dir, 'virgate'))
        with open(os.path.join(d.dir, 'virgate', 'client.conf'), 'w') as f:
            f.write(f'[client]\ndefault-uri = {d.uri()}\n[alias]\n'
                    f'one = {d.uri()}\n')
        program = os.path.join(BUILD, 'client', 'cli', '.libs', 'virgate')
        if not os.path.exists(program):
            program = os.path.join(BUILD, 'client', 'cli', 'virgate')
        for name in 'virgate-connect-one', 'virgate-connect':
            link = os.path.join(d.dir, name)
            os.symlink(program, link)
            status, out, err = command(RUN, link, stdin='',
                                       env={'XDG_CONFIG_HOME': d.dir})
            same((status, out, err), (0, '', ''), name)
        link = os.path.join(d.dir, 'virgate-connect-two')
        os.symlink(program, link)
        status, out, err = command(RUN, link, stdin='',
                                   env={'XDG_CONFIG_HOME': d.dir})
        same((status, out, err.count('\n')), (3, '', 1), err)


def test_wrong_uses_say_so_in_one_line():
    wrong = {('connect', 'test+unix:///?socket=/nowhere/sock'): (3, 'connect'),
             ('connect', 'test+nothing:///'): (3, 'nothing'),
             ('connect', 'a', 'b'): (2, "not 'b'"),
             ('connect', '--what'): (2, "not '--what'")}
    for argv, (status, words) in wrong.items():
        got, out, err = command(RUN, 'virgate', *argv, stdin='')
        same((got, out, err.count('\n')), (status, '', 1), err)
        assert words in err, err
    primary, secondary = os.openpty()
    p = connect('connect', 'test:///', stdin=secondary)
    os.close(secondary)
    same((p.wait(60 * SLOW), b'terminal' in p.stderr.read()), (2, True))
    os.close(primary)


def test_read_only_takes_that_socket():
    with Virgated() as d:
        uri = f'test+unix:///default?socket={d.socket}'
        status, _, err = command(RUN, 'virgate', 'connect', '-r', uri,
                                 stdin='')
        same((status, err), (0, ''))


def test_a_far_side_that_dies_ends_it():
    def hang(conn):
        conn.recv(1)
    with Echo(hang) as peer:
        p = connect('connect', peer.uri())
        p.stdin.write(b'x')
        p.stdin.flush()
        same(p.stdout.read(), b'')
        p.stdin.close()
        same((p.wait(60 * SLOW), p.stderr.read()), (0, b''))


def test_a_client_that_dies_ends_it():
    """Also when what it sent last is still on its way, which arrives."""
    got = []

    def collect(conn):
        while True:
            data = conn.recv(CHUNK)
            if not data:
                return
            got.append(len(data))
    with Echo(collect) as peer:
        ours, its = socket.socketpair()
        p = connect('connect', peer.uri(), stdin=its, stdout=its)
        its.close()
        ours.sendall(b'x' * 100000)
        ours.close()
        same(p.wait(60 * SLOW), 0)
        p.stderr.close()
    same(sum(got), 100000)


def stream_both_ways(up_total, down_total, stdin, stdout, conn_fn=None):
    want_up = digest(noise(1, up_total))
    want_down = digest(noise(2, down_total))
    got = {}

    def serve(conn):
        dice = random.Random(3)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

        def send():
            for piece in noise(2, down_total):
                conn.sendall(piece)
            conn.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        h = hashlib.sha256()
        while True:
            data = conn.recv(dice.choice((1, 777, CHUNK)))
            if not data:
                break
            h.update(data)
        got['up'] = h.hexdigest()
        sender.join()

    with Echo(serve) as peer:
        p = connect('connect', peer.uri(), stdin=stdin[0], stdout=stdout[0])
        for end in {stdin[0], stdout[0]}:
            end.close()

        def send():
            for piece in noise(1, up_total):
                stdin[1].sendall(piece)
            stdin[1].shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        h = hashlib.sha256()
        while True:
            data = stdout[1].recv(CHUNK)
            if not data:
                break
            h.update(data)
        got['down'] = h.hexdigest()
        sender.join()
        _, err = p.communicate(timeout=60 * SLOW)
        same((p.returncode, err), (0, b''))
    for end in {stdin[1], stdout[1]}:
        end.close()
    same(got, {'up': want_up, 'down': want_down})


def test_no_byte_is_lost_on_one_socket():
    pair = socket.socketpair()
    stream_both_ways(48 << 20, 48 << 20, pair, pair)


def test_no_byte_is_lost_and_each_direction_ends_alone():
    """Two sockets; one direction ends long before the other."""
    stream_both_ways(1 << 20, 24 << 20, socket.socketpair(),
                     socket.socketpair())
    stream_both_ways(24 << 20, 1, socket.socketpair(), socket.socketpair())


def test_no_byte_is_lost_in_pipes():
    want = digest(noise(1, 8 << 20))

    def echo(conn):
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        while True:
            data = conn.recv(CHUNK)
            if not data:
                return
            conn.sendall(data)
    with Echo(echo) as peer:
        p = connect('connect', peer.uri())

        def send():
            for piece in noise(1, 8 << 20):
                p.stdin.write(piece)
            p.stdin.close()
        sender = threading.Thread(target=send)
        sender.start()
        got = digest(iter(lambda: p.stdout.read(4096), b''))
        sender.join()
        same((p.wait(60 * SLOW), p.stderr.read(), got), (0, b'', want))


if __name__ == '__main__':
    run()
