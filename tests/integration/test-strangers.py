#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that have not authenticated: silent ones do not keep others out,
slow ones do not stay, and those that guess passwords are slowed and banned."""
import contextlib
import os
import resource
import select
import socket
import time

from lib import *
from rawrpc import *
from trial import plain, sasl, trial_modules

AUTH = '''[auth pw]
module = trial
mechanisms = PLAIN,TALK
users = joe:right
[auth long]
module = trialblocks
mechanisms = LONG
[driver test]
'''
CONNECT_S = 2           # a client, beside any number of strangers
STRANGER_MEMORY = 64 << 10
# What a sanitizer keeps of freed memory is not what is measured.
os.environ['ASAN_OPTIONS'] = 'quarantine_size_mb=1'


def config(daemon, net=''):
    return f'''[daemon]
{daemon}
[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = none
[listen net]
transport = tcp
address = 127.0.0.1
port = 0
auth = pw
{net}
{AUTH}'''


@contextlib.contextmanager
def daemon(text, net='', **kw):
    with trial_modules() as folder:
        with Virgated('--module-dir', folder, config=config(text, net),
                      **kw) as d:
            yield d


class From(Conn):
    """A connection from an address of one's choice."""

    def __init__(self, port, address='127.0.0.1', timeout=20 * SLOW):
        self.s = socket.create_connection(('127.0.0.1', port), timeout,
                                          (address, 0))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.serial, self.buffer = 0, b''

    def log_in(self, password='right'):
        """complete, or None: refused."""
        reply = self.call(SASL_START, plain('joe', password))
        return None if reply.status else Reader(reply.payload).i32()

    def is_gone(self):
        """Has the daemon closed it?"""
        self.s.setblocking(False)
        try:
            while self.s.recv(65536):
                pass
        except BlockingIOError:
            return False
        except ConnectionError:
            pass
        return True


def remote_client(port, address='127.0.0.1'):
    with From(port, address) as c:
        same(c.log_in(), 1, 'the right password')
        same(c.open().status, OK)
        same(c.call(NUM_DOMAINS).status, OK)


def local_client(d):
    with Conn(d.socket) as c:
        same(c.call(NUM_DOMAINS).status, OK)


def timed(fn, *args):
    began = time.monotonic()
    fn(*args)
    return time.monotonic() - began


def more_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def strangers(d, count, say=b''):
    """So many connections that say no more than this."""
    crowd = []
    for _ in range(count):
        c = From(d.port)
        if say:
            c.send(say)
        crowd.append(c)
    return crowd


def beside(d, count, say=b''):
    """Connect beside strangers; returns their memory, each."""
    local_client(d)
    remote_client(d.port)
    before, fds = resident(d.process.pid), descriptors(d.process.pid)
    crowd = strangers(d, count, say)
    wait_until(lambda: descriptors(d.process.pid) >= count, 20,
               'strangers to be accepted')
    slowest = max(max(timed(local_client, d), timed(remote_client, d.port))
                  for _ in range(20))
    each = (resident(d.process.pid) - before) / count
    print(f'   {count} strangers: slowest client {slowest * 1000:.1f} ms, '
          f'{each / 1024:.1f} KiB each')
    assert slowest < CONNECT_S * SLOW, f'{slowest:.3f} s'
    wait_until(lambda: descriptors(d.process.pid) <= fds, 20,
               'strangers to be gone')
    assert all(c.is_gone() for c in crowd), 'a stranger stays'
    for c in crowd:
        c.close()
    return each


def check_memory(count, each):
    """Sanitized builds need some for themselves, however few there are."""
    spare = (SLOW > 1) * (16 << 20) / count
    assert each < STRANGER_MEMORY * SLOW + spare, f'{each / 1024:.1f} KiB'


def test_silent_strangers_keep_nobody_out():
    more_descriptors()
    with daemon('auth-timeout = 4') as d:
        for count in (20, 2000):
            check_memory(count, beside(d, count))


def half_a_message(mechanism):
    """A conversation's message of 64 KiB, all but its last byte."""
    return message(SASL_START, string(mechanism)
                   + sasl(0, b'x' * 65536))[:-1]


def test_memory_in_the_middle_of_a_long_message():
    more_descriptors()
    with daemon('auth-timeout = 4') as d:
        for count in (20, 500):
            check_memory(count, beside(d, count, half_a_message('PLAIN')))


def test_memory_where_messages_may_be_long():
    """Kept whole as long as there is memory for such messages."""
    more_descriptors()
    with daemon('auth-timeout = 4', 'auth = long') as d:
        with From(d.port) as c:
            c.send(half_a_message('LONG') + b'x')
            assert 'reference' in c.receive().error[2], 'a long message'
        for count in (20, 200):
            check_memory(count, beside(d, count, half_a_message('LONG')))
        with From(d.port) as c:
            c.send(half_a_message('LONG') + b'x')
            assert 'reference' in c.receive().error[2], 'and afterwards'


