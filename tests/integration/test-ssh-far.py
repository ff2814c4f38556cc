#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Behind sshd: stock virsh, and others, reach virgated through a private sshd
and virgate-ssh-helper, and are known there for who they are."""
import array
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

from lib import *
from rawrpc import OPEN, SASL_START, string, u32
from ssh import *
from trial import plain, trial_modules

BUILT_HELPER = os.path.join(BUILD, 'plugins', 'transport-ssh',
                            'virgate-ssh-helper')

# The account with a shell, and the one that only runs the helper.
JOE, GATE = 54321, 54322
NOBODY = 65534


class FarSide(Sshd):
    """An sshd with both accounts, and virgated behind it.

    listen  lines of [listen ssh]; more  further sections
    sshd    lines of sshd_config; args  of virgated, which runs as uid
    """

    def __init__(self, listen='auth = peercred\n', more='', sshd='', args=(),
                 uid=0, **kw):
        self.args, self.uid = args, uid
        self.home = Home()
        self.key = self.home.key()
        kw.setdefault('authorized', public(self.key))
        self.daemon = None
        super().__init__(**kw,
                         programs={'which': shutil.which('which')})
        # Lines of a Match block end with the file.
        self.match = sshd.replace('@HELPER@', self.path('helper'))
        self.config = f'Include {self.path("match")}\n'
        self.socket = self.path('run', 'virgate-ssh-sock')
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
        for name in 'helper', 'bin/virt-ssh-helper':
            self.write(f'#!/bin/sh\nexec {self.helper} --socket {self.socket} '
                       '"$@"\n', name, mode=0o755)

    def make_accounts(self):
        super().make_accounts()
        with open(self.path('etc', 'passwd'), 'a') as f:
            f.write(f'joe:x:{JOE}:{JOE}::/:/bin/sh\n'
                    f'virgate-ssh:x:{GATE}:{GATE}::/:/bin/sh\n')
        with open(self.path('etc', 'shadow'), 'a') as f:
            f.write('joe:*:19000:0:99999:7:::\nvirgate-ssh:*:19000:0:99999:7:::\n')

    def start(self):
        self.write(self.match, 'match')
        super().start()
        self.home.know(self)
        self.ssh = self.home.write(f'''#!/bin/sh
exec ssh -F none -i {self.key} -o IdentitiesOnly=yes -o IdentityAgent=none \
-o UserKnownHostsFile={self.home.path('.ssh', 'known_hosts')} "$@"
''', 'ssh', mode=0o755)
        os.mkdir(self.path('run'))
        os.chown(self.path('run'), self.uid, -1)
        self.daemon = Virgated('--verbose', *self.args,
                               config=self.virgated_config)
        if self.uid:
            os.chmod(self.daemon.dir, 0o755)
            self.daemon.wrapper = ['setpriv', f'--reuid={self.uid}',
                                   f'--regid={self.uid}', '--clear-groups',
                                   '--inh-caps=-all']
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


def frame(number, payload=b'', serial=0):
    return struct.pack('>7I', 28 + len(payload), 0x20008086, 1, number, 0,
                       serial, 0) + payload


def ask(p, number, payload=b'', serial=0):
    """One call through a process's pipes; (status, payload), or None."""
    p.stdin.write(frame(number, payload, serial))
    p.stdin.flush()
    return answer(p)


def answer(p):
    head = p.stdout.read(4)
    if len(head) < 4:
        return None
    rest = p.stdout.read(struct.unpack('>I', head)[0] - 4)
    return struct.unpack('>I', rest[20:24])[0], rest[24:]


def start_helper(far, *argv, user=JOE, env=None, **kw):
    """The helper without sshd, as somebody with a shell starts it."""
    kw = dict(dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                   stderr=subprocess.PIPE), **kw)
    return subprocess.Popen([far.helper, '--socket', far.socket, *argv],
                            user=user, group=user, extra_groups=[],
                            env=dict({'PATH': '/usr/bin:/bin'}, **(env or {})),
                            **kw)


def all_is_freed(far, before):
    wait_until(lambda: not far.helpers(), what='helpers to end')
    wait_until(lambda: descriptors(far.daemon.process.pid) <= before,
               what='descriptors to be closed')


