#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock virt-admin against virgated: every command it has, what it shows and
what it changes."""
import contextlib
import os
import socket

from lib import *
from rawrpc import *
from trial import trial_modules, sasl
from tls import VirgatedTls, make_pki

CONFIG = '''[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = peercred
[listen net]
transport = tcp
address = 127.0.0.1
port = 0
allow-anonymous = yes
[listen admin]
transport = unix
path = @DIR@/admin
mode = 0600
auth = peercred
service = admin
[driver test]
'''


@contextlib.contextmanager
def daemon(config=CONFIG):
    need('virt-admin', 'virsh')
    with Virgated(config=config) as d:
        yield d


def admin(d, *argv, status=0):
    got, out, err = command('virt-admin', '-c',
                            f'virgated:///system?socket={d.dir}/admin', *argv)
    same(got, status, f'{argv}: {out}{err}{d.log()}')
    return out + err


def shown(d, *argv):
    """'key : value' lines as a dictionary."""
    return dict(re.split(r'\s*: ', line, maxsplit=1)
                for line in admin(d, *argv).splitlines() if ': ' in line)


def rows(d, *argv):
    return [line.split() for line in admin(d, *argv).splitlines()[2:] if line]


class Client:
    """A stock client that stays connected, by asking nothing of it."""

    def __init__(self, d):
        import libvirt
        self.conn = libvirt.open(d.uri())

    def __enter__(self):
        return self.conn

    def __exit__(self, *exc):
        with contextlib.suppress(Exception):
            self.conn.close()


def test_the_daemon_and_its_servers():
    with daemon() as d:
        same(admin(d, 'uri').strip(), f'virgated:///system?socket={d.dir}/admin')
        same('Running against daemon: ' in admin(d, 'version'), True)
        same(rows(d, 'server-list'), [['0', 'admin'], ['1', 'virgated']])
        same("No server named 'x'" in admin(d, 'client-list', 'x', status=1),
             True)


def test_threads_can_be_seen_and_set():
    with daemon() as d:
        before = shown(d, 'server-threadpool-info', 'virgated')
        same(before['maxWorkers'], '20')
        admin(d, 'server-threadpool-set', 'virgated', '--max-workers', '7',
              '--min-workers', '3', '--priority-workers', '2')
        after = shown(d, 'server-threadpool-info', 'virgated')
        same((after['maxWorkers'], after['minWorkers'], after['prioWorkers']),
             ('7', '3', '2'))
        same(int(after['nWorkers']) >= 3, True, 'threads of the minimum')
        admin(d, 'server-threadpool-set', 'virgated', '--min-workers', '0',
              '--max-workers', '1')
        wait_until(lambda: shown(d, 'server-threadpool-info',
                                 'virgated')['nWorkers'] == '1',
                   what='threads that are too many to end')
        for bad in (('--max-workers', '0'), ('--max-workers', '99999'),
                    ('--min-workers', '5', '--max-workers', '4')):
            admin(d, 'server-threadpool-set', 'virgated', *bad, status=1)
        same(shown(d, 'server-threadpool-info', 'virgated')['maxWorkers'], '1')
        virsh(d.uri(), 'suspend', 'test', check=0)


def test_clients_can_be_seen_and_closed():
    with daemon() as d, Client(d) as conn:
        same(conn.getHostname() != '', True)
        listed = rows(d, 'client-list', 'virgated')
        same((len(listed), listed[0][1]), (1, 'unix'))
        info = shown(d, 'client-info', 'virgated', listed[0][0])
        same((info['readonly'], info['unix_user_id'], info['unix_process_id'],
              info['unix_user_name'], info['auth'], info['listener']),
             ('no', str(os.getuid()), str(os.getpid()), 'root', 'peercred',
              'local'), 'of this process')
        same('sock_addr' in info, False, 'an address of a local client')
        same(len(rows(d, 'client-list', 'admin')), 1)
        admin(d, 'client-info', 'virgated', '999999', status=1)
        admin(d, 'client-disconnect', 'virgated', listed[0][0])
        wait_until(lambda: not rows(d, 'client-list', 'virgated'),
                   what='the client to go')
        same('by an administrator' in d.log(), True)
        same("No client with matching ID '999999'" in
             admin(d, 'client-disconnect', 'virgated', '999999', status=1),
             True)


def test_clients_of_other_transports_have_addresses():
    with daemon() as d:
        port = int(re.search(r'ready listen net tcp \S+:(\d+)',
                             d.log()).group(1))
        with socket.create_connection(('127.0.0.1', port)) as s:
            listed = wait_until(lambda: rows(d, 'client-list', 'virgated'))
            same(listed[0][1], 'tcp')
            info = shown(d, 'client-info', 'virgated', listed[0][0])
            same(info['sock_addr'], '127.0.0.1:%d' % s.getsockname()[1])


def test_who_is_not_in_yet_has_no_name():
    """What the facts say of somebody is not settled in the middle of a
    conversation."""
    need('virt-admin')
    config = CONFIG.replace('auth = peercred', 'auth = peercred+pw', 1) + (
        '[auth pw]\nmodule = trial\nmechanisms = TALK\n')
    with trial_modules() as folder, \
            Virgated('--module-dir', folder, config=config) as d:
        conn = Conn(f'{d.dir}/sock', open_name=None, timeout=20 * SLOW)
        reply = conn.call(SASL_START, string('TALK') + sasl(0, b'more'))
        same(Reader(reply.payload).i32(), 0, 'complete')
        who = rows(d, 'client-list', 'virgated')[0][0]
        info = shown(d, 'client-info', 'virgated', who)
        same((info.get('sasl_user_name'), info.get('auth')), (None, None))
        conn.call(SASL_STEP, sasl(0, b'yes'))
        info = shown(d, 'client-info', 'virgated', who)
        same((info['sasl_user_name'], info['auth']), ('talker', 'peercred'))
        conn.close()


def test_who_may_only_look_changes_nothing():
    config = CONFIG.replace('service = admin', 'service = admin\n'
                            'read-only = yes')
    audited = '[daemon]\naudit = @DIR@/audit\n'
    with daemon(audited + config) as d, Client(d):
        who = rows(d, 'client-list', 'virgated')[0][0]
        for bad in (('client-disconnect', 'virgated', who),
                    ('server-threadpool-set', 'virgated', '--max-workers',
                     '7'),
                    ('server-clients-set', 'virgated', '--max-clients', '9'),
                    ('daemon-log-outputs', '--outputs', '1:stderr'),
                    ('daemon-log-filters', '--filters', '1:listen'),
                    ('server-update-tls', 'virgated')):
            same('read only access prevents' in admin(d, *bad, status=1),
                 True, bad)
        same(len(rows(d, 'client-list', 'virgated')), 1)
        admin(d, 'client-info', 'virgated', who)
        wait_until(lambda: '"procedure":"client_close","outcome":"denied"'
                   in open(f'{d.dir}/audit').read(), what='the trail')


def test_what_administrators_change_is_in_the_trail():
    with daemon('[daemon]\naudit = @DIR@/audit\n' + CONFIG) as d:
        admin(d, 'server-clients-set', 'virgated', '--max-clients', '60',
              '--max-unauth-clients', '5')
        wait_until(lambda: '"procedure":"server_set_client_limits",'
                   '"outcome":"ok"' in open(f'{d.dir}/audit').read(),
                   what='the trail')


def test_limits_can_be_seen_and_set():
    with daemon() as d:
        admin(d, 'server-clients-set', 'virgated', '--max-clients', '60',
              '--max-unauth-clients', '1')
        with Client(d):
            info = shown(d, 'server-clients-info', 'virgated')
            same((info['nclients_max'], info['nclients'],
                  info['nclients_unauth_max']), ('60', '1', '1'))
        for bad in (('--max-clients', '0'), ('--max-unauth-clients', '61')):
            admin(d, 'server-clients-set', 'virgated', *bad, status=1)
        same(shown(d, 'server-clients-info', 'virgated')['nclients_max'],
             '60')


def test_the_log_can_be_seen_and_set():
    with daemon() as d:
        same('3:stderr' in admin(d, 'daemon-log-outputs'), True)
        virsh(d.uri(), 'hostname', check=0)
        same('connect_get_hostname' in d.log(), False, 'debug by default')
        admin(d, 'daemon-log-filters', '--filters', '1:listen?local 4:nobody')
        same('1:listen?local 4:nobody' in admin(d, 'daemon-log-filters'),
             True)
        virsh(d.uri(), 'hostname', check=0)
        same('connect_get_hostname' in d.log(), True, d.log())
        same('connect_get_logging_filters' in d.log(), False, 'another one')
        admin(d, 'daemon-log-filters', '--filters', '')
        same('Logging filters: \n' in admin(d, 'daemon-log-filters'), True)
        admin(d, 'daemon-log-outputs', '--outputs', f'1:file:{d.dir}/other')
        virsh(d.uri(), 'version', check=0)
        with open(f'{d.dir}/other') as f:
            same('connect_get_version' in f.read(), True)
        same('connect_get_version' in d.log(), False)
        same(os.stat(f'{d.dir}/other').st_mode & 0o777, 0o600)
        admin(d, 'daemon-log-outputs', '--outputs', '')
        for bad in ('9:stderr', 'stderr', '1:syslog:x', '1:file:relative',
                    f'1:file:{d.dir}/two 3:stderr', '1:stderr 3:stderr',
                    f'1:file:{d.dir}/no/where'):
            admin(d, 'daemon-log-outputs', '--outputs', bad, status=1)
        for bad in ('1', '7:x', 'x:1', '1:'):
            admin(d, 'daemon-log-filters', '--filters', bad, status=1)
        same('3:stderr' in admin(d, 'daemon-log-outputs'), True)


def test_tls_files_are_read_again():
    with daemon() as d:
        same('no listener has the transport tls' in
             admin(d, 'server-update-tls', 'virgated', status=1), True)


def test_tls_files_that_are_wrong_are_named():
    with tempfile.TemporaryDirectory() as folder:
        make_pki(folder)
        more = f'''[listen admin]
transport = unix
path = {folder}/admin
mode = 0600
auth = peercred
service = admin
'''
        cert = f'{folder}/servercert.pem'
        with VirgatedTls(folder, more=more) as d:
            argv = ('virt-admin', '-c',
                    f'virgated:///system?socket={folder}/admin',
                    'server-update-tls', 'virgated')
            command(*argv, check=0)
            with open(cert, 'rb') as f:
                good = f.read()
            for text, status in ((b'nothing', 1), (good, 0)):
                with open(cert, 'wb') as f:
                    f.write(text)
                got, out, err = command(*argv)
                same(got, status, out + err + d.log())
                same(cert in err, status == 1, err)


def test_the_daemon_ends_when_nobody_is_there():
    with daemon() as d, Client(d) as conn:
        admin(d, 'daemon-timeout', '--timeout', '1')
        same(conn.getHostname() != '', True)
        conn.close()
        wait_until(lambda: not d.is_running(), 20, 'the daemon to end')
        same(d.process.returncode, 0)


def test_nobody_else_is_served():
    """Each program only where it belongs, and only to whom it belongs."""
    with daemon() as d:
        same('Cannot find program' in virsh(
            f'test+unix:///default?socket={d.dir}/admin', 'list')[2], True)
        status, _, err = command('virt-admin', '-c',
                                 f'virgated:///system?socket={d.dir}/sock',
                                 'server-list')
        same((status, 'Cannot find program' in err), (1, True), err)
        os.chmod(d.dir, 0o755)
        os.chmod(f'{d.dir}/admin', 0o666)
        status, _, err = command(
            'setpriv', '--reuid=65534', '--clear-groups', 'virt-admin', '-c',
            f'virgated:///system?socket={d.dir}/admin', 'server-list')
        same(status, 1, err)
        same('authentication required' in err, True, err)


def test_a_wrong_service_is_an_error():
    config = CONFIG.replace('service = admin', 'service = admins')
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as f:
        f.write(config.replace('@DIR@', '/nowhere'))
        f.flush()
        status, _, err = command(RUN, 'virgated', '--config', f.name,
                                 '--check')
        same((status, 'service: neither hypervisor nor admin' in err),
             (1, True), err)


if __name__ == '__main__':
    run()
