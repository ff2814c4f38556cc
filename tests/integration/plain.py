# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of passwords share: stock virsh with an auth.conf, and PLAIN by
hand."""
import os
import tempfile

import lib
from rawrpc import (AUTH_LIST, Conn, OK, SASL_INIT, SASL_START, SASL_STEP,
                    Reader, string, u32)


# For [daemon]: tests fail to authenticate often, and wait for no answer.
UNPUNISHED = 'auth-delay = 50\nauth-delay-max = 50\nban-failures = 0\n'


def virsh(uri, user, password, *argv, host='localhost',
          client=('virsh', '-q')):
    """virsh with a name and a password from auth.conf, as its users give
    them, or another client; (exit status, output, errors)."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'auth.conf')
        with open(path, 'w') as f:
            f.write(f'[credentials-us]\nusername={user}\nauthname={user}\n'
                    f'password={password}\n'
                    f'[auth-libvirt-{host}]\ncredentials=us\n')
        os.chmod(path, 0o600)
        return lib.command(*client, '-c', uri, *(argv or ['list', '--name']),
                           env={'LIBVIRT_AUTH_FILE': path})


def may_enter(uri, user, password, **kw):
    status, out, err = virsh(uri, user, password, **kw)
    assert status == 0 or 'authentication failed' in err, (status, out, err)
    assert status != 0 or out.strip() == 'test', out
    return status == 0


def methods(conn):
    """What AUTH_LIST says: [0] none, [1] sasl, [2] polkit."""
    r = Reader(conn.call(AUTH_LIST).payload)
    return [r.i32() for _ in range(r.i32())]


def say(conn, mech, data):
    """SASL_START with data, or SASL_STEP when mech is None; the reply."""
    head = b'' if mech is None else string(mech)
    data_bytes = (data or '').encode()
    # Each byte takes four on the wire.
    body = u32(data is None) + u32(len(data_bytes)) + b''.join(
        u32(b - 256 * (b > 127)) for b in data_bytes)
    return conn.call(SASL_STEP if mech is None else SASL_START, head + body)


def plain(where, user, password, timeout=60):
    """A connection, authenticated by PLAIN, or None when it was refused."""
    conn = Conn(where, open_name=None, timeout=timeout * lib.SLOW)
    if methods(conn) == [1] and conn.call(SASL_INIT).status == OK \
            and say(conn, 'PLAIN', f'\0{user}\0{password}').status == OK:
        return conn
    conn.close()
    return None
