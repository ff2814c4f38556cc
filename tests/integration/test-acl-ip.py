#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may connect, by address and by identity: stock virsh and bare sockets
on virgated; and --explain, whose answers are what really happens."""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

import tls
from lib import *
from plain import plain
from rawrpc import *

def net(acl, listener='address = 127.0.0.1 ::1', more=''):
    """A config with one TCP port, without authentication, and this list."""
    return f'''[listen net]
transport = tcp
{listener}
port = 0
allow-anonymous = yes
acl = list
{more}

[acl list]
module = ip
{acl}

[driver test]
'''


class Daemon(Virgated):
    """virgated with a config; ports by listener."""

    def port_of(self, listener):
        return int(re.search(rf'^ready listen {listener} \S+ .*:(\d+)$',
                             self.log(), re.M)[1])

    def is_ready(self):
        return len(re.findall(r'^ready listen (\S+).*\n', self.log(), re.M)) \
            >= self.config.count('[listen ')

    def refusals(self):
        return re.findall(r'refused: (.*)$', self.log(), re.M)

    def explain(self, question):
        status, out, err = command(
            RUN, 'virgated', '--config',
            os.path.join(self.dir, 'virgated.conf'), '--explain', question)
        return status, out + err


def connect(host, port, source=None):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    s = socket.socket(family)
    s.settimeout(20 * SLOW)
    if source:
        s.bind((source, 0))
    s.connect((host, port))
    return s


def is_closed_silently(s):
    """The other side closes without a byte."""
    try:
        return s.recv(1) == b''
    except ConnectionResetError:
        return True


def enters(s):
    """Does a connected socket get as far as an open connection?  'in', 'ro'
    or 'refused'."""
    conn = Conn.__new__(Conn)
    conn.s, conn.serial, conn.buffer = s, 0, b''
    try:
        if conn.call(AUTH_LIST).status != OK:
            return 'refused'
        reply = conn.open()
        if reply.status != OK:
            return 'refused'
        reply = conn.call(SUSPEND, domain())
        if reply.status == OK:
            assert conn.call(RESUME, domain()).status == OK
            return 'in'
        assert 'read only' in reply.error[2] or 'read-only' in reply.error[2] \
            or 'denied' in reply.error[2] or 'forbidden' in reply.error[2], \
            reply.error
        return 'ro'
    except (Ended, OSError):
        return 'refused'
    finally:
        conn.close()


def test_addresses_are_refused_before_a_byte_is_read():
    need('strace')
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, 'trace')
        wrapper = ['strace', '-D', '-f', '-o', trace, '-e',
                   'trace=accept4,read,readv,recvmsg,recvfrom,write,writev,'
                   'sendmsg,sendto,close']
        os.environ['ASAN_OPTIONS'] = 'detect_leaks=0'
        try:
            with Daemon(config=net('deny = 127.0.0.2'),
                        wrapper=wrapper) as d:
                port = d.port_of('net')
                with connect('127.0.0.1', port, '127.0.0.2') as s:
                    s.send(message(AUTH_LIST))
                    assert is_closed_silently(s)
                same(enters(connect('127.0.0.1', port)), 'in')
                same(d.refusals(), [f'deny = 127.0.0.2 ({d.dir}/virgated.conf'
                                    ':11, [acl list])'])
        finally:
            del os.environ['ASAN_OPTIONS']
        wait_until(lambda: '+++ exited' in open(trace).read(), 10, 'strace')
        calls = open(trace).read()
        fd = re.search(r'accept4\(.*127\.0\.0\.2.*\) = (\d+)|'
                       r'accept4\(.*\) = (\d+)', calls)
        number = fd[1] or fd[2]
        after = calls[fd.end():].splitlines()
        first = next(line for line in after
                     if re.search(rf'\b\w+\({number}[,)]', line))
        assert f'close({number}' in first, first


def test_virsh_from_a_refused_address_is_told_nothing():
    with Daemon(config=net('allow = ::1 192.0.2.0/24')) as d:
        port = d.port_of('net')
        status, out, err = virsh(f'test+tcp://127.0.0.1:{port}/default', 'list')
        assert status != 0 and re.search('End of file|reset|closed', err), err
        same(virsh(f'test+tcp://[::1]:{port}/default', 'list', '--name',
                   check=0)[1].strip(), 'test')
        same(d.refusals(), ['no allow entry matches ([acl list])'])


def test_mapped_addresses_are_ipv4_addresses():
    """On a socket for both families, which systemd may hand over."""
    for acl, want4, want6 in (('allow = 127.0.0.0/8', 'in', 'refused'),
                              ('allow = ::ffff:127.0.0.0/104', 'in',
                               'refused'),
                              ('allow = ::/0', 'refused', 'in'),
                              ('deny = any4', 'refused', 'in'),
                              ('deny = ::ffff:0:0/96', 'refused', 'in'),
                              ('allow = any', 'in', 'in')):
        with socket.socket(socket.AF_INET6) as both:
            both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            both.bind(('::', 0))
            both.listen(10)
            port = both.getsockname()[1]
            script = (f'exec 3<&{both.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 '
                      'LISTEN_FDNAMES=net; export LISTEN_PID LISTEN_FDS '
                      'LISTEN_FDNAMES; exec "$@"')
            os.set_inheritable(both.fileno(), True)
            d = Daemon(config=net(acl), wrapper=['sh', '-c', script, 'sh'])
            spawn = d.spawn
            d.spawn = lambda argv: spawn(argv, pass_fds=[both.fileno()])
            with d:
                same(enters(connect('127.0.0.1', port)), want4, acl)
                same(enters(connect('::1', port)), want6, acl)


def rewrite(path, text):
    with open(path + '.new', 'w') as f:
        f.write(text)
    os.chmod(path + '.new', 0o644)
    os.rename(path + '.new', path)


def test_files_are_read_again_when_they_change():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'abusers')
        rewrite(path, '127.0.0.2\n')
        with Daemon(config=net(f'deny-file = {path}')) as d:
            port = d.port_of('net')

            def enters_from(source):
                return enters(connect('127.0.0.1', port, source))

            same(enters_from('127.0.0.2'), 'refused')
            same(enters_from('127.0.0.3'), 'in')
            same(d.refusals()[0], f'deny = 127.0.0.2 ({path}:1, [acl list])')
            # Whoever is in stays in; the new list is for newcomers.
            with Conn(port) as old:
                rewrite(path, '# new\n127.0.0.3\n127.0.0.1\n')
                wait_until(lambda: enters_from('127.0.0.3') == 'refused', 20,
                           'the new list')
                same(old.call(HOSTNAME).status, OK)
            same(enters_from('127.0.0.2'), 'in')
            same(d.refusals()[-1], f'deny = 127.0.0.3 ({path}:2, [acl list])')
            # A mistake changes nothing, and is named by file and line.
            rewrite(path, '127.0.0.2\n127.0.0.1/8\n')
            wait_until(lambda: f'{path}:2: ' in d.log(), 20, 'an error')
            assert 'did you mean 127.0.0.0/8' in d.log(), d.log()
            same(enters_from('127.0.0.3'), 'refused')
            same(enters_from('127.0.0.2'), 'in')


def test_files_and_keys_are_read_again_on_sighup():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'friends')
        rewrite(path, '127.0.0.1\n')
        with Daemon(config=net(f'allow-file = {path}')) as d:
            port = d.port_of('net')
            conf = os.path.join(d.dir, 'virgated.conf')

            def enters_from(source):
                return enters(connect('127.0.0.1', port, source))

            same(enters_from('127.0.0.2'), 'refused')
            # In place, without a new inode.
            with open(path, 'a') as f:
                f.write('127.0.0.2\n')
            d.process.send_signal(signal.SIGHUP)
            wait_until(lambda: enters_from('127.0.0.2') == 'in', 20, 'a list')
            with open(conf) as f:
                text = f.read()
            rewrite(conf, text.replace('module = ip',
                                       'module = ip\ndeny = 127.0.0.1'))
            d.process.send_signal(signal.SIGHUP)
            wait_until(lambda: enters_from('127.0.0.1') == 'refused', 20,
                       'a key')
            rewrite(conf, text.replace('module = ip',
                                       'module = ip\ndeny = 127.0.0.300'))
            d.process.send_signal(signal.SIGHUP)
            wait_until(lambda: 'goes on as before' in d.log(), 20, 'an error')
            assert "virgated.conf:11: [acl list] deny: '127.0.0.300'" \
                in d.log(), d.log()
            same(enters_from('127.0.0.1'), 'refused')
            same(enters_from('127.0.0.2'), 'in')


def watches(pid):
    """Files that a process has an eye on."""
    count = 0
    for name in os.listdir(f'/proc/{pid}/fdinfo'):
        with open(f'/proc/{pid}/fdinfo/{name}') as f:
            count += sum(line.startswith('inotify') for line in f)
    return count


def test_nothing_is_left_of_a_configuration_that_is_refused():
    with Virgated() as d:
        conf = os.path.join(d.dir, 'virgated.conf')
        with open(conf) as f:
            text = f.read()
        before = watches(d.process.pid)
        for i in range(3):
            folder = os.path.join(d.dir, str(i))
            os.mkdir(folder)
            rewrite(os.path.join(folder, 'list'), '192.0.2.0/24\n')
            rewrite(conf, f'{text}[acl list]\nmodule = ip\n'
                    f'allow-file = {folder}/list\n'
                    '[acl wrong]\nmodule = ip\nno-key = 1\n')
            d.process.send_signal(signal.SIGHUP)
            wait_until(lambda: d.log().count('goes on as before') == i + 1,
                       20, 'an error')
            same(watches(d.process.pid), before, i)


def test_a_long_file_is_read_in_time():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'long')
        rewrite(path, ''.join(f'10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\n'
                              for n in range(100000)) + '127.0.0.2\n')
        with Daemon(config=net(f'deny-file = {path}')) as d:
            port = d.port_of('net')
            same(enters(connect('127.0.0.1', port, '127.0.0.2')), 'refused')
            same(enters(connect('127.0.0.1', port, '127.0.0.3')), 'in')
            same(d.refusals()[0],
                 f'deny = 127.0.0.2 ({path}:100001, [acl list])')


def test_all_lists_of_a_listener_are_asked():
    """Not banned is not yet allowed."""
    config = net('deny = 127.0.0.2').replace('acl = list', 'acl = list home') \
        + '''[acl home]
module = ip
allow = 127.0.0.2 127.0.0.3
'''
    with Daemon(config=config) as d:
        port = d.port_of('net')
        same([enters(connect('127.0.0.1', port, f'127.0.0.{n}'))
              for n in (1, 2, 3)], ['refused', 'refused', 'in'])
        same([r.rsplit('[', 1)[1] for r in d.refusals()],
             ['acl home])', 'acl list])'])


def test_a_rule_may_depend_on_the_certificate():
    with tempfile.TemporaryDirectory() as root:
        folder = tls.make_pki(os.path.join(root, 'pki'))
        more = '''[acl list]
module = ip
set = here 127.0.0.0/8
rule = deny @here dn:"CN=bob,*"
rule = allow @here dn:"CN=ali*"
'''
        with tls.VirgatedTls(folder, listen='acl = list', more=more) as d:
            same(tls.virsh(d.uri_tls(folder))[1].split(), ['test'])
        more = more.replace('CN=ali*', 'CN=carol')
        with tls.VirgatedTls(folder, listen='acl = list', more=more) as d:
            status, said = tls.virsh(d.uri_tls(folder), ok=False)
            assert status != 0 and 'refuses you' in said, said
            assert 'entry refused: no allow entry matches ([acl list])' \
                in d.log(), d.log()


# --explain and what really happens ------------------------------------------

DOOR = '''#!/bin/sh
while read -r key vouch value; do
  case $key in user) user=$value ;; password) password=$value ;; esac
done
[ "$password" = "secret of $user" ] || { echo no; exit 0; }
echo yes
[ "$user" != olga ] || echo group ops
'''

WORLD = '''
[listen net]
transport = tcp
address = 127.0.0.1 ::1
port = 0
allow-anonymous = yes
acl = net

[acl net]
module = ip
set = lab 127.0.0.16-127.0.0.31 127.0.1.0/24
rule = allow 127.0.0.20 read-only
rule = deny 127.0.0.21
allow = 127.0.0.1, @lab
deny = 127.0.1.128/25

[listen blocked]
transport = tcp
address = 127.0.0.1
port = 0
allow-anonymous = yes
acl = bans strangers

[acl bans]
module = ip
deny-file = @DIR@/bans

[acl strangers]
module = ip
policy = allow
allow = 127.0.3.7
deny = 127.0.3.0/24

[listen local]
transport = unix
path = @DIR@/local
mode = 0666
auth = peercred
acl = local

[acl local]
module = ip
allow = uid:0 uid:65534 user:daemon
deny = gid:3
rule = allow uid:1 listener:local read-only

[listen door]
transport = unix
path = @DIR@/door
mode = 0666
auth = door
acl = door

[auth door]
module = exec
command = @DIR@/door.sh
password = yes

[acl door]
module = ip
allow = user:joe group:ops
deny = user:eve

[listen nobody]
transport = unix
path = @DIR@/nobody
mode = 0666
auth = peercred
acl = nobody

[acl nobody]
module = ip
allow = any

[listen either]
transport = unix
path = @DIR@/either
mode = 0666
auth = root peercred+door
acl = either
read-only = yes

[auth root]
module = peercred
users = 0

[acl either]
module = ip
allow = method:root method:door

[auth peercred]
users = 0 1 2 65534

[driver test]
'''

# Question, and how to try it: source address and host for TCP; ids for Unix
# sockets, and perhaps a user with a password.  What comes of it is not
# written down: the daemon says.
TCP = [('net', source, '127.0.0.1') for source in (
    '127.0.0.1', '127.0.0.2', '127.0.0.15', '127.0.0.16', '127.0.0.20',
    '127.0.0.21', '127.0.0.31', '127.0.0.32', '127.0.1.0', '127.0.1.127',
    '127.0.1.128', '127.0.1.255', '127.0.2.0')] + [('net', '::1', '::1')] + [
    ('blocked', source, '127.0.0.1') for source in (
        '127.0.0.1', '127.0.0.9', '127.0.3.1', '127.0.3.7', '127.0.3.9',
        '127.0.4.9')]
UNIX = [('local', uid, gid) for uid, gid in (
    (0, 0), (1, 1), (2, 2), (65534, 65534), (65534, 3), (1, 3), (7, 7))] + [
    ('nobody', 0, 0), ('either', 0, 0), ('either', 1, 1)]
TALK = [('door', 'joe'), ('door', 'eve'), ('door', 'olga'), ('door', 'bob'),
        ('either', 'joe')]


def as_ids(d, where, uid, gid):
    """The outcome for a process with these ids."""
    r, w = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(20 * SLOW)
            s.connect(where)
            os.write(w, enters(s).encode())
        finally:
            os._exit(0)
    os.close(w)
    os.waitpid(child, 0)
    with os.fdopen(r) as f:
        return f.read()


def with_password(where, user):
    conn = plain(where, user, f'secret of {user}', timeout=20)
    if conn is None:
        return 'refused'
    return enters(conn.s)


def outcome(said):
    status, text = said
    answer = text.splitlines()[-1]
    word = {'answer: let in': 'in', 'answer: let in, to read only': 'ro'}.get(
        answer.split(' (')[0], 'refused')
    same(status, 1 if word == 'refused' else 0, text)
    return word


def test_rules_that_can_never_match_are_told_of():
    with Daemon(config=net('allow = transport:tpc\n'
                           'rule = allow method:x509 listener:net\n'
                           'rule = allow method:none')) as d:
        for text in (
                "virgated.conf:11: transport:tpc is no listener's transport: "
                "the rule never matches: did you mean 'tcp'?",
                'virgated.conf:12: method:x509 is no method',
                'virgated.conf:13: method:none is no method'):
            assert text in d.log(), (text, d.log())
        same(d.log().count('never matches'), 3, d.log())


def test_explain_says_what_happens():
    if os.geteuid() != 0:
        raise Skip('only root may be somebody else')
    d = Daemon(config=WORLD)
    os.chmod(d.dir, 0o755)
    for name, text, mode in (('bans', '127.0.0.9\n127.0.4.0/24\n', 0o644),
                             ('door.sh', DOOR, 0o755)):
        with open(os.path.join(d.dir, name), 'w') as f:
            f.write(text)
        os.chmod(os.path.join(d.dir, name), mode)
    count, wrong, seen = 0, [], set()
    with d:
        for listener, source, host in TCP:
            question = f'listener={listener} address={source}'
            want = enters(connect(host, d.port_of(listener), source))
            wrong += check_case(d, question, want, seen)
        for listener, uid, gid in UNIX:
            question = f'listener={listener} uid={uid} gid={gid}'
            want = as_ids(d, os.path.join(d.dir, listener), uid, gid)
            wrong += check_case(d, question, want, seen)
        for listener, user in TALK:
            groups = ' group=ops' if user == 'olga' else ''
            uid = ' uid=0 gid=0'
            question = f'listener={listener}{uid} user={user}{groups}'
            if listener == 'either':
                want = enters(unix(os.path.join(d.dir, listener)))
            else:
                want = with_password(os.path.join(d.dir, listener), user)
            wrong += check_case(d, question, want, seen)
    same(wrong, [], 'answers that differ')
    same(seen, {'in', 'ro', 'refused'})
    assert len(TCP) + len(UNIX) + len(TALK) >= 30


def unix(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20 * SLOW)
    s.connect(path)
    return s


def check_case(d, question, want, seen):
    """The words of the answer are those of the log."""
    said = d.explain(question)
    got = outcome(said)
    seen.add(want)
    if got != want:
        return [f'{question}: {want}, but\n{said[1]}']
    refusal = re.findall(r'^(?:connection|entry): refused: (.*)$', said[1],
                         re.M)
    if refusal:
        wait_until(lambda: refusal[0] in d.refusals(), 10,
                   f'{refusal[0]} in the log, for {question}')
    return []


def test_explain_of_certificates_and_what_it_cannot_know():
    with tempfile.TemporaryDirectory() as root:
        folder = tls.make_pki(os.path.join(root, 'pki'))
        config = f'''[listen public]
transport = tls
address = 127.0.0.1
port = 0
auth = x509 site
acl = list
ca-cert = {folder}/cacert.pem
cert = {folder}/servercert.pem
key = {folder}/serverkey.pem

[auth x509]
allow = CN=*,O=Example
group = ops CN=olga,O=Example

[auth site]
module = exec
command = /bin/touch {root}/was-run

[acl list]
module = ip
allow = group:ops
rule = allow dn:"CN=joe,O=Example" read-only
'''
        conf = os.path.join(root, 'conf')
        with open(conf, 'w') as f:
            f.write(config)

        def ask(question):
            status, out, err = command(RUN, 'virgated', '--config', conf,
                                       '--explain', question)
            return status, out.splitlines()

        facts = 'address=192.0.2.1 x509-dn="CN={},O=Example"'
        status, lines = ask(facts.format('olga'))
        same((status, lines[-1]), (0, 'answer: let in'))
        same(lines[1], 'connection: admitted: who it is will decide '
             '([acl list])')
        assert f'allow = group:ops ({conf}:21, [acl list])' in lines[-2], lines
        status, lines = ask(facts.format('joe'))
        same((status, lines[-1]), (0, 'answer: let in, to read only'))
        status, lines = ask(facts.format('eve'))
        same((status, lines[-1]), (1, 'answer: refused'))
        status, lines = ask('address=192.0.2.1 x509-verdict=expired')
        same(status, 1)
        assert 'x509: no: x509: no good certificate: expired' in lines[2]
        assert 'asks outside' in lines[3] and 'method=NAME' in lines[4], lines
        status, lines = ask('method=site user=mia group=ops')
        same((status, lines[-1]), (0, 'answer: let in'))
        status, lines = ask('claim:x509-dn="CN=olga,O=Example"')
        same(status, 1)
        status, lines = ask('method=site group=ops read-only=1')
        same((status, lines[-1]), (0, 'answer: let in, to read only'))
        same(os.path.exists(os.path.join(root, 'was-run')), False,
             'a program was run')


def test_explain_tells_questions_that_it_cannot_read():
    with Daemon(config=net('allow = any') + '[listen other]\ntransport = unix\n'
                'path = @DIR@/other\nmode = 0600\n') as d:
        for question, word in (
                ('address=1.2.3.4', 'one of net other'),
                ('listener=none', 'no such listener'),
                ('listener=net address=1.2.3', 'not an address'),
                ('listener=net colour=red', 'there are listener, address'),
                ('listener=net address', 'not KEY=VALUE'),
                ('listener=net address=', 'not KEY=VALUE'),
                ('listener=net listener=net', 'given twice'),
                ('listener=net uid=nobody-of-this-name', 'no user'),
                ('listener=net pid=x', 'not a number'),
                ('listener=net claim:user=joe', 'could claim'),
                ('listener=net x509-dn="CN=a', 'quote')):
            status, said = d.explain(question)
            same(status, 2, said)
            assert word in said, said
        status, out, err = command(RUN, 'virgated', '--config', '/nonexistent',
                                   '--explain', 'listener=net')
        same(status, 2, err)


if __name__ == '__main__':
    run()
