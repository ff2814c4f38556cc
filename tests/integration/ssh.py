# SPDX-License-Identifier: LGPL-2.1-or-later
"""Private ssh servers, agents and keys for tests.

Sshd runs as root in a mount namespace of its own, where /etc/passwd,
/etc/shadow, /etc/pam.d and /run/libvirt are files of the test: its accounts
and the daemons that are found there are the test's, and nothing of the
machine's own ssh is read or written.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile

from lib import *

# What a far side's shell needs beside what is to be found there.
BASE = ('sh', 'bash', 'cat', 'grep', 'sleep', 'env')


def keygen(path, kind='ed25519', passphrase='', *more):
    """Make a key pair; returns the private key's path."""
    command('ssh-keygen', '-q', '-t', kind, '-N', passphrase, '-f', path, '-C',
            os.path.basename(path), *more, check=0)
    return path


def public(path):
    with open(path + '.pub') as f:
        return f.read().strip()


class Agent(Peer):
    """A private ssh-agent with some keys."""

    def __init__(self, *keys):
        super().__init__()
        self.keys = keys
        self.socket = os.path.join(self.dir, 'agent')

    def start(self):
        need('ssh-agent')
        self.spawn(['ssh-agent', '-D', '-a', self.socket])
        wait_until(lambda: can_connect(self.socket), what='ssh-agent')
        for key in self.keys:
            command('ssh-add', '-q', key, check=0,
                    env={'SSH_AUTH_SOCK': self.socket})


