#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Wrong set-ups of ssh: each ends in time, in one message that says what
failed and what to do.  One row each in the table."""
import contextlib
import socket
import threading

from ssh import *

USER = 'root'
LIMIT_MS = 4000                 # for those that nobody answers


def uri(server, query='', user=USER, path='/default'):
    return f'test+ssh://{user}@127.0.0.1:{server.port}{path}?{query}'


class Silent:
    """A port where something accepts and then says one thing, or nothing."""

    def __init__(self, text=b''):
        self.text = text
        self.conns = []

    def __enter__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self.listener.accept()
                self.conns.append(conn)
                if self.text:
                    conn.sendall(self.text)
                    conn.close()

    def __exit__(self, *exc):
        self.listener.close()
        for conn in self.conns:
            conn.close()


class Case:
    """What a row may use: a home that logs in, and servers when asked for."""

    def __init__(self, stack, daemon):
        self.stack, self.daemon = stack, daemon
        self.home = stack.enter_context(Home())
        self.key = self.home.key()

    def sshd(self, **kw):
        kw.setdefault('authorized', public(self.key))
        kw.setdefault('libvirt', self.daemon.dir)
        server = self.stack.enter_context(Sshd(**kw))
        self.home.know(server)
        return server


ROWS = []


def row(*texts, answers=(), timeout_ms=60000, **env):
    """A row returns the URI; texts are what the message must have."""
    def add(fn):
        ROWS.append((fn, texts, answers, timeout_ms, env))
        return fn
    return add


@row('is not known', 'SHA256:', 'known_hosts_verify=auto')
def unknown_host_key(c):
    server = c.sshd()
    c.home.write('', '.ssh', 'known_hosts')
    return uri(server)


@row('was not agreed to', answers=['no'])
def host_key_declined(c):
    server = c.sshd()
    c.home.write('', '.ssh', 'known_hosts')
    return uri(server)


@row("KEY CHANGED", 'known_hosts:2', 'ssh-keygen -R')
def changed_host_key(c):
    server = c.sshd()
    c.home.write(f'# x\n[127.0.0.1]:{server.port} '
                 f'{" ".join(public(c.key).split()[:2])}\n', '.ssh',
                 'known_hosts')
    return uri(server)


@row("KEY CHANGED")
def changed_host_key_is_not_for_auto(c):
    return changed_host_key(c) + 'known_hosts_verify=auto'


@row('is revoked by', 'known_hosts:2')
def revoked_host_key(c):
    server = c.sshd()
    c.home.write(f'{server.known_hosts()}@revoked * {server.host_key()}\n',
                 '.ssh', 'known_hosts')
    return uri(server)


@row('is not known', 'keys of other types')
def another_type_of_host_key_only(c):
    server = c.sshd()
    c.home.key('ec', 'ecdsa')
    c.home.write(f'[127.0.0.1]:{server.port} '
                 f'{" ".join(public(c.home.path(".ssh/ec")).split()[:2])}\n',
                 '.ssh', 'known_hosts')
    return uri(server, 'known_hosts_verify=auto')


@row('does not let root in', 'SSH_AUTH_SOCK is not set')
def no_agent(c):
    return uri(c.sshd(), 'sshauth=agent')


@row('no agent at /nowhere/agent: No such file', SSH_AUTH_SOCK='/nowhere/agent')
def dead_agent(c):
    return uri(c.sshd(), 'sshauth=agent')


@row('wrong passphrase', answers=['wrong', 'wrong'])
def wrong_passphrase(c):
    key = c.home.key('locked', 'ed25519', 'right')
    return uri(c.sshd(authorized=public(key)), f'keyfile={key}')


@row('it has a passphrase, and there is nobody to ask')
def nobody_knows_the_passphrase(c):
    key = c.home.key('locked', 'ed25519', 'right')
    return uri(c.sshd(authorized=public(key)), f'keyfile={key}')


@row('others may read it (mode 0644): chmod 0600')
def key_mode(c):
    os.chmod(c.key, 0o644)
    return uri(c.sshd())


@row('no private key')
def key_file_is_something_else(c):
    path = c.home.write('hello\n', '.ssh', 'thing')
    return uri(c.sshd(), f'keyfile={path}')


@row('there is no such file')
def key_file_is_missing(c):
    return uri(c.sshd(), f'keyfile={c.home.path("nothing")}')


@row('an RSA key, passed over', 'backend=openssh')
def rsa_key(c):
    key = c.home.key('rsa', 'rsa')
    return uri(c.sshd(authorized=public(key)), f'keyfile={key}')


@row('does not let root in', 'in authorized_keys?')
def key_is_not_authorized(c):
    return uri(c.sshd(authorized=''))


@row('does not let nosuch in')
def no_such_user(c):
    return uri(c.sshd(), user='nosuch')


@row('password: it is wrong', answers=['a', 'b', 'c'])
def wrong_password(c):
    return uri(c.sshd(password='right'), 'sshauth=password')


@row("sshauth: 'magic' is none of")
def unknown_way_to_log_in(c):
    return uri(c.sshd(), 'sshauth=magic')


@row('cannot connect', 'Connection refused', 'is the port right')
def refused_port(c):
    return f'test+ssh://{USER}@127.0.0.1:{free_port()}/default'


@row('no.such.host.invalid')
def unknown_name(c):
    return f'test+ssh://{USER}@no.such.host.invalid/default'


@row('is no ssh server')
def another_server(c):
    return uri(c.stack.enter_context(
        Silent(b'HTTP/1.1 400 Bad Request\r\n\r\nsorry\n')))


@row('the key exchange did not end in time', timeout_ms=LIMIT_MS)
def silent_server(c):
    return uri(c.stack.enter_context(Silent()))


@row('the jump host', 'does not lead to')
def dead_end_behind_the_jump_host(c):
    gate = c.sshd()
    return (f'test+ssh://{USER}@127.0.0.1:{free_port()}/default?'
            f'proxy_jump={USER}@127.0.0.1:{gate.port}')


@row('cannot connect', 'Connection refused')
def dead_jump_host(c):
    return uri(c.sshd(), f'proxy_jump={USER}@127.0.0.1:{free_port()}')


@row('more than 8 jump hosts')
def jump_hosts_in_a_circle(c):
    c.home.write('Host a\nProxyJump b\nHost b\nProxyJump a\n', '.ssh',
                 'config')
    return 'test+ssh://a/default'


@row('ProxyCommand', 'backend=openssh')
def proxy_command(c):
    c.home.write('Host a\nProxyCommand nc %h %p\n', '.ssh', 'config')
    return 'test+ssh://a/default'


@row("'Match exec' cannot be decided here", 'config:1')
def match_exec(c):
    c.home.write('Match exec true\nUser x\n', '.ssh', 'config')
    return 'test+ssh://a/default'


@row('others may write it')
def config_that_others_may_write(c):
    os.chmod(c.home.write('User x\n', '.ssh', 'config'), 0o666)
    return 'test+ssh://a/default'


@row('no virgate-ssh-helper, no virt-ssh-helper')
def missing_helper(c):
    return uri(c.sshd(programs=()), 'proxy=native')


@row('no virgate-ssh-helper', 'Channel open failure', 'netcat: no nc')
def nothing_at_all(c):
    return uri(c.sshd(programs=(), config='AllowStreamLocalForwarding no'))


@row("ended with status 1", 'libvirt-sock')
def helper_without_socket(c):
    return uri(c.sshd(libvirt=None))


@row('no socket /nowhere/sock')
def netcat_without_socket(c):
    return uri(c.sshd(), 'proxy=netcat&socket=/nowhere/sock')


@row('is no message of the protocol', 'For ever noise')
def endless_noise(c):
    return uri(c.sshd(profile='for i in {1..9000}; do '
                              'echo For ever noise; done; sleep 30\n'),
               'proxy=native')


@row('This account', 'no way to a daemon')
def account_without_a_shell(c):
    return uri(c.sshd(config='ForceCommand echo This account is closed\n'),
               'proxy=native')


@row('cannot be the name of a host')
def host_that_is_a_command(c):
    return 'test+ssh://a%60b/default'


def test_every_wrong_setup_says_what_is_wrong():
    seen = []
    with Libvirtd() as daemon:
        for fn, texts, answers, timeout_ms, env in ROWS:
            with contextlib.ExitStack() as stack:
                case = Case(stack, daemon)
                try:
                    said = fails(connect(case.home, fn(case), answers=answers,
                                         timeout_ms=timeout_ms, **env),
                                 *texts)
                    assert len(said.error) < 1500, said.error
                    assert said.took_ms[0] < (timeout_ms + 20000) * SLOW
                except Exception as e:
                    seen.append(f'{fn.__name__}: {e}')
    same(seen, [], f'{len(ROWS)} rows')


def held(home, *uris):
    """ssh-client with open connections, waiting."""
    p = subprocess.Popen([RUN, CLIENT, '--timeout', str(int(60000 * SLOW)),
                          '--call-timeout', str(int(LIMIT_MS * SLOW)),
                          '--hold', *uris], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True,
                         env=dict(os.environ, **home.environment()))
    for line in p.stdout:
        if line == 'waiting\n':
            return p
        assert line.startswith('up '), line
    raise AssertionError('ssh-client ended')


def sessions(server):
    """The processes of sshd that serve connections."""
    out = command('pgrep', '-P', str(server.process.pid))[1].split()
    for pid in list(out):
        out += command('pgrep', '-P', pid)[1].split()
    return [int(pid) for pid in out]


@contextlib.contextmanager
def halted(server):
    """They neither answer nor go away, until the end of the block."""
    pids = sessions(server)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_sshd_that_is_killed_during_a_call():
    with Libvirtd() as daemon, contextlib.ExitStack() as stack:
        case = Case(stack, daemon)
        server = case.sshd()
        p = held(case.home, uri(server), uri(server))
        for pid in sessions(server):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        out, _ = p.communicate('go\n', timeout=60 * SLOW)
        errors = [l for l in out.splitlines() if l.startswith('error')]
        same(len(errors), 2, out)
        for error in errors:
            assert 'ssh to 127.0.0.1' in error and 'closed' in error, error
        same(p.returncode, 0)


def test_sshd_that_stops_answering():
    """The deadline of the call ends it, and closing does not hang."""
    with Libvirtd() as daemon, contextlib.ExitStack() as stack:
        case = Case(stack, daemon)
        server = case.sshd()
        p = held(case.home, uri(server))
        began = time.monotonic()
        with halted(server):
            out, _ = p.communicate('go\n', timeout=60 * SLOW)
        assert time.monotonic() - began < (LIMIT_MS / 1000 + 20) * SLOW
        assert 'error' in out, out


def test_signs_of_life():
    with Libvirtd() as daemon, contextlib.ExitStack() as stack:
        case = Case(stack, daemon)
        server = case.sshd()
        case.home.write('ServerAliveInterval 3\nServerAliveCountMax 1\n',
                        '.ssh', 'config')
        p = subprocess.Popen([RUN, CLIENT, '--timeout',
                              str(int(60000 * SLOW)), '--hold',
                              uri(server)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True,
                             env=dict(os.environ, **case.home.environment()))
        assert p.stdout.readline().startswith('up')
        with halted(server):
            out, _ = p.communicate('go\n', timeout=60 * SLOW)
        assert 'no sign of life' in out, out


if __name__ == '__main__':
    run()
