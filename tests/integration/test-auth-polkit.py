#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""auth-polkit with a real polkitd: what rules and people decide, what clients
are told, beside a stock libvirtd that asks the same polkitd."""
import concurrent.futures
import pwd

from plain import methods
from polkit import *
from rawrpc import Conn, OK, POLKIT

# nobody may, games may not, others are asked for root's password.
RULES = '''polkit.addRule(function(action, subject) {
  if (action.id == "org.libvirt.unix.manage" || action.id == "org.test.enter") {
    if (subject.user == "nobody") return polkit.Result.YES;
    if (subject.user == "games") return polkit.Result.NO;
    return polkit.Result.AUTH_ADMIN;
  }
  if (action.id == "org.libvirt.unix.monitor" && subject.user == "lp")
    return polkit.Result.NO;
});
'''
USERS = 'nobody', 'games', 'daemon', 'lp'


class PolkitVirgated(Virgated):
    """virgated on a bus; anybody reaches its sockets."""

    def __init__(self, bus, keys='', daemon='', auth='polkit', more='',
                 wrapper=()):
        super().__init__('--verbose', config=f'''[daemon]
{daemon}
[listen local]
transport = unix
path = @DIR@/sock
mode = 0777
auth = {auth}
[listen local-ro]
transport = unix
path = @DIR@/sock-ro
mode = 0777
auth = {auth}
read-only = yes
[auth polkit]
{keys}
{more}
[driver test]
''', wrapper=['env', *[f'{k}={v}' for k, v in bus.env.items()], *wrapper])
        os.chmod(self.dir, 0o755)


def in_child(user, fn):
    """What fn returns in a process of another user."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(out)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(pwd.getpwnam(user).pw_uid)
            os.write(into, repr(fn()).encode())
        finally:
            os._exit(0)
    os.close(into)
    with open(out) as f:
        text = f.read()
    os.waitpid(pid, 0)
    return text


def answer(path):
    with Conn(path, open_name=None, timeout=30 * SLOW) as c:
        way = methods(c)
        reply = c.call(POLKIT)
        return way, reply.status, reply.payload


def test_clients_are_told_what_libvirtd_tells_them():
    """Byte for byte, for those allowed, refused, and without an agent; on
    both kinds of sockets."""
    with Bus() as bus, Polkit(bus, RULES), LibvirtdPolkit(bus) as theirs, \
            PolkitVirgated(bus) as ours:
        seen = set()
        for kind in 'socket', 'socket_ro':
            for user in USERS:
                want = in_child(user, lambda: answer(getattr(theirs, kind)))
                same(in_child(user, lambda: answer(getattr(ours, kind))),
                     want, f'{user} {kind}')
                seen.add(want)
        same(len(seen), 3)              # yes, no, and no agent
        for word in ('access denied by policy', 'no polkit agent available',
                     'let in as nobody'):
            assert word in ours.log(), ours.log()


def test_stock_virsh_and_virgate_on_both_daemons():
    with Bus() as bus, Polkit(bus, RULES), LibvirtdPolkit(bus) as theirs, \
            PolkitVirgated(bus) as ours:
        for d in theirs, ours:
            for client in ['virsh', '-q'], [RUN, 'virgate']:
                run = lambda user, uri, *argv: as_user(
                    user, *client, '-c', uri, *(argv or ['list', '--name']),
                    env=dict(bus.env, HOME='/nonexistent'), timeout=120)
                status, out, err = run('nobody', d.uri())
                same((status, out.split()), (0, ['test']), err)
                status, out, err = run('games', d.uri())
                assert status != 0 and 'access denied by policy' in err, err
                status, out, err = run('daemon', d.uri())
                assert status != 0 and 'no polkit agent available to ' \
                    "authenticate action 'org.libvirt.unix.manage'" in err, err
                status, out, err = run('daemon', d.uri_ro())
                same((status, out.split()), (0, ['test']), err)


def test_root_is_not_asked_for_root_s_password():
    """Nor is polkit, which need not even be there."""
    with Bus() as bus, PolkitVirgated(bus) as d:
        with Conn(d.socket, open_name=None) as c:
            same(methods(c), [0])
            same(c.open().status, OK)
        assert 'let in as root' in d.log(), d.log()


def test_polkit_that_is_away_lets_nobody_in():
    with Bus() as bus, PolkitVirgated(bus) as d:
        status, _, err = as_user('nobody', 'virsh', '-c', d.uri(), 'list')
        assert status != 0 and 'reference' in err, err
        assert 'PolicyKit1 was not provided' in d.log(), d.log()
        bus.stop()
        assert as_user('nobody', 'virsh', '-c', d.uri(), 'list')[0] != 0
        assert 'the system bus' in d.log(), d.log()
    with Bus() as bus, PolkitVirgated(bus) as d:
        with Polkit(bus, RULES):        # it comes, and goes
            same(as_user('nobody', 'virsh', '-c', d.uri(), 'list')[0], 0)
        assert as_user('nobody', 'virsh', '-c', d.uri(), 'list')[0] != 0


def virsh_at(bus, user, d):
    return Terminal(bus, user, 'virsh', '-q', '-c', d.uri(), 'list', '--name')


