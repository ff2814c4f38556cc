# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private system bus with a real polkitd on it, with rules of a test's own.

polkitd reads its rules and actions in fixed places, so it has a mount
namespace in which those are the test's.  Needs root, as polkitd does.
"""
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import termios

from lib import *

POLKITD = '/usr/lib/polkit-1/polkitd'

BUS = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration
 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
 <type>system</type>
 <listen>unix:path=@DIR@/system_bus_socket</listen>
 <auth>EXTERNAL</auth>
 <policy context="default">
  <allow user="*"/><allow own="*"/>
  <allow send_type="method_call"/><allow send_type="signal"/>
  <allow send_requested_reply="true" send_type="method_return"/>
  <allow send_requested_reply="true" send_type="error"/>
  <allow receive_type="method_call"/><allow receive_type="signal"/>
  <allow receive_type="method_return"/><allow receive_type="error"/>
 </policy>
</busconfig>
'''


class Bus(Peer):
    def __init__(self):
        super().__init__()
        self.socket = os.path.join(self.dir, 'system_bus_socket')
        self.env = {'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={self.socket}'}

    def start(self):
        need('dbus-daemon', 'dbus-send')
        os.chmod(self.dir, 0o755)
        config = os.path.join(self.dir, 'bus.conf')
        with open(config, 'w') as f:
            f.write(BUS.replace('@DIR@', self.dir))
        self.spawn(['dbus-daemon', '--config-file', config, '--nofork',
                    '--nopidfile'])
        wait_until(lambda: not self.is_running() or can_connect(self.socket),
                   what='dbus-daemon')
        if not self.is_running():
            raise AssertionError('dbus-daemon did not start:\n' + self.log())

    def has(self, name):
        p = subprocess.run(
            ['dbus-send', f'--bus=unix:path={self.socket}', '--print-reply',
             '--dest=org.freedesktop.DBus', '/org/freedesktop/DBus',
             'org.freedesktop.DBus.NameHasOwner', f'string:{name}'],
            capture_output=True, text=True)
        return 'boolean true' in p.stdout


class Polkit(Peer):
    """polkitd on a bus.  rules: JavaScript; actions: further XML of
    actions, besides the installed ones."""

    SCRIPT = '''
set -e
mount --bind "$D/rules" /etc/polkit-1/rules.d
mount --bind "$D/empty" /usr/share/polkit-1/rules.d
mount --bind "$D/actions" /usr/share/polkit-1/actions
exec "$POLKITD" --no-debug
'''

    def __init__(self, bus, rules='', actions=''):
        super().__init__()
        self.bus, self.rules, self.actions = bus, rules, actions

    def start(self):
        need('unshare', POLKITD)
        if os.geteuid() != 0:
            raise Skip('polkitd wants root')
        os.chmod(self.dir, 0o755)
        for name in 'rules', 'empty':
            os.mkdir(os.path.join(self.dir, name))
        actions = os.path.join(self.dir, 'actions')
        shutil.copytree('/usr/share/polkit-1/actions', actions)
        if self.actions:
            with open(os.path.join(actions, 'test.policy'), 'w') as f:
                f.write(self.actions)
        with open(os.path.join(self.dir, 'rules', '10-test.rules'), 'w') as f:
            f.write(self.rules)
        self.spawn(['unshare', '--mount', '--propagation', 'private', 'sh',
                    '-c', self.SCRIPT],
                   env=dict(os.environ, D=self.dir, POLKITD=POLKITD,
                            **self.bus.env))
        wait_until(lambda: not self.is_running()
                   or self.bus.has('org.freedesktop.PolicyKit1'), 20,
                   'polkitd')
        if not self.is_running():
            raise AssertionError('polkitd did not start:\n' + self.log())


class LibvirtdPolkit(Libvirtd):
    """A stock libvirtd whose sockets ask polkit."""

    def __init__(self, bus):
        super().__init__(config='unix_sock_rw_perms = "0777"\n'
                                'unix_sock_ro_perms = "0777"\n')
        self.bus = bus
        os.chmod(self.dir, 0o755)

    def spawn(self, argv, env, **kw):
        path = os.path.join(self.dir, 'libvirtd.conf')
        with open(path) as f:
            text = f.read()
        with open(path, 'w') as f:
            f.write(re.sub(r'^(auth_unix_r[ow]) = .*$', r'\1 = "polkit"', text,
                           flags=re.M))
        super().spawn(argv, env=dict(env, **self.bus.env), **kw)


def as_user(user, *argv, **kw):
    """Run a program as another user."""
    return command('setpriv', '--reuid', user, '--regid', 'nogroup',
                   '--clear-groups', *argv, **kw)


class Terminal:
    """A program as another user, with a terminal of its own at which somebody
    may type.  The password of polkit's administrators is 'sesame' there.

    polkit uses the agent that virsh starts only for processes of a session,
    and there may be no sessions here.  So one is started before, by the
    process that then becomes the program.
    """

    SCRIPT = '''
set -e
mkdir -p /run/dbus
mount --bind "$BUS" /run/dbus
mount --bind "$D/pam.d" /etc/pam.d
mkfifo "$D/ready"
chmod 666 "$D/ready"
exec setpriv --reuid "$U" --regid nogroup --clear-groups sh -c '
  pkttyagent --process $$ --notify-fd 7 7>"$D/ready" &
  read -r nothing <"$D/ready"
  exec "$@"' sh "$@"
'''
    PAM = '''auth required pam_exec.so quiet expose_authtok @DIR@/check
account required pam_permit.so
'''
    CHECK = '''#!/bin/sh
exec grep -q '^sesame'
'''

    def __init__(self, bus, user, *argv):
        self.dir = tempfile.mkdtemp(prefix='virgate-test-')
        os.chmod(self.dir, 0o755)
        os.mkdir(os.path.join(self.dir, 'pam.d'))
        for name, text, mode in (('pam.d/polkit-1', self.PAM, 0o644),
                                 ('check', self.CHECK, 0o755)):
            path = os.path.join(self.dir, name)
            with open(path, 'w') as f:
                f.write(text.replace('@DIR@', self.dir))
            os.chmod(path, mode)
        self.text = ''
        self.status = None
        env = dict(os.environ, D=self.dir, U=user, BUS=bus.dir, LC_ALL='C',
                   TERM='dumb', **bus.env)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe('unshare', ['unshare', '--mount', '--propagation',
                                   'private', 'sh', '-c', self.SCRIPT, 'sh',
                                   *argv], env)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        os.close(self.fd)
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        shutil.rmtree(self.dir, ignore_errors=True)

    def read(self):
        """What there is; False at the end."""
        if not select.select([self.fd], [], [], 0)[0]:
            return True
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            data = b''
        self.text += data.decode(errors='replace')
        return data != b''

    def until(self, text):
        wait_until(lambda: self.read() is False or text in self.text, 30,
                   f'{text!r}')
        assert text in self.text, self.text
        self.text = self.text.split(text, 1)[1]

    def type(self, text):
        """A secret: what is typed before the terminal was told not to show it
        is thrown away."""
        wait_until(lambda: not termios.tcgetattr(self.fd)[3] & termios.ECHO,
                   30, 'a prompt that shows nothing')
        os.write(self.fd, text.encode())

    def end(self):
        """Exit status, and what was written since."""
        wait_until(lambda: self.read() is False, 30, 'the end')
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status, self.text
