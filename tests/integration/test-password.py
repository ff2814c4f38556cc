#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names and passwords by auth-password: stock and own clients and servers on
both ends, the file and its editor, and where a client's credentials come
from."""
import base64
import fcntl
import hashlib
import hmac
import pty
import select
import tempfile
import termios
import threading

from rawrpc import AUTH_LIST, Conn, Reader, SASL_INIT, SASL_START, SASL_STEP, u32
from sasl import *
import plain

PASSWORD = 'correct horse'


def passwd(*argv, stdin=None, check=0):
    """virgate passwd; (status, output, errors)."""
    argv = list(argv) + (['--stdin'] if stdin is not None else [])
    return command(*VIRGATE, 'passwd', *argv, stdin=stdin, check=check)


def users(root, **passwords):
    path = os.path.join(root, 'passwd')
    for name, password in passwords.items():
        passwd('add', name, '--file', path, '--groups', f'{name}s,all',
               stdin=password + '\n')
    return path


class VirgatedPassword(VirgatedSasl):
    """virgated with auth-password on a Unix socket, TCP and TLS."""

    def __init__(self, path, pki=None, more='', **kw):
        super().__init__(f'module = password\nfile = {path}\n{more}',
                         '--set', 'daemon.auth-delay=0', pki=pki, **kw)


def client_config(root, text='[auth password]\n'):
    path = os.path.join(root, f'client-{len(os.listdir(root))}.conf')
    with open(path, 'w') as f:
        f.write(text)
    return path


def secrets(root, name, password):
    """An auth.conf whose own name says nothing of what is in it."""
    with open(credentials(root, 'x', 'x'), 'r+') as f:
        text = f.read().replace('=x', '=@')
        f.seek(0)
        f.write(text.replace('name=@', f'name={name}').replace(
            'password=@', f'password={password}'))
        return f.name


def ask(client, uri, root, env=None):
    """virsh, or virgate that answers by auth-password."""
    if client == 'virsh':
        return names('virsh', uri, env)
    status, out, err = command(*VIRGATE, '--config', client_config(root),
                               '-c', uri, 'list', '--name', env=env)
    return status, out.split() if status == 0 else err


def test_every_client_gets_in_by_every_mechanism():
    with tempfile.TemporaryDirectory() as root:
        pki = make_pki(os.path.join(root, 'pki'))
        path = users(root, alice=PASSWORD)
        login = credentials(root, 'alice', PASSWORD)
        with VirgatedPassword(path, pki) as ours:
            count = 0
            for uri in ours.uris():
                for mech in '', 'SCRAM-SHA-256', 'PLAIN':
                    for client in 'virsh', 'virgate':
                        there = with_params(uri, authfile=login,
                                            auth=mech and f'sasl.{mech}')
                        same(ask(client, there, root), (0, ['test']), there)
                        count += 1
            # Where others can listen there is SCRAM only; stock clients want
            # more protection there than it gives.
            there = with_params(ours.uri_tcp(), authfile=login)
            same(ask('virgate', there, root), (0, ['test']))
            status, said = ask('virgate', with_params(there, auth='sasl.PLAIN'),
                               root)
            assert status != 0 and 'the URI wants PLAIN' in said, said
            same(ours.entries(), ['alice'] * (count + 1))
            assert re.search(r'let in as alice.*alices.*all', ours.log()), \
                ours.log()


def test_names_and_passwords_of_all_kinds():
    with tempfile.TemporaryDirectory() as root:
        who = {'jürgen': 'grüße €', 'a,b=c': '=2C', 'x' * 250: 'y' * 1000}
        with VirgatedPassword(users(root, **who)) as ours:
            for name, password in who.items():
                for client in 'virsh', 'virgate':
                    for mech in 'SCRAM-SHA-256', 'PLAIN':
                        same(ask(client, with_params(
                            ours.uri(), auth=f'sasl.{mech}'), root,
                            {'LIBVIRT_AUTH_FILE': secrets(root, name,
                                                          password)}),
                            (0, ['test']), (name, client, mech))


def test_virgate_gets_into_stock_libvirtd():
    with tempfile.TemporaryDirectory() as root:
        pki = make_pki(os.path.join(root, 'pki'))
        db = database(os.path.join(root, 'db'), alice=PASSWORD)
        conf = f'sasldb_path: {db}\nmech_list: scram-sha-256 plain\n'
        with LibvirtdSasl(conf, pki=pki) as theirs:
            for uri in theirs.uris():
                for mech in 'SCRAM-SHA-256', 'PLAIN':
                    for word, status in (PASSWORD, 0), ('wrong', 3):
                        got = ask('virgate', with_params(
                            uri, auth=f'sasl.{mech}', authfile=credentials(
                                root, 'alice', word)), root)
                        same(got[0], status, got)
                        assert status == 0 or 'authentication failed' in got[1]


def test_many_at_once():
    """Hashes of remote clients wait for each other, and come to an end."""
    with tempfile.TemporaryDirectory() as root:
        pki = make_pki(os.path.join(root, 'pki'))
        login = credentials(root, 'alice', PASSWORD)
        with VirgatedPassword(users(root, alice=PASSWORD), pki) as ours:
            argv = ['virsh', '-q', '-c', with_params(
                ours.uri_tls(), auth='sasl.PLAIN', authfile=login), 'uri']
            many = [subprocess.Popen(argv, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, text=True)
                    for _ in range(12)]
            said = [p.communicate(timeout=60 * SLOW)[1] for p in many]
            same([p.returncode for p in many], [0] * 12,
                 f'{said}\n{ours.log()}')


PYTHON = '''
import libvirt, sys
asked = []
def answer(creds, opaque):
    for c in creds:
        asked.append(c[0])
        c[4] = {libvirt.VIR_CRED_AUTHNAME: 'alice'}.get(c[0], sys.argv[2])
    return 0
c = libvirt.openAuth(sys.argv[1], [[libvirt.VIR_CRED_AUTHNAME,
                     libvirt.VIR_CRED_PASSPHRASE], answer, None], 0)
print([d.name() for d in c.listAllDomains()], len(asked))
'''


def test_callback_of_python():
    with tempfile.TemporaryDirectory() as root:
        nothing = client_config(root, '')
        with VirgatedPassword(users(root, alice=PASSWORD)) as ours:
            def run_it(word):
                return command('/usr/bin/python3', '-c', PYTHON, ours.uri(),
                               word, env={'LIBVIRT_AUTH_FILE': nothing})
            status, out, err = run_it(PASSWORD)
            same((status, out), (0, "['test'] 2\n"), err)
            assert run_it('wrong')[0] != 0


def test_gateway_answers_the_daemon_behind():
    """By a module of its own, with credentials from auth.conf."""
    need('virsh')
    with tempfile.TemporaryDirectory() as root:
        db = database(os.path.join(root, 'db'), front='far')
        path = users(root, alice=PASSWORD)
        mine = credentials(root, 'alice', PASSWORD)
        conf = f'sasldb_path: {db}\nmech_list: scram-sha-256\n'
        with LibvirtdSasl(conf) as behind:
            for word, status in ('far', 0), ('wrong', 1):
                far = credentials(root, 'front', word)
                with Virgated(config=f'''[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = password
[auth password]
file = {path}
[driver behind]
module = upstream
upstream = test+unix:///default?socket={behind.socket}&authfile={far}
''') as ours:
                    got = names('virsh', with_params(ours.uri(),
                                                     authfile=mine))
                    same(got[0], status, got)
                    assert status == 0 or 'authentication failed' in got[1], \
                        got


# What nobody may find out ---------------------------------------------------

def test_wrong_ones_are_refused_alike():
    with tempfile.TemporaryDirectory() as root:
        long = 'x' * 1024
        path = users(root, alice=PASSWORD, jürgen='gr\u00fc\u00dfe',
                     long=long)
        with VirgatedPassword(path) as ours:
            for user, word, good in (
                    ('alice', PASSWORD, True), ('long', long, True),
                    ('jürgen', 'gr\u00fc\u00dfe', True),
                    # The same, written with a character that combines.
                    ('jürgen', 'gru\u0308\u00dfe', True),
                    ('ju\u0308rgen', 'gr\u00fc\u00dfe', True),
                    ('alice', 'Correct horse', False), ('alice', '', False),
                    ('alice', PASSWORD + 'x', False), ('nobody', 'x', False),
                    ('*', 'x', False), ('long', long[1:], False),
                    ('long', long + 'x', False),
                    ('jürgen', 'gruße', False)):
                conn = plain.plain(ours.socket, user, word)
                same(conn is not None, good, (user, word))
                if conn:
                    conn.close()
            said = set()
            for user, word in ('alice', 'wrong'), ('nobody', 'wrong'):
                for mech in 'PLAIN', 'SCRAM-SHA-256':
                    for client in 'virsh', 'virgate':
                        status, text = ask(client, with_params(
                            ours.uri(), auth=f'sasl.{mech}',
                            authfile=credentials(root, user, word)), root)
                        assert status != 0, text
                        said.add(client + re.sub('[0-9a-f]{8}', '',
                                                 text.split('authfile')[0]))
            same(len(said), 2, said)
            assert "wrong password for user 'alice'" in ours.log()
            assert "there is no user 'nobody'" in ours.log()
            assert PASSWORD not in ours.log()


# SCRAM by hand --------------------------------------------------------------

def chars(data):
    return u32(0) + u32(len(data)) + b''.join(
        u32(b - 256 * (b > 127)) for b in data)


def scram(where, user, word, timeout=60):
    """Log in by a SCRAM of our own; True, False, or the server's challenge
    without a word."""
    with Conn(where, open_name=None, timeout=timeout * SLOW) as c:
        c.call(AUTH_LIST)
        c.call(SASL_INIT)

        def say(proc, head, text):
            reply = c.call(proc, head + chars(text.encode()))
            if reply.error:
                return None
            r = Reader(reply.payload)
            r.skip(8)
            return bytes(r.i32() & 255 for _ in range(r.i32())).decode()

        bare = f'n={user},r=rOprNGfwEbeRWgbNEkqO'
        first = say(SASL_START, u32(13) + b'SCRAM-SHA-256\0\0\0',
                    'n,,' + bare)
        if word is None:
            return first
        nonce, salt, count = re.match('r=(.*),s=(.*),i=(.*)', first).groups()
        salted = hashlib.pbkdf2_hmac('sha256', word.encode(),
                                     base64.b64decode(salt), int(count))
        key = hmac.digest(salted, b'Client Key', 'sha256')
        final = f'c=biws,r={nonce}'
        whole = ','.join((bare, first, final)).encode()
        mask = hmac.digest(hashlib.sha256(key).digest(), whole, 'sha256')
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, mask)))
        last = say(SASL_STEP, b'', f'{final},p={proof.decode()}')
        if last is None:
            return False
        server = hmac.digest(salted, b'Server Key', 'sha256')
        signed = hmac.digest(server, whole, 'sha256')
        same(last, 'v=' + base64.b64encode(signed).decode())
        return True


def test_nobodys_challenge_lasts():
    """The same salt for the same name, over reloads and restarts."""
    def challenge(where, user):
        text = scram(where, user, None)
        return re.sub('r=[^,]*,', '', text), len(text)

    with tempfile.TemporaryDirectory() as root:
        path = users(root, alice=PASSWORD)
        with VirgatedPassword(path) as ours:
            before = challenge(ours.socket, 'nobody')
            same(challenge(ours.socket, 'nobody'), before)
            assert challenge(ours.socket, 'nobodx')[0] != before[0]
            real = challenge(ours.socket, 'alice')
            same((real[1], real[0].split(',i=')[1]),
                 (before[1], before[0].split(',i=')[1]))
        passwd('add', 'bob', '--file', path, stdin='x')
        with VirgatedPassword(path) as ours:
            same(challenge(ours.socket, 'nobody'), before)


def test_changes_count_at_once_and_harm_nobody():
    with tempfile.TemporaryDirectory() as root:
        path = users(root, alice='a0', bob='b')
        with VirgatedPassword(path) as ours:
            stop, failed, done = threading.Event(), [], []

            def log_in():
                while not stop.is_set():
                    try:
                        done.append(scram(ours.socket, 'bob', 'b'))
                    except Exception as e:
                        failed.append(e)

            threads = [threading.Thread(target=log_in) for _ in range(4)]
            for t in threads:
                t.start()
            for i in range(1, 4):
                passwd('change', 'alice', '--file', path, stdin=f'a{i}')
                wait_until(lambda: plain.plain(ours.socket, 'alice', f'a{i}'),
                           20, 'the new password')
            # A file that cannot be read leaves all as it was.
            with open(path, 'a') as f:
                f.write('carol:nonsense\n')
            wait_until(lambda: f'{path}:4: does not begin with' in ours.log(),
                       10, 'a word about the line')
            os.chmod(path, 0o644)
            same(scram(ours.socket, 'alice', 'a3'), True)
            passwd('delete', 'alice', '--file', path, check=1)
            os.chmod(path, 0o600)
            with open(path) as f:
                lines = [l for l in f if 'nonsense' not in l]
            with open(path, 'w') as f:
                f.writelines(lines)
            passwd('delete', 'alice', '--file', path)
            wait_until(lambda: not scram(ours.socket, 'alice', 'a3'), 20,
                       'the end of alice')
            stop.set()
            for t in threads:
                t.join()
            same((failed, set(done)), ([], {True}))
            assert len(done) > 10, done


def test_foreign_verifiers():
    """Lines that other programs made."""
    need('gsasl')
    with tempfile.TemporaryDirectory() as root:
        path = os.path.join(root, 'passwd')
        out = command('gsasl', '--mkpasswd', '--mechanism', 'SCRAM-SHA-256',
                      '--password', PASSWORD, '--iteration-count', '5000',
                      check=0)[1]
        count, salt, stored, server = re.match(
            r'{SCRAM-SHA-256}(\d+),(.*),(.*),(\S*)', out).groups()
        with open(path, 'w') as f:
            f.write(f'gnu:SCRAM-SHA-256${count}:{salt}${stored}:{server}\n')
        os.chmod(path, 0o600)
        with VirgatedPassword(path) as ours:
            for client in 'virsh', 'virgate':
                for mech in 'PLAIN', 'SCRAM-SHA-256':
                    same(ask(client, with_params(
                        ours.uri(), auth=f'sasl.{mech}',
                        authfile=credentials(root, 'gnu', PASSWORD)), root),
                        (0, ['test']))


def gsasl(where, user, word):
    """GNU SASL's client, carried over the protocol: its outcome."""
    need('gsasl')
    p = subprocess.Popen(
        ['gsasl', '--client', '--quiet', '--mechanism', 'SCRAM-SHA-256',
         '--authentication-id', user, '--password', word,
         '--authorization-id', '', '--no-cb'],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT)

    def token():
        for line in p.stdout:
            if re.fullmatch(r'[A-Za-z0-9+/]+=*', line.strip()):
                return base64.b64decode(line)
        return None

    def feed(data):
        p.stdin.write(base64.b64encode(data).decode() + '\n')
        p.stdin.flush()

    with Conn(where, open_name=None) as c:
        c.call(AUTH_LIST)
        c.call(SASL_INIT)
        proc, head = SASL_START, u32(13) + b'SCRAM-SHA-256\0\0\0'
        try:
            for _ in range(2):
                reply = c.call(proc, head + chars(token()))
                if reply.error:
                    return False
                proc, head = SASL_STEP, b''
                r = Reader(reply.payload)
                r.skip(8)
                feed(bytes(r.i32() & 255 for _ in range(r.i32())))
            feed(b'')
        finally:
            p.stdin.close()
            out = p.stdout.read()
            status = p.wait(20 * SLOW)
    same(status, 0, out)
    return True