def test_a_share_that_is_used_up_takes_the_silent_ones():
    """Fifty places, used up by one address: each newcomer gets one."""
    more_descriptors()
    with daemon('source-unopened = 50') as d:
        crowd = strangers(d, 300)
        slowest = max(timed(remote_client, d.port) for _ in range(20))
        slowest = max(slowest, timed(remote_client, d.port, '127.0.0.2'))
        assert slowest < CONNECT_S * SLOW, f'{slowest:.3f} s'
        wait_until(lambda: sum(c.is_gone() for c in crowd) >= 250, 10,
                   'the oldest to be closed')
        gone = [c.is_gone() for c in crowd]
        same(gone, sorted(gone, reverse=True), 'the oldest go first')
        assert 'source-unopened is reached' in d.log(), d.log()
        for c in crowd:
            c.close()


def test_one_address_does_not_take_the_share_of_another():
    """All places are taken by one address; whoever comes from another gets
    one of them, however young."""
    with daemon('max-unopened = 40\nlocal-reserve = 5') as d:
        crowd = strangers(d, 60)
        other = From(d.port, '127.0.0.2')
        flood = strangers(d, 60)
        same(other.log_in(), 1, 'somebody else, waiting meanwhile')
        same(other.open().status, OK)
        local_client(d)
        for c in [other] + crowd + flood:
            c.close()


def open_client(d):
    c = From(d.port)
    same(c.log_in(), 1)
    same(c.open().status, OK)
    return c


def test_a_listener_has_a_share():
    with daemon('', 'max-unopened = 5\nmax-clients = 8') as d:
        crowd = strangers(d, 30)
        wait_until(lambda: sum(c.is_gone() for c in crowd) >= 25, 10,
                   'all but five to be closed')
        opened = [open_client(d) for _ in range(8)]
        wait_until(lambda: all(c.is_gone() for c in crowd), 10,
                   'strangers to make room')
        late = From(d.port)
        wait_until(late.is_gone, 10, 'the ninth to be refused')
        local_client(d)
        assert 'its max-clients is reached' in d.log(), d.log()
        for c in crowd + opened + [late]:
            c.close()


def test_connections_of_one_address():
    with daemon('source-clients = 10') as d:
        crowd = []
        for _ in range(10):
            crowd.append(From(d.port))
            same(crowd[-1].log_in(), 1)
            same(crowd[-1].open().status, OK)
        late = From(d.port)
        wait_until(late.is_gone, 10, 'the eleventh to be refused')
        remote_client(d.port, '127.0.0.2')
        crowd.pop().close()
        wait_until(lambda: descriptors(d.process.pid) < 100)
        def again():
            with contextlib.suppress(Ended, OSError):
                remote_client(d.port)
                return True
        wait_until(again, 10, 'room after one left')
        assert 'source-clients is reached' in d.log(), d.log()
        for c in crowd + [late]:
            c.close()


def drip(c, what):
    """One more piece of it; False when the connection is gone."""
    with contextlib.suppress(BlockingIOError):
        try:
            c.s.setblocking(False)
            c.s.send(what)
        except ConnectionError:
            return False
    return not c.is_gone()


def test_deadlines_cannot_be_stretched():
    """Bytes, pings and messages that lead nowhere win no time."""
    ways = {
        'silence': b'',
        'single bytes': b'\0',         # of a message's payload
        'pings': message(1, mtype=EVENT, prog=KEEPALIVE, serial=0),
        'AUTH_LIST': message(AUTH_LIST),
        'SASL_INIT': message(SASL_INIT),
        'conversations': message(SASL_START, string('TALK')
                                 + sasl(0, b'more')),
        'calls': message(NUM_DOMAINS),
    }
    with daemon('auth-timeout = 2\nauth-attempts = 1000\nban-failures = 0\n'
                'auth-delay = 10\nauth-delay-max = 10') as d:
        clients = {name: From(d.port) for name in ways}
        clients['single bytes'].send(message(SASL_START, length=20000))
        began, lasted = time.monotonic(), {}
        while len(lasted) < len(ways):
            for name, what in ways.items():
                if name not in lasted and not drip(clients[name], what):
                    lasted[name] = time.monotonic() - began
            assert time.monotonic() - began < 10 * SLOW, lasted
            time.sleep(0.02)
        print('  ', {name: round(s, 1) for name, s in lasted.items()})
        assert max(lasted.values()) < 2 + 1 * SLOW, lasted
        # The phase after it has its own, of ten seconds.
        with From(d.port) as c:
            same(c.log_in(), 1)
            c.call(AUTH_LIST)


