#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""auth-exec: programs that answer, that answer nonsense, that hang, and what
they are told; with stock virsh and by hand."""
import concurrent.futures
import re
import stat

from lib import *
from plain import UNPUNISHED, may_enter, methods, plain
from plain import virsh as virsh_with_password
from rawrpc import AUTH_LIST, Conn, Ended
import tls

PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


class Exec(Virgated):
    """virgated that asks a script; the script finds its folder in $1."""

    def __init__(self, script, keys='', interpreter='/bin/sh', auth='exec',
                 more='', daemon='', mode=0o700):
        super().__init__('--verbose', config=f'''[daemon]
{daemon if 'auth-delay' in daemon else UNPUNISHED + daemon}
[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = {auth}

[auth exec]
command = @DIR@/script @DIR@
{keys}

{more}
[driver test]
''')
        self.write('script', f'#!{interpreter}\n{script}\n', mode)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), 'w') as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def enters(self):
        return virsh(self.uri(), 'list', '--name')[0] == 0


def identity(daemon):
    """The names of those who were let in, by the log."""
    return re.findall(r'let in as (.*?) \(', daemon.log(), re.M)


def ended(pid):
    """Is a process gone, or dead and somebody else's to bury?"""
    try:
        with open(f'/proc/{pid}/stat') as f:
            return f.read().rsplit(')', 1)[1].split()[0] == 'Z'
    except FileNotFoundError:
        return True


def children(pid):
    """Processes whose parent a process is, dead ones too."""
    found = []
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/children') as f:
            found += f.read().split()
    return found


# What the page promises -----------------------------------------------------

def manual_example(which):
    with open(os.path.join(SOURCE, 'plugins/auth-exec/virgate-auth-exec.7'),
              encoding='utf-8') as f:
        page = f.read()
    start = page.index(which)
    return page[start:page.index('.Ed', start)].replace('\\e', '\\')


def test_the_page_s_password_program_works():
    script = manual_example('#!/usr/bin/python3')
    with Exec('', 'password = yes') as d:
        d.write('script', script, 0o700)
        assert may_enter(d.uri(), 'alice', 'wonderland')
        assert not may_enter(d.uri(), 'alice', 'Wonderland')
        assert not may_enter(d.uri(), 'bob', 'wonderland')
        same(identity(d), ['alice'])
        same(len(re.findall(r'script said no: wrong name or password',
                            d.log())), 2, d.log())


def test_the_page_s_certificate_program_works():
    need('certtool')
    script = manual_example('#!/bin/sh').replace('192.0.2.', '127.0.0.')
    with tempfile.TemporaryDirectory() as pki:
        maker = tls.Maker(pki)
        maker.ca('ca')
        maker.server('server', 'ca')
        for name in 'vm1.ops.example.com', 'vm1.example.com':
            maker.sign(name, 'client', [
                f'cn = "{name}"', 'organization = "Example"', 'signing_key',
                'encryption_key', 'tls_www_client'], ca='ca')
            shutil.copy(os.path.join(pki, 'ca', 'cacert.pem'),
                        os.path.join(pki, name, 'cacert.pem'))
        shutil.copy(os.path.join(pki, 'ca', 'cacert.pem'),
                    os.path.join(pki, 'server', 'cacert.pem'))
        path = os.path.join(pki, 'who-may-enter')
        with open(path, 'w') as f:
            f.write(script)
        os.chmod(path, 0o700)
        with tls.VirgatedTls(os.path.join(pki, 'server'), '--verbose',
                             crl=False, auth='x509+exec',
                             more=f'[auth exec]\ncommand = {path}') as d:
            client = os.path.join(pki, 'vm1.ops.example.com')
            status, out = tls.virsh(d.uri_tls(client), ok=False)
            same((status, out.split()), (0, ['test']), out + d.log())
            status, out = tls.virsh(d.uri_tls(os.path.join(
                pki, 'vm1.example.com')), ok=False)
            assert status != 0 and 'not one of ours' not in out, out
            assert 'said no: not one of ours' in d.log(), d.log()


# What it is told ------------------------------------------------------------