def test_gnu_sasl_is_let_in():
    with tempfile.TemporaryDirectory() as root:
        with VirgatedPassword(users(root, alice=PASSWORD)) as ours:
            same(gsasl(ours.socket, 'alice', PASSWORD), True)
            same(gsasl(ours.socket, 'alice', 'wrong'), False)


# Memory ---------------------------------------------------------------------

def test_no_password_stays_in_memory():
    """Neither as it was typed nor as it went over the wire."""
    if SLOW != 1:
        return                  # sanitizers keep what was freed
    with tempfile.TemporaryDirectory() as root:
        word = 'zq7Kp2vX9-not-anywhere-else'
        wire = b''.join(u32(b) for b in word.encode())
        path = users(root, alice=word)
        with VirgatedPassword(path) as ours:
            for mech in 'PLAIN', 'SCRAM-SHA-256':
                for user in 'alice', 'nobody':
                    ask('virsh', with_params(
                        ours.uri(), auth=f'sasl.{mech}',
                        authfile=credentials(root, user, word)), root)
            pid = ours.process.pid
            assert memory_has(pid, path.encode()), 'this finds nothing'
            same(memory_has(pid, word.encode()[2:], wire[8:]), [])
            secret = os.path.join(root, 'secret')
            with open(secret, 'w') as f:
                f.write(word + '\n')
            os.chmod(secret, 0o600)
            config = client_config(root, f'[auth password]\n[credentials '
                                   f'localhost]\nauthname = alice\n'
                                   f'password-file = {secret}\n')
            for mech in 'PLAIN', 'SCRAM-SHA-256':
                p = subprocess.Popen(
                    [*VIRGATE, '--config', config, '-c', with_params(
                        ours.uri(), auth=f'sasl.{mech}')],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                p.stdin.write(b'list --name\n')
                p.stdin.flush()
                while b'test' not in p.stdout.readline():
                    assert p.poll() is None
                left = memory_has(p.pid, word.encode()[2:], wire[8:])
                p.communicate()
                same(left, [], mech)


# Where credentials come from ------------------------------------------------

def alone(argv, env):
    """Run without a terminal."""
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=60 * SLOW, start_new_session=True,
                       env=dict(os.environ, LC_ALL='C', **env))
    return p.returncode, p.stdout.split(), p.stderr


