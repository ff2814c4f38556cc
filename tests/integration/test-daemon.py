#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virgated's own life: start, config errors, signals, limits, floods."""
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

from lib import *
from rawrpc import *


def check_config(text, *args):
    """Run --check on a config; returns (exit status, output and errors)."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'virgated.conf')
        with open(path, 'w') as f:
            f.write(text.replace('@DIR@', folder))
        code, out, err = command(RUN, 'virgated', '--config', path, '--check',
                                 *args)
        return code, out + err


def expect_refused(text, *words):
    code, said = check_config(text)
    assert code != 0, f'accepted:\n{text}'
    for word in words:
        assert word in said, f'no {word!r} in:\n{said}'


LOCAL = '''[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = none
'''


def test_check_accepts_a_good_config():
    code, said = check_config(LOCAL)
    same(code, 0, said)


def test_config_errors_name_file_line_and_key():
    expect_refused(LOCAL + 'colour = red\n', 'virgated.conf:6', 'colour')
    expect_refused(LOCAL + '[daemon]\nmax-clients = many\n',
                   'virgated.conf:7', 'max-clients', 'many')
    expect_refused('[listen x]\ntransport = pigeon\n', 'virgated.conf',
                   'pigeon', 'transport-pigeon.so', 'unix')
    expect_refused('[garden]\n', 'virgated.conf:1', 'garden')
    expect_refused(LOCAL + '[daemon]\nmax-clients = 0\n', 'virgated.conf:7')
    expect_refused('listen local\n', 'virgated.conf:1')


RULES = LOCAL + 'acl = site\n[acl site]\nmodule = rules\n'
UP = LOCAL + '[driver up]\nmodule = upstream\n'
OTHER = LOCAL + '[acl other]\nmodule = rules\n'
AUTH = LOCAL.replace('auth = none\n', 'auth = ')
DRIVER = LOCAL + '[driver test]\n'

# A configuration's end, its line, and words of what is said about it.
MISTAKES = [
    # sections that nobody uses are looked at as well
    (OTHER + 'rul = x\n', 8, "[acl other] rul: ", "did you mean 'rule'?"),
    (OTHER + 'rule = allow nobody\n', 8, '[acl other] rule: ',
     "'nobody' is no role"),
    (LOCAL + '[acl other]\nmodule = rulez\n', 7, '[acl other] module: ',
     'rulez'),
    (LOCAL + '[auth other]\nmodule = peercred\nusrs = x\n', 8,
     "did you mean 'users'?"),
    # the URI of the daemon behind
    (UP + 'upstream = qemu+unix:///system?sokcet=/x\n', 8, 'upstream: ',
     "'sokcet' means nothing to the transport unix", "mean 'socket'?"),
    (UP + 'upstream = qemu+tls://h/system?socket=/x\n', 8,
     "'socket' means nothing to the transport tls"),
    (UP + 'upstream = qemu+tls://h/system?pkypath=/x\n', 8, "'pkipath'?"),
    (UP + 'upstream = remote+tls://h/?host=x\n', 8, "'host' means nothing"),
    (UP + 'upstream = qemu+tls://h:99999/system\n', 8, 'upstream: ', 'port'),
    (UP + 'upstream = qemu+unix://h/system\n', 8, 'upstream: ', "'h'"),
    (UP + 'upstream = qemu+unix:///system?socket=x\n', 8, "'x' is no abs"),
    (UP + 'upstream = /run/libvirt/libvirt-sock\n', 8, 'is no URI'),
    (UP + 'auth-file = /nonexistent\n', 8, 'auth-file: '),
    # what would be weaker than it looks
    (AUTH + 'peercred+ password\n', 5, 'auth: ', "a '+' has a method"),
    (AUTH + 'peercred +password\n', 5, "a '+' has a method"),
    (AUTH + 'peercred++password\n', 5, "a '+' has a method"),
    # what is misspelt
    (LOCAL + 'red-only = yes\n', 6, "did you mean 'read-only'?"),
    (LOCAL + '[daemon]\nmaxclients = 5\n', 7, "did you mean 'max-clients'?"),
    (LOCAL + 'acl = siet\n[acl site]\nmodule = rules\n', 6,
     'no section [acl siet]', "did you mean 'site'?"),
    (RULES + 'role = x domain:strat\n', 9, 'role: ',
     "did you mean 'domain:start'?"),
    (RULES + 'rule = allow admni\n', 9, 'rule: ', "did you mean 'admin'?"),
    (RULES + 'rule = allow admin domian:x\n', 9,
     "did you mean 'domain'?"),
    (RULES + 'rule = allow admin domian-uuid:x\n', 9,
     "did you mean 'domain'?"),
    (RULES + 'rule = allow admin gruop:x\n', 9, "did you mean 'group'?"),
    (RULES + 'rule = allow admin colour:x\n', 9, 'there are address'),
    # what is about nothing
    (RULES + 'role = net network:*\nrule = allow net domain:web-*\n', 10,
     'no permission on a domain'),
]


def test_mistakes_are_said_where_they_are():
    for text, line, *words in MISTAKES:
        expect_refused(text, f'virgated.conf:{line}: [', *words)


def test_what_is_right_is_left_alone():
    for more in ('upstream = qemu+tls://door/system?host=blue\n',
                 'upstream = qemu+ssh://h/system?keyfile=/k&no_verify=1\n',
                 'upstream = remote+unix:///?socket=/x\n',
                 'upstream = esx+unix:///?transport=http&socket=/x\n'):
        same(check_config(UP + more), (0, ''), more)
    same(check_config(RULES + 'role = net network:*\nrule = allow net '
                      'viewer domain:web-*\n'), (0, ''))


def test_what_is_useless_is_said():
    for text, words in (
            (OTHER + 'rule = allow admin\n', ':6: [acl other] no listener'),
            (LOCAL + '[auth peercred]\n', ':6: [auth peercred] no listener'),
            (DRIVER + 'listeners = locla l*\n', "listeners: 'locla' is no"),
            (DRIVER + 'migrate-to = x\n', ':7: [driver test] migrate-to: '),
            (DRIVER + 'unknown-procedures = allow\n', 'passes no calls on')):
        code, said = check_config(text)
        same((code, words in said, said.count('warning')), (0, True, 1), said)


def test_missing_config_file_is_an_error():
    code, out, err = command(RUN, 'virgated', '--config', '/nonexistent/x',
                             '--check')
    assert code != 0 and '/nonexistent/x' in out + err, out + err


def test_sockets_open_to_anybody_are_refused():
    for mode in ('0777', '0666', '0770', '0702'):
        expect_refused(LOCAL.replace('0700', mode), 'allow-anonymous')
        code, said = check_config(LOCAL.replace('0700', mode)
                                  + 'allow-anonymous = yes\n')
        same(code, 0, said)
    tcp = '[listen net]\ntransport = tcp\naddress = 127.0.0.1\nport = 0\n'
    expect_refused(tcp + 'auth = none\n', 'allow-anonymous')
    code, said = check_config(tcp + 'auth = none\nallow-anonymous = yes\n')
    same(code, 0, said)


def test_print_config_can_be_read_back():
    with tempfile.TemporaryDirectory() as folder:
        first, second = (os.path.join(folder, n) for n in ('a', 'b'))
        with open(first, 'w') as f:
            f.write(LOCAL.replace('@DIR@', folder))
        _, once, _ = command(RUN, 'virgated', '--config', first, '--set',
                             'daemon.max-clients=77', '--print-config',
                             check=0)
        assert 'max-clients = 77' in once, once
        with open(second, 'w') as f:
            f.write(once)
        _, twice, _ = command(RUN, 'virgated', '--config', second,
                              '--print-config', check=0)
        same(twice, once, 'printed twice')


def test_modules_are_listed_and_explained():
    _, out, _ = command(RUN, 'virgated', '--list-modules', check=0)
    for name in ('unix', 'tcp', 'test'):
        assert any(name in line.split() for line in out.splitlines()), out
    _, out, _ = command(RUN, 'virgated', '--module-help', 'transport-tcp',
                        check=0)
    assert 'port' in out and 'address' in out, out
    code, out, err = command(RUN, 'virgated', '--module-help', 'nosuch-thing')
    assert code != 0, out


def test_second_daemon_on_the_same_socket_is_refused():
    with Virgated() as d:
        config = os.path.join(d.dir, 'virgated.conf')
        code, out, err = command(RUN, 'virgated', '--config', config)
        assert code != 0 and d.socket in out + err, out + err
        same(virsh(d.uri(), 'domname', '1')[1].strip(), 'test')


def test_stale_socket_is_taken_over_and_files_are_not():
    with Virgated() as d:
        d.stop(signal.SIGKILL)
        assert os.path.exists(d.socket)
        with Virgated(config=d.default_config()) as again:
            same(virsh(d.uri(), 'domname', '1')[1].strip(), 'test')
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'sock')
        with open(path, 'w') as f:
            f.write('precious')
        code, _, err = command(RUN, 'virgated', '--set',
                               f'listen.local.path={path}', '--set',
                               'listen.local.transport=unix')
        assert code != 0, err
        same(open(path).read(), 'precious')


def test_term_removes_sockets_and_exits_zero():
    with Virgated() as d:
        d.stop()
        assert not os.path.exists(d.socket), 'socket is left'


class Load:
    """Clients that call without a pause and count lost replies."""

    def __init__(self, where, clients=8):
        self.stop_it, self.lost, self.calls = threading.Event(), [], 0
        self.threads = [threading.Thread(target=self.work, args=(where,))
                        for _ in range(clients)]
        self.ready = threading.Barrier(clients + 1)
        for t in self.threads:
            t.start()
        self.ready.wait(30)

    def work(self, where):
        with Conn(where) as c:
            self.ready.wait(30)
            while not self.stop_it.is_set():
                c.serial += 1
                try:
                    c.send(message(NUM_DOMAINS, serial=c.serial))
                except OSError:
                    return
                try:
                    reply = c.receive()
                except Ended:
                    # Only a call that the daemon never read may be lost.
                    return
                if reply.serial != c.serial or reply.status != OK:
                    self.lost.append(reply)
                self.calls += 1

    def finish(self):
        self.stop_it.set()
        for t in self.threads:
            t.join(30)


def test_term_under_load_ends_within_two_seconds():
    with Virgated() as d:
        load = Load(d.socket)
        wait_until(lambda: load.calls > 1000, 20, 'load')
        began = time.monotonic()
        d.process.send_signal(signal.SIGTERM)
        d.process.wait(10)
        took = time.monotonic() - began
        load.finish()
        same(load.lost, [], 'lost replies')
        assert took < 2, f'{took:.2f} s'
        same(d.process.returncode, 0, d.log())


def test_term_loses_no_call_in_flight():
    """What was read is answered: calls sent, then SIGTERM, then replies."""
    with Virgated() as d:
        conns = [Conn(d.socket) for _ in range(10)]
        for c in conns:
            c.send(b''.join(message(11, string(
                f"<domain type='test'><name>d{id(c)}-{n}</name>"
                "<memory>1024</memory><os><type>hvm</type></os></domain>"),
                serial=n) for n in range(5)))
        # One reply has come: the rest of that burst was read as well.
        first = [c.receive() for c in conns]
        d.process.send_signal(signal.SIGTERM)
        for c, reply in zip(conns, first):
            got = {reply.serial} | {c.receive().serial for _ in range(4)}
            same(got, set(range(5)), 'replies after SIGTERM')
        d.process.wait(10)
        same(d.process.returncode, 0, d.log())


def test_hup_under_load_drops_nobody():
    with Virgated() as d:
        load = Load(d.socket)
        for n in range(5):
            before = load.calls
            d.process.send_signal(signal.SIGHUP)
            wait_until(lambda: load.calls > before + 500, 20, 'calls')
        alive = [t.is_alive() for t in load.threads]
        load.finish()
        same(load.lost, [])
        same(alive, [True] * len(alive), 'clients still connected')


def test_hup_with_a_broken_config_keeps_the_old_one():
    with Virgated() as d:
        path = os.path.join(d.dir, 'virgated.conf')
        with Conn(d.socket) as c:
            with open(path, 'a') as f:
                f.write('\n[daemon]\nnonsense = 1\n')
            d.process.send_signal(signal.SIGHUP)
            wait_until(lambda: 'nonsense' in d.log(), 10, 'a log line')
            same(c.call(NUM_DOMAINS).status, OK)
        same(virsh(d.uri(), 'domname', '1')[1].strip(), 'test')


def test_hup_applies_new_limits():
    with Virgated() as d:
        path = os.path.join(d.dir, 'virgated.conf')
        with open(path, 'a') as f:
            f.write('\n[daemon]\nlog-level = debug\n')
        d.process.send_signal(signal.SIGHUP)
        def debugging():
            with Conn(d.socket):
                pass
            return len(d.log().splitlines()) > 20
        wait_until(debugging, 10, 'debug lines')


def test_out_of_descriptors_newcomers_are_refused_and_service_returns():
    soft = 256
    with Virgated(wrapper=['prlimit', f'--nofile={soft}:{soft}']) as d:
        keep, conns = Conn(d.socket), []
        refused = 0
        for _ in range(soft + 50):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(5)
            s.connect(d.socket)
            try:
                s.send(message(AUTH_LIST))
                refused += s.recv(100) == b''
            except ConnectionError:
                refused += 1
            conns.append(s)
        assert refused >= 50, f'{refused} refused'
        same(keep.call(NUM_DOMAINS).status, OK, 'established client')
        for s in conns:
            s.close()
        def served():
            try:
                with Conn(d.socket):
                    return True
            except (Ended, OSError):
                return False
        wait_until(served, 2, 'service')


def test_remote_flood_leaves_local_clients_served():
    args = ['--set', 'daemon.max-clients=200', '--set',
            'daemon.max-unopened=100', '--set', 'daemon.local-reserve=20']
    with Virgated(*args, tcp=True) as d:
        crowd = []
        for _ in range(400):
            s = socket.create_connection(('127.0.0.1', d.port), 5)
            crowd.append(s)
        slowest = 0
        for _ in range(50):
            began = time.monotonic()
            with Conn(d.socket) as c:
                same(c.call(NUM_DOMAINS).status, OK)
            slowest = max(slowest, time.monotonic() - began)
        for s in crowd:
            s.close()
        assert slowest < 2 * SLOW, f'{slowest:.3f} s'


def test_silent_strangers_are_gone_after_their_deadline():
    args = []
    for phase in ('handshake', 'auth', 'open'):
        args += ['--set', f'daemon.{phase}-timeout=1']
    with Virgated(*args) as d:
        base = descriptors(d.process.pid)
        silent = [socket.socket(socket.AF_UNIX) for _ in range(50)]
        for n, s in enumerate(silent):
            s.connect(d.socket)
            if n % 2:
                s.send(message(AUTH_LIST)[:n % 28])
        wait_until(lambda: descriptors(d.process.pid) > base + 40)
        wait_until(lambda: descriptors(d.process.pid) <= base, 10,
                   'strangers to be gone')
        for s in silent:
            s.close()


def test_half_a_message_has_a_deadline_after_login():
    with Virgated('--set', 'daemon.frame-timeout=1') as d:
        with Conn(d.socket) as c:
            c.send(message(NUM_DOMAINS)[:10])
            c.s.settimeout(10 * SLOW)
            try:
                c.receive()
                raise AssertionError('answered')
            except Ended:
                pass


def test_a_client_that_never_reads_is_closed():
    with Virgated('--set', 'daemon.write-timeout=1') as d:
        with Conn(d.socket) as c:
            base = descriptors(d.process.pid)
            c.s.settimeout(0.2)
            block = message(DOMAIN_XML, domain() + u32(0)) * 1000
            try:
                for _ in range(200):
                    c.send(block)
            except OSError:
                pass
            wait_until(lambda: descriptors(d.process.pid) < base, 10 * SLOW,
                       'the client to be closed')


def test_sockets_handed_over_by_a_service_manager():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'handed')
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(5)
        notify = os.path.join(folder, 'notify')
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(notify)
        told.settimeout(20 * SLOW)
        config = os.path.join(folder, 'virgated.conf')
        with open(config, 'w') as f:
            f.write(f'[listen local]\ntransport = unix\npath = {path}\n'
                    'mode = 0700\nauth = none\n[driver test]\n')

        # LISTEN_PID must be the daemon's own: the wrapper only execs.
        env = dict(os.environ, NOTIFY_SOCKET=notify)
        script = (f'exec 3<&{listener.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=local; export '
                  'LISTEN_PID LISTEN_FDS LISTEN_FDNAMES; exec "$@"')
        p = subprocess.Popen(['sh', '-c', script, 'sh', RUN, 'virgated',
                              '--config', config], env=env, pass_fds=[listener.fileno()],
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        try:
            assert b'READY=1' in told.recv(4096)
            uri = f'test+unix:///default?socket={path}'
            same(virsh(uri, 'domname', '1')[1].strip(), 'test')
            p.send_signal(signal.SIGTERM)
            same(p.wait(10), 0)
            assert os.path.exists(path), 'a socket that is not ours is gone'
        finally:
            if p.poll() is None:
                p.kill()
            p.communicate()
            listener.close()
            told.close()


if __name__ == '__main__':
    run()
