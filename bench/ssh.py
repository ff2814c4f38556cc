#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measure calls and connections over ssh, as ratios within one run: a private
sshd on loopback (root only), libvirgate to virgated, libvirt.so to libvirtd,
and `ssh host cat' as the floor.

    bench/ssh.py [BUILD-DIR [REPETITIONS]]

The ways to virgated: sshd forwards to its socket, or virgate-ssh-helper hands
the connection over.  First connections are compared with libvirt's libssh2
client, which goes through virt-ssh-helper: by the same way, and by ours.
"""
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1
                        else os.path.join(HERE, '..', 'build'))
REPS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
os.environ['VIRGATE_BUILD'] = BUILD
sys.path.insert(0, os.path.join(HERE, '..', 'tests', 'integration'))

from ssh import (CLIENT, RUN, Home, Libvirtd, Said, Sshd, Virgated,  # noqa
                 command, public)


def cat_us(server, home, calls=4000):
    """The median time of 56 bytes through ssh, cat and back."""
    argv = ['ssh', '-F', 'none', '-p', str(server.port), '-i', home.key(),
            '-T', '-e', 'none', '-o',
            f'UserKnownHostsFile={home.path(".ssh/known_hosts")}',
            'root@127.0.0.1', 'cat']
    times, data = [], b'x' * 56
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          bufsize=0) as p:
        for _ in range(calls):
            start, got = time.perf_counter(), 0
            os.write(p.stdin.fileno(), data)
            while got < len(data):
                got += len(os.read(p.stdout.fileno(), 100))
            times.append(time.perf_counter() - start)
    return statistics.median(times[1:]) * 1e6


def call_us(program, uri, home):
    _, out, _ = command(RUN, f'{BUILD}/bench/{program}', '--seconds=1',
                        '--threads=1', f'--uri={uri}', check=0,
                        env=home.environment())
    return float(dict(l.split() for l in out.splitlines())['p50_us'])


def theirs_connects_us(uri, home):
    """libvirt's own client, from libvirt.open to an open connection."""
    _, out, _ = command('/usr/bin/python3', '-c', f'''
import libvirt, time
start = time.perf_counter()
libvirt.open({uri!r})
print((time.perf_counter() - start) * 1e6)
''', check=0, env=home.environment())
    return float(out)


CONFIG = '''[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = none

[listen ssh]
transport = ssh
path = @DIR@/ssh-sock
auth = peercred

[auth peercred]
users = root

[driver test]
'''

HELPER = f'''#!/bin/sh
exec {BUILD}/plugins/transport-ssh/virgate-ssh-helper \\
     --socket /run/libvirt/ssh-sock "$@"
'''


def connects_us(home, *uris):
    return Said(*command(RUN, CLIENT, *uris, env=home.environment())).up


def repetition(ours, theirs, home):
    log_in = f'keyfile={home.key()}' \
             f'&known_hosts={home.path(".ssh/known_hosts")}'
    handed = f'test+ssh://root@127.0.0.1:{ours.port}/default?{log_in}'
    us = f'{handed}&socket=/run/libvirt/sock'
    them = f'root@127.0.0.1:{theirs.port}/default?{log_in}'
    cat = cat_us(ours, home)
    mine = call_us('virgate-client', us, home)
    by_helper = call_us('virgate-client', handed, home)
    libvirt = call_us('libvirt-client', f'test+ssh://{them}&no_verify=1',
                      home)
    first, second = connects_us(home, us, us)
    own, = connects_us(home, f'test+ssh://{them}')
    by_ours, = connects_us(home, handed)
    libssh2 = theirs_connects_us(f'test+libssh2://{them}', home)
    return {'call: us': mine, 'call / ssh cat': mine / cat,
            'call by the helper / ssh cat': by_helper / cat,
            "call / libvirt's +ssh": mine / libvirt,
            "call by the helper / libvirt's": by_helper / libvirt,
            'connect: us': own,
            "connect / libvirt's +libssh2": own / libssh2,
            'connect by our helper / that': by_ours / libssh2,
            'second connection / first': second / first}


def main():
    with Libvirtd() as libvirtd, Virgated(config=CONFIG) as virgated, \
            Home() as home, \
            Sshd(public(home.key()), libvirt=libvirtd.dir) as theirs, \
            Sshd(public(home.key()), libvirt=virgated.dir,
                 programs={'virgate-ssh-helper': HELPER}) as ours:
        home.know(ours, theirs)
        runs = [repetition(ours, theirs, home) for _ in range(REPS)]
    for name in runs[0]:
        values = [run[name] for run in runs]
        print(f'{name:32} {statistics.median(values):10.2f}  '
              f'[{min(values):.2f}-{max(values):.2f}]')


if __name__ == '__main__':
    main()