def test_stock_virsh_by_each_of_its_ssh_transports():
    need('virsh')
    with FarSide() as far:
        before = descriptors(far.daemon.process.pid)
        for count, transport in enumerate(('ssh', 'libssh2', 'libssh'), 1):
            status, out, err = virsh(far.uri(transport), 'list', '--name')
            same((status, out.split(), err), (0, ['test'], ''), transport)
            same(far.daemon.log().count(f'let in as {JOE} (the kernel), by '
                                        'peercred'), 2 * count - 1, transport)
            status, _, err = virsh(far.uri(transport), '-r', 'destroy',
                                   'test')
            assert 'read only access prevents' in err, err
        all_is_freed(far, before)


def test_streams_of_a_gateway():
    """virsh, sshd, the helper, virgated, libvirtd, and back."""
    need('virsh')
    far = FarSide()
    with Libvirtd() as stock:
        far.virgated_config = far.virgated_config.replace(
            '[driver test]\n', '[driver up]\nmodule = upstream\n'
            f'upstream = remote+unix:///?socket={stock.socket}\n')
        with far:
            before = descriptors(far.daemon.process.pid)
            shots = []
            for uri in (stock.uri(), far.uri(), far.uri('libssh2')):
                path = far.path('shot')
                same(virsh(uri, 'screenshot', 'test', path,
                           env=far.home.environment())[0], 0, uri)
                with open(path, 'rb') as f:
                    shots.append(f.read())
            assert len(shots[0]) > 1000
            same(shots[1] == shots[0], True)
            same(shots[2] == shots[0], True)
            all_is_freed(far, before)


def test_virgate_takes_the_helper_first():
    with FarSide() as far:
        shutil.copy(far.path('helper'), far.path('bin', 'our-helper'))
        uri = far.uri(helper=far.path('bin', 'our-helper'))
        _, out, _ = command(RUN, 'virgate', '-c', uri, 'list', '--name',
                            check=0)
        same(out.split(), ['test'])


def test_forced_whatever_the_client_asks_for():
    """ForceCommand and command=; also netcat, SFTP and no command at all."""
    need('virsh')
    forced = 'Match User virgate-ssh\nForceCommand @HELPER@ --identity ann\n'
    listen = f'auth = ssh\ntrusted-users = {GATE}\n'
    with FarSide(listen, sshd=forced) as far:
        for more in {}, {'proxy': 'netcat'}, {'proxy': 'native'}, \
                {'netcat': '/no/such/nc'}:
            uri = far.uri(user='virgate-ssh', **more)
            same(virsh(uri, 'list', '--name')[:2], (0, 'test\n'), more)
        for transport in 'libssh2', 'libssh':
            same(virsh(far.uri(transport, user='virgate-ssh'), 'list',
                       '--name')[:2], (0, 'test\n'), transport)
        same(far.daemon.log().count('let in as ann (an exchange)') >= 6
             or far.daemon.log(), True)
        uri = far.uri(user='virgate-ssh')
        for how in (['-r'], []):
            _, _, err = virsh(uri + '&proxy=netcat', *how, 'destroy', 'test')
            same('read only access prevents' in err, bool(how), err)
        # Neither a shell nor a file.
        for words in (['id'], ['-s', 'sftp'], []):
            status, out, _ = far.run('virgate-ssh', *words, stdin='')
            same((status in (0, 255), out), (True, ''), words)
        status, out, err = command(far.ssh, '-tt', '-p', str(far.port),
                                   'virgate-ssh@127.0.0.1', 'id', stdin='')
        assert status == 1 and 'neither a pipe nor a socket' in out, out


def recipe():
    """The blocks of docs/ssh.md, by language."""
    with open(os.path.join(SOURCE, 'docs', 'ssh.md'), encoding='utf-8') as f:
        blocks = re.findall(r'^```(\S+)\n(.*?)^```', f.read(), re.M | re.S)
    found = {}
    for language, text in blocks:
        found.setdefault(language, []).append(text)
    return found


def fit(text, far, keys):
    """The document's text with this test's paths, keys and numbers."""
    for name, key in keys.items():
        print_ = command('ssh-keygen', '-lf', key + '.pub')[1].split()[1]
        text = text.replace(f'ssh-ed25519 AAAA-of-{name}', ' '.join(
            public(key).split()[:2]))
        text = text.replace(f'SHA256:fingerprint-of-{name}', print_)
    return (text.replace('/usr/bin/virgate-ssh-helper', far.path('helper'))
            .replace('/etc/virgate/ssh/authorized_keys', far.path('theirs'))
            .replace('group = virgate-ssh', f'group = {GATE}')
            .replace('trusted-users = virgate-ssh', f'trusted-users = {GATE}')
            .replace('transport = ssh', f'transport = ssh\npath = {far.socket}'))


