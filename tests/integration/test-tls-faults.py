#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Set-ups that are wrong, on either side, as tables: what is done, how it
ends, and in which words.  No message is 'Input/output error'."""
import atexit
import contextlib
import re
import ssl
import threading

from tls import *

REFUSED = ('authentication failed: this server refuses you; its log says why, '
           'under reference [0-9a-f]{8}')
UNKNOWN_CA = (r'no trusted CA issued it \(unknown CA, self-signed, or an '
              'intermediate certificate is missing\)')


def clean(said):
    assert 'Input/output error' not in said, said
    return said


def matches(pattern, text, what):
    assert re.search(pattern, text), \
        f'{what}: expected {pattern!r} in:\n{text}'


class World:
    """Certificates, good and bad, in folders of one name each.  They are made
    once; tests change copies."""

    made = None

    def __init__(self, root):
        self.make = m = Maker(root)
        m.good()
        m.ca('other', 'Other CA')
        m.crl('other', 'other')
        m.ca('middle-ca', 'Middle CA', ca='good')
        for name, ca, options in (
                ('expired', 'good', {'days': (-20, -3)}),
                ('future', 'good', {'days': (3, 20)}),
                ('foreign', 'other', {}),
                ('weak', 'good', {'kind': 'weak'}),
                ('sha1', 'good', {'hash_name': 'SHA1', 'kind': 'rsa'}),
                ('self', None, {}),
                ('below', 'middle-ca', {}),
                ('ed25519', 'good', {'kind': 'ed25519',
                                     'more': ('tls_www_client',
                                              'tls_www_server')}),
                ('unsigning', 'good', {'kind': 'rsa',
                                       'more': ('key_agreement',
                                                'tls_www_client')}),
                ('mailer', 'good', {'more': ('signing_key',
                                             'email_protection_key')})):
            m.copy('good', name, 'cacert.pem')
            m.client(name, ca, **options)
            m.server(name, ca, **options)
        self.chain()
        self.swapped()
        self.names()

    def chain(self):
        """The intermediate CA's certificate is sent along."""
        self.make.copy('below', 'whole')
        for stem in 'client', 'server':
            with open(self['whole'] + f'/{stem}cert.pem', 'a') as f, \
                    open(self['middle-ca'] + '/cacert.pem') as middle:
                f.write(middle.read())

    def swapped(self):
        """Each other's, or a CA's."""
        make = self.make
        make.copy('good', 'swapped', 'cacert.pem')
        for ours, theirs in ('client', 'server'), ('server', 'client'):
            for end in 'cert', 'key':
                shutil.copy(self['good'] + f'/{theirs}{end}.pem',
                            self['swapped'] + f'/{ours}{end}.pem')
        make.copy('good', 'ca-as-leaf', 'cacert.pem')
        for stem in 'client', 'server':
            make.sign('ca-as-leaf', stem, [
                'cn = "alice"', 'ca', 'signing_key', 'encryption_key',
                *make.NAMES], ca='good')

    def names(self):
        make = self.make
        for name, names in (('elsewhere', ('dns_name = "example.com"',)),
                            ('no-address', ('dns_name = "localhost"',)),
                            ('no-san', ()),
                            ('v4-only', ('ip_address = "127.0.0.1"',))):
            make.copy('good', name, 'cacert.pem')
            make.server(name, 'good', names)
            make.client(name, 'good')
        make.copy('good', 'revoked', 'cacert.pem')
        revoked = [make.client('revoked', 'good'),
                   make.server('revoked', 'good')]
        make.crl('good', 'good', *revoked)
        make.copy('good', 'bare', 'cacert.pem')
        sh('certtool', '--load-privkey', make.key('rawkey.pem'),
           '--pubkey-info', '--outfile', self['rawkey.pub'])

    def __getitem__(self, name):
        return self.make.path(name)


