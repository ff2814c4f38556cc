# SPDX-License-Identifier: LGPL-2.1-or-later
"""What integration tests share: private peers, waiting, checks.

Everything a test starts lives in its own temporary directory, listens on Unix
sockets there or on a free loopback port, and is ended by process id.  Nothing
sleeps for a fixed time: wait_until polls a condition against a deadline.

A test is a program that calls run(); every function named test_* in the
calling module is one test.  Exit status: 0 all passed, 1 not, 77 a peer that
the test needs is absent (with CI set in the environment this is a failure).
"""
import faulthandler
import inspect
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.environ.get('VIRGATE_BUILD') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '..', '..', 'build'))
SOURCE = os.environ.get('VIRGATE_SOURCE') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '..', '..'))
RUN = os.path.join(BUILD, 'run')

# Sanitized builds are several times slower.
SLOW = float(os.environ.get('VIRGATE_SLOW', '1'))


class Skip(Exception):
    """A peer that the test needs is not there."""


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f'{program} is not installed')


def wait_until(condition, seconds=10, what='condition'):
    """Wait until condition() is true and return its value."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f'waited {seconds * SLOW:g} s for {what}')
        time.sleep(0.005)


def same(got, want, what=''):
    if got != want:
        raise AssertionError(f'{what}\n   got: {got!r}\n  want: {want!r}')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def can_connect(path):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(path)
            return True
        except OSError:
            return False


def command(*argv, stdin=None, timeout=60, env=None, check=None, cwd=None):
    """Run a program; returns (exit status, output, errors)."""
    p = subprocess.run(argv, input=stdin, capture_output=True, text=True,
                       timeout=timeout * SLOW, cwd=cwd,
                       env=dict(os.environ, LC_ALL='C', **(env or {})))
    if check is not None and p.returncode != check:
        raise AssertionError(f'{" ".join(argv)}: exit {p.returncode}\n'
                             f'{p.stdout}{p.stderr}')
    return p.returncode, p.stdout, p.stderr


def virsh(uri, *argv, **kw):
    return command('virsh', '-q', '-c', uri, *argv, **kw)


def literal(page, mark):
    """The literal block of a manual page's source that has this in it."""
    for block in re.findall(r'^\.Bd -literal.*?\n(.*?)^\.Ed', page,
                            re.M | re.S):
        text = re.sub(r'^\\&', '', block, flags=re.M).replace('\\e', '\\')
        if mark in text:
            return text
    raise AssertionError(f'no literal block of the page has {mark!r}')


