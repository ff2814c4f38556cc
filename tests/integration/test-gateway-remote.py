#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virgated before a daemon on another host: over TLS, where the client's
certificate is virgated's own, and over ssh.  And what becomes of descriptors
when one of the ways carries none."""
import ast
import os
import socket
import sys
import tempfile

import lib
import ssh
from gateway import Behind, reply_to
from lib import *
from rawrpc import (CALL_FDS, DOMAIN_XML, FD_ASSOCIATE, FEATURE, HOSTNAME, NONE,
                    QEMU, REPLY_FDS, Conn, domain, message, string, u32)
from tls import LibvirtdTls, VirgatedTls, make_pki

OPEN_GRAPHICS_FD = 343
MONITOR_WITH_FILES = 7
FD_PASSING = 8

SENDING = 'Sending file descriptors is not supported on this socket'
RECEIVING = 'Receiving file descriptors is not supported on this socket'

COMMANDS = ('list --all', 'net-list --all', 'dumpxml test', 'capabilities',
            'dominfo nosuch', 'uri')


LOCAL = '''
[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = none
'''


def onward_by_tls(behind, pki):
    return f'''
[driver behind]
module = upstream
upstream = test+tls://127.0.0.1:{behind.port}/default
ca-cert = {pki}/cacert.pem
cert = {pki}/clientcert.pem
key = {pki}/clientkey.pem
'''


def compare(direct, through, folder):
    for commands in COMMANDS:
        want = [part.replace(direct, 'URI') if isinstance(part, str) else part
                for part in lib.virsh(direct, commands)]
        got = [part.replace(through, 'URI') if isinstance(part, str) else part
               for part in lib.virsh(through, commands)]
        if commands == 'uri':
            same((got[0], want[0]), (0, 0))
        else:
            same(got, want, commands)
    shots = []
    for uri in (direct, through):
        path = os.path.join(folder, 'shot')
        lib.virsh(uri, 'screenshot', 'test', path, check=0)
        with open(path, 'rb') as f:
            shots.append(f.read())
    same(shots[0] == shots[1] and len(shots[0]) > 30000, True)


def calls_at_once(d):
    with Conn(d.socket, timeout=30 * SLOW) as c:
        c.send(b''.join(message(DOMAIN_XML, domain() + u32(0), serial=i)
                        for i in range(30)))
        same(sorted(c.receive().serial for _ in range(30)), list(range(30)))


def test_over_tls_on_both_sides():
    with tempfile.TemporaryDirectory() as folder:
        pki = make_pki(os.path.join(folder, 'pki'))
        with LibvirtdTls(pki) as behind, VirgatedTls(
                pki, crl=False, more=onward_by_tls(behind, pki)) as d:
            compare(behind.uri(), d.uri_tls(pki), folder)


def test_many_calls_at_once_over_tls():
    """libvirtd takes one message from a record, and would look for others only
    when something more comes: nothing does, without pings."""
    with tempfile.TemporaryDirectory() as folder:
        pki = make_pki(os.path.join(folder, 'pki'))
        with LibvirtdTls(pki, 'keepalive_interval = -1\n') as behind, \
                VirgatedTls(pki, crl=False, listen=LOCAL,
                            more=onward_by_tls(behind, pki)
                            + '[daemon]\nkeepalive-interval = 0\n') as d:
            calls_at_once(d)


def test_a_daemon_whose_certificate_is_not_good():
    """The client is told, and nothing is said to that daemon."""
    with tempfile.TemporaryDirectory() as folder:
        pki = make_pki(os.path.join(folder, 'pki'))
        other = make_pki(os.path.join(folder, 'other'))
        with LibvirtdTls(other) as behind, VirgatedTls(
                pki, crl=False, more=onward_by_tls(behind, pki)) as d:
            code, _, err = lib.virsh(d.uri_tls(pki), 'list')
            same(code, 1)
            assert 'certificate' in err, err


def test_over_ssh():
    need('ssh', 'virt-ssh-helper')
    with ssh.Home() as home, Libvirtd() as behind:
        key = home.key()
        with ssh.Sshd(ssh.public(key), libvirt=behind.dir) as far, \
                Virgated(config=f'''[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = none
[driver behind]
module = upstream
upstream = test+ssh://root@127.0.0.1:{far.port}/default?keyfile={key}&no_verify=1
connect-timeout = 60
[daemon]
open-timeout = 60
''') as d:
            compare(behind.uri(), d.uri(), d.dir)
            refused_onward(d)
            calls_at_once(d)


# Descriptors --------------------------------------------------------------

# A stock client makes each call that is about descriptors, on a connection of
# its own, and looks whether that still answers.
CLIENT = '''
import libvirt, os, signal, socket, sys
libvirt.registerErrorHandler(lambda context, error: None, None)
mine, other = socket.socketpair()
calls = dict(
  open_graphics_fd=lambda c, d: d.openGraphicsFD(0, 0),
  open_graphics=lambda c, d: d.openGraphics(0, mine.fileno(), 0),
  create=lambda c, d: d.createWithFiles([mine.fileno()], 0),
  create_xml=lambda c, d: c.createXMLWithFiles(d.XMLDesc(), [mine.fileno()]),
  associate=lambda c, d: d.FDAssociate('x', [mine.fileno()], 0))
told = {}
signal.alarm(60)
for name, call in calls.items():
  conn = libvirt.open(sys.argv[1])
  dom = conn.lookupByName('test')
  try:
    told[name] = [call(conn, dom) is None]
  except libvirt.libvirtError as e:
    told[name] = [e.get_error_code(), e.get_error_domain(),
                  e.get_error_message()]
  try:
    told[name].append(bool(conn.getHostname()))
  except libvirt.libvirtError:
    told[name].append(False)
print(told)
'''


def told_about_descriptors(uri):
    return ast.literal_eval(command(sys.executable, '-c', CLIENT, uri, check=0,
                                    timeout=90)[1])


def has_as_many(d, before):
    wait_until(lambda: descriptors(d.process.pid) <= before, what='no leaks')


def lacking(doing):
    """What a stock client says, and that its connection is alive."""
    return [1, 7, f'internal error: {doing}', True]


def refused_onward(d):
    """The way to the daemon behind carries none: clients on a Unix socket are
    told so in libvirt's words, at once."""
    before = descriptors(d.process.pid)
    told = told_about_descriptors(d.uri())
    same(told, dict(dict.fromkeys(told, lacking(SENDING)),
                    open_graphics_fd=lacking(RECEIVING)))
    with Conn(d.socket) as c, open(os.devnull) as f:
        same(c.call(FEATURE, u32(FD_PASSING)).payload, u32(1))
        for serial, (proc, args) in enumerate((
                (FD_ASSOCIATE, domain() + string('x') + u32(0)),
                (HOSTNAME, b''))):
            c.send_fds(message(proc, u32(1) + args, serial=serial,
                               mtype=CALL_FDS), [])
            c.send_fds(b'\0', [f.fileno()])
        told = {reply.serial: reply for reply in (c.receive(), c.receive())}
        same(told[0].error[2], f'internal error: {SENDING}')
        same(told[1].error, None)       # has no use for any
        same(c.call(HOSTNAME).error, None)
        reply = c.call(MONITOR_WITH_FILES, domain() + string('{}') + u32(0),
                       prog=QEMU)       # that driver has none
        assert 'virDomainQemuMonitorCommandWithFiles' in reply.error[2], reply
    has_as_many(d, before)