@contextlib.contextmanager
def world_copy():
    """A folder of one's own with all certificates; the world in it."""
    if World.made is None:
        root = tempfile.mkdtemp(prefix='virgate-test-')
        atexit.register(shutil.rmtree, root, ignore_errors=True)
        World.made = World(root)
    with tempfile.TemporaryDirectory() as root:
        shutil.copytree(World.made.make.root, root, dirs_exist_ok=True)
        world = object.__new__(World)
        world.make = Maker(root)
        yield root, world


# Clients of virgated.  name, the folder of the client's files, what stock
# virsh prints (None: it works), what virgated's log says.
CLIENTS = (
    ('a good certificate', 'good', None, None),
    ('an Ed25519 key', 'ed25519', None, None),
    ('the intermediate CA is sent along', 'whole', None, None),
    ('no certificate', 'bare', REFUSED, 'it has no certificate'),
    ('another CA', 'foreign', REFUSED,
     r'its certificate \(CN=alice\) is refused: ' + UNKNOWN_CA
     + '; issuer: CN=Other CA'),
    ('expired', 'expired', REFUSED,
     'the certificate of CN=alice expired on 20'),
    ('not yet valid', 'future', REFUSED,
     'the certificate of CN=alice is not valid before 20.*; is the clock '
     'right?'),
    ('revoked', 'revoked', REFUSED, 'it is revoked'),
    ('self-signed', 'self', REFUSED, UNKNOWN_CA),
    ("a server's certificate", 'swapped', REFUSED,
     r"it is not for TLS clients \(a server's certificate is not a "
     r"client's\): its extended key usage lacks clientAuth"),
    ("a CA's certificate", 'ca-as-leaf', REFUSED,
     "it is a CA's certificate and not a client's"),
    ('intermediate CA missing', 'below', REFUSED,
     UNKNOWN_CA + '; issuer: CN=Middle CA'),
    ('RSA key of 1024 bits', 'weak', REFUSED,
     r'its key is too short or its algorithm too weak \(RSA needs 2048'),
    ('signed with SHA-1', 'sha1', REFUSED, 'its algorithm too weak'),
    ('key usage does not sign', 'unsigning',
     'TLS handshake failed Key usage violation in certificate',
     'the client (closed the connection before it was done|ended it)|the '
     'connection to the client is gone'),
    ('extended key usage is mail', 'mailer', REFUSED,
     'its extended key usage lacks clientAuth'),
)


def test_clients_of_virgated():
    with world_copy() as (root, world):
        with VirgatedTls(world['good']) as ours:
            for name, folder, printed, logged in CLIENTS:
                # The client's own checks would keep virsh from trying.
                uri = ours.uri_tls(world[folder], more='&no_sanity=1')
                before = len(ours.log())
                rc, said = virsh(uri, ok=False)
                clean(said)
                same(rc == 0, printed is None, f'{name}: {said}')
                if printed:
                    matches(printed, said, name)
                    wait_until(lambda: re.search(logged, ours.log()[before:]),
                               what=f'{name}: {logged} in the log:\n'
                               + ours.log()[before:])
                if printed == REFUSED:
                    reference = re.search('reference (.{8})', said).group(1)
                    matches(r'127\.0\.0\.1:\d+: refused, reference '
                            + reference, ours.log()[before:], name)


def raw(send=b'', then='close', wait=0):
    def talk(port):
        with socket.create_connection(('127.0.0.1', port)) as s:
            s.sendall(send)
            if then == 'shut':
                s.shutdown(socket.SHUT_WR)
            if then != 'close':
                s.settimeout(10 * SLOW)
                with contextlib.suppress(OSError):
                    while s.recv(4096):
                        pass
    return talk


def hello():
    """A ClientHello as OpenSSL makes it."""
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname='x')
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


def tool(*argv):
    def talk(port):
        subprocess.run([a.replace('@PORT@', str(port)).replace(
            '@ROOT@', World.made.make.root) for a in argv],
                       input='', text=True, capture_output=True,
                       timeout=20 * SLOW)
    return talk


