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
        for line in self.log().splitlines():
            if line.startswith('ready listen public'):
                self.port = int(line.rsplit(':', 1)[1])
                return True
        return False
