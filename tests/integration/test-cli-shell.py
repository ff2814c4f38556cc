#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shell of virgate, events and consoles: what needs a terminal, a pipe or
a signal."""
import json
import pty
import select
import stat
import struct
import tempfile
import termios
import threading

from cli import Worlds, virgate
from lib import *
from rawrpc import (AUTH_LIST, CONTINUE, FEATURE, LOOKUP_ID, LOOKUP_NAME, OK,
                    OPEN, REPLY, STREAM, domain, message, u32)

OPEN_CONSOLE = 201


class Terminal:
    """virgate on a terminal of its own."""

    def __init__(self, *args, env=None):
        self.text = ''
        self.seen = 0
        # libedit 3.1 never frees the names of functions that were added.
        self.known = tempfile.NamedTemporaryFile('w')
        self.known.write('leak:wcsdup\n')
        self.known.flush()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env or {}, TERM='xterm', LC_ALL='C',
                              LSAN_OPTIONS='print_suppressions=0:suppressions='
                                           + self.known.name)
            os.execv(RUN, [RUN, 'virgate', *args])

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read(self):
        if not select.select([self.fd], [], [], 0.01)[0]:
            return
        try:
            self.text += os.read(self.fd, 65536).decode(errors='replace')
        except OSError:         # the other side has ended
            pass

    def expect(self, word):
        """Wait for word behind what was expected before."""
        def came():
            self.read()
            return word in self.text[self.seen:]
        try:
            wait_until(came, 20, repr(word))
        except AssertionError as e:
            raise AssertionError(f'{e}; on the terminal:\n{self.text}')
        self.seen = self.text.index(word, self.seen) + len(word)

    def send(self, text):
        os.write(self.fd, text.encode())

    def status(self):
        def ended():
            self.read()
            pid, self.wait = os.waitpid(self.pid, os.WNOHANG)
            return pid
        wait_until(ended, 20, 'the end')
        self.pid = 0
        return os.waitstatus_to_exitcode(self.wait)


def test_commands_from_a_pipe():
    with Worlds() as (daemon,):
        rc, out, err = virgate('-c', daemon.uri(), check=0,
                               stdin='domid test\n\n# nothing\n'
                                     'domstate test; hostname\necho "a  b"\n')
        same(out.split('\n')[:2], ['1', 'running'])
        same(out.split('\n')[3], 'a  b')
        same(virgate('-c', daemon.uri(), stdin='dominfo nosuch\n')[0], 1)
        same(virgate('-c', daemon.uri(), stdin='quit\ndominfo nosuch\n')[0],
             0)
        out = virgate('-c', daemon.uri(), 'domid test; domstate test',
                      check=0)[1]
        same(out, '1\nrunning\n')


def editing():
    if 'libedit' not in virgate('--version')[1]:
        raise Skip('built without libedit')


def test_typed_commands_are_answered_and_completed():
    editing()
    with Worlds() as (daemon,), tempfile.TemporaryDirectory() as state:
        env = {'XDG_STATE_HOME': state}
        with Terminal('-c', daemon.uri(), env=env) as t:
            t.expect('virgate # ')
            t.send('domid test\n')
            t.expect('\n1')
            t.expect('virgate # ')
            t.send('domst\t')
            t.expect('at')
            t.send('\t')
            t.expect('domstate  domstats')
            t.send('e te\t\n')
            t.expect('running')
            t.expect('virgate # ')
            t.send('call domain_lookup_by_name \'{"name": "test"}\'\n')
            t.expect('"uuid"')
            t.expect('virgate # ')
            t.send(' echo not remembered\n')
            t.expect('\nnot remembered')
            t.expect('virgate # ')
            t.send('quit\n')
            same(t.status(), 0)
        path = os.path.join(state, 'virgate', 'history')
        same(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path) as f:
            history = f.read()
        same('domid' in history, True, history)
        same('lookup' in history or 'remembered' in history, False, history)
        with Terminal('-c', daemon.uri(), env=env) as t:
            t.expect('virgate # ')
            t.send('\x1b[A\x1b[A\x1b[A\n')
            t.expect('\n1')
            t.expect('virgate # ')
            t.send('\x04')
            same(t.status(), 0)


def test_signals_at_the_prompt():
    editing()
    with Worlds() as (daemon,):
        with tempfile.TemporaryDirectory() as state:
            with Terminal('-c', daemon.uri(),
                          env={'XDG_STATE_HOME': state}) as t:
                t.expect('virgate # ')
                t.send('domid test\n')
                t.expect('\n1')
                t.expect('virgate # ')
                t.send('nonsense')
                t.expect('nonsense')
                t.send('\x03')
                t.send('domstate test\n')
                t.expect('\nrunning')
                t.expect('virgate # ')
                same('unknown' in t.text, False, t.text)
                os.kill(t.pid, signal.SIGTERM)
                same(t.status(), 0)
            same(os.path.exists(f'{state}/virgate/history'), True)


def test_the_shell_connects_again():
    editing()
    with Libvirtd() as daemon:
        with Terminal('-c', daemon.uri()) as t:
            t.expect('virgate # ')
            t.send('domid test\n')
            t.expect('\n1')
            t.expect('virgate # ')
            daemon.stop()
            t.send('hostname\n')
            t.expect('virgate: error: ')
            t.expect('virgate # ')
            daemon.start()
            t.send('domid test\n')
            t.expect('connected again')
            t.expect('\n1')
            t.send('quit\n')
            same(t.status(), 0)


def test_connect_changes_the_host():
    with Worlds(2) as (a, b):
        out = virgate('-c', a.uri(), f'uri; connect {b.uri()}; uri',
                      check=0)[1]
        same(out.split(), [a.uri(), b.uri()])


class Watch:
    """virgate event in the background; its lines as they come."""

    def __init__(self, *args):
        self.process = subprocess.Popen([RUN, 'virgate', *args],
                                        stdout=subprocess.PIPE, text=True)
        self.lines = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip('\n'))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def end(self):
        """All lines and the exit code, once it has ended by itself."""
        rc = self.process.wait(20 * SLOW)
        self.reader.join()
        return self.lines, rc


def until_seen(watch, act, word='event'):
    """Repeat something until its event shows: then it is being watched."""
    def seen():
        act()
        return any(word in line for line in watch.lines)
    wait_until(seen, 20, 'an event')


def test_events_are_shown_until_sigint():
    with Worlds() as (daemon,):
        def act():
            virgate('-c', daemon.uri(), 'suspend test; resume test')
        with Watch('-c', daemon.uri(), 'event', '--all', '--loop',
                   '--timestamp') as watch:
            until_seen(watch, act)
            watch.process.send_signal(signal.SIGINT)
            lines, rc = watch.end()
        same(rc, 0)
        # The first one that it was in time for.
        same(any(f"event 'lifecycle' for domain 'test': {what}" in lines[0]
                 for what in ('Suspended Paused', 'Resumed Unpaused')), True,
             lines)
        same(lines[-2], 'event loop interrupted')
        same(lines[-1].startswith('events received: '), True, lines)


def test_one_event_ends_it_and_json_is_lines():
    with Worlds() as (daemon,):
        def act():
            virgate('-c', daemon.uri(), 'suspend test; resume test')
        with Watch('--json', '-c', daemon.uri(), 'event', '--event',
                   'lifecycle', '--domain', 'test') as watch:
            until_seen(watch, act)
            lines, rc = watch.end()
        same((rc, len(lines)), (0, 1), lines)
        event = json.loads(lines[0])
        same((event['event'], event['domain']), ('lifecycle', 'test'))


def test_network_events():
    with Worlds() as (daemon,):
        def act():
            virgate('-c', daemon.uri(), 'net-destroy default; '
                                        'net-start default')
        with Watch('-c', daemon.uri(), 'net-event', '--event', 'lifecycle',
                   '--network', 'default') as watch:
            until_seen(watch, act)
            lines, rc = watch.end()
        same(rc, 0)
        same(lines[0].startswith("event 'lifecycle' for network default: "),
             True, lines)


def test_a_lost_connection_ends_the_watch():
    with Libvirtd() as daemon:
        def act():
            virgate('-c', daemon.uri(), 'suspend test; resume test')
        with Watch('-c', daemon.uri(), 'event', '--all', '--loop') as watch:
            until_seen(watch, act)
            daemon.stop()
            same(watch.end()[1], 1)


class ConsoleHost:
    """A host with one domain, whose console says hello and then repeats what
    it is told in capitals.
    """

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='virgate-test-')
        path = os.path.join(self.dir, 'sock')
        self.uri = f'test+unix:///default?socket={path}'
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.heard = b''
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.listener.close()
        self.thread.join(10)
        shutil.rmtree(self.dir)

    def take(self, conn):
        head = conn.recv(28, socket.MSG_WAITALL)
        if len(head) < 28:
            return None
        length, _, _, proc, mtype, serial, status = struct.unpack('>7I', head)
        body = conn.recv(length - 28, socket.MSG_WAITALL) if length > 28 \
            else b''
        return proc, mtype, serial, status, body

    def serve(self):
        answers = {AUTH_LIST: u32(1) + u32(0), FEATURE: u32(1),
                   LOOKUP_NAME: domain(), LOOKUP_ID: domain()}
        conn = self.listener.accept()[0]
        with conn:
            while frame := self.take(conn):
                proc, mtype, serial, status, body = frame
                if mtype == STREAM:
                    self.stream(conn, serial, status, body)
                    continue
                conn.sendall(message(proc, answers.get(proc, b''), serial,
                                     REPLY))
                if proc == OPEN_CONSOLE:
                    conn.sendall(message(proc, b'hello\r\n', serial, STREAM,
                                         CONTINUE))

    def stream(self, conn, serial, status, body):
        self.heard += body
        if status != CONTINUE:
            conn.sendall(message(OPEN_CONSOLE, b'', serial, STREAM, OK))
        else:
            conn.sendall(message(OPEN_CONSOLE, body.upper(), serial, STREAM,
                                 CONTINUE))


def test_console_both_ways_until_the_escape():
    with ConsoleHost() as host, Terminal('-c', host.uri, 'console',
                                         'test') as t:
        t.expect('Escape character is ^]')
        t.expect('hello')
        wait_until(lambda: not termios.tcgetattr(t.fd)[3] & termios.ECHO,
                   what='a raw terminal')
        t.send('abc\r')
        t.expect('ABC')
        t.send('\x03')          # Ctrl-C is the guest's
        wait_until(lambda: b'\x03' in host.heard, what='Ctrl-C to arrive')
        t.send('\x1d')
        same(t.status(), 0)
        same(host.heard, b'abc\r\x03')
        same(bool(termios.tcgetattr(t.fd)[3] & termios.ECHO), True,
             'the terminal is as it was')


def test_console_needs_no_terminal():
    with ConsoleHost() as host:
        virgate('-c', host.uri, 'console', 'test', stdin='xyz\x1d', check=0)
        wait_until(lambda: host.heard == b'xyz', what='the input to arrive')


if __name__ == '__main__':
    run()