CALL = bytes.fromhex('0000001c2000808600000001000000420000000000000000'
                     '00000000')

GNUTLS = ('gnutls-cli', '-p', '@PORT@', '127.0.0.1', '--insecure',
          '--priority')

# Peers that are no clients at all: what they do, what the log says.
STRANGERS = (
    ('a stalled handshake', raw(then='wait'),
     'took too long over the handshake'),
    ('half a ClientHello, then silence', raw(hello()[:100], 'wait'),
     'took too long over the handshake'),
    ('a truncated handshake', raw(hello()[:100], 'shut'),
     'the client closed the connection before it was done'),
    ('connect and close', raw(),
     'the client closed the connection before it was done'),
    ('ClientHello and close', raw(hello(), 'shut'),
     'the client closed the connection before it was done'),
    ('plaintext on the port', raw(CALL, 'wait'),
     'speaks? (no )?TLS on this port'),
    ('HTTP on the port', raw(b'GET / HTTP/1.0\r\n\r\n', 'wait'),
     'speaks? (no )?TLS on this port'),
    ('garbage', raw(bytes(range(255, 0, -1)), 'wait'),
     'speaks? (no )?TLS on this port'),
    ('TLS 1.1', tool(*GNUTLS, 'NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT'),
     'offers no version of TLS that is accepted here'),
    ('no common cipher', tool(*GNUTLS, 'NORMAL:-VERS-TLS1.3:-CIPHER-ALL:'
                              '+3DES-CBC'),
     'no cipher in common'),
    ('a raw public key instead of X.509',
     tool(*GNUTLS, 'NORMAL:-CTYPE-ALL:+CTYPE-RAWPK', '--rawpkkeyfile',
          '@ROOT@/rawkey.pem', '--rawpkfile', '@ROOT@/rawkey.pub'),
     'refused, reference .{8}: it has no certificate'),
    ('a client that does not trust the server',
     tool('gnutls-cli', '-p', '@PORT@', '127.0.0.1'), None),
)


def test_strangers_at_virgated():
    need('gnutls-cli')
    with world_copy() as (root, world):
        with VirgatedTls(world['good'],
                         more='[daemon]\nhandshake-timeout = 1\n') as ours:
            for name, talk, logged in STRANGERS:
                before = len(ours.log())
                talk(ours.port)
                if logged:
                    wait_until(lambda: re.search(logged,
                                                 ours.log()[before:]),
                               what=f'{name}: {logged} in '
                               + ours.log()[before:])
                virsh(ours.uri_tls(world['good']))
            clean(ours.log())


def tls_socket(port, folder, version=None):
    context = ssl.create_default_context(cafile=f'{folder}/cacert.pem')
    context.check_hostname = False
    context.load_cert_chain(f'{folder}/clientcert.pem',
                            f'{folder}/clientkey.pem')
    if version:
        context.maximum_version = version
    return context.wrap_socket(socket.create_connection(('127.0.0.1', port)))


def test_ends_of_connections_at_virgated():
    """Without close-notify, in the middle of a record, after garbage."""
    with world_copy() as (root, world):
        with VirgatedTls(world['good']) as ours:
            def fds():
                return descriptors(ours.process.pid)
            virsh(ours.uri_tls(world['good']))
            before = fds()
            for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
                for end in b'', CALL[:10], b'\x17\x03\x03\x00\xffhalf', \
                        b'\x17\x03\x03\x00\x20' + 32 * b'x':
                    s = tls_socket(ours.port, world['good'], version)
                    same(s.recv(1), b'\x01', 'the byte that confirms')
                    s.sendall(CALL)
                    assert len(s.recv(100)) >= 28
                    plain = socket.socket(fileno=os.dup(s.fileno()))
                    plain.sendall(end)
                    plain.shutdown(socket.SHUT_RDWR)
                    plain.close()
                    s.close()
            wait_until(lambda: fds() == before, what='all to be closed')
            clean(ours.log())
            virsh(ours.uri_tls(world['good']))


