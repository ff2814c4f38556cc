#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/tls.md is run as it is written, as a user who has nothing yet."""
import re

from tls import *


def blocks(kind):
    with open(os.path.join(SOURCE, 'docs', 'tls.md')) as f:
        return re.findall(rf'^```{kind}\n(.*?)^```', f.read(), re.M | re.S)


# Runs the tree's own programs by their plain names.
WRAPPER = '''#!/bin/sh
exec {run} {name} "$@" 2>>{log}
'''


def test_the_tutorial_works_as_written():
    """Its commands, each followed by a wait for what it promises."""
    need('setpriv', 'unshare', 'ip')
    if os.geteuid() != 0:
        raise Skip('only root gets a network, with the usual ports, of its '
                   'own')
    main, stock, check, folders, *_ = blocks('sh')
    same(len(main.strip().splitlines()) <= 5, True, 'commands')
    same([l.split()[0] for l in main.splitlines()],
         ['virgate', 'virgate', 'virgate', 'virgated', 'virgate'])
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        home, binaries = os.path.join(root, 'home'), os.path.join(root, 'bin')
        os.mkdir(home)
        os.mkdir(binaries)
        for name in 'virgate', 'virgated':
            path = os.path.join(binaries, name)
            with open(path, 'w') as f:
                f.write(WRAPPER.format(run=RUN, name=name,
                                       log=f'{home}/errors'))
            os.chmod(path, 0o755)
        with open(os.path.join(home, 'tls.conf'), 'w') as f:
            f.write(blocks('ini')[0])
        *made, daemon, use = main.strip().splitlines()
        script = '\n'.join([
            'set -e', f'cd {home}', *made, daemon, 'daemon=$!',
            "trap 'kill $daemon' EXIT",
            'tries=0; until (exec 3<>/dev/tcp/127.0.0.1/16514) 2>&-',
            'do tries=$((tries + 1)); test $tries -lt 1000; done',
            use, stock, check, folders])
        os.chown(home, 65534, 65534)
        env = {'HOME': home, 'XDG_RUNTIME_DIR': home,
               'PATH': f'{binaries}:{os.environ["PATH"]}'}
        rc, said = sh('unshare', '--net', 'sh', '-c',
                      'ip link set lo up && exec setpriv --reuid=65534 '
                      '--regid=65534 --clear-groups bash -c "$1"', 'sh',
                      script, ok=False, env=env, seconds=60)
        errors = ''
        if os.path.exists(f'{home}/errors'):
            errors = open(f'{home}/errors').read()
        same(rc, 0, said + errors)
        same(len(re.findall(r'^ ?\d+ +test +running', said, re.M)), 2, said)
        assert 'good connected to test+tls://localhost/default' in said, said
        assert 'good the server speaks TLS1.3' in said
        same(sorted(os.listdir(f'{home}/host1')),
             ['cacert.pem', 'cacrl.pem', 'servercert.pem', 'serverkey.pem'])
        same(sorted(os.listdir(f'{home}/alice')),
             ['cacert.pem', 'cacrl.pem', 'clientcert.pem', 'clientkey.pem'])


def test_the_documents_configurations_are_accepted():
    with tempfile.TemporaryDirectory() as root:
        folder = make_pki(os.path.join(root, 'pki'))
        for text in blocks('ini'):
            if '[listen' not in text:
                with VirgatedTls(folder, more=text) as ours:
                    same(ours.is_running(), True)


if __name__ == '__main__':
    run()