def test_failures_are_answered_ever_later():
    with daemon('auth-delay = 200\nauth-delay-max = 3000\n'
                'auth-attempts = 4') as d:
        with From(d.port) as c:
            took = [timed(c.log_in, 'wrong') for _ in range(4)]
            wait_until(c.is_gone, 10, 'the end after four')
        for took_s, least in zip(took, (0.2, 0.4, 0.8, 1.6)):
            assert least <= took_s < least + 2 * SLOW, took
        # Another connection of the address waits as well; nobody else does.
        with From(d.port) as c, From(d.port, '127.0.0.2') as other:
            c.send(message(SASL_START, plain('joe', 'wrong'), serial=7))
            other.log_in()
            local_client(d)
            remote_client(d.port)   # the right password, the same address
            same(select.select([c.s], [], [], 0)[0], [], 'answered early')
            same(c.receive().serial, 7)


def test_a_wrong_user_takes_as_long_as_a_wrong_password():
    with daemon('auth-delay = 50\nauth-delay-max = 50\nban-failures = 0\n'
                'auth-attempts = 1000') as d:
        took = {'joe': [], 'eve': []}
        with From(d.port) as c:
            for n in range(60):
                user = ('joe', 'eve')[n % 2]
                began = time.monotonic()
                c.call(SASL_START, plain(user, 'wrong'))
                took[user].append(time.monotonic() - began)
        middle = [sorted(t)[len(t) // 2] for t in took.values()]
        assert abs(middle[0] - middle[1]) < 0.02 * SLOW, middle
        assert min(middle) >= 0.05, middle


def guess(port, count, address='127.0.0.1'):
    """So many connections with a wrong password; how many were answered."""
    answered = 0
    for _ in range(count):
        try:
            with From(port, address) as c:
                answered += c.log_in('wrong') is None
        except (Ended, ConnectionError):
            pass
    return answered


def lines_about(d, address):
    return [l for l in d.log().splitlines() if address in l]


def test_ten_thousand_wrong_passwords():
    """Slowed, then banned; the log stays short, others do not notice."""
    with daemon('ban-failures = 10\nban-time = 4\nban-time-max = 60\n'
                'auth-delay = 20\nauth-delay-max = 80') as d:
        began = time.monotonic()
        answered = guess(d.port, 40)
        slowed = time.monotonic() - began
        same(answered, 10, 'guesses that were answered before the ban')
        assert slowed >= 0.02 + 0.04 + 8 * 0.08, f'{slowed:.2f} s'
        answered = guess(d.port, 5000)
        remote_client(d.port, '127.0.0.2')
        local_client(d)
        answered += guess(d.port, 4960)
        assert answered <= 20, f'{answered} more were answered'
        with From(d.port) as c:
            try:
                same(c.log_in(), None, 'the right password while banned')
            except (Ended, ConnectionError):
                pass
        def let_in():
            with contextlib.suppress(Ended, ConnectionError):
                remote_client(d.port)
                return True
        wait_until(let_in, 20, 'the right password after the ban')
        wait_until(lambda: 'its ban is over' in d.log(), 10, 'a summary')
        lines = lines_about(d, '127.0.0.1')
        assert len(lines) <= 40, '\n'.join(lines)
        banned = [l for l in lines if 'banned for' in l]
        over = [l for l in lines if 'its ban is over' in l]
        assert banned and over, lines
        assert 'turned away' in over[0], over
        same(lines_about(d, '127.0.0.2'), [], 'about the other address')


def test_bans_grow():
    with daemon('ban-failures = 3\nban-time = 1\nban-time-max = 8\n'
                'auth-delay = 1\nauth-delay-max = 1') as d:
        for n, seconds in enumerate((1, 2, 4)):
            wait_until(lambda: guess(d.port, 10) >= 3, 20, 'guesses')
            wait_until(lambda: f'banned for {seconds} s' in d.log(), 10,
                       f'{seconds} s in\n{d.log()}')
            wait_until(lambda: d.log().count('its ban is over') > n, 20,
                       'the end of the ban')


def test_those_who_wait_are_banned_with_the_rest():
    """A crowd that is connected before the ban does not go on guessing."""
    with daemon('ban-failures = 5\nban-time = 30\nauth-delay = 1\n'
                'auth-delay-max = 1') as d:
        crowd = strangers(d, 100)
        told = 0
        for c in crowd:
            with contextlib.suppress(Ended, ConnectionError):
                for _ in range(3):
                    reply = c.call(SASL_START, plain('joe', 'wrong'))
                    told += 'reference' in reply.error[2]
        same(told, 5, 'guesses that were looked at')
        late = From(d.port)
        wait_until(late.is_gone, 10, 'a newcomer to be turned away')
        for c in crowd + [late]:
            c.close()


def test_the_log_of_refusals_has_an_end():
    """Facts refuse, over and over: no ban, but no endless log either."""
    with daemon('', 'read-only = yes') as d:
        for n in range(300):
            with From(d.port) as c:
                c.send(message(SASL_STEP, sasl(0, b'x')) * 3)
                c.s.settimeout(0.01)
                with contextlib.suppress(OSError):
                    c.s.recv(1)
        wait_until(lambda: 'banned for' in d.log(), 20, 'a ban')
        assert len(lines_about(d, '127.0.0.1')) < 150, d.log()


if __name__ == '__main__':
    run()