class Peer:
    """A process that is ended when the with-block is."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='virgate-test-')
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        try:
            with open(os.path.join(self.dir, 'log'), errors='replace') as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def spawn(self, argv, **kw):
        log = open(os.path.join(self.dir, 'log'), 'ab')
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, **kw)
        log.close()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, number=signal.SIGTERM, seconds=10):
        if not self.is_running():
            return
        self.process.send_signal(number)
        try:
            self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'{type(self).__name__} did not end in '
                                 f'{seconds * SLOW:g} s\n{self.log()}')


class Libvirtd(Peer):
    """A private stock libvirtd with only its test driver.

    Root's daemon keeps state in fixed places, so it gets a mount namespace of
    its own in which those are directories of this test.
    """

    SCRIPT = '''
set -e
mkdir -p /run/libvirt /var/lib/libvirt /var/cache/libvirt /etc/libvirt
for d in run lib cache etc empty; do mkdir -p "$D/$d"; done
mount --bind "$D/run" /run/libvirt
mount --bind "$D/lib" /var/lib/libvirt
mount --bind "$D/cache" /var/cache/libvirt
mount --bind "$D/etc" /etc/libvirt
for d in /usr/lib/libvirt/connection-driver /usr/lib/*/libvirt/connection-driver; do
  if [ -d "$d" ]; then mount --bind "$D/empty" "$d"; fi
done
exec libvirtd -f "$D/libvirtd.conf" -p "$D/pid" $LISTEN
'''

    auth = 'none'                       # on the Unix socket and TCP

    def __init__(self, tcp=False, config=''):
        super().__init__()
        self.socket = os.path.join(self.dir, 'libvirt-sock')
        self.socket_ro = os.path.join(self.dir, 'libvirt-sock-ro')
        self.port = free_port() if tcp else None
        self.config = config

    def uri(self, path='/default', driver='test'):
        return f'{driver}+unix://{path}?socket={self.socket}'

    def uri_ro(self, path='/default', driver='test'):
        return f'{driver}+unix://{path}?socket={self.socket_ro}'

    def uri_tcp(self, path='/default', driver='test'):
        return f'{driver}+tcp://127.0.0.1:{self.port}{path}'

    def start(self):
        need('libvirtd', 'unshare')
        lines = [f'unix_sock_dir = "{self.dir}"', 'auth_unix_ro = "none"',
                 f'auth_unix_rw = "{self.auth}"', 'max_clients = 5000',
                 f'log_outputs = "3:file:{self.dir}/libvirtd.log"']
        if self.port:
            lines += ['listen_tcp = 1', f'auth_tcp = "{self.auth}"',
                      'listen_addr = "127.0.0.1"',
                      f'tcp_port = "{self.port}"']
            if 'listen_tls' not in self.config:
                lines.append('listen_tls = 0')
        with open(os.path.join(self.dir, 'libvirtd.conf'), 'w') as f:
            f.write('\n'.join(lines) + '\n' + self.config)
        env = dict(os.environ, D=self.dir, LISTEN='-l' if self.port else '')
        self.spawn(['unshare', '--mount', '--propagation', 'private', 'sh',
                    '-c', self.SCRIPT], env=env)
        wait_until(lambda: not self.is_running() or
                   (can_connect(self.socket) and can_connect(self.socket_ro)),
                   20, 'libvirtd')
        if not self.is_running():
            raise AssertionError('libvirtd did not start:\n' + self.log())


class Virgated(Peer):
    """virgated of this build tree on private sockets.

    args: further arguments; config: text of a config file.  Without a config
    it has a read-write and a read-only Unix socket, and tcp=True adds a free
    port on 127.0.0.1, all without authentication.
    """

    def __init__(self, *args, config=None, tcp=False, wrapper=()):
        super().__init__()
        self.socket = os.path.join(self.dir, 'sock')
        self.socket_ro = os.path.join(self.dir, 'sock-ro')
        self.args, self.config, self.tcp = list(args), config, tcp
        self.wrapper = list(wrapper)
        self.port = None

    uri = Libvirtd.uri
    uri_ro = Libvirtd.uri_ro
    uri_tcp = Libvirtd.uri_tcp

    def default_config(self):
        text = f'''[listen local]
transport = unix
path = {self.socket}
mode = 0700
auth = none

[listen local-ro]
transport = unix
path = {self.socket_ro}
mode = 0700
auth = none
read-only = yes

[driver test]
'''
        if self.tcp:
            text += '''
[listen net]
transport = tcp
address = 127.0.0.1
port = 0
auth = none
allow-anonymous = yes
'''
        return text

    def start(self):
        path = os.path.join(self.dir, 'virgated.conf')
        with open(path, 'w') as f:
            f.write(self.default_config() if self.config is None
                    else self.config.replace('@DIR@', self.dir))
        self.spawn(self.wrapper + [RUN, 'virgated', '--config', path,
                                   *self.args])
        wait_until(lambda: not self.is_running() or self.is_ready(), 20,
                   'virgated')
        if not self.is_running():
            raise AssertionError('virgated did not start:\n' + self.log())

    def is_ready(self):
        """All listeners are up once the last one's ready line is there."""
        whole = self.log().rpartition('\n')[0]
        ready = [l for l in whole.splitlines() if 'ready' in l.split()]
        want = 3 if self.tcp and self.config is None else 2
        if self.config is not None:
            want = self.config.count('[listen ')
        if len(ready) < want:
            return False
        for line in ready:
            if ' net ' in line and '127.0.0.1:' in line:
                self.port = int(line.rsplit(':', 1)[1].split()[0])
        return True

    def stop(self, number=signal.SIGTERM, seconds=10):
        was_running = self.is_running()
        super().stop(number, seconds)
        if was_running and number == signal.SIGTERM \
                and self.process.returncode != 0:
            raise AssertionError(f'virgated ended with '
                                 f'{self.process.returncode}\n{self.log()}')


def resident(pid):
    """Resident memory of a process in bytes."""
    with open(f'/proc/{pid}/statm') as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def may_take(seconds):
    """A test that is still running then ends the program, and says where it
    was: something that waits inside a library cannot be told to stop."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def run():
    """Run every test_* function of the calling module."""
    # Whoever starts the tests in the background may have had these ignored,
    # which children inherit; a terminal's end must end its programs.
    for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    module = inspect.getmodule(inspect.stack()[1][0])
    wanted = sys.argv[1:]
    failed = skipped = passed = 0
    for name, fn in list(vars(module).items()):
        if not name.startswith('test_') or (wanted and name not in wanted):
            continue
        began = time.monotonic()
        may_take(600)
        try:
            fn()
        except Skip as e:
            skipped += 1
            print(f'SKIP {name}: {e}', flush=True)
        except Exception:
            failed += 1
            traceback.print_exc()
            print(f'FAIL {name}', flush=True)
        else:
            passed += 1
            print(f'ok   {name} ({time.monotonic() - began:.2f} s)',
                  flush=True)
    faulthandler.cancel_dump_traceback_later()
    print(f'{passed} passed, {failed} failed, {skipped} skipped', flush=True)
    if failed or (skipped and os.environ.get('CI')):
        sys.exit(1)
    sys.exit(77 if skipped else 0)
