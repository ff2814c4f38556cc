# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the virgate command share."""
from lib import *


class Worlds:
    """Two libvirtds that are kept from forgetting test:///default."""

    def __init__(self, count=1):
        try:
            import libvirt
        except ImportError:
            raise Skip('python3-libvirt is not installed')
        libvirt.registerErrorHandler(lambda *_: None, None)
        self.daemons = [Libvirtd() for _ in range(count)]
        self.keepers = []
        self.libvirt = libvirt

    def __enter__(self):
        for daemon in self.daemons:
            daemon.__enter__()
            self.keepers.append(self.libvirt.open(daemon.uri()))
        return self.daemons

    def __exit__(self, *exc):
        for keeper in self.keepers:
            keeper.close()
        for daemon in self.daemons:
            daemon.__exit__(*exc)


def virgate(*args, **kw):
    return command(RUN, 'virgate', *args, **kw)
