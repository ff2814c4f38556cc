#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Modules that were built once keep loading: see tests/old-modules/README."""
import base64
import glob
import lzma
import os
import platform
import tempfile

from lib import *

CONFIG = '''[listen local]
transport = unix
path = @DIR@/sock
auth = me
acl = careful
[listen odd]
transport = old
socket-name = @DIR@
auth = me
[auth me]
module = old
uid = @UID@
[acl careful]
module = old
deny = connect_get_type
[driver old]
'''


def unpack(folder):
    """The old modules, beside those of this tree."""
    command(RUN, 'true', check=0)       # makes the folder of modules
    for module in glob.glob(os.path.join(BUILD, 'modules', '*.so')):
        os.symlink(os.path.realpath(module),
                   os.path.join(folder, os.path.basename(module)))
    packed = glob.glob(os.path.join(SOURCE, 'tests', 'old-modules',
                                    '*.so.xz.base64'))
    for path in packed:
        name = os.path.basename(path).removesuffix('.xz.base64')
        with open(path, 'rb') as f, \
                open(os.path.join(folder, name), 'wb') as out:
            out.write(lzma.decompress(base64.b64decode(f.read())))
    return len(packed)


def test_modules_of_the_first_version_serve_a_call():
    if platform.machine() != 'x86_64':
        raise Skip('they were built for x86_64')
    with tempfile.TemporaryDirectory() as folder:
        same(unpack(folder), 4, 'a module of each kind')
        config = CONFIG.replace('@UID@', str(os.geteuid()))
        with Virgated('--module-dir', folder, config=config) as d:
            uri = f'old+unix:///?socket={d.socket}'
            same(virsh(uri, 'hostname', check=0)[1].strip(), 'closet')
            status, _, err = virsh(uri, 'nodeinfo')
            same((status, 'not supported by the connection' in err),
                 (1, True), err)
            with open(f'{d.dir}/client.conf', 'w') as f:
                f.write(f'[transport old]\nsocket-name = {d.dir}\n')
            env = {'XDG_CONFIG_HOME': d.dir}
            os.mkdir(f'{d.dir}/virgate')
            os.rename(f'{d.dir}/client.conf',
                      f'{d.dir}/virgate/client.conf')
            status, _, err = command(RUN, 'virgate', '-c', uri, 'call',
                                     'connect_get_type', env=env)
            same((status, 'denied' in err), (1, True), err)
            same(command(RUN, 'virgate', '--module-dir', folder, '-c',
                         'old+old:///', 'hostname',
                         check=0, env=env)[1].strip(), 'closet')


if __name__ == '__main__':
    run()