def write(name, text):
    def change(folder):
        with open(os.path.join(folder, name), 'w') as f:
            f.write(text)
    return change


def mode(name, number):
    return lambda folder: os.chmod(os.path.join(folder, name), number)


def remove(name):
    return lambda folder: os.unlink(os.path.join(folder, name))


def take(source, name, target=None):
    """A file of another folder beside this one."""
    return lambda folder: shutil.copy(
        os.path.join(folder, '..', source, name),
        os.path.join(folder, target or name))


def take_pair(source, stem):
    def change(folder):
        take(source, f'{stem}cert.pem')(folder)
        take(source, f'{stem}key.pem')(folder)
    return change


def old_list(folder):
    Maker(os.path.dirname(folder)).crl(os.path.basename(folder), 'good',
                                       days=-1)


def locked_key(folder):
    path = os.path.join(folder, 'serverkey.pem')
    sh('openssl', 'pkcs8', '-topk8', '-in', path, '-out', path + '.new',
       '-passout', 'pass:secret')
    os.rename(path + '.new', path)
    os.chmod(path, 0o600)


def der(folder):
    path = os.path.join(folder, 'servercert.pem')
    sh('certtool', '-i', '--infile', path, '--outder', '--outfile',
       path + '.new')
    os.rename(path + '.new', path)


# The server's own files: what is done to good ones, and what the daemon says
# when it starts, and `virgated --check`.
SERVER_FILES = (
    ('key and certificate of different pairs',
     take('v4-only', 'serverkey.pem'),
     'private key .*serverkey.pem does not belong to certificate '
     '.*servercert.pem: they are of different pairs'),
    ('key mode 0644', mode('serverkey.pem', 0o644),
     r'others can read it \(mode 0644\); chmod 0600 it'),
    ('key mode 0640', mode('serverkey.pem', 0o640), r'\(mode 0640\)'),
    ('no key', remove('serverkey.pem'),
     'private key .*serverkey.pem: No such file or directory'),
    ('no certificate', remove('servercert.pem'),
     'certificate .*servercert.pem: No such file or directory'),
    ('no CA certificate', remove('cacert.pem'),
     'CA certificate .*cacert.pem: No such file or directory'),
    ('empty certificate', write('servercert.pem', ''), 'the file is empty'),
    ('empty CA certificate', write('cacert.pem', ''), 'the file is empty'),
    ('empty key', write('serverkey.pem', ''), 'the file is empty'),
    ('certificate is garbage', write('servercert.pem', 'x' * 1000),
     'no certificate in PEM form is in it'),
    ('certificate in DER form', der, 'no certificate in PEM form is in it'),
    ('revocation list is garbage', write('cacrl.pem', 'x' * 1000),
     'no list in PEM form is in it'),
    ('key is garbage', write('serverkey.pem', 'x' * 1000),
     'no key without a password is in it'),
    ('key with a password', locked_key, 'no key without a password is in it'),
    ('revocation list of another CA', take('other', 'cacrl.pem'),
     'it is not signed by the CA in use'),
    ('revocation list out of date', old_list,
     'it is out of date since 20'),
    ('expired', take_pair('expired', 'server'), 'expired on 20'),
    ('not yet valid', take_pair('future', 'server'),
     'is not valid before 20.*; is the clock right?'),
    ('of another CA', take_pair('foreign', 'server'), UNKNOWN_CA),
    ('self-signed', take_pair('self', 'server'), UNKNOWN_CA),
    ('intermediate CA missing', take_pair('below', 'server'),
     UNKNOWN_CA + '; issuer: CN=Middle CA'),
    ("a client's certificate", take_pair('swapped', 'server'),
     'it is not for TLS servers: its extended key usage lacks serverAuth'),
    ("a CA's certificate", take_pair('ca-as-leaf', 'server'),
     "it is a CA's certificate and not a server's"),
    ('weak key', take_pair('weak', 'server'), 'its key is too short'),
    ('revoked', take_pair('revoked', 'server'), 'it is revoked'),
    ('a folder instead of a file',
     lambda f: (remove('cacert.pem')(f), os.mkdir(f + '/cacert.pem')),
     'not a regular file'),
)