def test_program_is_told_the_facts_and_nothing_else():
    script = '''cat >"$1/question"
env | sort >"$1/environment"
ls -l /proc/self/fd | sed 's/.* //' >"$1/descriptors"
echo "$#" >"$1/arguments"; ps -o sid=,pgid= -p $$ >"$1/session"
echo yes somebody'''
    with Exec(script) as d:
        hold = [socket.socketpair() for _ in range(20)]
        assert d.enters(), d.log()
        lines = [l.split(' ', 2) for l in d.read('question').splitlines()]
        same(lines[0], ['virgate', '-', '1'])
        told = {key: (vouch, value) for key, vouch, value in lines}
        same(told['section'], ('-', 'auth exec'))
        same(told['transport'], ('kernel', 'unix'))
        same(told['listener'], ('kernel', 'local'))
        same(told['uid'], ('kernel', str(os.getuid())))
        assert 'pid' in told and 'password' not in told, told
        env = [l for l in d.read('environment').splitlines()
               if not l.startswith(('PWD=', '_=', 'OLDPWD=', 'SHLVL='))]
        same(env, ['LANG=C.UTF-8', PATH])
        # 3 is the folder that ls reads.
        seen = d.read('descriptors').split()
        assert len([l for l in seen if 'pipe' in l or 'memfd' in l
                    or l.endswith('/fd') or 'input' in l]) <= 5, seen
        assert not [l for l in seen if 'socket' in l or 'eventpoll' in l
                    or 'eventfd' in l], seen
        same(d.read('arguments').split(), ['1'])
        sid, pgid = d.read('session').split()
        assert sid == pgid != str(os.getsid(0))
        for pair in hold:
            for s in pair:
                s.close()
        same(identity(d), ['somebody'])


def test_secrets_are_on_standard_input_only():
    script = '''cat >"$1/question"
tr '\\0' ' ' </proc/$$/cmdline >"$1/cmdline"; env >"$1/environment"
echo yes; echo group staff'''
    with Exec(script, 'password = yes') as d:
        plain(d.socket, 'al%ice', 'se cr%2et=\\n$(id)"').close()
        lines = d.read('question').splitlines()
        same(lines[-2:], ['user claim al%ice',
                          'password claim se cr%2et=\\n$(id)"'])
        assert 'cr%2et' not in d.read('cmdline') + d.read('environment')
        assert 'cr%2et' not in d.log()
        same(identity(d), ['al%ice'])


def test_values_that_could_be_misread_are_not_passed_on():
    with Exec('echo yes', 'password = yes') as d:
        for password in 'a\nuser claim root', '', ' a', 'a ', 'a\x7f', 'a\tb':
            assert plain(d.socket, 'alice', password) is None, password
        same(d.log().count('no program is asked about that'), 6, d.log())
        conn = plain(d.socket, 'alice', 'a b  c')
        assert conn is not None
        conn.close()


def test_password_is_asked_for_only_where_nobody_can_listen():
    with Exec('echo yes', 'password = yes', more='''[listen net]
transport = tcp
address = 127.0.0.1
port = 0
auth = exec
''') as d:
        try:
            with Conn(d.port, open_name=None) as c:
                reply = c.call(AUTH_LIST)
                same(reply.error[0], 45, str(reply))
        except Ended:
            pass
        with Conn(d.socket, open_name=None) as c:
            same(methods(c), [1])


# What it may answer ---------------------------------------------------------

ANSWERS = [
    # script, may it enter, what the log says
    ('echo yes bob', True, 'let in as bob ('),
    ("printf 'yes bob'", True, 'let in as bob ('),
    ("printf 'yes b'; printf 'o'; printf 'b\\n'", True, 'let in as bob ('),
    ("printf 'yes bob\\ngroup a\\ngroup b c\\n'", True, 'let in as bob ('),
    ('echo no', False, 'said no'),
    ('echo no because of that', False, 'said no: because of that'),
    ('echo pass', False, 'no authentication method accepts it'),
    ('echo yes', False, 'not who it is'),
    ('echo yes bob; exit 1', False, 'exited with status 1'),
    ('echo yes bob; kill -9 $$', False, 'was killed by signal 9'),
    ('exit 0', False, 'malformed: it is empty'),
    ('echo', False, 'malformed'),
    ('echo YES bob', False, 'malformed'),
    ('echo yesbob', False, 'malformed'),
    ('echo "yes  bob"', False, 'malformed'),
    ('echo yes bob; echo', False, 'malformed'),
    ('echo yes bob; echo groups x', False, 'malformed'),
    ('echo no; echo yes bob', False, 'malformed'),
    ("printf 'yes bob\\r\\n'", False, 'control characters'),
    ("printf 'yes bo\\0b\\n'", False, 'control characters'),
    ('echo yes bob; seq -f "group %g" 1 300', False, 'too many groups'),
    ('echo yes $(head -c 300 /dev/zero | tr "\\0" x)', False, 'too long'),
    ('exec cat /dev/zero', False, 'wrote more than 65536 bytes'),
    ('echo yes bob; exec cat /dev/zero >&2', False, 'took too long'),
    ('echo yes bob; head -c 9999999 /dev/zero >&2', True, 'let in as bob ('),
    ('exec 1>&-; exec sleep 60', False, 'took too long'),
    ('exec sleep 60', False, 'took too long'),
    ('trap "" TERM INT HUP; while :; do sleep 1; done', False, 'too long'),
    ('sleep 60 & echo yes bob', True, 'let in as bob ('),
    ('kill -STOP $$', False, 'took too long'),
    ('exec /nonexistent', False, 'exited with status'),
]


