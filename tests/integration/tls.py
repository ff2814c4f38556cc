# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the TLS tests share: certificates, libvirtd and virgated with a TLS
port, and running virsh and virgate on them."""
import os
import subprocess

from lib import *

VIRGATE = [RUN, 'virgate']


def sh(*argv, ok=True, env=None, seconds=30):
    """Run a program; (exit status, output and errors)."""
    p = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors='replace', timeout=seconds * SLOW,
                       env=env)
    if ok and p.returncode != 0:
        raise AssertionError(f'{argv}: {p.returncode}\n{p.stdout}')
    return p.returncode, p.stdout


def pki(*argv, ok=True):
    return sh(*VIRGATE, 'pki', *argv, ok=ok)


def virsh(uri, *argv, ok=True):
    return sh('virsh', '-c', uri, *(argv or ['list', '--name']), ok=ok)


def virgate(uri, *argv, ok=True):
    return sh(*VIRGATE, '-c', uri, *(argv or ['list', '--name']), ok=ok)


def make_pki(folder, *flags):
    """A CA, a server for 127.0.0.1, ::1 and localhost, and client alice."""
    pki('init', 'Test CA', '--dir', folder, *flags)
    pki('server', 'localhost', '--ip', '127.0.0.1', '--ip', '::1', '--dir',
        folder, *flags)
    pki('client', 'alice', '--dir', folder, *flags)
    return folder


class LibvirtdTls(Libvirtd):
    """A private libvirtd with a TLS port and the files of a folder."""

    def __init__(self, pki, config='', address='127.0.0.1'):
        super().__init__()
        self.pki, self.config, self.address = pki, config, address
        self.port = free_port()

    def start(self):
        need('libvirtd', 'unshare')
        crl = os.path.join(self.pki, 'cacrl.pem')
        lines = [f'unix_sock_dir = "{self.dir}"', 'auth_unix_ro = "none"',
                 'auth_unix_rw = "none"', 'listen_tls = 1', 'listen_tcp = 0',
                 'auth_tls = "none"', f'listen_addr = "{self.address}"',
                 f'tls_port = "{self.port}"',
                 f'key_file = "{self.pki}/serverkey.pem"',
                 f'cert_file = "{self.pki}/servercert.pem"',
                 f'ca_file = "{self.pki}/cacert.pem"',
                 f'log_outputs = "3:file:{self.dir}/libvirtd.log"']
        if os.path.exists(crl):
            lines.append(f'crl_file = "{crl}"')
        with open(os.path.join(self.dir, 'libvirtd.conf'), 'w') as f:
            f.write('\n'.join(lines) + '\n' + self.config)
        self.spawn(['unshare', '--mount', '--propagation', 'private', 'sh',
                    '-c', self.SCRIPT],
                   env=dict(os.environ, D=self.dir, LISTEN='-l'))
        wait_until(lambda: not self.is_running() or
                   (can_connect(self.socket) and self.has_port()),
                   20, 'libvirtd')
        if not self.is_running():
            raise AssertionError('libvirtd did not start:\n' + self.log())

    def has_port(self):
        try:
            socket.create_connection((self.address, self.port), 1).close()
        except OSError:
            return False
        return True

    def log(self):
        text = super().log()
        try:
            with open(os.path.join(self.dir, 'libvirtd.log')) as f:
                return text + f.read()
        except FileNotFoundError:
            return text

    def uri_tls(self, pki, host='127.0.0.1', more=''):
        return (f'test+tls://{host}:{self.port}/default?pkipath={pki}{more}')


class VirgatedTls(Virgated):
    """virgated with a TLS port on a free number and the files of a folder."""

    def __init__(self, pki, *args, listen='', more='', address='127.0.0.1',
                 crl=True, auth='x509', wrapper=()):
        config = f'''[listen public]
transport = tls
address = {address}
port = 0
auth = {auth}
ca-cert = {pki}/cacert.pem
cert = {pki}/servercert.pem
key = {pki}/serverkey.pem
{'crl = ' + str(pki) + '/cacrl.pem' if crl else ''}
{listen}

{'[auth x509]' if 'x509' in auth and '[auth x509]' not in more else ''}

{more}

[driver test]
'''
        super().__init__(*args, config=config, wrapper=wrapper)

    uri_tls = LibvirtdTls.uri_tls

    def is_ready(self):
        for line in self.log().rpartition('\n')[0].splitlines():
            if line.startswith('ready listen public'):
                self.port = int(line.rsplit(':', 1)[1])
                return True
        return False


class Maker:
    """Certificates with any fault, made by certtool or by openssl.

    Each name is a folder with cacert.pem and both pairs of files, so that it
    does as pkipath= and for daemons.
    """

    DAY = 24 * 3600

    def __init__(self, root, tool='certtool'):
        need(tool)
        self.root, self.tool = root, tool

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as f:
            f.write(text)
        return path

    def key(self, name, kind='ecdsa'):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        kinds = {'ecdsa': ['--key-type=ecdsa', '--curve=secp256r1'],
                 'ed25519': ['--key-type=ed25519'],
                 'rsa': ['--key-type=rsa', '--bits=2048'],
                 'weak': ['--key-type=rsa', '--bits=1024']}
        sh('certtool', '--generate-privkey', '--no-text', *kinds[kind],
           '--outfile', path)
        os.chmod(path, 0o600)
        return path

    def sign(self, folder, stem, lines, ca=None, days=(-1, 300), kind='rsa',
             hash_name='SHA256'):
        """FOLDER/STEMkey.pem and STEMcert.pem, signed by the CA of a folder
        (None: by itself).  RSA, as libvirt 9.0 wants keyEncipherment, which
        certtool gives no other kind of key."""
        key = self.key(f'{folder}/{stem}key.pem', kind)
        cert = self.path(folder, f'{stem}cert.pem')
        when = [time.strftime('%Y-%m-%d %H:%M:%S',
                              time.gmtime(time.time() + d * self.DAY))
                for d in days]
        self.write(f'{folder}/{stem}.cfg', '\n'.join(
            [*lines, f'activation_date = "{when[0]}"',
             f'expiration_date = "{when[1]}"']) + '\n')
        args = ['--generate-certificate', '--load-ca-certificate',
                self.path(ca, 'cacert.pem'), '--load-ca-privkey',
                self.path(ca, 'cakey.pem')] if ca \
            else ['--generate-self-signed']
        sh('certtool', *args, '--load-privkey', key, '--template',
           self.path(folder, f'{stem}.cfg'), '--hash', hash_name,
           '--outfile', cert)
        return cert

    def ca(self, folder, cn='CA', **kw):
        self.sign(folder, 'ca', [f'cn = "{cn}"', 'ca', 'cert_signing_key',
                                 'crl_signing_key'], **kw)

    NAMES = ('dns_name = "localhost"', 'ip_address = "127.0.0.1"',
             'ip_address = "::1"')

    def server(self, folder, ca, names=NAMES, more=(), **kw):
        return self.sign(folder, 'server', [
            'cn = "localhost"', *names, *(more or (
                'signing_key', 'encryption_key', 'tls_www_server'))],
            ca=ca, **kw)

    def client(self, folder, ca, cn='alice', more=(), **kw):
        return self.sign(folder, 'client', [f'cn = "{cn}"', *(more or (
            'signing_key', 'encryption_key', 'tls_www_client'))], ca=ca, **kw)

    def crl(self, folder, ca, *certs, days=300):
        """FOLDER/cacrl.pem, naming these certificates."""
        when = [time.strftime('%Y-%m-%d %H:%M:%S',
                              time.gmtime(time.time() + d * self.DAY))
                for d in (min(days, 0) - 1, days)]
        self.write(f'{folder}/crl.cfg', f'crl_this_update_date = "{when[0]}"'
                   f'\ncrl_next_update_date = "{when[1]}"\n')
        args = []
        if certs:
            both = ''.join(open(c).read() for c in certs)
            args = ['--load-certificate',
                    self.write(f'{folder}/revoked.pem', both)]
        sh('certtool', '--generate-crl', '--load-ca-certificate',
           self.path(ca, 'cacert.pem'), '--load-ca-privkey',
           self.path(ca, 'cakey.pem'), '--template',
           self.path(folder, 'crl.cfg'), *args, '--outfile',
           self.path(folder, 'cacrl.pem'))

    def copy(self, source, target, *names):
        """Some files of a folder, or all, into another."""
        os.makedirs(self.path(target), exist_ok=True)
        for name in names or os.listdir(self.path(source)):
            shutil.copy(self.path(source, name), self.path(target, name))
        return self.path(target)

    def good(self, folder='good', **kw):
        """A CA, a server, a client and an empty revocation list."""
        self.ca(folder)
        self.server(folder, folder, **kw)
        self.client(folder, folder, **kw)
        self.crl(folder, folder)
        return self.path(folder)


def openssl_pki(folder, kind='ec'):
    """The same, made by openssl alone."""
    need('openssl')
    os.makedirs(folder)

    def key(name):
        path = os.path.join(folder, name)
        sh('openssl', 'genpkey', '-out', path, *(
            ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
            if kind == 'ec' else
            ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072']))
        os.chmod(path, 0o600)
        return path

    ca, ca_key = os.path.join(folder, 'cacert.pem'), key('cakey.pem')
    sh('openssl', 'req', '-x509', '-new', '-key', ca_key, '-subj',
       '/O=Example/CN=CA', '-days', '3650', '-out', ca, '-addext',
       'keyUsage=critical,keyCertSign,cRLSign')
    for stem, subject, extensions in (
            ('server', '/O=Example/CN=localhost',
             'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n'
             'extendedKeyUsage=serverAuth\n'),
            ('client', '/O=Example/CN=alice',
             'extendedKeyUsage=clientAuth\n')):
        request = os.path.join(folder, f'{stem}.csr')
        text = os.path.join(folder, f'{stem}.ext')
        with open(text, 'w') as f:
            f.write(extensions + 'basicConstraints=critical,CA:FALSE\n')
        sh('openssl', 'req', '-new', '-key', key(f'{stem}key.pem'), '-subj',
           subject, '-out', request)
        sh('openssl', 'x509', '-req', '-in', request, '-CA', ca, '-CAkey',
           ca_key, '-CAcreateserial', '-days', '365', '-extfile', text,
           '-out', os.path.join(folder, f'{stem}cert.pem'))
    return folder