TLS_CONFIG = '''[listen public]
transport = tls
address = 127.0.0.1
port = 0
auth = x509
ca-cert = {folder}/cacert.pem
crl = {folder}/cacrl.pem
cert = {folder}/servercert.pem
key = {folder}/serverkey.pem
{more}
[auth x509]
[driver test]
'''


def check(root, folder, more='', before=()):
    path = os.path.join(root, 'virgated.conf')
    with open(path, 'w') as f:
        f.write(TLS_CONFIG.format(folder=folder, more=more))
    return sh(*before, RUN, 'virgated', '--config', path, '--check', ok=False)


def test_server_files():
    with world_copy() as (root, world):
        same(check(root, world['good'])[0], 0, 'good files')
        for i, (name, change, expected) in enumerate(SERVER_FILES):
            folder = world.make.copy('good', f'case-{i}')
            change(folder)
            rc, said = check(root, folder)
            same(rc != 0, True, f'{name}: {said}')
            matches(expected, clean(said), name)
            matches(r'virgated\.conf:1: \[listen public\]', said, name)


def test_server_settings():
    with world_copy() as (root, world):
        for more, expected in (
                ('priority = NORMAL:+NOPE', "priority 'NORMAL:\\+NOPE'"),
                ('min-version = 1.1', "'1.1' is not one of 1.2, 1.3"),
                ('verify-client = maybe', "'maybe' is not one of none, "
                 'request, require')):
            rc, said = check(root, world['good'], more)
            same(rc != 0, True, more)
            matches(expected, said, more)


def test_unreadable_files():
    need('setpriv')
    if os.geteuid() != 0:
        raise Skip('only root can become somebody else')
    nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    with world_copy() as (root, world):
        os.chmod(root, 0o755)
        rc, said = check(root, world['good'], before=nobody)
        same(rc != 0, True)
        matches('private key .*serverkey.pem: Permission denied', said, '')


# The client's own files, with a good stock libvirtd: what is done to them,
# more parameters of the URI, and what virgate says (None: it works).
CLIENT_FILES = (
    ('good files', None, '', None),
    ('no CA certificate', remove('cacert.pem'), '',
     'CA certificate .*cacert.pem: No such file or directory'),
    ('empty CA certificate', write('cacert.pem', ''), '', 'the file is empty'),
    ('no certificate', lambda f: (remove('clientcert.pem')(f),
                                  remove('clientkey.pem')(f)), '',
     'the server refused us: it wants a certificate, and we have none; make '
     r'one \(virgate pki client NAME\) or say where it is'),
    ('no key', remove('clientkey.pem'), '',
     'private key .*clientkey.pem: it is missing, and its other half is '
     'there'),
    ('key and certificate of different pairs',
     take('v4-only', 'clientkey.pem'), '', 'they are of different pairs'),
    ('key mode 0644', mode('clientkey.pem', 0o644), '',
     r'others can read it \(mode 0644\); chmod 0600 it'),
    ('certificate is garbage', write('clientcert.pem', 'x'), '',
     'no certificate in PEM form is in it'),
    ('expired', take_pair('expired', 'client'), '', 'expired on 20'),
    ('not yet valid', take_pair('future', 'client'), '',
     'is not valid before 20'),
    ("a server's certificate", take_pair('swapped', 'client'), '',
     "a server's certificate is not a client's"),
    ('another CA', take_pair('foreign', 'client'), '',
     'clientcert.pem: ' + UNKNOWN_CA),
    ('another CA, not looked at', take_pair('foreign', 'client'),
     '&no_sanity=1', 'the server refused us: it accepts certificates of '
     r'other CAs than the one that issued ours \(CN=alice\)'),
    ('expired, not looked at', take_pair('expired', 'client'),
     '&no_sanity=1', r'the server refused our certificate \(CN=alice\) or '
     'our address; its log says why'),
    ('revoked', take_pair('revoked', 'client'), '&no_sanity=1',
     r'the server refused our certificate \(CN=alice\)'),
    ('revoked, by our own list', take_pair('revoked', 'client'), '',
     'it is revoked'),
    ('revocation list of another CA', take('other', 'cacrl.pem'), '',
     'it is not signed by the CA in use'),
    ('no such priority', None, '&tls_priority=NOPE', "priority 'NOPE'"),
    ('no common version', None,
     '&tls_priority=NORMAL:-VERS-ALL:%2BVERS-TLS1.1', "priority 'NORMAL"),
)


