#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Manual pages against the code: every key that the code knows is in its
page, and every key in a page is known to the code."""
import glob
import os
import re
import subprocess
import tempfile

from lib import *


def page(path):
    with open(os.path.join(SOURCE, path), encoding='utf-8') as f:
        return f.read()


def keys_of_page(text):
    """Keys are items '.It Ic KEY No = ...', or Cm; several may share an item."""
    keys = set()
    for line in re.findall(r'^\.It ((?:Ic|Cm) .* No = .*)$', text, re.M):
        keys.update(re.findall(r'\b(?:Ic|Cm) ([a-z][a-z0-9-]*) No =', line))
    return keys


def modules():
    _, out, _ = command(RUN, 'virgated', '--list-modules', check=0)
    for line in out.splitlines():
        kind, name, *rest = line.split()
        yield f'{kind}-{name}'


def keys_of_module(name):
    _, out, _ = command(RUN, 'virgated', '--module-help', name, check=0)
    return set(re.findall(r'^  ([a-z][a-z0-9-]*) = ', out, re.M))


def test_module_keys_are_documented():
    wrong = []
    for name in modules():
        found = glob.glob(os.path.join(SOURCE, 'plugins', '**',
                                       f'virgate-{name}.7'), recursive=True)
        if not found:
            wrong.append(f'{name}: no page')
            continue
        known, told = keys_of_module(name), keys_of_page(page(found[0]))
        wrong += [f'{name}: {k} is not documented' for k in known - told]
        wrong += [f'{name}: {k} is not a key' for k in told - known]
    same(wrong, [], 'module keys')


def test_daemon_arguments_are_documented():
    _, out, _ = command(RUN, 'virgated', '--help', check=0)
    for option in set(re.findall(r'--([a-z-]+)', out)):
        assert re.search(r'Fl -?' + option.replace('-', r'\\?-'),
                         page('docs/virgated.8')), option


def test_public_functions_are_documented():
    """Every function of client.h stands in libvirgate(3)."""
    text = page('docs/libvirgate.3')
    functions = re.findall(r'\b(virgate_[a-z_]+) \(',
                           re.sub(r'/\*.*?\*/', '',
                                  page('include/virgate/client.h'),
                                  flags=re.S))
    missing = sorted({f for f in functions if f not in text
                      and not f.endswith('_fn')})
    same(missing, [], 'functions that the manual does not mention')


def test_driver_example_of_the_module_manual_works():
    """The manual's driver, compiled as it stands, answers a stock virsh."""
    source = literal(page('docs/virgate-module.3'), 'virgate_driver_ops ops')
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, 'hello.c'), 'w') as f:
            f.write(source)
        subprocess.run(['gcc', '-Wall', '-Wextra', '-Wno-unused-parameter',
                        '-Werror', '-shared', '-fPIC',
                        '-I', os.path.join(SOURCE, 'include'),
                        '-I', os.path.join(BUILD, 'include'),
                        '-o', os.path.join(folder, 'driver-hello.so'),
                        os.path.join(folder, 'hello.c')], check=True)
        command(RUN, 'true', check=0)       # makes the folder of modules
        for module in glob.glob(os.path.join(BUILD, 'modules', '*.so')):
            os.symlink(os.path.realpath(module),
                       os.path.join(folder, os.path.basename(module)))
        config = ('[listen local]\ntransport = unix\npath = @DIR@/sock\n'
                  'mode = 0700\nauth = none\n[driver hello]\n')
        with Virgated('--module-dir', folder, config=config) as d:
            same(virsh(f'hello+unix:///?socket={d.socket}', 'hostname',
                       check=0)[1].strip(), 'hello')


if __name__ == '__main__':
    run()
