#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Behind sshd: stock virsh, and others, reach virgated through a private sshd
and virgate-ssh-helper, and are known there for who they are."""
import shutil
import signal
import socket
import struct
import subprocess

import rawrpc
from lib import *
from ssh import *

BUILT_HELPER = os.path.join(BUILD, 'plugins', 'transport-ssh',
                            'virgate-ssh-helper')

# The account with a shell, and the one that only runs the helper.
JOE, GATE = 54321, 54322


class FarSide(Sshd):
    """An sshd with both accounts, and virgated behind it.

    listen  lines of [listen ssh]; more  further sections
    sshd    lines of sshd_config
    """

    def __init__(self, listen='auth = peercred\n', more='', sshd='', **kw):
        self.home = Home()
        self.key = self.home.key()
        kw.setdefault('authorized', public(self.key))
        self.daemon = None
        super().__init__(config=sshd, **kw,
                         programs={'which': shutil.which('which')})
        self.socket = self.path('virgate-ssh-sock')
        self.helper = self.path('bin', 'virgate-ssh-helper')
        self.virgated_config = f'''[listen ssh]
transport = ssh
path = {self.socket}
mode = 0666
{listen}
[auth peercred]
users = {JOE} root

[driver test]
{more}'''

    def make_programs(self):
        super().make_programs()
        shutil.copy(BUILT_HELPER, self.helper)
        # Stock clients know no --socket.
        self.write(f'#!/bin/sh\nexec {self.helper} --socket {self.socket} '
                   '"$@"\n', 'bin', 'virt-ssh-helper', mode=0o755)

    def make_accounts(self):
        super().make_accounts()
        with open(self.path('etc', 'passwd'), 'a') as f:
            f.write(f'joe:x:{JOE}:{JOE}::/:/bin/sh\n'
                    f'gate:x:{GATE}:{GATE}::/:/bin/sh\n')
        with open(self.path('etc', 'shadow'), 'a') as f:
            f.write('joe:*:19000:0:99999:7:::\ngate:*:19000:0:99999:7:::\n')

    def start(self):
        super().start()
        self.home.know(self)
        self.ssh = self.home.write(f'''#!/bin/sh
exec ssh -F none -i {self.key} -o IdentitiesOnly=yes -o IdentityAgent=none \
-o UserKnownHostsFile={self.home.path('.ssh', 'known_hosts')} "$@"
''', 'ssh', mode=0o755)
        self.daemon = Virgated('--verbose', config=self.virgated_config)
        self.daemon.__enter__()

    def stop(self, *args):
        try:
            if self.daemon:
                self.daemon.__exit__()
        finally:
            self.home.__exit__()
            super().stop(*args)

    def uri(self, transport='ssh', user='joe', **more):
        params = {'command': self.ssh} if transport == 'ssh' else {
            'keyfile': self.key, 'sshauth': 'privkey',
            'known_hosts': self.home.path('.ssh', 'known_hosts')}
        params.update(more)
        return (f'test+{transport}://{user}@127.0.0.1:{self.port}/default?'
                + '&'.join(f'{k}={v}' for k, v in params.items()))

    def run(self, user, *command_line, **kw):
        return command(self.ssh, '-p', str(self.port), f'{user}@127.0.0.1',
                       *command_line, **kw)

    def helpers(self):
        """Processes that run the helper."""
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                if os.readlink(f'/proc/{pid}/exe') == self.helper:
                    found.append(int(pid))
            except OSError:
                pass
        return found


def test_stock_virsh_by_each_of_its_ssh_transports():
    need('virsh')
    with FarSide() as far:
        for count, transport in enumerate(('ssh', 'libssh2', 'libssh'), 1):
            status, out, err = virsh(far.uri(transport), 'list', '--name')
            same((status, out.split(), err), (0, ['test'], ''), transport)
            same(far.daemon.log().count(f'let in as {JOE} (the kernel), by '
                                        'peercred'), count, transport)


if __name__ == '__main__':
    run()
