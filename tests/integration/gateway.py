# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the gateway share: virgated before another daemon."""
import os
import shutil
import struct
import tempfile

import protocol_peer
from lib import Libvirtd, Virgated, virsh
from rawrpc import (ERROR, HOSTNAME, OK, REPLY, STREAM, Conn, Ended, Reply,
                    message, string, u32)

POOL_UUID = '2cbc047f-2673-4011-182a-078e8470e520'
LISTENERS = '''[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = none
[listen local-ro]
transport = unix
path = @DIR@/sock-ro
mode = 0700
auth = none
read-only = yes
'''


def gateway(socket, more='', listeners=LISTENERS, args=()):
    """virgated before the daemon that listens on this socket."""
    return Virgated(*args, config=f'''{listeners}
[driver behind]
module = upstream
upstream = remote+unix:///?socket={socket}
{more}
''')


def gets_through(where):
    """Is a new client of this socket answered?  After a failure the gateway
    waits before it tries again, the longer the failure took."""
    try:
        with Conn(where) as c:
            return c.call(HOSTNAME).status == OK
    except (AssertionError, OSError, Ended):
        return False


def connections(path):
    """How many connections to a Unix socket are open at its daemon's end."""
    with open('/proc/net/unix') as f:
        lines = [line.split() for line in f]
    return sum(line[-1] == path and line[5] == '03' for line in lines)


class LibvirtdStorage(Libvirtd):
    """libvirtd with its test driver, and with volumes in a folder of the
    test's, which outlive it."""

    SCRIPT = Libvirtd.SCRIPT.replace('mount', '''
cp /usr/lib/*/libvirt/connection-driver/libvirt_driver_storage.so "$D/empty"
mount''', 1)

    def make_pool(self):
        folder = os.path.join(self.dir, 'pool')
        os.mkdir(folder)
        xml = folder + '.xml'
        with open(xml, 'w') as f:
            f.write(f'<pool type="dir"><name>crowd</name><uuid>{POOL_UUID}'
                    f'</uuid><target><path>{folder}</path></target></pool>')
        uri = self.uri('/system', 'storage')
        for words in (('pool-define', xml), ('pool-autostart', 'crowd'),
                      ('pool-start', 'crowd')):
            virsh(uri, *words, check=0)


class Behind(protocol_peer.TableServer):
    """A daemon that answers everything by the tables, but for tricks: a
    function for a procedure, which gets this object, the connection and the
    call, and answers itself."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='virgate-test-')
        self.tricks, self.seen = {}, []
        super().__init__(os.path.join(self.dir, 'sock'))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.listener.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def serve(self, conn):
        try:
            super().serve(conn)
        except OSError:
            pass                        # the other side is gone

    def answer(self, conn, data, kind):
        call = Reply(struct.unpack('>IIiiIi', data[:24]), data[24:])
        self.seen.append((call.proc, call.type))
        trick = self.tricks.get(call.proc) if call.prog != 0x6b656570 \
            else None
        if trick:
            trick(conn, call)
        else:
            super().answer(conn, data, kind)


def refused(reply, text):
    assert reply.error and text in reply.error[2], reply


def reply_to(call, payload=b'', **kw):
    fields = dict(serial=call.serial, mtype=REPLY, status=OK, prog=call.prog,
                  vers=call.vers)
    fields.update(kw)
    return message(fields.pop('proc', call.proc), payload, **fields)


def error_payload(text='it failed', code=1, domain=10):
    return (u32(code) + u32(domain) + u32(1) + string(text) + u32(2)
            + u32(0) * 4 + u32(0xffffffff) * 2 + u32(0))


def stream_of(call, payload=b'', status=OK):
    return reply_to(call, payload, mtype=STREAM, status=status)


__all__ = ['gateway', 'gets_through', 'connections', 'LibvirtdStorage',
           'Behind', 'refused', 'reply_to', 'stream_of', 'error_payload', 'LISTENERS',
           'ERROR']
