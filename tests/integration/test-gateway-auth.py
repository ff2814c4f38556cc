#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logging in to daemons behind that want a name and a password: a stock
libvirtd by SASL, another virgated by auth-password."""
import os
import tempfile

from gateway import LISTENERS
from sasl import *

PASSWORD = 'rK4-only-the-gateway-knows-8w'


def front(upstream, path, *args, **kw):
    """A gateway that logs in with this file."""
    return Virgated('--verbose', *args, config=f'''{LISTENERS}
[driver behind]
module = upstream
upstream = {upstream}
auth-file = {path}
''', **kw)


def users(root, **passwords):
    path = os.path.join(root, 'passwd')
    for name, password in passwords.items():
        command(RUN, 'virgate', 'passwd', 'add', name, '--file', path,
                '--stdin', stdin=password + '\n', check=0)
    return path


def behind_password(root):
    return VirgatedSasl('module = password\nfile = '
                        + users(root, gateway=PASSWORD))


def check(upstream, root, leaves_nothing=True):
    """Good, wrong, and good again without a restart."""
    good = credentials(root, 'gateway', PASSWORD)
    path = os.path.join(root, 'login')
    os.rename(good, path)
    with front(upstream, path) as ours:
        def ask():
            return names('virsh', ours.uri(), {'LIBVIRT_AUTH_FILE': '/no'})

        same(ask(), (0, ['test']))
        if leaves_nothing and SLOW == 1:    # sanitizers keep what was freed
            same(memory_has(ours.process.pid, PASSWORD.encode()), [])
        os.rename(credentials(root, 'gateway', 'wrong'), path)
        status, said = ask()
        same(status, 1, said)
        assert 'authentication failed' in said, said
        os.rename(credentials(root, 'gateway', PASSWORD), path)
        same(ask(), (0, ['test']))
        os.chmod(path, 0o644)
        status, said = ask()
        same(status, 1, said)
        assert 'others may read' in ours.log(), ours.log()
        os.remove(path)
        same(ask()[0], 1)
        assert PASSWORD not in ours.log()


def test_stock_libvirtd_by_sasl():
    """On plain TCP it takes only mechanisms that encrypt themselves."""
    need('virsh', 'saslpasswd2')
    with tempfile.TemporaryDirectory() as root:
        db = database(os.path.join(root, 'db'), gateway=PASSWORD)
        pki = make_pki(os.path.join(root, 'pki'))
        conf = f'sasldb_path: {db}\nmech_list: '
        with LibvirtdSasl(conf + 'scram-sha-256\n', pki) as behind:
            for uri in behind.uris():
                check(uri, root)
        with LibvirtdSasl(conf + 'digest-md5\n') as behind:
            os.environ.update(old_ciphers(root))
            try:
                check(with_params(behind.uri_tcp(), auth='sasl.DIGEST-MD5'),
                      root, leaves_nothing=False)
            finally:
                os.environ.pop('LSAN_OPTIONS', None)


def test_another_virgated_by_password_over_tcp_and_unix():
    need('virsh')
    with tempfile.TemporaryDirectory() as root:
        with behind_password(root) as behind:
            for uri in (behind.uri_tcp(), behind.uri(),
                        with_params(behind.uri(), auth='sasl.PLAIN')):
                check(uri, root)
            assert behind.entries().count('gateway') >= 6, behind.log()


def test_the_file_goes_before_what_libvirt_reads():
    with tempfile.TemporaryDirectory() as root:
        with behind_password(root) as behind:
            wrong = credentials(root, 'gateway', 'wrong')
            os.environ['LIBVIRT_AUTH_FILE'] = wrong
            try:
                with front(with_params(behind.uri_tcp(), authfile=wrong),
                           credentials(root, 'gateway', PASSWORD)) as ours:
                    same(names('virsh', ours.uri()), (0, ['test']))
            finally:
                del os.environ['LIBVIRT_AUTH_FILE']


def test_a_file_for_all_is_refused_at_start():
    with tempfile.TemporaryDirectory() as root:
        path = credentials(root)
        for mode, text in (0o640, 'nobody else may read'), (None, 'No such'):
            if mode:
                os.chmod(path, mode)
            else:
                os.remove(path)
            ours = front('test+unix:///default', path)
            conf = os.path.join(root, 'conf')
            with open(conf, 'w') as f:
                f.write(ours.config.replace('@DIR@', root))
            status, _, err = command(RUN, 'virgated', '--config', conf,
                                     '--check')
            assert status == 1 and text in err and 'conf:' in err, err


run()