def test_answers_and_ends_of_every_kind():
    with Exec('. "$1/now"', f'timeout = {max(1, round(SLOW))}',
              daemon='auth-timeout = 60') as d:
        for script, enters, said in ANSWERS:
            d.write('now', script)
            before = len(d.log())
            same(d.enters(), enters, script + '\n' + d.log()[before:])
            wait_until(lambda: said in d.log()[before:],
                       what=f'{said} after {script}: {d.log()[before:]}')
        wait_until(lambda: not children(d.process.pid), what='no zombies')
        fds = descriptors(d.process.pid)
        for _ in range(20):
            Conn(d.socket, open_name=None).close()
        wait_until(lambda: descriptors(d.process.pid) <= fds
                   and not children(d.process.pid), what='no leaks')


def test_refused_peer_learns_no_reason():
    with Exec('echo no secret reason') as d:
        status, _, err = virsh(d.uri(), 'list')
        assert status != 0 and 'secret' not in err, err
        assert 'reference' in err, err


def test_group_is_killed_with_its_leader():
    """Whether it answers or is killed; what keeps the output open is not
    waited for."""
    for end in 'echo yes bob', 'exec sleep 100':
        with Exec(f'(sleep 101 & echo $! >"$1/pid"; exec sleep 102) & '
                  f'while ! [ -s "$1/pid" ]; do sleep 0.01; done; {end}',
                  f'timeout = {max(1, round(SLOW))}') as d:
            began = time.monotonic()
            same(d.enters(), 'yes' in end)
            assert time.monotonic() - began < 50
            pid = int(d.read('pid'))
            wait_until(lambda: ended(pid), what='the grandchild to end')


def test_python_that_writes_in_pieces():
    script = '''import sys, time
said = sys.stdin.read().splitlines()
assert said[0] == 'virgate - 1', said
for piece in 'y', 'es ', 'pie', 'ces', '\\ngroup', ' g\\n':
    sys.stdout.write(piece)
    sys.stdout.flush()
    time.sleep(0.02)'''
    with Exec(script, interpreter='/usr/bin/python3') as d:
        assert d.enters(), d.log()
        same(identity(d), ['pieces'])


def test_errors_reach_the_log():
    with Exec('echo "first thing" >&2; echo second >&2; echo no') as d:
        assert not d.enters()
        assert 'script: first thing' in d.log() and 'script: second' in d.log()


# Chains ---------------------------------------------------------------------

def test_chain_tells_what_others_found():
    script = 'cat >"$1/question"; echo yes; echo group more'
    with Exec(script, auth='peercred+exec', more='[auth peercred]\n'
              'users = *\n') as d:
        assert d.enters(), d.log()
        question = d.read('question')
        assert 'method - peercred\n' in question, question
        name = re.search(r'^identity kernel (.*)$', question, re.M)[1]
        same(identity(d), [name])


def test_chain_with_a_password_tells_both():
    script = 'cat >"$1/question"; echo yes'
    with Exec(script, 'password = yes', auth='peercred+exec',
              more='[auth peercred]\nusers = *\n') as d:
        plain(d.socket, 'alice', 'x').close()
        question = d.read('question')
        assert 'method - peercred\n' in question, question
        assert '\nidentity kernel ' in question, question
        assert 'identity exchange' not in question, question
        assert question.endswith('user claim alice\npassword claim x\n')
        same(identity(d), ['alice'])


def test_pass_asks_the_next_alternative():
    with Exec('echo pass', auth='exec peercred',
              more='[auth peercred]\nusers = *\n') as d:
        assert d.enters(), d.log()
        assert 'peercred' in re.search('let in.*', d.log())[0], d.log()


# Bounds ---------------------------------------------------------------------