def test_client_files():
    with world_copy() as (root, world):
        with LibvirtdTls(world['good']) as theirs:
            for i, (name, change, more, expected) in enumerate(CLIENT_FILES):
                folder = world.make.copy('good', f'case-{i}')
                if change:
                    change(folder)
                rc, said = virgate(theirs.uri_tls(folder, more=more),
                                   ok=False)
                same(rc == 0, expected is None, f'{name}: {said}')
                if expected:
                    matches(expected, clean(said), name)


# A stock libvirtd's certificate, which it does not look at itself: what
# virgate says of it (None: it works), and the host it is called by.
SERVERS = (
    ('good', '127.0.0.1', None),
    ('whole', '127.0.0.1', None),
    ('no-san', 'localhost', None),
    ('expired', '127.0.0.1', 'expired on 20'),
    ('future', '127.0.0.1', 'is not valid before 20.*; is the clock right?'),
    ('foreign', '127.0.0.1', UNKNOWN_CA + '; issuer: CN=Other CA'),
    ('self', '127.0.0.1', UNKNOWN_CA),
    ('below', '127.0.0.1', UNKNOWN_CA + '; issuer: CN=Middle CA'),
    ('swapped', '127.0.0.1', 'it is not for TLS servers: its extended key '
     'usage lacks serverAuth'),
    ('ca-as-leaf', '127.0.0.1', "it is a CA's certificate and not a "
     "server's"),
    ('revoked', '127.0.0.1', 'it is revoked'),
    ('weak', '127.0.0.1', 'its key is too short'),
    ('elsewhere', '127.0.0.1', "it is not for '127.0.0.1'; it names: "
     'DNS:example.com'),
    ('elsewhere', 'localhost', "it is not for 'localhost'; it names: "
     'DNS:example.com'),
    ('no-address', '127.0.0.1', "it is not for '127.0.0.1'; it names: "
     'DNS:localhost'),
    ('no-san', '127.0.0.1', "it is not for '127.0.0.1'; it names: "
     'CN=localhost'),
    ('v4-only', 'localhost', "it is not for 'localhost'; it names: "
     'IP:127.0.0.1'),
)


def test_servers_with_certificates_that_are_wrong():
    with world_copy() as (root, world):
        for folder, host, expected in SERVERS:
            with LibvirtdTls(world[folder],
                             'tls_no_sanity_certificate = 1\n') as theirs:
                uri = theirs.uri_tls(world['good'], host)
                name = f'{folder} as {host}'
                rc, said = virgate(uri, ok=False)
                same(rc == 0, expected is None, f'{name}: {said}')
                if not expected:
                    continue
                matches(r"the server's certificate \(CN=.*\) is refused: .*"
                        + expected, clean(said), name)
                same(virgate(uri + '&no_verify=1')[0], 0, name)


def test_ipv6_address_that_is_not_in_the_certificate():
    with world_copy() as (root, world):
        for folder, expected in (('good', None), ('v4-only',
                                                  "it is not for '::1'")):
            with LibvirtdTls(world[folder], address='::1') as theirs:
                rc, said = virgate(theirs.uri_tls(world['good'], '[::1]'),
                                   ok=False)
                same(rc == 0, expected is None, said)
                assert expected is None or expected in clean(said), said


