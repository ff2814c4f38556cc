#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kerberos by SASL, with a KDC of the test's own: on Unix sockets and, with a
security layer, on TCP; tickets that do not do; much data and many calls
through the layer; bytes that break it."""
import hashlib
import tempfile
import threading

from kerberos import *
from sasl import *

SECTION = 'keytab = @KEYTAB@\nhostname = localhost\n'
CONF = '''mech_list: gssapi
keytab: @KEYTAB@
'''


def daemon_env(kdc):
    """A daemon knows the realm, and its keys from its config."""
    return {'KRB5_CONFIG': kdc.env['KRB5_CONFIG']}


def ours_at(kdc, *args, section='', **kw):
    return VirgatedSasl(SECTION.replace('@KEYTAB@', kdc.keytab) + section,
                        *args, env=daemon_env(kdc), **kw)


def theirs_at(kdc):
    return LibvirtdSasl(CONF.replace('@KEYTAB@', kdc.keytab), env={
        'KRB5_CONFIG': os.path.join(kdc.dir, 'libvirtd.conf')})


def test_every_pair_of_ends_by_ticket():
    with Kdc() as kdc, ours_at(kdc) as ours, theirs_at(kdc) as theirs:
        ticket = kdc.ticket()
        for server in ours, theirs:
            for uri in server.uri(), server.uri_tcp():
                for client in CLIENTS:
                    same(names(client, uri, ticket), (0, ['test']), uri)
        same(ours.entries(), ['alice'] * 4)


def expired(kdc):
    """A ticket that has been good."""
    ticket = kdc.ticket('alice', '-l', '1s')
    wait_until(lambda: command('klist', '-s', env=ticket)[0] != 0, 20,
               'the end of a ticket')
    return ticket


def test_tickets_that_do_not_do():
    with Kdc() as kdc, Kdc() as foreign, ours_at(kdc) as ours:
        kdc.admin('addprinc -randkey libvirt/other')
        cases = {
            'none': (kdc.env, 'credentials'),
            'expired': (expired(kdc), 'expired'),
            # The same realm and names, and other keys.
            'foreign': (foreign.ticket(), 'authentication failed'),
        }
        for name, (env, text) in cases.items():
            for uri in ours.uri(), ours.uri_tcp():
                for client in CLIENTS:
                    status, said = names(client, uri, env)
                    same(status != 0, True, name)
                    assert text in said.lower(), f'{name}: {said}'
        same(ours.entries(), [])
        assert 'GSSAPI by ' in ours.log(), ours.log()


def test_the_users_of_a_section():
    with Kdc(('alice', 'bob')) as kdc, \
            ours_at(kdc, section='users = al*') as ours:
        same(names('virsh', ours.uri_tcp(), kdc.ticket('alice')),
             (0, ['test']))
        same(names('virsh', ours.uri_tcp(), kdc.ticket('bob'))[0] != 0, True)
        same(ours.entries(), ['alice'])
        assert 'bob is not in users of [auth sasl]' in ours.log(), ours.log()


def test_each_section_has_its_own_keytab():
    more = """[listen second]
transport = unix
path = @DIR@/second
mode = 0777
auth = second
[auth second]
module = sasl
mechanisms = GSSAPI
hostname = localhost
keytab = """
    with Kdc() as one, Kdc() as two, \
            ours_at(one, more=more + two.keytab) as ours:
        second = f'test+unix:///default?socket={ours.dir}/second'
        for _ in range(2):
            for uri, kdc, good in ((ours.uri(), one, True),
                                   (second, two, True),
                                   (ours.uri(), two, False),
                                   (second, one, False)):
                status, said = names('virsh', uri, kdc.ticket())
                same(status == 0, good, said)


def test_fifty_sections():
    sections = ''.join(f"""[listen l{i}]
