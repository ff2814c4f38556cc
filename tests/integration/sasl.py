# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the SASL tests share: user databases, credentials, daemons of both
projects that authenticate by SASL, and asking them who one is."""
import re

from tls import *

HOST = socket.gethostname()
PASSWORDS = 'SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN'


def database(path, realm=HOST, **users):
    """A file of users as Cyrus's own tool makes it."""
    need('saslpasswd2')
    for user, password in users.items():
        command('saslpasswd2', '-p', '-c', '-f', path, '-u', realm, user,
                stdin=password, check=0)
    return path


def credentials(folder, name='alice', password='secret'):
    """An auth.conf; its path goes into URIs as authfile=."""
    path = os.path.join(folder, f'auth-{name}-{len(os.listdir(folder))}')
    with open(path, 'w') as f:
        f.write(f'''[credentials-test]
authname={name}
username={name}
password={password}
[auth-libvirt-default]
credentials=test
''')
    os.chmod(path, 0o600)
    return path


def with_params(uri, **params):
    text = '&'.join(f'{k}={v}' for k, v in params.items() if v)
    return uri + ('&' if '?' in uri else '?') + text if text else uri


class VirgatedSasl(Virgated):
    """virgated with one SASL section on a Unix socket, TCP and, with a folder
    of certificates, TLS."""

    def __init__(self, section, *args, pki=None, more='', env=None):
        listeners = '''[daemon]
auth-delay = 0
ban-failures = 0
[listen local]
transport = unix
path = @DIR@/sock
mode = 0777
auth = sasl
[listen net]
transport = tcp
address = 127.0.0.1
port = 0
auth = sasl
'''
        if pki:
            listeners += f'''[listen public]
transport = tls
address = 127.0.0.1
port = 0
auth = sasl
ca-cert = {pki}/cacert.pem
cert = {pki}/servercert.pem
key = {pki}/serverkey.pem
'''
        super().__init__('--verbose', *args, config=listeners + f'''
[auth sasl]
{section}
{more}
[driver test]
''')
        self.pki, self.env, self.tls_port = pki, env, None

    def spawn(self, argv, **kw):
        super().spawn(argv, env=dict(os.environ, **(self.env or {})), **kw)

    def is_ready(self):
        if not super().is_ready():
            return False
        port = re.search(r'ready listen public \S+ \S+:(\d+)\n', self.log())
        self.tls_port = port and port[1]
        return True

    def uri_tls(self):
        return (f'test+tls://localhost:{self.tls_port}/default'
                f'?pkipath={self.pki}')

    def uri_tcp(self):
        return f'test+tcp://localhost:{self.port}/default'

    def uris(self):
        yield self.uri()
        if self.pki:
            yield self.uri_tls()

    def entries(self):
        """Who was let in, in order."""
        return re.findall(r'let in as (\S+)', self.log())


class LibvirtdSasl(Libvirtd):
    """A private libvirtd that wants SASL on its Unix socket and a TCP port, or
    a TLS port; conf is its /etc/sasl2/libvirt.conf."""

    auth = 'sasl'
    SCRIPT = Libvirtd.SCRIPT.replace('exec libvirtd', '''
mount --bind "$D/sasl2" /etc/sasl2
exec libvirtd''')

    def __init__(self, conf, pki=None, env=None):
        super().__init__(tcp=True)
        self.conf, self.pki, self.env = conf, pki, env
        self.tls_port = free_port()

    uri_tls = VirgatedSasl.uri_tls
    uri_tcp = VirgatedSasl.uri_tcp
    uris = VirgatedSasl.uris

    def start(self):
        self.config = 'auth_tls = "sasl"\n'
        if self.pki:
            self.config += f'''listen_tls = 1
tls_port = "{self.tls_port}"
key_file = "{self.pki}/serverkey.pem"
cert_file = "{self.pki}/servercert.pem"
ca_file = "{self.pki}/cacert.pem"
'''
        os.mkdir(os.path.join(self.dir, 'sasl2'))
        with open(os.path.join(self.dir, 'sasl2', 'libvirt.conf'), 'w') as f:
            f.write(self.conf)
        super().start()

    def spawn(self, argv, env, **kw):
        super().spawn(argv, env=dict(env, **(self.env or {})), **kw)


def names(client, uri, env=None):
    """What a client sees there: (exit status, words or its error)."""
    argv = ['virsh', '-q'] if client == 'virsh' else [RUN, 'virgate']
    status, out, err = command(*argv, '-c', uri, 'list', '--name', env=env)
    return status, out.split() if status == 0 else err


def memory_has(pid, *needles):
    """Where in its memory a process has these bytes."""
    found = []
    with open(f'/proc/{pid}/maps') as maps, \
            open(f'/proc/{pid}/mem', 'rb', 0) as mem:
        for line in maps:
            span, mode, *_ = line.split()
            if not mode.startswith('rw'):
                continue
            begin, end = (int(x, 16) for x in span.split('-'))
            try:
                mem.seek(begin)
                data = mem.read(end - begin)
            except (OSError, ValueError):
                continue
            found += [(line.strip(), n) for n in needles if n in data]
    return found


def old_ciphers(root):
    """Cyrus's DIGEST-MD5 loads OpenSSL's old ciphers and forgets them."""
    path = os.path.join(root, 'lsan')
    with open(path, 'w') as f:
        f.write('leak:libcrypto.so\nleak:libdigestmd5.so\n')
    return {'LSAN_OPTIONS': f'suppressions={path}:print_suppressions=0'}


CLIENTS = 'virsh', 'virgate'