def virsh_as(far, key, *argv, **more):
    """Stock virsh with another key."""
    script = far.home.write(f"""#!/bin/sh
exec ssh -F none -i {key} -o IdentitiesOnly=yes -o IdentityAgent=none \
-o UserKnownHostsFile={far.home.path('.ssh', 'known_hosts')} "$@"
""", 'as-' + os.path.basename(key), mode=0o755)
    return virsh(far.uri(user='virgate-ssh', command=script), *argv)


def test_recipe_of_the_document():
    """As written: ann from anywhere, joe only from an office that is not
    here, and a key that sshd knows but nobody has a name for."""
    need('virsh')
    blocks = recipe()
    with FarSide() as far:
        far.daemon.__exit__()
        far.daemon = None
        keys = {name: far.home.key(name) for name in ('ann', 'joe', 'eve')}
        far.write(fit(blocks['authorized_keys'][0], far, keys)
                  + public(keys['eve']) + '\n', 'theirs')
        far.write(fit(blocks['sshd_config'][0], far, keys), 'match')
        far.process.send_signal(signal.SIGHUP)
        wait_until(lambda: far.log().count('Server listening') == 2)
        config = fit(blocks['ini'][1], far, keys) + '[driver test]\n'
        for office in '192.0.2.0/24', '127.0.0.0/8':
            with Virgated('--verbose', config=config.replace(
                    '192.0.2.0/24', office)) as d:
                same(virsh_as(far, keys['ann'], 'list', '--name')[:2],
                     (0, 'test\n'), d.log())
                status, _, err = virsh_as(far, keys['joe'], 'list')
                same(status, 1 if office[0] == '1' and office[1] == '9'
                     else 0, err)
                same(virsh_as(far, keys['eve'], 'list')[0], 1)
                assert re.search(r'the key SHA256:\S+ is not in \[auth ssh\]',
                                 d.log()), d.log()
        # Nothing but the helper: no shell, no files, no forwarding.
        for more in (['-L', f'{far.path("fwd")}:{far.socket}', '-N'],
                     ['-W', f'127.0.0.1:{far.port}']):
            p = subprocess.Popen(
                [far.home.path('as-ann'), '-p', str(far.port), *more, '-o',
                 'ExitOnForwardFailure=yes', 'virgate-ssh@127.0.0.1'],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            if '-N' in more:
                wait_until(lambda: can_connect(far.path('fwd')))
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(far.path('fwd'))
                    s.settimeout(60 * SLOW)
                    same(s.recv(1), b'')
                p.kill()        # ssh may miss a signal to end
            out, err = p.communicate(timeout=60 * SLOW)
            assert b'open failed' in err or b'forwarding' in err, (more, err)


def test_names_of_authorized_keys():
    """command= for each key; -r there is not the client's to undo."""
    need('virsh')
    with FarSide(f'auth = ssh\ntrusted-users = {GATE}\nacl = names\n',
                 '[acl names]\nmodule = ip\nrule = allow '
                 'ssh-identity:joe address:127.0.0.1\nrule = allow '
                 'ssh-identity:ann\npolicy = deny\n') as far:
        keys = {name: far.home.key(name) for name in ('ann', 'joe')}
        text = fit(recipe()['authorized_keys-names'][0], far, keys)
        far.write(text, 'authorized_keys')
        same(virsh_as(far, keys['ann'], 'suspend', 'test')[0], 0)
        same(virsh_as(far, keys['joe'], 'list', '--all', '--name')[:2],
             (0, 'test\n'))
        status, _, err = virsh_as(far, keys['joe'], 'resume', 'test')
        assert 'read only access prevents' in err, err
        assert 'let in as joe (an exchange)' in far.daemon.log()


def test_forged_environment_gains_nothing():
    """Somebody with a shell claims to be ann, with her key, from elsewhere."""
    acl = '[acl home]\nmodule = ip\nallow = 192.0.2.0/24\n'
    with FarSide(f'auth = ssh\ntrusted-users = {GATE}\n', acl) as far:
        info = far.write('publickey ' + public(far.key) + '\n', 'info',
                         mode=0o600)
        os.chown(info, JOE, JOE)
        forged = {'SSH_CONNECTION': '192.0.2.7 50000 192.0.2.1 22',
                  'SSH_USER_AUTH': info}
        for argv in (['--identity', 'ann'], []):
            p = start_helper(far, *argv, env=forged)
            status, reply = ask(p, 66)
            same((status, b'this server refuses you' in reply), (1, True))
            p.communicate(timeout=60 * SLOW)
        for words in "says that it is 'ann'", "says that it is 'SHA256:":
            assert words in far.daemon.log(), far.daemon.log()
    # Neither does the address of a claim pass an access list.
    with FarSide('auth = peercred\nacl = home\n', acl) as far:
        p = start_helper(far, env=forged)
        status, reply = ask(p, 66)
        same(status, 1, far.daemon.log())
        p.communicate(timeout=60 * SLOW)
    with FarSide(f'auth = peercred\ntrusted-users = {JOE}\nacl = home\n',
                 acl) as far:
        p = start_helper(far, env=forged)
        same(ask(p, 66)[0], 0, far.daemon.log())
        p.communicate(timeout=60 * SLOW)


def test_a_daemon_that_is_not_root():
    """sshd is, and gives pipes that are its users'; neither user nor daemon
    may do more than they could."""
    need('virsh', 'setpriv')
    with FarSide(f'auth = peercred\ntrusted-users = {GATE}\n',
                 uid=NOBODY) as far:
        before = descriptors(far.daemon.process.pid)
        for user in 'joe', 'root':
            for transport in 'ssh', 'libssh2':
                same(virsh(far.uri(transport, user), 'list', '--name',
                           env=far.home.environment())[:2], (0, 'test\n'))
        # The pipes of a test are root's, and a user cannot give them away.
        p = start_helper(far)
        _, err = p.communicate(timeout=60 * SLOW)
        assert b"they are another user's" in err, err
        all_is_freed(far, before)


GUESSED = '''[daemon]
ban-failures = 3
ban-time = 600
auth-delay = 1
auth-delay-max = 1
source-clients = 3

[auth pw]
module = trial
mechanisms = PLAIN
users = ann:right
'''


def guess(far, password, address, user=GATE):
    """A helper whose client comes from there: is it in, refused, or cut?"""
    p = start_helper(far, user=user, env={
        'SSH_CONNECTION': f'{address} 50000 192.0.2.1 22'})
    try:
        reply = ask(p, SASL_START, plain('ann', password))
    except BrokenPipeError:
        reply = None
    p.communicate(timeout=60 * SLOW)
    return 'cut' if reply is None else 'refused' if reply[0] else 'in'


def test_who_shares_an_account_is_not_banned_for_others():
    """A source is the client's address, when a trusted account says it."""
    with trial_modules() as folder, \
            FarSide(f'auth = pw\ntrusted-users = {GATE}\n', GUESSED,
                    args=['--module-dir', folder]) as far:
        before = descriptors(far.daemon.process.pid)
        same([guess(far, 'wrong', '192.0.2.7') for _ in range(5)],
             ['refused'] * 3 + ['cut'] * 2, far.daemon.log())
        for address in '192.0.2.8', '2001:db8::1':
            same(guess(far, 'right', address), 'in', far.daemon.log())
        same(guess(far, 'right', '192.0.2.7'), 'cut')
        assert '192.0.2.7: banned for 600 s' in far.daemon.log()
        # Each address has a share, and the account has none.
        held = []
        for n in range(9):
            p = start_helper(far, user=GATE, env={
                'SSH_CONNECTION': f'192.0.2.{20 + n // 3} 5 192.0.2.1 22'})
            held.append(p)
            same(ask(p, SASL_START, plain('ann', 'right'))[0], 0)
            same(ask(p, OPEN, u32(1) + string('test:///default')
                     + u32(0))[0], 0)
        same([guess(far, 'right', f'192.0.2.{n}') for n in (20, 23)],
             ['cut', 'in'])
        for p in held:
            p.communicate(timeout=60 * SLOW)
        all_is_freed(far, before)
        # What others claim changes nothing: it is joe who is banned.
        same([guess(far, 'wrong', f'192.0.2.{30 + n}', JOE)
              for n in range(5)], ['refused'] * 3 + ['cut'] * 2)
        assert f'uid {JOE}: banned for 600 s' in far.daemon.log()
        same(guess(far, 'right', '192.0.2.30'), 'in')


def hand_over(far, fds, note=b'VgSh\x01\x00\x00\x00', parts=1):
    """What a program of one's own could say; the answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(far.socket)
        s.settimeout(60 * SLOW)
        step = -(-len(note) // parts)
        for at in range(0, len(note), step):
            with_fds = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                         array.array('i', fds))] if at == 0 and fds else []
            try:
                s.sendmsg([note[at:at + step]], with_fds)
            except BrokenPipeError:
                break
        try:
            answer = s.recv(1)
            if answer == b'R':
                answer += s.recv(500)
            return answer
        except ConnectionResetError:
            return b''


def test_whatever_is_handed_over():
    """Descriptors of every kind, notes of every kind; the daemon lives."""
    with FarSide() as far, tempfile.TemporaryFile('a') as appended:
        before = descriptors(far.daemon.process.pid)
        (r, far_w), (far_r, w) = os.pipe(), os.pipe()
        pair = socket.socketpair()
        udp, tcp = socket.socket(type=socket.SOCK_DGRAM), socket.socket()
        listening = socket.socket(socket.AF_UNIX)
        listening.bind('')
        listening.listen()
        null, tty = os.open('/dev/null', os.O_RDWR), os.openpty()
        fifo = far.path('fifo')
        os.mkfifo(fifo)
        named = os.open(fifo, os.O_RDWR)
        path_only = os.open('/', os.O_PATH)
        one = pair[0].fileno()
        good = [[r, w], [one, one], [r, one], [one, w]]
        bad = [[], [r], [w, r], [r, w, w], [r, null], [tty[0], tty[1]],
               [appended.fileno(), w], [udp.fileno()] * 2,
               [tcp.fileno()] * 2, [listening.fileno()] * 2, [named, named],
               [path_only, w], [r] * 200]
        for fds in good:
            same(hand_over(far, fds), b'T', fds)
        for fds in bad:
            said = hand_over(far, fds)
            assert said[:1] == b'R' or said == b'', (fds, said)
        for note in (b'VgSh\x02\0\0\0', b'GET / HTTP', b'VgSh\x01\0\xff\xff',
                     b'VgSh\x01\0\0\2\0\5', b'VgSh\x01\0\0\3\0\1\n',
                     b'VgSh\x01\0\0\6\0\1a\0\1b', b'VgSh\x01\0\0\0more'):
            said = hand_over(far, [r, w], note)
            assert said[:1] == b'R', (note, said)
        # In pieces, and with a field that a later helper might have.
        same(hand_over(far, [r, w], b'VgSh\x01\0\0\6\0\1a\x63\1b', 14), b'T')
        for s in (*pair, udp, tcp, listening):
            s.close()
        for fd in (r, w, far_r, far_w, null, *tty, named, path_only):
            os.close(fd)
        p = start_helper(far)
        same(ask(p, 66)[0], 0)
        p.communicate(timeout=60 * SLOW)
        all_is_freed(far, before)


def test_blocking_pipes_stop_nobody():
    """A peer that keeps copies of its pipes and makes them block while
    replies do not fit: the loop serves others all the same."""
    with FarSide() as far:
        ours, its = os.pipe(), os.pipe()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(far.socket)
            s.sendmsg([b'VgSh\x01\0\0\0'],
                      [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                        array.array('i', [ours[0], its[1]]))])
            same(s.recv(1), b'T')
            os.set_blocking(ours[0], True)
            os.set_blocking(its[1], True)
            os.set_blocking(ours[1], False)
            sent = 0
            try:
                while sent < 1 << 20:   # nobody reads the replies
                    sent += os.write(ours[1], frame(60, struct.pack('>I', 10)))
            except BlockingIOError:
                pass
            for _ in range(20):
                p = start_helper(far)
                same(ask(p, 66)[0], 0)
                p.communicate(timeout=60 * SLOW)
        for fd in (*ours, *its):
            os.close(fd)


def test_errors_reach_the_client():
    """No daemon, another socket, no permission: one line, and exit 1."""
    need('virsh')
    with FarSide() as far:
        far.write(f'#!/bin/sh\nexec {far.helper} --socket /nowhere/sock "$@"\n',
                  'bin', 'virt-ssh-helper', mode=0o755)
        status, _, err = virsh(far.uri(), 'list')
        assert "cannot connect to virgated at '/nowhere/sock'" in err, err
        assert 'is virgated running' in err, err
        os.chmod(far.socket, 0o600)
        status, out, err = far.run('joe', far.path('helper'), stdin='')
        same((status, out, err.count('\n')), (1, '', 1), err)
        assert 'Permission denied' in err and 'mode and group' in err, err
        status, out, err = far.run('joe', far.helper, stdin='')
        same((status, out, err.count('\n')), (1, '', 1), err)
        status, out, err = far.run('joe', far.helper, '--identity', "'a\tb'",
                                   stdin='')
        same((status, out), (2, ''), err)
        os.chmod(far.socket, 0o666)
        with open('/dev/null', 'rb') as null:
            p = start_helper(far, stdin=null)
            assert b'neither a pipe' in p.communicate()[1]
        same(far.helpers(), [])


def test_daemon_killed_while_it_answers():
    with FarSide() as far:
        p = subprocess.Popen([far.ssh, '-p', str(far.port), 'joe@127.0.0.1',
                              far.path('helper')], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        same(ask(p, 66)[0], 0)
        same(len(far.helpers()), 1)
        far.daemon.process.kill()
        out, err = p.communicate(timeout=60 * SLOW)
        same((p.returncode, out), (1, b''), err)
        assert b'virgated ended while the connection was in use' in err, err
        wait_until(lambda: not far.helpers())
        far.daemon.process.wait()


def test_client_killed_and_helper_killed():
    """Nothing stays behind of either."""
    with FarSide() as far:
        before = descriptors(far.daemon.process.pid)
        for victim in 'client', 'helper':
            p = subprocess.Popen(['ssh'] + open(far.ssh).read().split(
                'exec ssh')[1].replace('"$@"', '').split()
                + ['-p', str(far.port), 'joe@127.0.0.1', far.path('helper')],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            same(ask(p, 66)[0], 0)
            os.kill(p.pid if victim == 'client' else far.helpers()[0],
                    signal.SIGKILL)
            p.communicate(timeout=60 * SLOW)
            all_is_freed(far, before)


def test_fifty_at_once():
    """Fifty ssh sessions, each with calls of its own; asleep in between."""
    with FarSide(sshd='MaxStartups 200\n',
                 more='[daemon]\nauth-timeout = 300\nopen-timeout = 300\n'
                 'handshake-timeout = 300\n') as far:
        before = descriptors(far.daemon.process.pid)
        sessions = [subprocess.Popen(
            [far.ssh, '-p', str(far.port), 'joe@127.0.0.1',
             far.path('helper')], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE) for _ in range(50)]
        name = b'test:///default\0'
        opening = struct.pack('>2I', 1, 15) + name + struct.pack('>I', 0)
        try:
            for p in sessions:
                p.stdin.write(frame(66) + frame(1, opening))
                p.stdin.flush()
            for p in sessions:
                same(answer(p), (0, struct.pack('>2I', 1, 0)))
                same(answer(p), (0, b''))
            same(len(far.helpers()), 50)

            def ticks():
                total = 0
                for pid in far.helpers():
                    with open(f'/proc/{pid}/stat') as f:
                        total += sum(map(int, f.read().split()[13:15]))
                return total
            used = ticks()
            for serial in range(1, 40):
                for p in sessions:
                    same(ask(p, 66, serial=serial)[0], 0)
            same(ticks() - used <= 1, True, 'helpers that work')
        finally:
            for p in sessions:
                p.stdin.close()
                p.stdout.close()
                p.wait(60 * SLOW)
        all_is_freed(far, before)


def test_stock_virsh_over_ext_on_ssh():
    """virsh, `virgate connect', ssh, sshd, the helper, virgated."""
    need('virsh')
    with FarSide() as far:
        uri = far.uri(helper=far.path('helper'))
        through = far.write(f"#!/bin/sh\nexec {RUN} virgate connect '{uri}'\n",
                            'through', mode=0o755)
        uri = f'test+ext:///default?command={through}'
        same(virsh(uri, 'list', '--name')[:2], (0, 'test\n'))
        status, _, err = virsh(uri, 'dumpxml', 'nosuch')
        assert 'failed to get domain' in err, err


if __name__ == '__main__':
    run()
