#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Chains of authentication methods × facts × conversations, as a table: what
a client is told, message by message, and what the log says of it."""
import os
import re
import signal
import tempfile

from lib import *
from rawrpc import *
from trial import trial_modules, sasl

# One module for every method: its config says how it decides.
METHODS = '''
[auth fact]
module = trial
facts = yes
name = CN=joe
group = certified
[auth other]
module = trial
facts = yes
name = uid-0
group = locals
[auth nofact]
module = trial
facts = no
[auth error]
module = trial
facts = error
[auth pass]
module = trial
facts = pass
[auth pw]
module = trial
mechanisms = PLAIN
users = joe:right ann:secret
[auth pw2]
module = trial
mechanisms = PLAIN
users = bob:builder joe:other
[auth slow]
module = trialblocks
mechanisms = PLAIN
users = sam:slow
[auth talk]
module = trial
mechanisms = TALK
[auth both]
module = trial
mechanisms = TALK,PLAIN
users = kim:both
[auth slowtalk]
module = trialblocks
mechanisms = TALK
[auth either]
module = trial
facts = yes
mechanisms = PLAIN
[auth polkit]
module = trialpolkit
facts = yes
name = desktop
[auth nopolkit]
module = trialpolkit
facts = no
'''

# What the log says.
NOBODY = 'no authentication method accepts it'
TWICE = 'it began a conversation in the middle of another'
EARLY = 'it went on with a conversation that it had not begun'
NOT_OFFERED = 'it chose a mechanism that is not offered'

# (title, the listener's auth, messages with their answers, the log's reason)
#
#   list TYPES...           AUTH_LIST
#   init MECHANISMS         SASL_INIT
#   plain USER:PASSWORD X   SASL_START of PLAIN
#   start MECHANISM DATA X  SASL_START; '-' is no data, '""' empty data
#   step DATA X             SASL_STEP
#   polkit X                AUTH_POLKIT
#   open X, hostname X      calls that need a login
#   close X                 CONNECT_CLOSE
#   gone                    the connection ends
#
#   X: in, more, no, ok; auth: 'authentication required'; bad: 'Unable to
#   decode message payload'
CASES = [
    # Facts alone.
    ('a fact', 'fact', 'list none/open ok', None),
    ('no AUTH_LIST', 'fact', 'open ok', None),
    ('a fact that fails', 'nofact', 'list no/gone', 'the trial says no'),
    ('a method that cannot decide', 'error', 'list no/gone',
     'the trial says error'),
    ('facts that say nothing', 'pass', 'list no/gone', NOBODY),
    ('calls of a refused client', 'nofact', 'open auth/list no/gone',
     'the trial says no'),
    ('a password where facts refuse', 'nofact', 'plain joe:right no/gone',
     'the trial says no'),
    ('polkit where facts refuse', 'nofact', 'polkit no/gone',
     'the trial says no'),
    ('two facts', 'fact+other', 'list none/open ok', None),
    ('two facts, one fails', 'fact+nofact', 'list no/gone',
     'the trial says no'),
    ('two facts, one says nothing', 'fact+pass', 'list no/gone', NOBODY),
    ('the second alternative', 'nofact fact', 'list none/open ok', None),
    ('an alternative after an error', 'error fact', 'list none/open ok',
     None),
    ('three alternatives fail', 'nofact error pass', 'list no/gone',
     'nofact: the trial says no; error: the trial says error'),
    # A conversation of one message.
    ('the right password', 'pw', 'list sasl/init PLAIN/plain joe:right in/'
     'list none/open ok', None),
    ('no AUTH_LIST, no SASL_INIT', 'pw', 'plain joe:right in/open ok', None),
    ('a wrong password', 'pw', 'plain joe:wrong no', 'wrong password for joe'),
    ('a wrong user', 'pw', 'plain eve:right no', 'wrong password for eve'),
    ('wrong, then right', 'pw', 'plain joe:wrong no/plain joe:right in/'
     'open ok', 'attempt 1'),
    ('wrong twice, then right', 'pw', 'plain joe:a no/plain joe:b no/'
     'plain joe:right in', 'attempt 2'),
    ('wrong three times', 'pw', 'plain joe:a no/plain joe:b no/'
     'plain joe:c no/gone', 'attempt 3'),
    ('no password', 'pw', 'start PLAIN - no', 'no such message'),
    ('an empty password message', 'pw', 'start PLAIN "" no',
     'no such message'),
    ('half a password message', 'pw', 'start PLAIN abcd no',
     'half a message'),
    ('an oversized password message', 'pw', 'start PLAIN @5000 no',
     'no such message'),
    ('longer than early messages may be', 'pw', 'start PLAIN @20000 bad/'
     'plain joe:right in', None),
    ('long, for a method that wants it', 'slowtalk', 'start TALK @65536 no/'
     'start TALK yes in', 'does not know this word'),
    ('long in the middle', 'slowtalk', 'start TALK more more/'
     'step @65536 no', 'does not know this word'),
    ('too long even there', 'slowtalk', 'start TALK @65537 bad/'
     'start TALK yes in', None),
    ('too long in the middle', 'talk', 'start TALK more more/step @65536 bad/'
     'step yes in', None),
    ('longer than the wire allows', 'pw', 'start PLAIN @65537 bad/'
     'plain joe:right in', None),
    ('a mechanism that is not offered', 'pw', 'start TALK yes no',
     NOT_OFFERED),
    ('a mechanism with a comma', 'both', 'start TALK,PLAIN yes no',
     NOT_OFFERED),
    ('no mechanism', 'pw', 'start - yes no', NOT_OFFERED),
    ('a mechanism in another case', 'pw', 'start plain yes no', NOT_OFFERED),
    ('step without start', 'pw', 'step yes no', EARLY),
    ('polkit that is not offered', 'pw', 'polkit no', 'it asked for polkit'),
    ('a call before', 'pw', 'open auth/plain joe:right in/open ok', None),
    ('a call after a failure', 'pw', 'plain joe:x no/open auth',
     'wrong password'),
    ('logged in twice', 'pw', 'plain joe:right in/plain joe:right no/open ok',
     None),
    ('step after success', 'pw', 'plain joe:right in/step yes no/open ok',
     None),
    ('init after success', 'pw', 'plain joe:right in/init no/open ok', None),
    ('polkit after success', 'pw', 'plain joe:right in/polkit no/open ok',
     None),
    ('closed before login', 'pw', 'close auth/plain joe:right in', None),
    ('on a worker', 'slow', 'plain sam:slow in/open ok', None),
    ('wrong on a worker', 'slow', 'plain sam:x no/plain sam:slow in',
     'wrong password for sam'),
    # A conversation of several messages.
    ('three messages', 'talk', 'list sasl/init TALK/start TALK more more/'
     'step more more/step yes in/open ok', None),
    ('yes at once, with data', 'talk', 'start TALK yes in/open ok', None),
    ('no at once', 'talk', 'start TALK no no', 'the trial says no'),
    ('no in the end', 'talk', 'start TALK more more/step no no',
     'the trial says no'),
    ('an error in the end', 'talk', 'start TALK more more/step error no',
     'the trial says error'),
    ('what it does not know', 'talk', 'start TALK more more/step @5000 no',
     'does not know this word'),
    ('no data in the middle', 'talk', 'start TALK more more/step - no',
     'does not know this word'),
    ('half way, then again', 'talk', 'start TALK more more/step no no/'
     'start TALK more more/step yes in', 'attempt 1'),
    ('half way, then gone', 'talk', 'start TALK more more/hang up', None),
    ('begun twice', 'talk', 'start TALK more more/start TALK more no', TWICE),
    ('begun twice, then right', 'talk', 'start TALK more more/'
     'start TALK yes no/start TALK yes in', TWICE),
    ('gone on after begun twice', 'talk', 'start TALK more more/'
     'start TALK more no/step yes no', EARLY),
    ('another mechanism in the middle', 'both', 'start TALK more more/'
     'plain kim:both no', TWICE),
    ('another mechanism after a failure', 'both', 'start TALK no no/'
     'plain kim:both in', 'the trial says no'),
    ('init in the middle', 'talk', 'start TALK more more/init no/step yes no',
     EARLY),
    ('AUTH_LIST in the middle', 'talk', 'start TALK more more/list sasl/'
     'step yes in', None),
    ('polkit in the middle', 'talk polkit', 'start TALK more more/polkit no/'
     'polkit in', 'polkit in the middle'),
    ('a call in the middle', 'talk', 'start TALK more more/open auth/'
     'hostname auth/step yes in', None),
    ('close in the middle', 'talk', 'start TALK more more/close auth/'
     'step yes in', None),
    ('a ping in the middle', 'talk', 'start TALK more more/ping/step yes in',
     None),
    ('on a worker, in the middle', 'slowtalk', 'start TALK more more/'
     'start TALK more no/start TALK yes in/open ok', TWICE),
    # Facts and a conversation.
    ('fact and password', 'fact+pw', 'list sasl/init PLAIN/plain joe:right in/'
     'open ok', None),
    ('fact and wrong password', 'fact+pw', 'plain joe:x no',
     'wrong password for joe'),
    ('password and fact', 'pw+fact', 'list sasl/plain joe:right in', None),
    ('no fact, right password', 'nofact+pw', 'list no/gone',
     'the trial says no'),
    ('password, no fact', 'pw+nofact', 'list no/gone', 'the trial says no'),
    ('password without fact, though', 'nofact+pw', 'plain joe:right no/gone',
     'the trial says no'),
    ('two conversations in a chain', 'pw+talk', 'list no/gone',
     'a second conversation'),
    ('facts suffice a method that could talk', 'either+pw', 'list sasl/'
     'plain joe:right in', None),
    # Alternatives.
    ('the fact, no password needed', 'fact pw', 'list none/open ok', None),
    ('the fact comes second', 'pw fact', 'list none/open ok', None),
    ('no fact, so a password', 'nofact pw', 'list sasl/plain joe:right in',
     None),
    ('two user databases', 'pw pw2', 'init PLAIN/plain bob:builder in/'
     'open ok', None),
    ('the first database', 'pw pw2', 'plain joe:right in', None),
    ('the same user in the second', 'pw pw2', 'plain joe:other in', None),
    ('in neither database', 'pw pw2', 'plain joe:x no',
     'pw: wrong password for joe; pw2: wrong password for joe'),
    ('the second one talks as well', 'talk slowtalk', 'start TALK no no/'
     'start TALK more more/step yes in', 'slowtalk: the trial says no'),
    ('the second database is slow', 'pw slow', 'plain sam:slow in', None),
    ('the first database is slow', 'slow pw', 'plain joe:right in', None),
    ('each mechanism once', 'pw both pw2', 'init PLAIN,TALK/plain kim:both in',
     None),
    ('only what can still succeed', 'nofact+talk pw', 'init PLAIN/'
     'start TALK yes no', NOT_OFFERED),
    ('a chain that facts close', 'nofact+pw fact+pw2', 'plain joe:right no/'
     'plain bob:builder in', 'pw2: wrong password for joe'),
    ('two chains, one conversation', 'fact+talk pw', 'init TALK,PLAIN/'
     'start TALK more more/step yes in', None),
    # polkit.
    ('polkit', 'polkit', 'list polkit/polkit in/open ok', None),
    ('polkit refuses', 'nopolkit', 'list polkit/polkit no',
     'the trial says no'),
    ('polkit refuses three times', 'nopolkit', 'polkit no/polkit no/'
     'polkit no/gone', 'attempt 3'),
    ('polkit or password', 'polkit pw', 'list polkit sasl/plain joe:right in',
     None),
    ('password or polkit', 'pw polkit', 'list sasl polkit/polkit in', None),
    ('polkit refuses, the password is right', 'nopolkit pw', 'polkit no/'
     'plain joe:right in', 'the trial says no'),
    ('the second polkit', 'nopolkit polkit', 'list polkit/polkit in', None),
    ('fact and polkit', 'fact+polkit', 'list polkit/polkit in', None),
    ('no fact, so no polkit', 'nofact+polkit', 'list no/gone',
     'the trial says no'),
    ('a password for polkit', 'polkit', 'plain joe:right no', NOT_OFFERED),
    ('SASL where there is polkit only', 'polkit', 'init no',
     'which is not offered'),
    ('polkit twice', 'polkit', 'polkit in/polkit no/open ok', None),
]

TYPES = {0: 'none', 1: 'sasl', 2: 'polkit'}
REFUSED = re.compile(r'authentication failed: this server refuses you; its '
                     r'log says why, under reference ([0-9a-f]{8})$')


def config_for(auths, daemon='', extra=''):
    """One listener for each; sockets are numbered."""
    text = f'[daemon]\nlog-level = debug\nauth-delay = 1\nauth-delay-max = 1\n{daemon}'
    for n, auth in enumerate(auths):
        text += (f'[listen l{n}]\ntransport = unix\npath = @DIR@/sock{n}\n'
                 f'mode = 0700\nauth = {auth}\n{extra}')
    return text + METHODS + '[driver test]\n'


def data_of(word):
    """nil, bytes."""
    if word == '-':
        return 1, b''
    if word.startswith('@'):
        return 0, b'x' * int(word[1:])
    return 0, b'' if word == '""' else word.encode()


class Client:
    """Does the messages of a case and names each answer with a word."""

    def __init__(self, path):
        self.conn = Conn(path, open_name=None, timeout=20 * SLOW)
        self.references = []

    def word(self, reply, good):
        if reply.status == OK:
            return good(Reader(reply.payload)) if good else 'ok'
        code, _, text = reply.error[:3]
        if (code, text) == (39, 'authentication required'):
            return 'auth'
        if (code, text) == (39, 'Unable to decode message payload'):
            return 'bad'
        if (code, text) == (45, 'authentication failed: authentication '
                            'failed'):
            return 'no'
        refused = REFUSED.match(text)
        if code == 45 and refused:
            self.references.append(refused.group(1))
            return 'no'
        return f'{code}: {text}'

    def call(self, proc, payload=b'', good=None):
        return self.word(self.conn.call(proc, payload), good)

    @staticmethod
    def progress(r):
        return 'in' if r.i32() else 'more'

    def list(self):
        return self.call(AUTH_LIST, good=lambda r: ' '.join(
            TYPES[r.i32()] for _ in range(r.i32())))

    def init(self):
        return self.call(SASL_INIT, good=lambda r: r.string())

    def start(self, mech, data):
        return self.call(SASL_START, string('' if mech == '-' else mech)
                         + sasl(*data_of(data)), self.progress)

    def plain(self, pair):
        user, password = pair.encode().split(b':')
        return self.call(SASL_START, string('PLAIN') + sasl(
            0, b'\0' + user + b'\0' + password), self.progress)

    def step(self, data):
        return self.call(SASL_STEP, sasl(*data_of(data)), self.progress)

    def polkit(self):
        return self.call(POLKIT, good=self.progress)

    def open(self):
        return self.word(self.conn.open(), None)

    def hostname(self):
        return self.call(HOSTNAME)

    def close(self):
        return self.call(CLOSE)

    def ping(self):
        self.conn.send(message(1, mtype=EVENT, prog=KEEPALIVE, serial=0))
        same(self.conn.receive().proc, 2, 'pong')
        return ''

    def gone(self):
        try:
            self.conn.receive()
        except Ended:
            return ''
        return 'an answer'

    def hang(self):
        self.conn.close()
        return 'up'


# How many of a message's words are its arguments; the rest is the answer.
ARGUMENTS = {'plain': 1, 'start': 2, 'step': 1}


def play(path, messages):
    client = Client(path)
    for text in messages.split('/'):
        verb, *words = text.split()
        n = ARGUMENTS.get(verb, 0)
        same(getattr(client, verb)(*words[:n]), ' '.join(words[n:]), text)
    client.conn.close()
    return client.references


def reason_of(d, reference):
    for line in d.log().splitlines():
        if reference in line:
            return line
    return f'no line for {reference}'


def try_case(d, path, title, messages, reason):
    references = play(path, messages)
    same(len(set(references)) == len(references) or 'gone' in messages, True,
         'each refusal has a reference of its own')
    for reference in references:
        line = reason_of(d, reference)
        assert 'refused, reference' in line and 'uid ' in line, line
    if reason:
        assert reason in reason_of(d, references[-1]), \
            f'{reason!r} is not in {reason_of(d, references[-1])!r}'
    elif 'after success' not in title and 'twice' not in title:
        same(references, [], 'refusals')


def test_table():
    auths = list(dict.fromkeys(auth for _, auth, _, _ in CASES))
    failed = []
    with trial_modules() as folder:
        with Virgated('--module-dir', folder, config=config_for(auths)) as d:
            for title, auth, messages, reason in CASES:
                try:
                    try_case(d, f'{d.dir}/sock{auths.index(auth)}', title,
                             messages, reason)
                except Exception as e:
                    failed.append(f'{title} [{auth}]: {type(e).__name__} {e}')
                assert d.is_running(), f'{title}: {d.log()[-2000:]}'
            for secret in ('right', 'builder', 'wrong\n'):
                assert secret not in d.log().replace('wrong password', ''), \
                    'a password is in the log'
    print(f'{len(CASES)} cases')
    same(len(CASES) >= 60, True, 'cases')
    assert not failed, '\n' + '\n'.join(failed)


def test_read_only_listeners_read_only():
    """The same outcomes, and then no call that changes something."""
    with trial_modules() as folder:
        config = config_for(['fact', 'pw', 'polkit', 'nofact'],
                            extra='read-only = yes\n')
        with Virgated('--module-dir', folder, config=config) as d:
            for n, first in enumerate(('list none', 'plain joe:right in',
                                       'polkit in')):
                client = Client(f'{d.dir}/sock{n}')
                verb, *words = first.split()
                cut = ARGUMENTS.get(verb, 0)
                same(getattr(client, verb)(*words[:cut]), words[-1])
                same(client.open(), 'ok')
                reply = client.conn.call(DOMAIN_DESTROY, domain())
                same(reply.error[0], 29, 'a call that changes something')
            play(f'{d.dir}/sock3', 'list no/gone')


def reload(d, config):
    count = d.log().count('reload: done')
    with open(f'{d.dir}/virgated.conf', 'w') as f:
        f.write(config.replace('@DIR@', d.dir))
    d.process.send_signal(signal.SIGHUP)
    wait_until(lambda: d.log().count('reload: done') > count,
               what=f'the reload\n{d.log()}')


def test_a_reload_in_the_middle_opens_nothing():
    """What the config said when a conversation began, and what it says when
    it ends, must both be content."""
    ours = '[acl ours]\nmodule = ip\nallow = user:admin\n'
    with trial_modules() as folder:
        before = config_for(['talk', 'talk'], extra='acl = ours\n') + ours
        with Virgated('--module-dir', folder, config=before) as d:
            barred = Client(f'{d.dir}/sock0')
            same(barred.start('TALK', 'more'), 'more')
            reload(d, config_for(['talk', 'talk']))
            same(barred.step('yes'), 'no')
            same('entry refused: no allow entry' in d.log(), True, d.log())
            writer = Client(f'{d.dir}/sock1')
            same(writer.start('TALK', 'more'), 'more')
            reload(d, config_for(['talk', 'talk'], extra='read-only = yes\n'))
            same(writer.step('yes'), 'in')
            same(writer.open(), 'ok')
            same(writer.conn.call(DOMAIN_DESTROY, domain()).error[0], 29)


def test_who_may_not_enter_is_refused_once():
    ours = '[acl ours]\nmodule = ip\nallow = user:admin\n'
    with trial_modules() as folder:
        config = config_for(['none', 'fact'], extra='acl = ours\n') + ours
        with Virgated('--module-dir', folder, config=config) as d:
            for n in range(2):
                play(f'{d.dir}/sock{n}', 'list no/gone')
                lines = [line for line in d.log().splitlines()
                         if f'listen l{n}: ' in line]
                same(sum('entry refused' in line for line in lines), 1, lines)
                same(sum('refused' in line for line in lines), 1, lines)


WHO = [
    ('fact', 'list none',
     'CN=joe (a certificate), by fact, of certified (the kernel)'),
    ('fact+other', 'list none', 'uid-0 (a certificate), by fact+other, of '
     'certified (the kernel), locals (the kernel)'),
    ('fact+pw', 'plain joe:right in',
     'joe (an exchange), by fact+pw, of certified (the kernel)'),
    ('pw+fact', 'plain joe:right in',
     'CN=joe (a certificate), by pw+fact, of certified (the kernel)'),
    ('nofact fact', 'list none', 'CN=joe (a certificate), by fact, of '
     'certified (the kernel)'),
    ('pw pw2', 'plain bob:builder in', 'bob (an exchange), by pw2'),
    ('fact+polkit', 'polkit in', 'desktop (a certificate), by fact+polkit, '
     'of certified (the kernel)'),
    ('none', 'list none', 'nobody'),
]


def test_who_it_is():
    """One identity: the name of the last method that gives one, and all
    groups, each with who vouches for it."""
    with trial_modules() as folder:
        config = config_for([auth for auth, _, _ in WHO])
        with Virgated('--module-dir', folder, config=config) as d:
            for n, (auth, messages, who) in enumerate(WHO):
                play(f'{d.dir}/sock{n}', messages)
                wait_until(lambda: f'listen l{n}: ' in d.log()
                           and f'let in as {who}\n' in d.log(), 10,
                           f'{who} in the log\n{d.log()}')


def test_what_a_config_cannot_ask_for():
    wrong = {'polkit+nopolkit': 'one conversation only',
             'pw+nosuch': 'nosuch',
             '+': "a '+' has a method",
             ' '.join(['pw'] * 9): 'too many alternatives'}
    with trial_modules() as folder:
        for auth, why in wrong.items():
            with tempfile.TemporaryDirectory() as place:
                path = os.path.join(place, 'conf')
                with open(path, 'w') as f:
                    f.write(config_for([auth]).replace('@DIR@', place))
                code, _, err = command(RUN, 'virgated', '--check', '--config',
                                       path, '--module-dir', folder)
                assert code != 0 and why in err and 'auth' in err, err


if __name__ == '__main__':
    run()
