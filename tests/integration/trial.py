# SPDX-License-Identifier: LGPL-2.1-or-later
"""Modules that do what their config tells them to, built for a test."""
import contextlib
import glob
import os
import shutil
import tempfile

from lib import *
from rawrpc import *


TRIALS = (('auth-trial', 'auth-trial.c', 'TRIAL'),
          ('auth-trialpolkit', 'auth-trial.c', 'TRIAL_POLKIT'),
          ('auth-trialblocks', 'auth-trial.c', 'TRIAL_BLOCKS'))
SLOW_DRIVER = (('driver-slow', 'driver-slow.c', 'SLOW'),)


@contextlib.contextmanager
def trial_modules(trials=TRIALS):
    """The tree's modules and these trials."""
    folder = tempfile.mkdtemp(prefix='virgate-test-')
    try:
        command(RUN, 'true', check=0)       # makes the folder of modules
        for module in glob.glob(os.path.join(BUILD, 'modules', '*.so')):
            os.symlink(os.path.realpath(module),
                       os.path.join(folder, os.path.basename(module)))
        for name, source, flag in trials:
            command('cc', '-shared', '-fPIC', '-fvisibility=hidden', '-Wall',
                    '-D_GNU_SOURCE', f'-D{flag}',
                    '-I', os.path.join(SOURCE, 'include'),
                    '-I', os.path.join(BUILD, 'include'), '-o',
                    os.path.join(folder, f'{name}.so'),
                    os.path.join(SOURCE, 'tests', 'integration', source),
                    check=0)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sasl(nil, data):
    """The wire form of a conversation's data."""
    return u32(nil) + u32(len(data)) + b''.join(u32(b) for b in data)


def plain(user, password):
    """SASL_START's payload with the mechanism PLAIN."""
    return string('PLAIN') + sasl(0, f'\0{user}\0{password}'.encode())
