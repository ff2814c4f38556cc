# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private Kerberos realm: one KDC on a loopback port, its principals, keys
and tickets, all in the test's directory."""
import shutil

from lib import *


class Kdc(Peer):
    """A realm with the service libvirt/localhost, and its users.

    Everything that asks it needs env (and a ticket cache: see ticket).
    """

    def __init__(self, users=('alice',), realm='VIRGATE.TEST'):
        super().__init__()
        self.realm, self.users = realm, users
        self.port = free_port()
        self.keytab = os.path.join(self.dir, 'libvirt.keytab')
        self.env = {'KRB5_CONFIG': os.path.join(self.dir, 'krb5.conf'),
                    'KRB5_KDC_PROFILE': os.path.join(self.dir, 'kdc.conf'),
                    'KRB5_KTNAME': self.keytab,
                    'KRB5CCNAME': f'FILE:{self.dir}/none',
                    'LSAN_OPTIONS': f'suppressions={self.dir}/lsan:'
                                    'print_suppressions=0'}

    def write(self, name, text):
        with open(os.path.join(self.dir, name), 'w') as f:
            f.write(text)

    def configure(self):
        """libvirtd asks for the host's own name, whatever clients call it."""
        self.write_conf('krb5.conf')
        # Cyrus 2.1.28 forgets a client's credentials where it wants no layer.
        self.write('lsan', 'leak:gss_acquire_cred\n')
        self.write_conf('libvirtd.conf', 'ignore_acceptor_hostname = true')
        self.write('kdc.conf', f'''[kdcdefaults]
kdc_listen = 127.0.0.1:{self.port}
kdc_tcp_listen = 127.0.0.1:{self.port}
[realms]
{self.realm} = {{
  database_name = {self.dir}/principal
  key_stash_file = {self.dir}/stash
  acl_file = {self.dir}/acl
}}
[logging]
kdc = FILE:{self.dir}/kdc.log
''')

    def write_conf(self, name, more=''):
        self.write(name, f'''[libdefaults]
{more}
default_realm = {self.realm}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
[realms]
{self.realm} = {{
  kdc = 127.0.0.1:{self.port}
}}
[domain_realm]
localhost = {self.realm}
''')

    def admin(self, *queries):
        command('kadmin.local', '-r', self.realm, stdin='\n'.join(queries),
                env=self.env, check=0)

    def start(self):
        need('krb5kdc', 'kdb5_util', 'kadmin.local', 'kinit')
        self.configure()
        command('kdb5_util', 'create', '-s', '-r', self.realm, '-P', 'master',
                env=self.env, check=0)
        self.admin('addprinc -randkey libvirt/localhost',
                   f'ktadd -k {self.keytab} libvirt/localhost',
                   *(f'addprinc -pw {user}-secret {user}'
                     for user in self.users))
        self.spawn(['krb5kdc', '-n', '-r', self.realm],
                   env=dict(os.environ, **self.env))

        def is_up():
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return True
            except OSError:
                return not self.is_running()
        wait_until(is_up, 10, 'the KDC')
        if not self.is_running():
            raise AssertionError('krb5kdc did not start:\n' + self.log())

    def ticket(self, user='alice', *options):
        """The environment of somebody who has logged in."""
        cache = tempfile.mkdtemp(dir=self.dir)
        env = dict(self.env, KRB5CCNAME=f'FILE:{cache}/cc')
        command('kinit', *options, f'{user}@{self.realm}',
                stdin=f'{user}-secret\n', env=env, check=0)
        return env