transport = unix
path = @DIR@/l{i}
mode = 0777
auth = a{i}
[auth a{i}]
module = sasl
keytab = @KEYTAB@
hostname = localhost
users = {'alice' if i % 2 else 'bob'}
""" for i in range(50))
    with Kdc(('alice', 'bob')) as kdc, ours_at(
            kdc, more=sections.replace('@KEYTAB@', kdc.keytab)) as ours:
        users = {name: kdc.ticket(name) for name in ('alice', 'bob')}
        for i in (0, 1, 24, 49):
            for name, ticket in users.items():
                got = names('virsh', f'test+unix:///default?socket='
                            f'{ours.dir}/l{i}', ticket)
                same(got[0] == 0, (name == 'alice') == bool(i % 2), got)


# Through the layer ---------------------------------------------------------

def large_xml(name):
    """Nearly as long as a string may be, and never twice the same line."""
    lines = []
    size = 0
    while size < 4_190_000:
        lines.append(hashlib.sha256(f'{name}{size}'.encode()).hexdigest())
        size += 65
    text = '\n'.join(lines)[:4_193_000]
    return (f"<domain type='test'><name>{name}</name><memory>8192</memory>"
            f'<description>{text}</description>'
            '<os><type>hvm</type></os></domain>'), text


def define_and_dump(client, uri, env, path, name):
    """The description as it comes back; the test driver forgets a domain with
    its last connection."""
    if client == 'virsh':
        out = command('virsh', '-q', '-c', uri,
                      f'define {path}; dumpxml {name}', env=env, check=0)[1]
    else:
        out = command(RUN, 'virgate', '-c', uri, env=env, check=0,
                      stdin=f'define {path}\ndumpxml {name}\n')[1]
    return re.search('<description>(.*)</description>', out, re.S)[1]


def test_much_data_both_ways():
    with Kdc() as kdc, ours_at(kdc) as ours, theirs_at(kdc) as theirs, \
            tempfile.TemporaryDirectory() as root:
        ticket = kdc.ticket()
        for server in ours, theirs:
            for client in CLIENTS:
                if server is theirs and client == 'virsh':
                    continue            # not about us
                name = f'large-{client}'
                xml, text = large_xml(name)
                path = os.path.join(root, 'xml')
                with open(path, 'w') as f:
                    f.write(xml)
                got = define_and_dump(client, server.uri_tcp(), ticket, path,
                                      name)
                same(hashlib.sha256(got.encode()).hexdigest(),
                     hashlib.sha256(text.encode()).hexdigest(), client)


def screenshot(client, uri, env, path):
    argv = ['virsh', '-q'] if client == 'virsh' else [RUN, 'virgate']
    command(*argv, '-c', uri, 'screenshot', 'test', '--file', path, env=env,
            check=0)
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def test_streams():
    with Kdc() as kdc, ours_at(kdc) as ours, theirs_at(kdc) as theirs, \
            tempfile.TemporaryDirectory() as root:
        ticket = kdc.ticket()
        for server in ours, theirs:
            want = screenshot('virsh', server.uri(), ticket,
                              os.path.join(root, 'plain'))
            for client in CLIENTS:
                same(screenshot(client, server.uri_tcp(), ticket,
                                os.path.join(root, 'sealed')), want)


def test_many_calls_at_once():
    """Threads, asynchronous calls, events and a stream on one connection of
    ours; threads of a stock client."""
    session = os.path.join(BUILD, 'tests', 'integration', 'client-session')
    with Kdc() as kdc, ours_at(kdc) as ours, theirs_at(kdc) as theirs:
        ticket = kdc.ticket()
        for server in ours, theirs:
            out = command(RUN, session, server.uri_tcp(), server.uri_tcp(),
                          env=ticket, check=0)[1].splitlines()
            same([line for line in out if line.split()[0] in
                  ('async', 'threads', 'done')],
                 ['async 200', 'threads 1600', 'done'])
        command('/usr/bin/python3', '-c', f"""
import libvirt, threading
conn = libvirt.open({ours.uri_tcp()!r})
assert conn.isSecure() and conn.isEncrypted()
bad = []
def work():
    for i in range(100):
        if [d.name() for d in conn.listAllDomains()] != ['test']:
            bad.append(i)
threads = [threading.Thread(target=work) for _ in range(12)]
for t in threads: t.start()
for t in threads: t.join()
assert not bad, bad
""", env=ticket, check=0)


def test_a_gateway_is_server_and_client():
    """A layer on either side, and much data through both."""
    if not os.path.exists(os.path.join(BUILD, 'plugins', 'driver-upstream')):
        raise Skip('there is no driver-upstream')
    with Kdc() as kdc, theirs_at(kdc) as theirs, \
            tempfile.TemporaryDirectory() as root:
        ticket = kdc.ticket()
        gateway = ours_at(kdc)
        gateway.env['KRB5CCNAME'] = ticket['KRB5CCNAME']
        gateway.config = gateway.config.replace(
            '[driver test]', '[driver far]\nmodule = upstream\n'
            f'uri = test:*\nupstream = {theirs.uri_tcp()}')
        xml, text = large_xml('far')
        path = os.path.join(root, 'xml')
        with open(path, 'w') as f:
            f.write(xml)
        with gateway:
            for client in CLIENTS:
                same(names(client, gateway.uri_tcp(), ticket),
                     (0, ['test']))
                got = define_and_dump(client, gateway.uri_tcp(), ticket,
                                      path, 'far')
                same(got == text, True)


def test_beside_libvirt_in_one_process():
    """Both libraries use Cyrus; neither takes it away from the other,
    whichever comes first."""
    if SLOW != 1:
        return                          # Python itself is not sanitized
    with Kdc() as kdc, ours_at(kdc) as ours:
        program = f"""