def test_descriptors_onward_over_tls():
    with tempfile.TemporaryDirectory() as folder:
        pki = make_pki(os.path.join(folder, 'pki'))
        with LibvirtdTls(pki) as behind, VirgatedTls(
                pki, crl=False, listen=LOCAL,
                more=onward_by_tls(behind, pki)) as d:
            refused_onward(d)
            # Over TLS from end to end it is the client's library that fails,
            # and ends its connection.
            direct, through = (told_about_descriptors(uri) for uri in (
                behind.uri_tls(pki), d.uri_tls(pki)))
            same(through.pop('open_graphics_fd'), lacking(RECEIVING))
            del direct['open_graphics_fd']      # that driver has none
            same(through, direct)
            same(direct['create'], lacking(SENDING)[:3] + [False])


def test_descriptors_to_a_client_over_tls():
    """The daemon behind hands some out; libvirt's client would end its
    connection over them, so it gets the error that it would show."""

    def give(conn, call):
        with open(os.devnull) as f:
            conn.sendall(reply_to(call, u32(1), mtype=REPLY_FDS))
            socket.send_fds(conn, [b'\0'], [f.fileno()])

    with tempfile.TemporaryDirectory() as folder, Behind() as behind:
        behind.tricks[OPEN_GRAPHICS_FD] = give
        pki = make_pki(os.path.join(folder, 'pki'))
        with VirgatedTls(pki, crl=False, listen=LOCAL, more=f'''
[driver behind]
module = upstream
upstream = remote+unix:///?socket={behind.path}
''') as d:
            before = descriptors(d.process.pid)
            told = told_about_descriptors(d.uri_tls(pki))
            same(told['open_graphics_fd'], lacking(RECEIVING))
            assert told_about_descriptors(d.uri())['open_graphics_fd'] \
                == [False, True], 'a descriptor passes between Unix sockets'
            has_as_many(d, before)


if __name__ == '__main__':
    run()
