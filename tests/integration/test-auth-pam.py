#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""auth-pam with real stacks: pam_unix on users of the test's own, stacks that
refuse, hang, crash and ask for codes, and pam_wrapper."""
import concurrent.futures
import glob
import re

from lib import *
from plain import UNPUNISHED, may_enter, methods, plain
from plain import virsh as virsh_with_password
from rawrpc import Conn
import tls

HELPER = os.path.join(BUILD, 'plugins', 'auth-pam', 'virgate-pam-helper')

# Name, uid, groups, what /etc/shadow says after the password.
USERS = [('alice', 4001, ['ops'], '19000:0:99999:7:::'),
         ('bob', 4002, [], '19000:0:99999:7:::'),
         ('carol', 4003, ['ops'], '19000:0:99999:7::1:'),    # account expired
         ('dave', 4004, ['ops'], '0:0:99999:7:::')]          # password expired

UNIX = '''auth required pam_unix.so nodelay
account required pam_unix.so
'''

# A namespace in which PAM's configuration and the users are the test's.
SCRIPT = '''set -e
D=$0
mount --bind "$D/pam.d" /etc/pam.d
for f in passwd shadow group; do mount --bind "$D/$f" "/etc/$f"; done
exec "$@"
'''


def read(path):
    with open(path) as f:
        return f.read()


class Pam(Virgated):
    """virgated with a stack, as root of a namespace with its own users; all
    have the password 'wonderland'."""

    def __init__(self, stack=UNIX, keys='', daemon='', listen='', more='',
                 wrapper=(), services=None):
        need('unshare', 'openssl')
        if os.geteuid() != 0:
            raise Skip('wants root for a namespace')
        super().__init__('--verbose', config=f'''[daemon]
{daemon if 'auth-delay' in daemon else UNPUNISHED + daemon}
[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = pam
{listen}
[auth pam]
{keys}
{more}
[driver test]
''')
        self.wrapper = ['unshare', '--mount', '--propagation', 'private',
                        'sh', '-c', SCRIPT, self.dir, *wrapper]
        os.mkdir(self.path('pam.d'))
        for name, text in {'virgate': stack, **(services or {})}.items():
            self.write(f'pam.d/{name}', text.replace('@DIR@', self.dir), 0o644)
        self.make_users()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), 'w') as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def make_users(self):
        _, out, _ = command('openssl', 'passwd', '-6', '-salt', 'salt',
                            'wonderland', check=0)
        passwd, shadow, group = (read(f'/etc/{f}') for f in (
            'passwd', 'shadow', 'group'))
        members = ','.join(u[0] for u in USERS if 'ops' in u[2])
        group += f'ops:x:5001:{members}\n'
        for name, uid, _, rest in USERS:
            passwd += f'{name}:x:{uid}:{uid}::/nonexistent:/bin/sh\n'
            shadow += f'{name}:{out.strip()}:{rest}\n'
            group += f'{name}:x:{uid}:\n'
        self.write('passwd', passwd, 0o644)
        self.write('shadow', shadow)
        self.write('group', group, 0o644)


built = {}


def odd_module():
    need('gcc')
    if 'path' not in built:
        built['folder'] = tempfile.TemporaryDirectory()
        built['path'] = os.path.join(built['folder'].name, 'pam_odd.so')
        source = os.path.join(SOURCE, 'tests', 'integration', 'pam-odd.c')
        subprocess.run(['gcc', '-Wall', '-Wextra', '-Werror', '-shared',
                        '-fPIC', '-o', built['path'], source, '-lpam'],
                       check=True)
    return built['path']


def odd(argument):
    return f'auth required {odd_module()} {argument}\n' \
           'account required pam_permit.so\n'


def enters(daemon, user='alice', password='wonderland'):
    conn = plain(daemon.socket, user, password)
    if conn is None:
        return False
    conn.close()
    return True


def entered(daemon):
    return re.findall(r'let in as (.*)', daemon.log())


def children(pid):
    found = []
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/children') as f:
            found += f.read().split()
    return found


def tls_listener(pki):
    tls.make_pki(pki)
    return f'''[listen public]
transport = tls
address = 127.0.0.1
port = 0
auth = pam
verify-client = none
ca-cert = {pki}/cacert.pem
cert = {pki}/servercert.pem
key = {pki}/serverkey.pem
'''


def far_uri(daemon, pki):
    port = re.search(r'^ready listen public .*:(\d+)$', daemon.log(), re.M)[1]
    return f'test+tls://127.0.0.1:{port}/default?pkipath={pki}'


def manual_stack():
    page = read(os.path.join(SOURCE, 'plugins/auth-pam/virgate-auth-pam.7'))
    start = page.index('auth required pam_unix.so')
    return page[start:page.index('.Ed', start)]


# What PAM knows -------------------------------------------------------------

def test_stock_virsh_with_the_users_of_this_host():
    """The page's stack; right, wrong and unknown, on a local socket and over
    TLS."""
    with tempfile.TemporaryDirectory() as pki:
        with Pam(manual_stack(), listen=tls_listener(pki)) as d:
            far = far_uri(d, pki)
            for uri, host in (d.uri(), 'localhost'), (far, '127.0.0.1'):
                assert may_enter(uri, 'alice', 'wonderland', host=host), \
                    d.log()
                assert not may_enter(uri, 'alice', 'Wonderland', host=host)
                assert not may_enter(uri, 'mallory', 'wonderland', host=host)
            same(len(entered(d)), 2)
            for password, want in ('wonderland', 0), ('x', 3):
                same(virsh_with_password(d.uri(), 'alice', password,
                                         client=(RUN, 'virgate'))[0], want)
            assert 'alice (an exchange)' in entered(d)[0], entered(d)
            assert 'ops' in entered(d)[0], entered(d)
            log = d.log()
            for said in ('user alice: PAM service virgate: pam_authenticate: '
                         'Authentication failure', 'user mallory: '):
                assert said in log, log
            assert 'onderland' not in log, log


def test_accounts_that_are_not_in_order():
    for keys, lets_in in ('', False), ('require-account = no', True):
        with Pam(keys=keys) as d:
            assert enters(d, 'bob')
            same((enters(d, 'carol'), enters(d, 'dave')), (lets_in, lets_in))
            for said in ('user carol: PAM service virgate: pam_acct_mgmt: '
                         'User account has expired',
                         'user dave: PAM service virgate: pam_acct_mgmt: '
                         'Authentication token is no longer valid'):
                same(said in d.log(), not lets_in, d.log())


def test_lists_of_users_and_groups():
    for keys, who in (('users = bob', ['bob']), ('groups = ops', ['alice']),
                      ('users = bob\ngroups = ops', ['alice', 'bob']),
                      ('users = mallory', [])):
        with Pam(keys=keys) as d:
            same([u for u in ('alice', 'bob') if enters(d, u)], who, keys)
            assert len(who) == 2 or 'is in neither users nor groups of ' \
                '[auth pam]' in d.log(), d.log()


def test_refusals_are_alike_in_words_and_time():
    """A wrong password, an unknown user, one that no list names."""
    took, said = {}, {}
    with Pam(keys='users = alice', daemon='auth-delay = 400\n'
             'auth-delay-max = 400\nban-failures = 0\n') as d:
        assert enters(d)
        for user, password in (('alice', 'x'), ('mallory', 'x'),
                               ('bob', 'wonderland'), ('carol', 'wonderland')):
            times = []
            for _ in range(3):
                began = time.monotonic()
                same(enters(d, user, password), False)
                times.append(time.monotonic() - began)
            took[user] = min(times)
            status, out, err = virsh_with_password(d.uri(), user, password)
            said[user] = re.sub(r'reference [0-9a-f]{8}', '', err)
    same(len(set(said.values())), 1, str(said))
    assert max(took.values()) - min(took.values()) < 0.35, took


def test_offered_only_where_nobody_can_listen():
    with Pam(listen='''[listen net]
transport = tcp
address = 127.0.0.1
port = 0
auth = pam
''') as d:
        port = int(re.search(r'^ready listen net .*:(\d+)$', d.log(), re.M)[1])
        with Conn(port, open_name=None) as c:
            same(c.call(66).error[0], 45)
        with Conn(d.socket, open_name=None) as c:
            same(methods(c), [1])


# Stacks of all kinds --------------------------------------------------------

def test_stacks():
    permit = 'account required pam_permit.so\n'
    rows = [
        # stack, may alice enter with the right password, what the log says
        ('auth required pam_permit.so\n' + permit, True, 'alice (an exchange)'),
        ('auth required pam_deny.so\n' + permit, False,
         'Authentication failure'),
        ('auth required pam_permit.so\naccount required pam_deny.so\n', False,
         'pam_acct_mgmt: '),
        ('auth sufficient pam_unix.so nodelay\nauth required pam_deny.so\n'
         + permit, True, 'alice (an exchange)'),
        ('auth required /nonexistent/pam_x.so\n' + permit, False,
         'pam_authenticate: '),
        ('nonsense\n', False, 'PAM service virgate: '),
        ('', False, 'PAM service virgate: '),
        (odd('print') + '', False, 'Authentication failure'),
        (odd('exit'), False, 'a module ended the helper'),
        (odd('abort'), False, 'was killed by signal 6'),
        (odd('crash'), False, 'the helper '),
        (odd('stop'), False, 'the helper took too long'),
        (odd('map'), True, 'let in as bob (an exchange)'),
        (odd('nobody'), False, 'PAM service virgate: '),
        (odd('ask'), False, 'Authentication failure'),
        (odd('speak'), True, 'user alice: info: Good morning'),
        (odd('environment'), True, 'alice (an exchange)'),
    ]
    with Pam(keys=f'timeout = {max(1, round(SLOW))}',
             daemon='auth-timeout = 60',
             wrapper=['env', 'VIRGATE_PAM_TEST=yes',
                      'ASAN_OPTIONS=handle_segv=0:handle_abort=0']) as d:
        for stack, lets_in, said in rows:
            d.write('pam.d/virgate', stack, 0o644)
            before = len(d.log())
            same(enters(d), lets_in, stack + d.log()[before:])
            assert said in d.log()[before:], (stack, said, d.log()[before:])
        assert 'user alice: error: Bad evening' in d.log()
        wait_until(lambda: not children(d.process.pid), what='no zombies')


def test_module_cannot_answer_in_the_helper_s_name():
    """One that writes to every descriptor lets somebody in, as a module can
    in any case; but not by what it prints."""
    with Pam(odd('print')) as d:
        same(enters(d), False, d.log())
    with Pam(f'auth required {odd_module()} pretend\n', 'users = alice') as d:
        same(enters(d), False, d.log())


def test_unknown_service_is_refused():
    with Pam(keys='service = missing') as d:
        same(enters(d), False, d.log())
        assert 'PAM service missing' in d.log(), d.log()


def test_programs_below_pam_learn_the_address_and_no_secret():
    """pam_exec; PAM_RHOST is set for remote peers only."""
    with tempfile.TemporaryDirectory() as pki, \
            Pam('auth required pam_exec.so quiet expose_authtok @DIR@/check\n'
                'account required pam_permit.so\n',
                listen=tls_listener(pki)) as d:
        d.write('check', f'''#!/bin/sh
env >{d.dir}/environment
tr '\\0' ' ' </proc/$PPID/cmdline >{d.dir}/cmdline
tr '\\0' '\\n' </proc/$PPID/environ >>{d.dir}/environment
exec grep -q '^wonderland'
''', 0o700)
        assert not enters(d, 'alice', 'x')
        assert enters(d), d.log()
        local = read(d.path('environment'))
        assert may_enter(far_uri(d, pki), 'alice', 'wonderland',
                         host='127.0.0.1'), d.log()
        far = read(d.path('environment'))
        for want in 'PAM_USER=alice', 'PAM_SERVICE=virgate', 'PAM_TTY=virgate':
            assert want in local and want in far, far
        assert 'PAM_RHOST' not in local and 'PAM_RHOST=127.0.0.1\n' in far, far
        assert 'wonderland' not in local + far + read(d.path('cmdline'))


def test_codes():
    with Pam(odd('otp'), 'otp-length = 6') as d:
        for user, password, lets_in in (
                ('alice', 'wonderland123456', True),
                ('alice', 'wonderland123457', False),
                ('alice', 'wonderlane123456', False),
                ('alice', 'wonderland', False),
                ('alice', '123456', False),
                ('bob', 'wonderland123456', False)):
            same(enters(d, user, password), lets_in, password)
        assert 'no longer than a code' in d.log(), d.log()
    with Pam(odd('otp')) as d:
        same(enters(d, 'alice', 'wonderland123456'), False)


def test_sizes():
    with Pam('auth required pam_permit.so\naccount required pam_permit.so\n'
             ) as d:
        same(enters(d, 'alice', 'x' * 511), True, d.log())
        same(enters(d, 'alice', 'x' * 512), False)
        same(enters(d, 'alice', ''), False)
        same(enters(d, 'u' * 255, 'x'), True)
        assert 'longer than PAM takes' in d.log()


# Bounds ---------------------------------------------------------------------

HANG = ('auth required pam_exec.so quiet @DIR@/hang\n'
        'account required pam_permit.so\n')


def hanging(daemon):
    """Programs that pam_exec started, in sessions of their own."""
    try:
        return read(daemon.path('pids')).split()
    except FileNotFoundError:
        return []


def ended(pid):
    """Is a process gone, or dead and somebody else's to bury?"""
    try:
        return read(f'/proc/{pid}/stat').rsplit(')', 1)[1].split()[0] == 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_stack_that_hangs():
    """It is given up after its time; meanwhile others log in elsewhere, and
    the daemon still ends."""
    d = Pam(UNIX, 'service = slow\ntimeout = 300\nmax-processes = 3\n'
            'max-wait = 0', daemon='auth-timeout = 300',
            services={'slow': HANG, 'virgate': UNIX},
            listen='''[listen other]
transport = unix
path = @DIR@/other
mode = 0700
auth = pam-quick
[auth pam-quick]
module = pam
''')
    d.write('hang', f'#!/bin/sh\necho $$ >>{d.dir}/pids\nexec sleep 300\n',
            0o700)
    with d:
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            slow = [pool.submit(enters_or_ends, d) for _ in range(3)]
            wait_until(lambda: len(children(d.process.pid)) == 3)
            same(enters(d), False)
            assert 'max-processes = 3 of [auth pam] are running' in d.log()
            conn = plain(d.path('other'), 'alice', 'wonderland')
            assert conn is not None, d.log()
            conn.close()
            wait_until(lambda: len(hanging(d)) == 3)
            pids = children(d.process.pid) + hanging(d)
            began = time.monotonic()
            d.stop()
            assert time.monotonic() - began < 9 * SLOW
            same([f.result() for f in slow], [False] * 3)
        wait_until(lambda: all(ended(p) for p in pids),
                   what='the helpers and their programs to end')
    d = Pam(HANG, f'timeout = {max(1, round(SLOW))}')
    d.write('hang', f'#!/bin/sh\necho $$ >>{d.dir}/pids\nexec sleep 300\n',
            0o700)
    with d:
        same(enters(d), False)
        assert 'the helper took too long' in d.log(), d.log()
        same(children(d.process.pid), [])
        wait_until(lambda: all(ended(p) for p in hanging(d)),
                   what='what pam_exec started to end')


