# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of acl-rules share: callers of several users on one socket,
before the daemon's own driver or before a stock libvirtd."""
import os

from gateway import gateway
from lib import RUN, Libvirtd, Virgated, command
from rawrpc import Conn

DENIED = 88

LISTENER = '''[listen local]
transport = unix
path = @DIR@/sock
mode = 0777
auth = peercred
acl = rules

[auth peercred]
users = 0 1 2 3 4 5 6 7 8 9

[acl rules]
module = rules
%s
'''
DRIVER = '[driver test]\n'


def own(rules, more=''):
    return Virgated(config=LISTENER % rules + DRIVER + more)


def behind(libvirtd, rules, more=''):
    return gateway(libvirtd.socket, listeners=LISTENER % rules, more=more)


def caller(daemon, uid, **how):
    """A connection of this user's: the kernel says so."""
    os.chmod(daemon.dir, 0o755)
    os.seteuid(uid)
    try:
        return Conn(os.path.join(daemon.dir, 'sock'), **how)
    finally:
        os.seteuid(0)


def replace(path, text):
    """A file of rules, in one step."""
    with open(path + '~', 'w') as f:
        f.write(text)
    os.rename(path + '~', path)


def before_both(check, rules):
    """The check as two tests: with the daemon's own driver, and behind a
    gateway."""
    def with_own():
        with own(rules) as daemon:
            check(daemon)

    def with_gateway():
        with Libvirtd() as libvirtd, behind(libvirtd, rules) as daemon:
            check(daemon)
    return with_own, with_gateway


def is_denied(reply):
    return bool(reply.error) and reply.error[0] == DENIED


def is_refused(reply):
    """By a rule, or by a connection that only reads."""
    return is_denied(reply) or bool(reply.error) and reply.error[0] == 29


def explain(folder, question):
    """What --explain says of the configuration there: status and text."""
    code, out, err = command(RUN, 'virgated', '--config',
                             os.path.join(folder, 'virgated.conf'),
                             '--explain', question)
    return code, out + err