def test_credentials_in_order():
    with tempfile.TemporaryDirectory() as root:
        path = users(root, alice='a', bob='b', carol='c')
        home = os.path.join(root, 'home')
        os.makedirs(os.path.join(home, 'libvirt'))
        secret = os.path.join(root, 'secret')
        with open(secret, 'w') as f:
            f.write('c\n')
        os.chmod(secret, 0o600)
        with open(os.path.join(home, 'libvirt', 'auth.conf'), 'w') as f:
            f.write('[credentials-b]\nauthname=bob\npassword=b\n'
                    '[auth-libvirt-localhost]\ncredentials=b\n')
        with VirgatedPassword(path) as ours:
            def who(config='', uri='', **env):
                got = alone([*VIRGATE, '--config', client_config(
                    root, '[auth password]\n' + config), '-c',
                    ours.uri() + uri, 'list', '--name'],
                    {'XDG_CONFIG_HOME': home, **env})
                return ours.entries()[-1] if got[0] == 0 else got[2]
            mine = (f'[credentials default]\nauthname = carol\n'
                    f'password-file = {secret}\n')
            same(who(), 'bob')
            alices = credentials(root, 'alice', 'a')
            same(who(uri=f'&authfile={alices}'), 'alice')
            same(who(LIBVIRT_AUTH_FILE=alices), 'alice')
            same(who(mine, LIBVIRT_AUTH_FILE=alices), 'carol')
            os.chmod(secret, 0o640)
            assert 'chmod 0600' in who(mine), who(mine)
            said = who(LIBVIRT_AUTH_FILE='/nowhere')
            assert 'there is no file /nowhere' in said, said
            said = who(XDG_CONFIG_HOME='/nowhere')
            assert 'there is nobody to ask' in said, said
            assert '[credentials localhost] of client.conf' in said, said


