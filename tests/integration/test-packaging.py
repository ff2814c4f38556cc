#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units for systemd: that systemd reads them, what it thinks of their
exposure, and that a daemon started so serves the sockets it is handed."""
import glob
import os
import tempfile

from lib import *

# systemd-analyze's tenths: below 20 is 'OK'.
EXPOSURE_MAX = 15


def units(folder, program):
    """The units as they are installed, for this program."""
    for path in glob.glob(f'{SOURCE}/packaging/virgated*.socket'):
        with open(path) as f, \
                open(f'{folder}/{os.path.basename(path)}', 'w') as out:
            out.write(f.read())
    with open(f'{BUILD}/packaging/virgated.service') as f, \
            open(f'{folder}/virgated.service', 'w') as out:
        out.write(re.sub(r'^ExecStart=.*/virgated$', f'ExecStart={program}',
                         f.read(), flags=re.M))
    return sorted(glob.glob(f'{folder}/virgated*'))


def test_systemd_understands_the_units():
    need('systemd-analyze')
    with tempfile.TemporaryDirectory() as folder:
        paths = units(folder, '/bin/true')
        same(len(paths), 5)
        _, out, err = command('systemd-analyze', 'verify', *paths)
        said = [line for line in (out + err).splitlines()
                if 'virgated' in line and "Command 'man" not in line]
        same(said, [])


def test_the_service_is_hardly_exposed():
    need('systemd-analyze')
    with tempfile.TemporaryDirectory() as folder:
        units(folder, '/bin/true')
        command('systemd-analyze', 'security', '--offline=true',
                f'--threshold={EXPOSURE_MAX}', f'{folder}/virgated.service',
                check=0)


class Activated(Peer):
    """The daemon with the default configuration, its sockets handed over."""

    def start(self):
        self.sockets = [f'{self.dir}/run/virgate/virgate-sock{end}'
                        for end in ('', '-ro')]
        os.makedirs(os.path.dirname(self.sockets[0]))
        self.spawn(['systemd-socket-activate',
                    '--fdname=local:local-ro:public',
                    '-l', self.sockets[0], '-l', self.sockets[1],
                    '-l', f'{self.dir}/run/public',
                    '-E', f'XDG_RUNTIME_DIR={self.dir}/run',
                    '-E', f'VIRGATE_MODULE_DIR={BUILD}/modules',
                    '-E', f'PATH={os.environ["PATH"]}',
                    RUN, 'virgated'])
        wait_until(lambda: all(os.path.exists(s) for s in self.sockets))


def test_sockets_that_are_handed_over_are_served():
    need('systemd-socket-activate', 'virsh')
    with Activated() as d:
        for path, status in zip(d.sockets, (0, 1)):
            uri = f'test+unix:///default?socket={path}'
            virsh(uri, 'list', check=0)
            same(virsh(uri, 'suspend', 'test')[0], status, d.log())
        same(re.findall(r"nobody serves the socket '(.*?)'", d.log()),
             ['public'], d.log())


if __name__ == '__main__':
    run()
