# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stranger's modules: built against installed headers alone, and served.

Everything is installed into a temporary prefix; the modules are the ones in
plugins/skeleton under another name, as somebody who copies them would have
them.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile
import time

import lib

CFLAGS = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter',
          '-Wno-missing-field-initializers', '-fPIC', '-fvisibility=hidden']


class Installed:
    """What `make install` puts somewhere, seen through pkg-config."""

    def __enter__(self):
        lib.need('make', 'pkg-config', 'cc')
        self.dir = tempfile.mkdtemp(prefix='virgate-installed-')
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(('MAKE', 'MFLAGS'))}
        subprocess.run(['make', '-C', lib.BUILD, 'install',
                        f'DESTDIR={self.dir}'], check=True, env=env,
                       capture_output=True)
        for root, _, files in os.walk(self.dir):
            if 'virgate.pc' in files:
                self.env = dict(os.environ, PKG_CONFIG_PATH=root,
                                PKG_CONFIG_SYSROOT_DIR=self.dir,
                                PKG_CONFIG_LIBDIR=root)
        self.moduledir = self.dir + self.pkg_config('--variable=moduledir')
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.dir, ignore_errors=True)

    def pkg_config(self, *args):
        out = subprocess.run(['pkg-config', *args, 'virgate'], env=self.env,
                             check=True, capture_output=True, text=True)
        text = out.stdout.strip()
        return text.removeprefix(self.dir) if '--variable' in args[0] else text

    def find(self, name):
        for root, _, files in os.walk(self.dir):
            for file in files:
                if f'{root}/{file}'.endswith(f'/{name}'):
                    return os.path.join(root, file)
        raise AssertionError(f'{name} was not installed')

    def build(self, kind):
        """The skeleton of a kind, renamed and compiled as KIND-stranger.so."""
        with open(f'{lib.SOURCE}/plugins/skeleton/{kind}.c') as f:
            text = f.read().replace('skeleton', 'stranger')
        source = f'{self.dir}/{kind}.c'
        with open(source, 'w') as f:
            f.write('#define _GNU_SOURCE\n' + text)
        lib.command('cc', '-shared', *CFLAGS,
                    *self.pkg_config('--cflags').split(), source, '-o',
                    f'{self.moduledir}/{kind}-stranger.so', check=0)


STRANGER = '''[listen local]
transport = unix
path = @DIR@/sock
auth = me
acl = careful
[listen odd]
transport = stranger
socket-name = @DIR@
auth = me
[auth me]
module = stranger
uid = @UID@
[acl careful]
module = stranger
deny = connect_get_type
[driver stranger]
'''

EXAMPLES = '''[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
acl = hours
[acl hours]
hours = @HOURS@
[driver procs]
[driver test]
'''


class Daemon(lib.Peer):
    """The installed virgated with a stranger's modules."""

    def __init__(self, installed, config):
        super().__init__()
        self.installed, self.config = installed, config

    def start(self):
        with open(f'{self.dir}/conf', 'w') as f:
            f.write(self.config.replace('@DIR@', self.dir)
                    .replace('@UID@', str(os.geteuid())))
        self.spawn([self.installed.find('virgated'), '--config',
                    f'{self.dir}/conf', '--module-dir',
                    self.installed.moduledir])
        lib.wait_until(lambda: not self.is_running() or
                       self.log().count('ready listen')
                       == self.config.count('[listen '), 20, 'virgated')
        if not self.is_running():
            raise AssertionError(self.log())


@contextlib.contextmanager
def installed():
    with Installed() as i:
        yield i


def test_a_strangers_modules_serve_a_call():
    lib.need('virsh')
    with installed() as i:
        for kind in ('transport', 'auth', 'acl', 'driver'):
            i.build(kind)
        with Daemon(i, STRANGER) as d:
            uri = f'stranger+unix:///?socket={d.dir}/sock'
            _, out, _ = lib.virsh(uri, 'hostname', check=0)
            lib.same(out.strip(), 'closet', 'hostname')
            status, _, err = lib.virsh(uri, 'nodeinfo')
            lib.same(status, 1, 'a call that the driver has not')
            if 'not supported by the connection driver' not in err:
                raise AssertionError(err)
            env = {'VIRGATE_MODULE_DIR': i.moduledir,
                   'XDG_CONFIG_HOME': d.dir,
                   'LD_LIBRARY_PATH':
                       os.path.dirname(i.find('libvirgate.so.0'))}
            status, _, err = lib.command(
                i.find('bin/virgate'), '-c', uri, 'call', 'connect_get_type',
                env=env)
            lib.same(status, 1, 'a call that the acl denies')
            if 'denied' not in err:
                raise AssertionError(err)
            os.mkdir(f'{d.dir}/virgate')
            with open(f'{d.dir}/virgate/client.conf', 'w') as f:
                f.write(f'[transport stranger]\nsocket-name = {d.dir}\n')
            _, out, _ = lib.command(
                i.find('bin/virgate'), '-c', 'stranger+stranger:///', 'hostname',
                check=0, env=env)
            lib.same(out.strip(), 'closet', 'hostname by its own transport')


