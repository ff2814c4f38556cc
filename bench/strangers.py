# SPDX-License-Identifier: LGPL-2.1-or-later
"""Silent strangers: connections to a port that asks who one is, which say
nothing.  What do others get beside them, and what does each cost the server?
"""
import contextlib
import os
import resource
import socket
import struct
import time

PATIENCE_S = 5          # whoever is not answered by then is locked out
TRIES = 10

# AUTH_LIST, the first call of every client.
QUESTION = struct.pack('>IIIIIII', 28, 0x20008086, 1, 66, 0, 0, 0)


def resident_kib(pid):
    with open(f'/proc/{pid}/statm') as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1024


def answer_ms(family, address):
    """How long it takes to connect and to be answered."""
    start = time.monotonic()
    with socket.socket(family) as sock:
        sock.settimeout(PATIENCE_S)
        with contextlib.suppress(OSError):
            sock.connect(address)
            sock.sendall(QUESTION)
            if sock.recv(4096):
                return (time.monotonic() - start) * 1000
    return PATIENCE_S * 1000


def worst_ms(family, address):
    """Of some tries; when one is locked out, that is the answer."""
    worst = 0
    for _ in range(TRIES):
        worst = max(worst, answer_ms(family, address))
        if worst >= PATIENCE_S * 1000:
            break
    return worst


@contextlib.contextmanager
def silent(port, count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)     # the server may accept no more
            sock.connect_ex(('127.0.0.1', port))
        yield


def beside(server, count):
    """The slowest answers beside so many, and their memory."""
    worst_ms(socket.AF_UNIX, server.unix)
    before = resident_kib(server.pid)
    with silent(server.tcp, count):
        result = {'local_ms': worst_ms(socket.AF_UNIX, server.unix),
                  'remote_ms': worst_ms(socket.AF_INET,
                                        ('127.0.0.1', server.tcp))}
        result['stranger_kib'] = (resident_kib(server.pid) - before) / count
    return result