class Server:
    """A server of our own that misbehaves, for one connection."""

    def __init__(self, talk):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.talk = talk
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve)

    def serve(self):
        with contextlib.suppress(OSError):
            s, _ = self.listener.accept()
            with s, contextlib.suppress(OSError):
                self.talk(self, s)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def over_tls(folder, then):
    """Shake hands as a server does, and do something."""
    def talk(server, s):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f'{folder}/servercert.pem',
                                f'{folder}/serverkey.pem')
        context.load_verify_locations(f'{folder}/cacert.pem')
        context.verify_mode = ssl.CERT_REQUIRED
        with context.wrap_socket(s, server_side=True) as tls:
            then(server, tls)
    return talk


def say(data, then='close'):
    def talk(server, s):
        s.sendall(data)
        if then == 'wait':
            server.over.wait(30 * SLOW)
        elif then == 'read':
            while s.recv(4096):
                pass
    return talk


# Which of the two it is depends on who is faster.
GONE = ('the server closed the connection before it was done|the connection '
        'to the server is gone: (Connection reset|Broken pipe)')

# Servers that are none, or strange ones: how virgate's connect ends.
STRANGE = (
    ('closes at once', say(b''), GONE),
    ('says nothing', say(b'', 'wait'), 'timed? ?out|too long|in time'),
    ('plaintext', say(CALL, 'read'), 'speaks? (no )?TLS on this port'),
    ('HTTP', say(b'HTTP/1.0 400 Bad Request\r\n\r\n', 'read'),
     'speaks? (no )?TLS on this port'),
    ('half a record', say(b'\x16\x03\x03\x00\x7a\x02\x00'), GONE),
    ('half a record, then silence', say(b'\x16\x03\x03\x00\x7a\x02\x00',
                                        'wait'),
     'timed? ?out|too long|in time'),
    ('an alert', say(b'\x15\x03\x03\x00\x02\x02\x28', 'read'),
     "the server ended it with the alert 'Handshake failed'"),
    ('a version that is no longer spoken',
     say(bytes.fromhex('160301002a020000260301') + 32 * b'r'
         + bytes.fromhex('00002f00'), 'read'),
     'offers no version of TLS'),
    ('does not confirm, and closes', lambda f: over_tls(f, say(b'')),
     r'the server refused our certificate \(CN=alice\) or our address'),
    ('confirms with another byte', lambda f: over_tls(f, say(b'\0', 'read')),
     r'the server refused our certificate \(CN=alice\) or our address'),
    ('never confirms', lambda f: over_tls(f, say(b'', 'wait')),
     'timed? ?out|too long|in time'),
    ('confirms and closes', lambda f: over_tls(f, say(b'\x01')),
     'closed|ended|gone'),
)


def test_servers_that_misbehave():
    with world_copy() as (root, world):
        good = world['good']
        for name, talk, expected in STRANGE:
            if 'confirm' in name:
                talk = talk(good)
            with Server(talk) as server:
                uri = (f'test+tls://127.0.0.1:{server.port}/default?pkipath='
                       + good)
                rc, said = sh(*VIRGATE, '--timeout', '1.5', '-c', uri, 'list',
                              ok=False)
                same(rc != 0, True, name)
                matches(expected, clean(said), name)


def test_uris_that_mean_something_else():
    with world_copy() as (root, world):
        port = free_port()
        for uri, expected in (
                (f'test+tls://127.0.0.1:{port}/default?pkipath='
                 f'{world["good"]}', 'Connection refused'),
                (f'qemu://127.0.0.1:{port}/system?pkipath={root}/none',
                 'No such file.*a URI with a host and no transport means '
                 r'TLS: for ssh write DRIVER\+ssh://HOST')):
            rc, said = virgate(uri, ok=False)
            same(rc, 3)
            matches(expected, clean(said), uri)


if __name__ == '__main__':
    run()