def test_agent_asks_and_may_take_its_time():
    """Somebody types a wrong password, then waits longer than anybody has to
    authenticate, then types the right one."""
    with Bus() as bus, Polkit(bus, RULES), \
            PolkitVirgated(bus, daemon='auth-timeout = 1') as d, \
            virsh_at(bus, 'daemon', d) as t:
        t.until('Password:')
        t.type('wrong\n')
        t.until('AUTHENTICATION FAILED')
        t.until('Password:')
        asked = time.monotonic()
        wait_until(lambda: time.monotonic() > asked + 1.5)
        t.type('sesame\n')
        t.until('AUTHENTICATION COMPLETE')
        status, text = t.end()
        same(status, 0, text)
        assert text.rstrip().endswith('test'), text
        assert 'let in as daemon (the kernel), by polkit' in d.log(), d.log()
        assert 'took too long' not in d.log(), d.log()


def test_nobody_is_asked_where_the_config_forbids_it():
    with Bus() as bus, Polkit(bus, RULES), \
            PolkitVirgated(bus, 'interactive = no') as d, \
            virsh_at(bus, 'daemon', d) as t:
        status, text = t.end()
        assert status != 0 and 'no polkit agent available' in text, text
        assert 'Password' not in text, text


def test_so_many_are_asked_at_a_time_and_the_daemon_still_ends():
    with Bus() as bus, Polkit(bus, RULES), \
            PolkitVirgated(bus, 'max-prompts = 1') as d, \
            virsh_at(bus, 'daemon', d) as first:
        first.until('Password:')
        with virsh_at(bus, 'lp', d) as second:
            status, text = second.end()
            assert status != 0 and 'Password' not in text, text
        assert 'max-prompts = 1' in d.log(), d.log()
        # Others are not kept waiting.
        same(as_user('nobody', 'virsh', '-c', d.uri(), 'list')[0], 0)
        began = time.monotonic()
        d.stop()
        assert time.monotonic() - began < 9 * SLOW


def test_no_user_keeps_others_from_being_asked():
    with Bus() as bus, Polkit(bus, RULES), \
            PolkitVirgated(bus, 'max-prompts = 2') as d, \
            virsh_at(bus, 'daemon', d) as first:
        first.until('Password:')
        with virsh_at(bus, 'daemon', d) as second:
            assert second.end()[0] != 0, second.text
        assert 'max-prompts = 2' in d.log(), d.log()
        with virsh_at(bus, 'lp', d) as other:
            other.until('Password:')
            other.type('sesame\n')
            same(other.end()[0], 0, other.text)
        first.type('sesame\n')
        same(first.end()[0], 0, first.text)


def test_prompt_has_a_deadline_of_its_own():
    with Bus() as bus, Polkit(bus, RULES), \
            PolkitVirgated(bus, 'timeout = 1') as d, \
            virsh_at(bus, 'daemon', d) as t:
        t.until('Password:')
        wait_until(lambda: 'polkit did not answer in time' in d.log())
        # The question was taken back, and the agent says so.
        status, text = t.end()
        assert status != 0, text


def test_many_at_once():
    def enter(_):
        return in_child('nobody', lambda: answer(d.socket)[1])

    with Bus() as bus, Polkit(bus, RULES), PolkitVirgated(bus) as d:
        fds = descriptors(d.process.pid)
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            same(set(pool.map(enter, range(50))), {'0'})
        wait_until(lambda: descriptors(d.process.pid) <= fds, what='no leaks')


def test_networks_have_no_processes_to_ask_about():
    with Bus() as bus, PolkitVirgated(bus, more='''[listen net]
transport = tcp
address = 127.0.0.1
port = 0
auth = polkit
''') as d:
        with Conn(d.port, open_name=None) as c:
            reply = c.call(66)
            same(reply.error[0], 45, str(reply))
        assert 'polkit cannot be asked' in d.log(), d.log()


ACTIONS = '''<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD polkit Policy Configuration
 1.0//EN" "http://www.freedesktop.org/software/polkit/policyconfig-1.dtd">
<policyconfig>
  <action id="org.test.enter">
    <description>Enter</description>
    <message>Enter</message>
    <defaults><allow_any>no</allow_any></defaults>
    <annotate key="org.freedesktop.policykit.owner">unix-user:mail</annotate>
  </action>
</policyconfig>
'''


def test_daemon_without_root_owns_an_action():
    """polkit answers questions about others to root, and to an action's
    owner; the page says how."""
    with Bus() as bus, Polkit(bus, RULES, ACTIONS):
        for action, enters in (('org.test.enter', True),
                               ('org.libvirt.unix.manage', False)):
            d = PolkitVirgated(bus, f'action = {action}', wrapper=(
                'setpriv', '--reuid', 'mail', '--regid', 'mail',
                '--clear-groups'))
            os.chown(d.dir, pwd.getpwnam('mail').pw_uid, -1)
            with d:
                status, out, err = as_user('nobody', 'virsh', '-c', d.uri(),
                                           'list')
                same(status == 0, enters, err + d.log())
                same('action owner' in d.log(), not enters, d.log())


if __name__ == '__main__':
    run()