import ctypes, sys, threading
import libvirt
ours = ctypes.CDLL('libvirgate.so.0')
ours.virgate_connect.restype = ctypes.c_void_p
ours.virgate_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
ours.virgate_conn_free.argtypes = [ctypes.c_void_p]
uri = {ours.uri_tcp()!r}
def one():
    conn = ours.virgate_connect(uri.encode(), None)
    assert conn
    ours.virgate_conn_free(conn)
def other():
    conn = libvirt.open(uri)
    assert [d.name() for d in conn.listAllDomains()] == ['test']
    conn.close()
order = [one, other] if sys.argv[1] == 'ours' else [other, one]
done = []
def work():
    for f in order * 5:
        f()
    done.append(1)
work()
threads = [threading.Thread(target=work) for _ in range(6)]
for t in threads: t.start()
for t in threads: t.join()
assert len(done) == 7
"""
        for first in 'ours', 'theirs':
            command(RUN, '/usr/bin/python3', '-c', program, first,
                    env=kdc.ticket(), check=0)


def test_a_reload_leaves_layers_alone():
    """They need the section they began with, which a reload replaces."""
    with Kdc() as kdc, ours_at(kdc) as ours:
        program = f"""
import libvirt, sys
conn = libvirt.open({ours.uri_tcp()!r})
for line in sys.stdin:
    print([d.name() for d in conn.listAllDomains()], flush=True)