def enters_or_ends(daemon):
    try:
        return enters(daemon)
    except Exception:
        return False


def test_many_at_once():
    with Pam(keys='max-wait = 300\ntimeout = 300',
             daemon='auth-timeout = 300') as d:
        assert enters(d)
        fds = descriptors(d.process.pid)
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            got = list(pool.map(lambda n: enters(
                d, 'alice', 'wonderland' if n % 5 else 'x'), range(50)))
        same(got, [n % 5 != 0 for n in range(50)])
        wait_until(lambda: descriptors(d.process.pid) <= fds, what='no leaks')
        same(children(d.process.pid), [])


# pam_wrapper ----------------------------------------------------------------

def sanitizer():
    _, out, _ = command('ldd', HELPER)
    found = re.search(r'(/\S*lib[at]san\S*)', out)
    return found[1] + ' ' if found else ''


def test_pam_wrapper_and_its_matrix():
    """Without root: PAM's own library, directed at a folder of the test's by
    the daemon's environment, which the helper inherits."""
    library = glob.glob('/usr/lib/*/libpam_wrapper.so')
    matrix = glob.glob('/usr/lib/*/pam_wrapper/pam_matrix.so')
    if not library or not matrix:
        raise Skip('pam_wrapper is not installed')
    d = Virgated('--verbose', config='''[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = pam
[auth pam]
service = matrix
[driver test]
''')
    os.mkdir(os.path.join(d.dir, 'pam'))
    with open(os.path.join(d.dir, 'passdb'), 'w') as f:
        f.write('alice:wonderland:matrix\nbob:secret:elsewhere\n')
    with open(os.path.join(d.dir, 'pam', 'matrix'), 'w') as f:
        for kind in 'auth', 'account':
            f.write(f'{kind} required {matrix[0]} passdb={d.dir}/passdb\n')
    d.wrapper = ['env', f'LD_PRELOAD={sanitizer()}{library[0]}',
                 'PAM_WRAPPER=1', f'PAM_WRAPPER_SERVICE_DIR={d.dir}/pam',
                 f'PAM_WRAPPER_RUNTIME_DIR={d.dir}/run',
                 'ASAN_OPTIONS=detect_leaks=0']
    with d:
        assert may_enter(d.uri(), 'alice', 'wonderland'), d.log()
        assert not may_enter(d.uri(), 'alice', 'secret')
        assert not may_enter(d.uri(), 'bob', 'secret')  # another service's
        assert not may_enter(d.uri(), 'carol', 'x')
        assert 'alice (an exchange)' in entered(d)[0]


# Configuration --------------------------------------------------------------

def complaint(*lines):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'c')
        with open(path, 'w') as f:
            f.write(f'[listen a]\ntransport = unix\npath = {folder}/s\n'
                    'auth = pam\n[auth pam]\n' + '\n'.join(lines)
                    + '\n[driver test]\n')
        status, out, err = command(RUN, 'virgated', '--check', '--config',
                                   path)
        return '' if status == 0 else out + err


def test_configuration_is_checked():
    same(complaint(), '')
    assert 'is not the name of a service' in complaint('service = ../shadow')
    assert 'No such file' in complaint('helper = /nonexistent')
    assert 'no program that we may run' in complaint('helper = /etc/passwd')
    assert 'otp-length' in complaint('otp-length = 65')


if __name__ == '__main__':
    run()
