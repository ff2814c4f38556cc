#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same misbehaving servers that the library meets, met by virgate: it
ends in time, with an exit code and a reason.  (How much memory they can make
a client take is measured there.)"""
import concurrent.futures
import importlib.util
import re
import tempfile
import threading

from lib import *

spec = importlib.util.spec_from_file_location(
    'hostile_server', os.path.join(os.path.dirname(__file__),
                                   'test-hostile-server.py'))
hostile = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hostile)

FEATURE, LOOKUP_NAME, GET_STATE, REGISTER = 60, 23, 212, 316
COMMANDS = {'list': ['list'], 'xml': ['dumpxml', 'test'],
            'stream': ['screenshot', 'test', '--file', '/dev/null'],
            'event': ['list; event --event lifecycle --timeout 1'],
            'ping': ['ping']}
TIMEOUT_S = 1
LIMIT_S = 6


def start(args):
    env = dict(os.environ, XDG_CONFIG_HOME='/nonexistent', LC_ALL='C',
               VIRGATE_MODULE_DIR=hostile.MODULES, LD_LIBRARY_PATH=os.path.join(
                   BUILD, 'client', '.libs'))
    program = os.path.join(BUILD, 'client', 'cli', '.libs', 'virgate')
    if not os.path.exists(program):
        program = os.path.join(BUILD, 'client', 'cli', 'virgate')
    return subprocess.Popen([program, '--timeout', str(TIMEOUT_S), *args],
                            env=env, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def virgate(path, does):
    """(exit code, errors, seconds) of one command."""
    began = time.monotonic()
    p = start(['-c', f'test+unix:///default?socket={path}', *COMMANDS[does]])
    try:
        err = p.communicate(timeout=30 * SLOW)[1]
    except subprocess.TimeoutExpired:
        p.kill()
        err = p.communicate()[1]
    return p.returncode, err, time.monotonic() - began


def complaint_about(does, text, got):
    rc, err, seconds = got
    if rc not in range(6):
        return f'ended with {rc}: {err[-2000:]}'
    if seconds > LIMIT_S * SLOW:
        return f'took {seconds:.1f} s'
    if rc and not re.match(r'virgate: error: .{10}', err):
        return f'does not say why: {err!r}'
    # a stream without end is one: the time was up
    if text is None and rc and (rc, does) != (4, 'stream'):
        return f'failed: {err}'
    if text and not rc and does in ('list', 'xml', 'stream'):
        return 'did not fail'
    return None


def meet(case, directory, number):
    name, at, does, fn, text = case
    path = os.path.join(directory, f'sock{number}')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(30 * SLOW)
        server = threading.Thread(target=hostile.misbehave,
                                  args=(listener, at, fn))
        server.start()
        try:
            got = virgate(path, does)
        finally:
            server.join(30 * SLOW)
    complaint = complaint_about(does, text, got)
    return f'{name}: {complaint}' if complaint else None


def test_virgate_survives_every_server():
    hostile.GOOD.update({FEATURE: hostile.u32(1),
                         LOOKUP_NAME: hostile.DOMAIN,
                         GET_STATE: hostile.u32(1) + hostile.u32(0),
                         REGISTER: hostile.u32(1)})
    cases = [c for c in hostile.CASES if c[2] in COMMANDS]
    same(len(cases) >= 60, True, f'{len(cases)} cases')
    with tempfile.TemporaryDirectory(prefix='virgate-test-') as directory, \
            concurrent.futures.ThreadPoolExecutor(4) as pool:
        complaints = list(pool.map(
            lambda n: meet(cases[n], directory, n), range(len(cases))))
    same([c for c in complaints if c], [])
    print(f'{len(cases)} servers')


if __name__ == '__main__':
    run()
