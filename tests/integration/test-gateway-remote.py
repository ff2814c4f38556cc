#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virgated before a daemon on another host: over TLS, where the client's
certificate is virgated's own, and over ssh."""
import os
import tempfile

import lib
import ssh
from lib import *
from rawrpc import Conn, DOMAIN_XML, domain, message, u32
from tls import LibvirtdTls, VirgatedTls, make_pki

COMMANDS = ('list --all', 'net-list --all', 'dumpxml test', 'capabilities',
            'dominfo nosuch', 'uri')


def compare(direct, through, folder):
    for commands in COMMANDS:
        want = [part.replace(direct, 'URI') if isinstance(part, str) else part
                for part in lib.virsh(direct, commands)]
        got = [part.replace(through, 'URI') if isinstance(part, str) else part
               for part in lib.virsh(through, commands)]
        if commands == 'uri':
            same((got[0], want[0]), (0, 0))
        else:
            same(got, want, commands)
    shots = []
    for uri in (direct, through):
        path = os.path.join(folder, 'shot')
        lib.virsh(uri, 'screenshot', 'test', path, check=0)
        with open(path, 'rb') as f:
            shots.append(f.read())
    same(shots[0] == shots[1] and len(shots[0]) > 30000, True)


def test_over_tls_on_both_sides():
    with tempfile.TemporaryDirectory() as folder:
        pki = make_pki(os.path.join(folder, 'pki'))
        with LibvirtdTls(pki) as behind, VirgatedTls(pki, crl=False, more=f'''
[driver behind]
module = upstream
upstream = test+tls://127.0.0.1:{behind.port}/default
ca-cert = {pki}/cacert.pem
cert = {pki}/clientcert.pem
key = {pki}/clientkey.pem
''') as d:
            compare(behind.uri(), d.uri_tls(pki), folder)


def test_a_daemon_whose_certificate_is_not_good():
    """The client is told, and nothing is said to that daemon."""
    with tempfile.TemporaryDirectory() as folder:
        pki = make_pki(os.path.join(folder, 'pki'))
        other = make_pki(os.path.join(folder, 'other'))
        with LibvirtdTls(other) as behind, VirgatedTls(pki, crl=False, more=f'''
[driver behind]
module = upstream
upstream = test+tls://127.0.0.1:{behind.port}/default
ca-cert = {pki}/cacert.pem
cert = {pki}/clientcert.pem
key = {pki}/clientkey.pem
''') as d:
            code, _, err = lib.virsh(d.uri_tls(pki), 'list')
            same(code, 1)
            assert 'certificate' in err, err


def test_over_ssh():
    need('ssh', 'virt-ssh-helper')
    with ssh.Home() as home, Libvirtd() as behind:
        key = home.key()
        with ssh.Sshd(ssh.public(key), libvirt=behind.dir) as far, \
                Virgated(config=f'''[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = none
[driver behind]
module = upstream
upstream = test+ssh://root@127.0.0.1:{far.port}/default?keyfile={key}&no_verify=1
connect-timeout = 60
[daemon]
open-timeout = 60
''') as d:
            compare(behind.uri(), d.uri(), d.dir)
            with Conn(d.socket, timeout=30 * SLOW) as c:
                c.send(b''.join(message(DOMAIN_XML, domain() + u32(0),
                                        serial=i) for i in range(30)))
                same(sorted(c.receive().serial for _ in range(30)),
                     list(range(30)))


if __name__ == '__main__':
    run()
