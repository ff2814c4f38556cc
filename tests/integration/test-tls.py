#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""TLS that works: certificates from three makers, stock and own programs on
both ends, versions, files in their places, refusals in words."""
import re
import select
import ssl

from rawrpc import AUTH_LIST, DOMAIN_XML, OPEN, TEST_UUID, domain, message, \
    some, string, u32
from tls import *

DEFINE = 11
LARGE_UUID = bytes(range(1, 17))
LARGE = f"""<domain type='test'><name>large</name><uuid>{LARGE_UUID.hex()}</uuid>
<memory>1024</memory><os><type>hvm</type></os>
<description>{'long ' * 20000}</description></domain>"""


def certificates(root):
    """Folders with certificates of every maker and kind of key."""
    makers = Maker(root)
    yield 'pki', make_pki(os.path.join(root, 'pki'))
    yield 'pki --rsa', make_pki(os.path.join(root, 'pki-rsa'), '--rsa')
    yield 'certtool', makers.good('certtool', kind='rsa')
    yield 'openssl ec', openssl_pki(os.path.join(root, 'openssl'))
    yield 'openssl rsa', openssl_pki(os.path.join(root, 'openssl-rsa'), 'rsa')


def python_names(uri):
    """What python3-libvirt sees there."""
    return sh('/usr/bin/python3', '-c', f'''
import libvirt
print([d.name() for d in libvirt.open({uri!r}).listAllDomains()])
''')[1].strip()


def test_every_pair_of_ends_with_certificates_of_every_maker():
    with tempfile.TemporaryDirectory() as root:
        for name, folder in certificates(root):
            crl = os.path.exists(os.path.join(folder, 'cacrl.pem'))
            with VirgatedTls(folder, crl=crl) as ours, \
                    LibvirtdTls(folder) as theirs:
                for peer in ours, theirs:
                    for host in '127.0.0.1', 'localhost':
                        uri = peer.uri_tls(folder, host)
                        for client in virsh, virgate:
                            same(client(uri)[1].split(), ['test'],
                                 f'{name} {client.__name__} {uri}')
                    same(python_names(peer.uri_tls(folder)), "['test']", name)


def test_unix_sockets_below():
    """TLS wraps whatever transport it is given, on either side."""
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        server, client = (os.path.join(root, name) for name in
                          ('server.conf', 'client.conf'))
        path = os.path.join(root, 'tls-sock')
        with open(server, 'w') as f:
            f.write(f'''[listen public]
transport = tls
lower = unix
path = {path}
mode = 0600
auth = x509
ca-cert = {folder}/cacert.pem
cert = {folder}/servercert.pem
key = {folder}/serverkey.pem
[auth x509]
allow = CN=alice
[driver test]
''')
        with open(client, 'w') as f:
            f.write(f'[transport tls]\nlower = unix\npki-path = {folder}\n')
        with Virgated(config=open(server).read()):
            def ask():
                return sh(*VIRGATE, '--config', client, '-c',
                          f'test+tls://localhost/default?socket={path}',
                          'list', '--name', ok=False)
            wait_until(lambda: os.path.exists(path))
            same(ask(), (0, 'test\n'))


def test_root_finds_its_files_in_the_systems_places():
    """In a namespace of its own, with a copy of /etc without certificates."""
    need('unshare')
    if os.geteuid() != 0:
        raise Skip('only root may hide what is in /etc')
    with tempfile.TemporaryDirectory() as root:
        script = '''set -e
cp -a /etc "$1/etc"
rm -rf "$1/etc/pki"
mount --bind "$1/etc" /etc
"$0" virgate pki init >/dev/null
"$0" virgate pki server localhost >/dev/null
"$0" virgate pki client root >/dev/null
"$0" virgate pki check
find /etc/pki -type f -not -path '*/issued/*' -printf '%m %p\\n' | sort -k2
find /etc/pki -name private -printf '%m %p\\n' | sort -k2
'''
        said = sh('unshare', '--mount', '--propagation', 'private', 'sh', '-c',
                  script, RUN, root)[1]
        same(said.splitlines(), [
            'good server: /etc/pki/libvirt/servercert.pem, CN=localhost',
            'good client: /etc/pki/libvirt/clientcert.pem, CN=root',
            '644 /etc/pki/CA/cacert.pem', '644 /etc/pki/CA/cacrl.pem',
            '600 /etc/pki/CA/private/cakey.pem',
            '644 /etc/pki/libvirt/clientcert.pem',
            '600 /etc/pki/libvirt/private/clientkey.pem',
            '600 /etc/pki/libvirt/private/serverkey.pem',
            '644 /etc/pki/libvirt/servercert.pem',
            '700 /etc/pki/CA/private', '700 /etc/pki/libvirt/private'])


def test_ipv6_addresses():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        with VirgatedTls(folder, address='::1') as ours:
            for client in virsh, virgate:
                same(client(ours.uri_tls(folder, '[::1]'))[1].split(),
                     ['test'])


def handshake(port, *argv):
    """What gnutls-cli or openssl s_client say of a port."""
    p = subprocess.run([str(a) for a in argv], input='', text=True,
                       capture_output=True, timeout=20 * SLOW)
    return p.stdout + p.stderr


def test_other_clients_see_tls_1_3_and_old_versions_are_refused():
    need('gnutls-cli', 'openssl')
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        with VirgatedTls(folder) as ours:
            files = ['--x509cafile', f'{folder}/cacert.pem',
                     '--x509certfile', f'{folder}/clientcert.pem',
                     '--x509keyfile', f'{folder}/clientkey.pem']
            gnutls = ['gnutls-cli', '-p', ours.port, '127.0.0.1', *files]
            openssl = ['openssl', 's_client', '-connect',
                       f'127.0.0.1:{ours.port}', '-CAfile',
                       f'{folder}/cacert.pem', '-cert',
                       f'{folder}/clientcert.pem', '-key',
                       f'{folder}/clientkey.pem']
            for argv, word in (
                    (gnutls, 'TLS1.3'), (openssl, 'TLSv1.3'),
                    (gnutls + ['--priority', 'NORMAL:-VERS-TLS1.3'],
                     'TLS1.2'),
                    (openssl + ['-tls1_2'], 'TLSv1.2')):
                said = handshake(ours.port, *argv)
                assert word in said, f'{argv}:\n{said}'
            for argv in (gnutls + ['--priority', 'NORMAL:-VERS-ALL:+VERS-'
                                   'TLS1.1:+VERS-TLS1.0:%COMPAT'],
                         openssl + ['-tls1_1', '-cipher',
                                    'DEFAULT@SECLEVEL=0'],
                         openssl + ['-tls1', '-cipher',
                                    'DEFAULT@SECLEVEL=0']):
                said = handshake(ours.port, *argv)
                assert 'alert' in said or 'protocol version' in said.lower(), \
                    f'{argv}:\n{said}'
            wait_until(lambda: ours.log().count('offers no version') >= 3,
                       what='three lines in the log')


def client_context(folder):
    context = ssl.create_default_context(cafile=f'{folder}/cacert.pem')
    context.load_cert_chain(f'{folder}/clientcert.pem',
                            f'{folder}/clientkey.pem')
    return context


def test_whoever_waits_for_the_socket_gets_all_messages():
    """A stock client takes one message, and does not look whether more came
    in its record: it waits for its socket."""
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        context = client_context(folder)
        with VirgatedTls(folder) as ours, socket.socket() as s:
            s.settimeout(30 * SLOW)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(('127.0.0.1', ours.port))
            c = context.wrap_socket(s, server_hostname='127.0.0.1')

            def exact(n):
                data = b''
                while len(data) < n:
                    more = c.recv(n - len(data))
                    assert more, 'it was closed'
                    data += more
                return data

            def receive():
                same(bool(select.select([c], [], [], 30 * SLOW)[0]), True)
                reply = exact(int.from_bytes(exact(4), 'big') - 4)
                return int.from_bytes(reply[16:20], 'big')

            same(exact(1), b'\1')
            for call in (message(AUTH_LIST), message(
                    OPEN, some(string('test:///default')) + u32(0)), message(
                    DEFINE, string(LARGE))):
                c.sendall(call)
                receive()
            # More than sockets hold, of messages of one record and of several;
            # and some at the end that fit into one.
            uuids = [TEST_UUID, LARGE_UUID] * 60 + [TEST_UUID] * 10
            c.sendall(b''.join(
                message(DOMAIN_XML, domain(uuid=uuid) + u32(0), serial=i)
                for i, uuid in enumerate(uuids)))
            same(sorted(receive() for _ in uuids), list(range(len(uuids))))
            c.close()


def test_an_end_in_the_middle_of_a_record():
    """What was asked before it cannot be answered any more, and nobody keeps
    trying to."""
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        context = client_context(folder)
        come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
        c = context.wrap_bio(come, go, server_hostname='127.0.0.1')
        with VirgatedTls(folder, more='''
[daemon]
auth-timeout = 600
write-timeout = 600
''') as ours, socket.create_connection(('127.0.0.1', ours.port),
                                        30 * SLOW) as s:
            for step in c.do_handshake, lambda: c.read(1):
                while True:
                    try:
                        step()
                        break
                    except ssl.SSLWantReadError:
                        s.sendall(go.read())
                        come.write(s.recv(65536))
            c.write(message(AUTH_LIST))
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            s.sendall(go.read() + b'\x17\x03\x03')
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass


def test_no_session_is_ever_resumed():
    need('openssl')
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        with VirgatedTls(folder) as ours:
            for version in '-tls1_2', '-tls1_3':
                said = handshake(ours.port, 'openssl', 's_client', '-connect',
                                 f'127.0.0.1:{ours.port}', version,
                                 '-reconnect', '-cert',
                                 f'{folder}/clientcert.pem', '-key',
                                 f'{folder}/clientkey.pem')
                assert 'Reused' not in said, said
                assert 'New Session Ticket' not in said, said


def refusal(text):
    """The reference in what a refused client was told."""
    found = re.search('authentication failed: this server refuses you; its '
                      'log says why, under reference ([0-9a-f]{8})', text)
    assert found, text
    return found.group(1)


def test_refusals_have_a_reference_that_finds_the_whole_line():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        bob = os.path.join(root, 'bob')
        pki('client', 'bob', '--dir', folder, '--out', bob)
        with VirgatedTls(folder, more='[auth x509]\nallow = CN=alice\n') \
                as ours:
            virsh(ours.uri_tls(folder))
            for client in virsh, virgate:
                rc, said = client(ours.uri_tls(bob), ok=False)
                reference = refusal(said)
                assert rc != 0 and 'bob' not in said and 'allow' not in said
                line, = [l for l in ours.log().splitlines() if reference in l]
                assert re.search(r'127\.0\.0\.1:\d+: refused, reference \S+: '
                                 'x509: certificate of CN=bob: no allow rule '
                                 r'of \[auth x509\] matches it$', line), line


AUTH = '''[auth x509]
{rules}
'''

# Rules of auth-x509 for the client CN=alice,O=Example, and whether it is let
# in.  {sha256} is its fingerprint.
RULES = (
    ('', True),
    ('allow = CN=alice,O=Example', True),
    ('allow = O=Example,CN=alice', True),
    ('allow = CN=ali*,O=*', True),
    ('allow = CN=alice,*', True),
    ('allow = CN=alice', False),
    ('allow = CN=*', False),
    ('allow = CN=alice,O=Other', False),
    ('allow = CN=bob,O=Example\nallow = cn=alice,o=Example', True),
    ('allow = CN=ALICE,O=Example', False),
    ('allow-issuer = CN=Test CA,O=Example', True),
    ('allow-issuer = CN=Other CA,O=Example', False),
    ('allow-fingerprint = {sha256}', True),
    ('allow-fingerprint = {colons}', True),
    ('allow-fingerprint = ' + 64 * '0', False),
    ('allow-san = DNS:alice', False),
    ('identity = cn', True),
)


def test_auth_x509_rules():
    with tempfile.TemporaryDirectory() as root:
        folder = os.path.join(root, 'pki')
        make_pki(folder, '--organization', 'Example')
        said = pki('show', f'{folder}/clientcert.pem')[1]
        sha256 = re.search(r'SHA-256:\s+(\S+)', said).group(1)
        colons = ':'.join(sha256[i:i + 2] for i in range(0, 64, 2)).upper()
        for rules, lets_in in RULES:
            text = AUTH.format(rules=rules.format(sha256=sha256,
                                                  colons=colons))
            with VirgatedTls(folder, more=text) as ours:
                rc, said = virsh(ours.uri_tls(folder), ok=False)
                same(rc == 0, lets_in, f'{rules}: {said}\n{ours.log()}')
                if not lets_in:
                    refusal(said)


def test_certificate_may_be_one_of_several_ways_in():
    """verify-client = request leaves who shows none to the other methods."""
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        stranger = os.path.join(root, 'stranger')
        os.mkdir(stranger)
        shutil.copy(f'{folder}/cacert.pem', stranger)
        anyone = 'allow-anonymous = yes\n'
        for listen, auth, lets_in in (
                ('verify-client = request', 'x509', False),
                ('verify-client = request\n' + anyone, 'none', True),
                ('verify-client = none\n' + anyone, 'none', True),
                (anyone, 'none', False)):
            with VirgatedTls(folder, listen=listen, auth=auth) as ours:
                same(virsh(ours.uri_tls(stranger), ok=False)[0] == 0, lets_in,
                     f'{listen} {auth}\n{ours.log()}')
                if 'none' not in listen:
                    virsh(ours.uri_tls(folder))


def test_client_config_has_files_and_sections_for_hosts():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        conf = os.path.join(root, 'client.conf')
        with open(conf, 'w') as f:
            f.write(f'[transport tls]\npki-path = {root}/nowhere\n'
                    f'[transport tls localhost]\nca-cert = {folder}/'
                    f'cacert.pem\ncert = {folder}/clientcert.pem\n'
                    f'key = {folder}/clientkey.pem\n'
                    f'[transport tls 127.0.0.1]\npki-path = {folder}\n'
                    f'server-name = other.example.com\n')
        with LibvirtdTls(folder) as theirs:
            def ask(host):
                return sh(*VIRGATE, '--config', conf, '-c',
                          f'test+tls://{host}:{theirs.port}/default', 'list',
                          '--name', ok=False)
            same(ask('localhost')[1].split(), ['test'])
            rc, said = ask('127.0.0.1')
            assert "not for 'other.example.com'; it names: DNS:localhost, " \
                'IP:127.0.0.1, IP:::1' in said, said
            rc, said = ask('ip6-localhost')
            assert f'{root}/nowhere/cacert.pem: No such file' in said, said


def test_user_files_are_found_in_libvirts_place():
    """As an ordinary user: ~/.pki/libvirt, for both libraries."""
    need('setpriv')
    if os.geteuid() != 0:
        raise Skip('only root can become somebody else')
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        home = os.path.join(root, 'home')
        os.mkdir(home)
        os.chown(home, 65534, 65534)
        become = ['setpriv', '--reuid=65534', '--regid=65534',
                  '--clear-groups']
        env = {'HOME': home, 'PATH': os.environ['PATH'],
               'XDG_RUNTIME_DIR': home}
        for argv in (['init'], ['server', 'localhost'], ['client', 'me']):
            sh(*become, *VIRGATE, 'pki', *argv, env=env)
        folder = f'{home}/.pki/libvirt'
        same(oct(os.stat(f'{folder}/private').st_mode & 0o777), '0o700')
        for name in 'clientkey.pem', 'serverkey.pem', 'private/cakey.pem':
            same(oct(os.stat(f'{folder}/{name}').st_mode & 0o777), '0o600')
        with VirgatedTls(folder, wrapper=()) as ours:
            uri = f'test+tls://localhost:{ours.port}/default'
            for argv in ['virsh', '-c', uri], [*VIRGATE, '-c', uri]:
                # build/run cannot renew its links as nobody, and says so.
                same(sh(*become, *argv, 'list', '--name',
                        env=env)[1].split()[-1], 'test')


def test_pki_never_replaces_without_force():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        before = {n: open(f'{folder}/{n}').read() for n in
                  os.listdir(folder) if n.endswith('.pem')}
        for argv in (['init'], ['server', 'x'], ['client', 'y']):
            rc, said = pki(*argv, '--dir', folder, ok=False)
            assert rc == 1 and 'exists; --force replaces it' in said, said
        same({n: open(f'{folder}/{n}').read() for n in before}, before)
        pki('client', 'y', '--dir', folder, '--force')
        assert 'CN=y' in pki('show', f'{folder}/clientcert.pem')[1]


def test_pki_revoke_ends_a_name_and_only_it():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        bob = os.path.join(root, 'bob')
        pki('client', 'bob', '--dir', folder, '--out', bob)
        with VirgatedTls(folder) as ours:
            virsh(ours.uri_tls(bob))
            pki('revoke', 'bob', '--dir', folder)

            def is_refused():
                return virsh(ours.uri_tls(bob), ok=False)[0] != 0 \
                    and 'it is revoked' in ours.log()
            wait_until(is_refused, what='the new list')
            virsh(ours.uri_tls(folder))
        with LibvirtdTls(folder) as theirs:
            virsh(theirs.uri_tls(folder))
            same(virsh(theirs.uri_tls(bob), ok=False)[0], 1)
        rc, said = pki('revoke', 'nobody', '--dir', folder, ok=False)
        assert rc == 1 and "no certificate of 'nobody' was issued here" in said


def test_pki_check_speaks_for_both_ends():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        bob = os.path.join(root, 'bob')
        pki('client', 'bob', '--dir', folder, '--out', bob)
        said = pki('check', '--dir', folder)[1]
        assert said.startswith('good server: ') and 'good client: ' in said
        with VirgatedTls(folder, more='[auth x509]\nallow = CN=alice\n') \
                as ours:
            uri = f'test+tls://127.0.0.1:{ours.port}/default'
            rc, said = pki('check', uri, '--dir', folder)
            assert 'good connected to' in said and 'TLS1.3' in said, said
            rc, said = pki('check', uri, '--dir', bob, ok=False)
            assert rc == 1 and refusal(said), said
            assert "allow must match 'CN=bob'" in said, said
        os.chmod(f'{bob}/clientkey.pem', 0o644)
        rc, said = pki('check', '--dir', bob, ok=False)
        assert rc == 1 and 'chmod 0600 it' in said, said
        rc, said = pki('check', 'test+tls://127.0.0.1:1/default', '--dir',
                       folder, ok=False)
        assert rc == 1 and 'Connection refused' in said, said


def test_the_client_library_never_reads_the_daemons_file():
    need('strace')
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        trace = os.path.join(root, 'trace')
        with LibvirtdTls(folder) as theirs:
            # The leak checker of a sanitized build cannot be traced.
            sh('strace', '-f', '-e', 'trace=file', '-o', trace, *VIRGATE, '-c',
               theirs.uri_tls(folder), 'list',
               env=dict(os.environ, ASAN_OPTIONS='detect_leaks=0'))
        with open(trace) as f:
            text = f.read()
        assert 'clientcert.pem' in text and 'client.conf' in text
        for name in 'virgated.conf', 'libvirtd.conf', 'serverkey.pem':
            assert name not in text, name


if __name__ == '__main__':
    run()