def on_terminal(argv, answers, env=None):
    """Run on a terminal of its own and answer its questions; (status, all
    that was shown)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(env or {})
        os.execvp(argv[0], argv)
    shown, answers = '', list(answers)
    while True:
        if not select.select([fd], [], [], 30 * SLOW)[0]:
            raise AssertionError(shown)
        try:
            data = os.read(fd, 4096).decode(errors='replace')
        except OSError:
            break
        if not data:
            break
        shown += data
        if answers and shown.rstrip().endswith(':'):
            if 'User' not in shown.splitlines()[-1]:
                wait_until(lambda: not termios.tcgetattr(fd)[3] & termios.ECHO,
                           10, 'the echo to be off')
            os.write(fd, answers.pop(0).encode() + b'\n')
            shown += '\n'
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


def test_questions_on_the_terminal():
    with tempfile.TemporaryDirectory() as root:
        path = os.path.join(root, 'passwd')
        add = [*VIRGATE, 'passwd', 'add', 'alice', '--file', path]
        status, shown = on_terminal(add, ['one two', 'one three'])
        assert status == 1 and 'two different' in shown, shown
        assert not os.path.exists(path)
        status, shown = on_terminal(add, ['one two', 'one two'])
        same(status, 0, shown)
        assert 'one' not in shown, shown
        with VirgatedPassword(path) as ours:
            status, shown = on_terminal(
                [*VIRGATE, '--config', client_config(root), '-c', ours.uri(),
                 'list', '--name'], ['alice', 'one two'],
                {'XDG_CONFIG_HOME': root})
            assert status == 0 and 'test' in shown, shown
            assert 'one' not in shown, shown


# The editor -----------------------------------------------------------------

def test_editors_wait_for_each_other():
    with tempfile.TemporaryDirectory() as root:
        path = os.path.join(root, 'passwd')
        procs = []
        for i in range(12):
            p = subprocess.Popen([*VIRGATE, 'passwd', 'add', f'u{i}', '--file',
                                  path, '--stdin'], stdin=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL)
            p.stdin.write(b'x\n')
            p.stdin.close()
            procs.append(p)
        same([p.wait(60 * SLOW) for p in procs], [0] * 12)
        listed = passwd('list', '--file', path)[1]
        same(sorted(re.findall(r'\bu\d+', listed)),
             sorted(f'u{i}' for i in range(12)))
        same(os.listdir(root), ['passwd'])
        with open(path) as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            p = subprocess.Popen([*VIRGATE, 'passwd', 'delete', 'u0', '--file',
                                  path], stdout=subprocess.DEVNULL)
            try:
                p.wait(0.3)
                raise AssertionError('it did not wait')
            except subprocess.TimeoutExpired:
                pass
        same(p.wait(60 * SLOW), 0)


def test_editor_keeps_what_it_does_not_change():
    with tempfile.TemporaryDirectory() as root:
        path = users(root, alice='a', bob='b')
        same(os.stat(path).st_mode & 0o777, 0o600)
        with open(path) as f:
            text = f.read()
        link = os.path.join(root, 'link')
        os.symlink('passwd', link)
        with open(path, 'w') as f:
            f.write('# mine\n\n' + text)
        os.chmod(path, 0o640)
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
        passwd('groups', 'bob', 'x,y', '--file', link)
        passwd('change', 'alice', '--file', link, stdin='c')
        after = os.stat(path)
        same(after.st_mode & 0o777, 0o640)
        if os.geteuid() == 0:
            same((after.st_uid, after.st_gid), (65534, 65534))
        assert os.path.islink(link)
        with open(path) as f:
            lines = f.read().split('\n')
        same(lines[:2], ['# mine', ''])
        same([l.split(':')[0] for l in lines[2:-1]], ['alice', '*', 'bob'])
        assert lines[2].endswith(':alices,all') and lines[4].endswith(':x,y')
        same(lines[3] in text, True)


def test_what_the_editor_refuses():
    with tempfile.TemporaryDirectory() as root:
        path = users(root, alice='a')
        with open(path) as f:
            before = f.read()
        for argv, stdin, status, text in (
                (['add', 'alice'], 'x', 1, 'already'),
                (['change', 'bob'], 'x', 1, "no user 'bob'"),
                (['delete', 'bob'], None, 1, "no user 'bob'"),
                (['add', 'a:b'], 'x', 2, "no ':'"),
                (['add', '*'], 'x', 2, 'stands for'),
                (['add', ''], 'x', 2, 'needs a name'),
                (['add', 'bob'], '', 1, 'from 1 to 1024'),
                (['add', 'bob'], 'x' * 1025, 1, 'from 1 to 1024'),
                (['add', 'bob'], 'a\tb', 1, 'control characters'),
                (['add', 'bob', '--iterations', '4095'], 'x', 2, 'from 4096'),
                (['add', 'bob', '--iterations', '1000001'], 'x', 2, 'from'),
                (['add', 'bob', '--groups', 'a b'], 'x', 1, 'group'),
                (['add'], None, 2, 'usage'), (['list', 'x'], None, 2, 'usage'),
                (['frob'], None, 2, 'not one of')):
            got = passwd(*argv, '--file', path, stdin=stdin, check=status)
            assert text in got[2], (argv, got)
        os.chmod(path, 0o644)
        assert 'chmod 0600' in passwd('list', '--file', path, check=1)[2]
        with open(path) as f:
            same(f.read(), before)
        same(os.listdir(root), ['passwd'])


def test_what_virgated_says_of_the_file_at_start():
    with tempfile.TemporaryDirectory() as root:
        path = users(root, alice='a')
        for change, text in (
                (lambda: os.chmod(path, 0o644), 'chmod 0600'),
                (lambda: (os.chmod(path, 0o600),
                          open(path, 'a').write('x\n')), f'{path}:3: is not'),
                (lambda: os.unlink(path), 'virgate passwd add')):
            change()
            try:
                with VirgatedPassword(path):
                    raise AssertionError('it started')
            except AssertionError as e:
                assert text in str(e), e


if __name__ == '__main__':
    run()
