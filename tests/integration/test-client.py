#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirgate against real servers: a stock libvirtd, and virgated."""
import os
import re
import subprocess

import lib

SESSION = os.path.join(lib.BUILD, 'tests', 'integration', 'client-session')
PROBE = os.path.join(lib.BUILD, 'tests', 'integration', 'client-probe')


def session(server):
    status, out, errors = lib.command(lib.RUN, SESSION, server.uri(),
                                      server.uri_ro())
    if status != 0:
        raise AssertionError(f'{status}\n{out}{errors}')
    return out.splitlines()


def expect(lines):
    lib.same(lines[0], 'events 6')
    assert lines[1].startswith('error 42 '), lines[1]
    assert lines[2].startswith('error 29 '), lines[2]
    lib.same(lines[3:5], ['async 200', 'threads 1600'])
    assert '"field": "state.state"' in lines[5], lines[5]
    lib.same(lines[6], 'done')


def test_libvirtd():
    with lib.Libvirtd() as server:
        expect(session(server))


def test_virgated_gives_the_same():
    with lib.Libvirtd() as server:
        want = session(server)
    with lib.Virgated() as server:
        got = session(server)
    expect(got)
    lib.same(got[:3], want[:3], 'what virgated and libvirtd say')


def test_tcp():
    with lib.Libvirtd(tcp=True) as server:
        status, out, errors = lib.command(lib.RUN, PROBE, server.uri_tcp(),
                                          '5000', '5000', 'list')
        assert status == 0 and '"result": 0' in out, out + errors


def test_stream():
    with lib.Libvirtd() as server:
        status, out, errors = lib.command(lib.RUN, PROBE, server.uri(),
                                          '5000', '5000', 'stream')
        assert status == 0 and '"result": 0' in out, out + errors


def test_server_that_is_killed():
    """A waiting call says so at once, long before any deadline."""
    with lib.Libvirtd() as server:
        p = subprocess.Popen([lib.RUN, PROBE, server.uri(), '60000', '60000',
                              'event'], stdout=subprocess.PIPE, text=True)
        lib.wait_until(lambda: os.path.exists(server.socket), 5)
        server.process.kill()
        server.process.wait()
        out, _ = p.communicate(timeout=30 * lib.SLOW)
    assert '"result": -1' in out, out
    assert 'closed the connection' in out or 'connect' in out, out


def declared(path):
    with open(path) as f:
        return set(re.findall(r'VIRGATE_PUBLIC\s[^;(]*?\b(virgate_\w+)\s*\(',
                              f.read()))


def test_exports_are_what_the_headers_declare():
    lib.need('nm')
    out = lib.command('nm', '-D', '--defined-only', os.path.join(
        lib.BUILD, 'client', '.libs', 'libvirgate.so'), check=0)[1]
    got = {line.split()[2].split('@')[0] for line in out.splitlines()
           if line.split()[1] != 'A'}
    want = declared(os.path.join(lib.SOURCE, 'include/virgate/client.h'))
    want |= declared(os.path.join(lib.BUILD, 'include/virgate/calls.h'))
    assert len(want) > 400, len(want)
    lib.same(sorted(got ^ want), [], 'exported or declared, but not both')


def test_headers_compile_alone():
    for argv in (['cc', '-std=c99', '-pedantic', '-x', 'c'],
                 ['c++', '-x', 'c++']):
        lib.need(argv[0])
        lib.command(*argv, '-Wall', '-Werror', '-fsyntax-only',
                    f'-I{lib.SOURCE}/include', f'-I{lib.BUILD}/include', '-',
                    stdin='#include <virgate/calls.h>\n', check=0)


if __name__ == '__main__':
    lib.run()