"""
        p = subprocess.Popen(['/usr/bin/python3', '-c', program],
                             env=dict(os.environ, **kdc.ticket()), text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def ask():
            p.stdin.write('\n')
            p.stdin.flush()
            return p.stdout.readline()
        same(ask(), "['test']\n")
        path = os.path.join(ours.dir, 'virgated.conf')
        with open(path) as f:
            text = f.read()
        with open(path, 'w') as f:
            f.write(text.replace('[auth sasl]', '[auth sasl]\nusers = bob'))
        for _ in range(3):
            before = ours.log().count('reload')
            ours.process.send_signal(signal.SIGHUP)
            wait_until(lambda: ours.log().count('reload') > before,
                       what='a reload')
            same(ask(), "['test']\n")
        same(names('virsh', ours.uri_tcp(), kdc.ticket())[0] != 0, True)
        same(ask(), "['test']\n")
        p.communicate(timeout=20 * SLOW)


def program(folder, name):
    """The program itself, where libtool has put a script in its place."""
    path = os.path.join(BUILD, folder, '.libs', name)
    return path if os.path.exists(path) else os.path.join(BUILD, folder, name)


def test_both_ends_under_valgrind():
    need('valgrind')
    if SLOW != 1:
        return                          # a sanitized build has looked already
    with Kdc() as kdc, tempfile.TemporaryDirectory() as root:
        valgrind = [RUN, 'valgrind', '--quiet', '--leak-check=full',
                    '--show-leak-kinds=definite', f'--log-file={root}/%p']

        class Watched(VirgatedSasl):
            def spawn(self, argv, **kw):
                super().spawn([*valgrind, program('daemon', 'virgated'),
                               *argv[2:]], **kw)
        with Watched(SECTION.replace('@KEYTAB@', kdc.keytab),
                     env=daemon_env(kdc)) as ours:
            status, out, err = command(
                *valgrind, program('client/cli', 'virgate'), '-c',
                ours.uri_tcp(), 'list', '--name', env=kdc.ticket())
            same((status, out), (0, 'test\n'), err)
        same(len(os.listdir(root)) >= 2, True)
        for name in os.listdir(root):
            with open(os.path.join(root, name)) as f:
                same(f.read(), '')


# Bytes that break it -------------------------------------------------------

class Between(threading.Thread):
    """Stands between a client and a server, and spoils what passes.

    spoil(direction, data, count) returns what is passed on; count says how
    many chunks went that way before, direction is '>' or '<'.
    """

    def __init__(self, port, spoil):
        super().__init__(daemon=True)
        self.to, self.spoil = port, spoil
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def pump(self, source, sink, direction):
        count = 0
        try:
            while True:
                data = source.recv(1 << 20)
                if not data:
                    break
                sink.sendall(self.spoil(direction, data, count))
                count += 1
        except OSError:
            pass
        for s in source, sink:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def run(self):
        near, _ = self.listener.accept()
        far = socket.create_connection(('127.0.0.1', self.to))
        back = threading.Thread(target=self.pump, args=(far, near, '<'),
                                daemon=True)
        back.start()
        self.pump(near, far, '>')
        back.join()
        near.close()
        far.close()
        self.listener.close()


# What the client of a conversation by GSSAPI sends: AUTH_LIST, SASL_INIT,
# START, STEP, STEP; sealed packets follow.
LAST_IN_CLEAR, FIRST_SEALED = 4, 5


def ping():
    """A call that is allowed without authentication, as it is in clear."""
    from rawrpc import AUTH_LIST, message
    return message(AUTH_LIST, serial=77)


def test_bytes_that_break_the_layer():
    flip = bytes(range(255, -1, -1))
    cases = {
        'went on in clear where protection begins':
        lambda d, data, n: data + ping()
        if (d, n) == ('>', LAST_IN_CLEAR) else data,
        'not sealed as agreed on':
        lambda d, data, n: data[:-1] + data[-1:].translate(flip)
        if (d, n) == ('>', FIRST_SEALED) else data,
        'sealed packet of 4278190080 bytes':
        lambda d, data, n: b'\xff\0\0\0' + data
        if (d, n) == ('>', FIRST_SEALED) else data,
        'sealed packet of 0 bytes':
        lambda d, data, n: b'\0\0\0\0' + data
        if (d, n) == ('>', FIRST_SEALED) else data,
        'sealed packet of 65537 bytes':
        lambda d, data, n: b'\0\1\0\1' + data
        if (d, n) == ('>', FIRST_SEALED) else data,
        'sealed packet again, or out of order':
        lambda d, data, n: data + data
        if (d, n) == ('>', FIRST_SEALED) else data,
    }
    with Kdc() as kdc:
        ticket = kdc.ticket()
        for text, spoil in cases.items():
            with ours_at(kdc) as ours:
                between = Between(ours.port, spoil)
                status, said = names('virgate', 'test+tcp://localhost:'
                                     f'{between.port}/default', ticket)
                between.join(10)
                same(status != 0, True, text)
                closed = [line for line in ours.log().splitlines()
                          if 'info' in line or 'notice' in line]
                same(len(closed), 1, ours.log())
                assert text.strip() in closed[0], closed
                same(names('virgate', ours.uri_tcp(), ticket), (0, ['test']))


def test_what_a_client_refuses():
    """Changed packets and clear bytes from the server's side."""
    cases = [
        lambda d, data, n: data[:-1] + bytes([data[-1] ^ 1])
        if d == '<' and n >= 5 else data,
        lambda d, data, n: b'\xff\xff\xff\xff' if d == '<' and n >= 5
        else data,
        lambda d, data, n: data + ping() if (d, n) == ('<', 4) else data,
    ]
    with Kdc() as kdc, ours_at(kdc) as ours:
        ticket = kdc.ticket()
        for spoil in cases:
            between = Between(ours.port, spoil)
            status, said = names('virgate', 'test+tcp://localhost:'
                                 f'{between.port}/default', ticket)
            between.join(10)
            same(status != 0, True, said)
            assert 'seal' in said or 'message of type 0' in said, said


def test_idle_sessions_stay_small():
    """What Cyrus and Kerberos keep is theirs; no buffer of ours is added."""
    count = 100
    program = """
import libvirt, sys
conns = [libvirt.open(sys.argv[1]) for _ in range(int(sys.argv[2]))]
for conn in conns:
    conn.listAllDomains()
print('ready', flush=True)
sys.stdin.readline()
"""
    with Kdc() as kdc, ours_at(kdc) as ours:
        ticket = kdc.ticket()
        names('virsh', ours.uri_tcp(), ticket)
        before = resident(ours.process.pid)
        p = subprocess.Popen(
            ['/usr/bin/python3', '-c', program, ours.uri_tcp(), str(count)],
            env=dict(os.environ, **ticket), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        same(p.stdout.readline(), 'ready\n')
        each = (resident(ours.process.pid) - before) / count
        p.communicate('\n', timeout=60 * SLOW)
        print(f'{each / 1024:.1f} KiB for each idle session')
        if SLOW == 1:
            assert each < 64 * 1024, each


run()