def test_many_strangers_wait_for_their_turn():
    """200 at once with four processes: all are answered, never more than four
    run, nothing is left over."""
    script = '''mkdir "$1/running/$$" && ls "$1/running" | wc -l >>"$1/most"
while read -r key vouch value; do
  case $key in user) user=$value ;; esac
done
sleep 0.02; rmdir "$1/running/$$"; echo "yes $user"'''
    with Exec(script, 'password = yes\nmax-processes = 4\nmax-wait = 300\n'
              'timeout = 300', daemon='auth-timeout = 300\n') as d:
        os.mkdir(d.path('running'))
        fds = descriptors(d.process.pid)
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            conns = list(pool.map(
                lambda n: plain(d.socket, f'user{n}', 'x', 120), range(200)))
        same(conns.count(None), 0)
        same(sorted(identity(d)), sorted(f'user{n}'
                                         for n in range(200)))
        most = [int(n) for n in d.read('most').split()]
        same((len(most), max(most) <= 4), (200, True), str(max(most)))
        for conn in conns:
            conn.close()
        wait_until(lambda: descriptors(d.process.pid) <= fds, what='no leaks')
        same(children(d.process.pid), [])


def test_who_waits_too_long_is_refused_and_the_log_says_so():
    with Exec('if mkdir "$1/first"; then exec sleep 100; fi; echo yes bob',
              'max-processes = 1\nmax-wait = 0\ntimeout = 120',
              daemon='auth-timeout = 120') as d:
        with Conn(d.socket, open_name=None):
            wait_until(lambda: os.path.exists(d.path('first')))
            assert not d.enters()
            assert 'max-processes = 1 of [auth exec] are running' in d.log()
        # The daemon ends all the same, and the program with it.
        pids = children(d.process.pid)
        same(len(pids), 1)
        began = time.monotonic()
        d.stop()
        assert time.monotonic() - began < 9 * SLOW
        wait_until(lambda: ended(int(pids[0])), what='the program to end')


def test_hanging_program_stops_nobody_else():
    """Remote peers whose program hangs: local ones and calls go on."""
    d = Exec('', auth='peercred', daemon='auth-timeout = 60', more='''
[auth peercred]
users = *

[auth hang]
module = exec
command = @DIR@/hang
timeout = 60
max-processes = 50
max-wait = 60

[listen net]
transport = tcp
address = 127.0.0.1
port = 0
auth = hang
''')
    d.write('hang', '#!/bin/sh\nexec sleep 60\n', 0o700)
    with d, Conn(d.socket) as friend:
        strangers = [socket.create_connection(('127.0.0.1', d.port))
                     for _ in range(60)]
        # One source gets three quarters of auth-workers.
        wait_until(lambda: len(children(d.process.pid)) >= 24)
        began = time.monotonic()
        assert d.enters(), d.log()
        friend.call(59)
        assert time.monotonic() - began < 5 * SLOW
        for s in strangers:
            s.close()


# Configuration --------------------------------------------------------------

def complaint(command_line, keys=''):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'c')
        with open(path, 'w') as f:
            f.write(f'[listen a]\ntransport = unix\npath = {folder}/s\n'
                    f'auth = exec\n[auth exec]\n{command_line}\n{keys}\n'
                    '[driver test]\n')
        status, out, err = command(RUN, 'virgated', '--check', '--config',
                                   path)
        return '' if status == 0 else out + err


def test_command_is_checked_at_start():
    same(complaint('command = /bin/sh -c true'), '')
    assert 'needs a command' in complaint('')
    assert 'absolute path' in complaint('command = sh')
    assert 'No such file' in complaint('command = /nonexistent')
    assert 'no program that we may run' in complaint('command = /etc')
    assert 'no program that we may run' in complaint('command = /etc/passwd')
    assert 'timeout' in complaint('command = /bin/sh', 'timeout = 0')
    assert 'more than 64 words' in complaint('command = /bin/sh' + ' a' * 70)


def test_root_runs_nothing_that_others_can_change():
    if os.geteuid() != 0:
        raise Skip('is not root')
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, 'p')
        shutil.copy('/bin/true', path)
        same(complaint(f'command = {path}'), '')
        os.chmod(path, 0o775)
        assert 'others than its owner can write' in complaint(
            f'command = {path}')
        os.chmod(path, 0o755)
        os.chown(path, 65534, 0)
        assert 'belongs to uid 65534' in complaint(f'command = {path}')
        os.chown(path, 0, 0)
        link = os.path.join(folder, 'link')
        os.symlink('/bin/true', link)
        same(complaint(f'command = {link}'), '')
        os.lchown(link, 65534, 0)       # who has it leads it elsewhere
        assert 'belongs to uid 65534' in complaint(f'command = {link}')
        os.chmod(folder, 0o777)
        assert 'others than its owner can write' in complaint(
            f'command = {path}')
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o777


if __name__ == '__main__':
    run()