class Sshd(Peer):
    """A private sshd on a free port of 127.0.0.1, as root.

    authorized  lines of authorized_keys for every account
    config      further lines of sshd_config, before the defaults
    libvirt     a folder with the sockets of a libvirt daemon
    programs    what PATH has there: names of installed programs, or a
                dictionary of names and paths or scripts ("#!...")
    host_keys   kinds of keys
    password    of the accounts, if they have one
    pam         lines of /etc/pam.d/sshd; None: sshd runs without PAM
    profile     text of the accounts' .bashrc
    wrapper     runs in front of sshd
    """

    SCRIPT = '''
set -e
mkdir -p /run/sshd /run/libvirt
for f in passwd shadow pam.d; do
  if [ -e "$D/etc/$f" ]; then mount --bind "$D/etc/$f" "/etc/$f"; fi
done
mount --bind "$D/libvirt" /run/libvirt
exec /usr/sbin/sshd -D -e -f "$D/sshd_config"
'''

    def __init__(self, authorized='', config='', libvirt=None,
                 programs=('virt-ssh-helper', 'nc'), host_keys=('ed25519',),
                 password=None, pam=None, profile='', environment=None,
                 user='root'):
        super().__init__()
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        self.authorized, self.config = authorized, config
        self.libvirt, self.programs = libvirt, programs
        self.host_keys, self.password, self.pam = host_keys, password, pam
        self.profile, self.user = profile, user
        self.environment = environment or {}

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, text, *names, mode=0o644):
        path = self.path(*names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def host_key(self, kind=None):
        """The public half, "ssh-ed25519 AAAA..."."""
        kind = kind or self.host_keys[0]
        return ' '.join(public(self.path(f'host_{kind}')).split()[:2])

    def known_hosts(self, name='127.0.0.1'):
        """Lines for a client that knows all of its keys."""
        return ''.join(f'[{name}]:{self.port} {self.host_key(kind)}\n'
                       for kind in self.host_keys)

    def make_programs(self):
        wanted = {name: shutil.which(name) for name in BASE}
        if isinstance(self.programs, dict):
            wanted.update(self.programs)
        else:
            wanted.update({name: shutil.which(name)
                           for name in self.programs})
        os.makedirs(self.path('bin'), exist_ok=True)
        for name, what in wanted.items():
            if what and what.startswith('#!'):
                self.write(what, 'bin', name, mode=0o755)
            elif what and not os.path.lexists(self.path('bin', name)):
                os.symlink(what, self.path('bin', name))

    def make_accounts(self):
        hashed = '*'
        if self.password:
            hashed = command('openssl', 'passwd', '-6', '-salt', 'virgate',
                             self.password, check=0)[1].strip()
        home = self.path('home')
        accounts = {'root': (0, '/bin/bash')}
        if self.user != 'root':
            accounts[self.user] = (54321, '/bin/bash')
        with open('/etc/passwd') as f:
            others = [l for l in f if l.split(':')[0] not in accounts]
        self.write(''.join(others) + ''.join(
            f'{name}:x:{uid}:{uid}::{home}:{shell}\n'
            for name, (uid, shell) in accounts.items()), 'etc', 'passwd')
        self.write(''.join(f'{name}:{hashed}:19000:0:99999:7:::\n'
                           for name in accounts), 'etc', 'shadow', mode=0o600)
        self.write(self.profile, 'home', '.bashrc')
        if self.pam:
            self.write(self.pam, 'etc', 'pam.d', 'sshd')

    def start(self):
        if os.geteuid() != 0:
            raise Skip('a private sshd needs root')
        if not os.path.exists('/usr/sbin/sshd'):
            raise Skip('sshd is not installed')
        need('unshare', 'ssh-keygen')
        for kind in self.host_keys:
            if not os.path.exists(self.path(f'host_{kind}')):
                keygen(self.path(f'host_{kind}'), kind)
        self.make_programs()
        self.make_accounts()
        os.makedirs(self.path('empty'), exist_ok=True)
        self.write(self.authorized.rstrip('\n') + '\n', 'authorized_keys')
        environment = dict({'PATH': self.path('bin')}, **self.environment)
        self.write(self.config + f'''
Port {self.port}
ListenAddress 127.0.0.1
PidFile none
StrictModes no
UsePAM {'yes' if self.pam else 'no'}
PermitRootLogin yes
AuthorizedKeysFile {self.path('authorized_keys')}
PasswordAuthentication {'yes' if self.password and not self.pam else 'no'}
KbdInteractiveAuthentication {'yes' if self.pam else 'no'}
PrintMotd no
LogLevel VERBOSE
MaxStartups 100
SetEnv {' '.join(f'{k}={v}' for k, v in environment.items())}
''' + ''.join(f'HostKey {self.path("host_" + kind)}\n'
              for kind in self.host_keys), 'sshd_config')
        env = dict(os.environ, D=self.dir)
        os.makedirs(self.path('libvirt'), exist_ok=True)
        script = self.SCRIPT
        if self.libvirt:
            os.chmod(self.libvirt, 0o755)
            script = script.replace('"$D/libvirt"', '"$LIBVIRT"')
            env['LIBVIRT'] = self.libvirt
        self.spawn(['unshare', '--mount', '--propagation', 'private', 'sh',
                    '-c', script], env=env)
        wait_until(lambda: not self.is_running()
                   or 'Server listening' in self.log(), 20, 'sshd')
        if not self.is_running():
            raise AssertionError('sshd did not start:\n' + self.log())


class Home:
    """A client's home: its keys, known hosts and ssh config."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='virgate-home-')
        os.mkdir(self.path('.ssh'), 0o700)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, text, *names, mode=0o600):
        path = self.path(*names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def read(self, *names):
        try:
            with open(self.path(*names)) as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def key(self, name='id_ed25519', kind='ed25519', passphrase='', *more):
        path = self.path('.ssh', name)
        if not os.path.exists(path):
            keygen(path, kind, passphrase, *more)
        return path

    def know(self, *servers, name='127.0.0.1'):
        self.write(''.join(s.known_hosts(name) for s in servers), '.ssh',
                   'known_hosts')

    def environment(self, **more):
        """For lib.command: nothing of the machine's own ssh.  libssh2 1.10
        leaks the host's key at each new exchange, and contexts of OpenSSL."""
        known = self.write('leak:libssh2.so\nleak:libcrypto.so\n', 'leaks')
        return dict({'HOME': self.dir, 'XDG_CONFIG_HOME': '',
                     'LSAN_OPTIONS': f'suppressions={known}:'
                                     'print_suppressions=0',
                     'SSH_AUTH_SOCK': '', 'SSH_ASKPASS': '', 'DISPLAY': ''},
                    **more)


CLIENT = os.path.join(BUILD, 'tests', 'integration', 'ssh-client')


class Said:
    """What ssh-client printed."""

    def __init__(self, status, out, errors):
        assert status == 0, f'ssh-client: {status}\n{out}{errors}'
        self.text = out
        lines = [l.split(' ', 1) for l in out.splitlines() if ' ' in l]
        self.up = [int(rest) for word, rest in lines if word == 'up']
        self.errors = [rest.split(' ', 1)[1] for word, rest in lines
                       if word == 'error']
        self.took_ms = [int(rest.split(' ', 1)[0]) for word, rest in lines
                        if word == 'error']
        self.asked = [rest.split(' ', 1) for word, rest in lines
                      if word == 'asked']
        self.threads = [int(rest) for word, rest in lines
                        if word == 'threads']

    @property
    def error(self):
        return self.errors[0] if self.errors else ''


def connect(home, *uris, options=(), answers=(), timeout_ms=60000, **env):
    """Run ssh-client; answers are given to whatever it is asked.

    Unless it is the deadline that is tested, it is long: each try of a
    passphrase costs a quarter of a second of a processor that others need,
    too.
    """
    env = home.environment(ANSWERS='\n'.join(answers), **env)
    return Said(*command(RUN, CLIENT, '--timeout',
                         str(int(timeout_ms * SLOW)), *options, *uris,
                         env=env, timeout=timeout_ms / 1000 * 2 + 60))


def works(said, count=1):
    assert len(said.up) == count and not said.errors, said.text
    return said


def fails(said, *texts):
    """It failed, in one message that has all these words."""
    assert not said.up and len(said.errors) == 1, said.text
    for text in texts:
        assert text in said.error, f'no {text!r} in: {said.error}'
    return said