def test_the_manual_leads_from_nothing_to_a_token():
    """As a newcomer goes: only what virgate-module(3) says, in its order."""
    lib.need('virsh')
    with installed() as i:
        with open(i.find('virgate-module.3')) as f:
            page = f.read()
        source = lib.literal(page, 'token_password')
        with open(f'{lib.SOURCE}/examples/auth-token.c') as f:
            lib.same(f.read(), source, 'the example and the manual')
        lib.same(source.count('\n') <= 80, True, 'lines of a module')
        work = tempfile.mkdtemp(dir=i.dir)
        with open(f'{work}/auth-token.c', 'w') as f:
            f.write(source)
        build, install = lib.literal(page, '$ cc -std').split('$ ')[1:3]
        lib.command('sh', '-ec', build, cwd=work, env=i.env, check=0)
        lib.same('auth-token.so' in install and 'moduledir' in install, True)
        shutil.copy(f'{work}/auth-token.so', i.moduledir)
        tokens, conf = lib.literal(page, '/dev/urandom'), f'{work}/auth.conf'
        lib.command('sh', '-ec', tokens.replace('$ ', '', 1)
                    .replace('\n$ ', '\n').replace('/etc/virgate', work),
                    check=0)
        with open(f'{work}/tokens') as f:
            token = f.read().split()[1]
        client = lib.literal(page, 'credentials=joe')
        config = lib.literal(page, '[auth token]') \
            .replace('/run/virgate', '@DIR@').replace('/etc/virgate', work)
        with Daemon(i, config) as d:
            uri = f'test+unix:///default?socket={d.dir}/virgate-sock'
            for password, status in ((token, 0), (token[:-1], 1), ('', 1),
                                     (token + 'x', 1), ('guess', 1)):
                with open(conf, 'w') as f:
                    f.write(client.replace('THE TOKEN', password))
                got, out, err = lib.virsh(uri, 'list', env={
                    'LIBVIRT_AUTH_FILE': conf})
                lib.same(got, status, f'{password}: {out}{err}{d.log()}')
            if 'no such token for joe' not in d.log() or 'guess' in d.log():
                raise AssertionError(d.log())


def test_the_other_examples():
    """An access list, a transport and a driver, with real clients."""
    lib.need('virsh', 'socat')
    with installed() as i:
        shutil.copytree(f'{lib.SOURCE}/examples', f'{i.dir}/examples')
        subprocess.run(['make', '-C', f'{i.dir}/examples', 'all'], check=True,
                       env=dict(i.env, CFLAGS=' '.join(CFLAGS[1:])),
                       capture_output=True)
        for name in os.listdir(f'{i.dir}/examples'):
            if name.endswith('.so'):
                shutil.copy(f'{i.dir}/examples/{name}', i.moduledir)
        day = time.localtime().tm_wday + 1
        closed = '2-7' if day == 1 else '1-1'
        for hours, status in (('1-7 00:00-24:00', 0),
                              (f'{closed} 00:00-24:00', 1)):
            with Daemon(i, EXAMPLES.replace('@HOURS@', hours)) as d:
                socket = f'{d.dir}/sock'
                virgate_env = {
                    'VIRGATE_MODULE_DIR': i.moduledir,
                    'LD_LIBRARY_PATH':
                        os.path.dirname(i.find('libvirgate.so.0'))}
                got, _, err = lib.virsh(
                    f'test+unix:///default?socket={socket}', 'suspend',
                    'test')
                lib.same(got, status, err + d.log())
                if status and 'hours = ' + closed not in d.log():
                    raise AssertionError(d.log())
                _, out, _ = lib.virsh(f'procs+unix:///?socket={socket}',
                                      'list', '--name', check=0)
                lib.same(f'-{d.process.pid}\n' in out, True, out)
                tunnel = f'{d.dir}/tunnel'
                with open(tunnel, 'w') as f:
                    f.write(f'#!/bin/sh\nexec socat - UNIX:{socket}\n')
                os.chmod(tunnel, 0o755)
                _, out, _ = lib.command(
                    i.find('bin/virgate'), '-c',
                    f'test+pipe:///default?command={tunnel}', 'hostname',
                    check=0, env=virgate_env)
                lib.same(out.strip() != '', True, 'an answer')


def test_the_installed_daemon_knows_its_modules():
    with installed() as i:
        _, out, _ = lib.command(i.find('virgated'), '--list-modules',
                                '--module-dir', i.moduledir, check=0)
        for name in os.listdir(i.moduledir):
            if name.endswith('.so') and name not in out:
                raise AssertionError(f'{name} is not in\n{out}')


lib.run()
