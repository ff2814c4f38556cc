# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of acl-rules share: callers of several users on one socket,
before the daemon's own driver or before a stock libvirtd."""
import os

from gateway import gateway
from lib import Virgated
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


def caller(daemon, uid):
    """A connection of this user's: the kernel says so."""
    os.chmod(daemon.dir, 0o755)
    os.seteuid(uid)
    try:
        return Conn(os.path.join(daemon.dir, 'sock'))
    finally:
        os.seteuid(0)


def is_denied(reply):
    return bool(reply.error) and reply.error[0] == DENIED
