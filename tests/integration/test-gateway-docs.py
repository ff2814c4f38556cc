#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/gateway.md is run as it is written: root's part in places of the
test's own, virgated as a user without privileges, libvirtd with QEMU."""
import os
import re
import subprocess

import qemu
from lib import *


def blocks(kind):
    with open(os.path.join(SOURCE, 'docs', 'gateway.md')) as f:
        return re.findall(rf'^```{kind}\n(.*?)^```', f.read(), re.M | re.S)


# Root's folders are the test's; the daemon has another user's rights.
SCRIPT = '''
set -e
exec 2>&1
mkdir -p /etc/virgate /etc/pki /run/libvirt /run/credentials /var/log/virgate
for d in etc/virgate etc/pki run/credentials var/log/virgate; do
  mkdir -p "$D/root/$d"
  mount --bind "$D/root/$d" "/$d"
done
mount --bind "$LIBVIRT" /run/libvirt
ip link set lo up
PATH=$D/bin:$PATH
cd "$D/work"
@CERTIFICATES@
cp "$D/conf" /etc/virgate/virgated.conf
virgated() { "$D/bin/virgated" "$@"; }
@EXPLAIN@
mkdir /run/credentials/virgated.service
install -m 0400 -o 65534 /etc/pki/libvirt/private/serverkey.pem \\
  /run/credentials/virgated.service/serverkey.pem
chown 65534 /var/log/virgate
cd /
(exec setpriv --reuid=65534 --regid=65534 --clear-groups "$D/bin/virgated") \
  > "$D/log" 2>&1 &
daemon=$!
trap 'kill $daemon' EXIT
end=$((SECONDS + 60))
until (exec 3<>/dev/tcp/127.0.0.1/16514) 2>&-; do
  test $SECONDS -lt $end || { cat "$D/log"; exit 1; }
done
cd "$D/work"
for guest in web-1 db-1; do
  sed "s/>g1</>$guest</; s/<uuid>[^<]*<.uuid>//" "$D/guest.xml" > guest.xml
  virsh -q -c "qemu+tls://localhost/system?pkipath=$PWD/alice" define guest.xml
done
@USE@
'''

# The tree may have been configured for another place than /etc.
WRAPPER = '#!/bin/sh\nexec {run} {name} {config} "$@"\n'


def test_the_document_works_as_written():
    need('virsh', 'libvirtd', 'unshare', 'ip', 'setpriv',
         'qemu-system-x86_64')
    certificates, explain, *use = blocks('sh')
    with qemu.LibvirtdQemu() as behind:
        d = behind.dir
        os.chmod(d, 0o755)
        for folder in 'bin', 'work', 'sockets':
            os.mkdir(f'{d}/{folder}')
        os.link(behind.socket, f'{d}/sockets/libvirt-sock')
        for name in 'virgate', 'virgated':
            with open(f'{d}/bin/{name}', 'w') as f:
                f.write(WRAPPER.format(
                    run=RUN, name=name, config='' if name == 'virgate'
                    else '--config /etc/virgate/virgated.conf'))
            os.chmod(f'{d}/bin/{name}', 0o755)
        with open(f'{d}/conf', 'w') as f:
            f.write(blocks('ini')[0])
        with open(f'{d}/guest.xml', 'w') as f:
            f.write(re.sub(r"<disk.*?</disk>|<log .*?/>", '', qemu.GUEST,
                           flags=re.S))
        script = SCRIPT.replace('@CERTIFICATES@', certificates) \
            .replace('@EXPLAIN@', explain).replace('@USE@', ''.join(use))
        p = subprocess.run(['unshare', '--mount', '--net', '--propagation',
                            'private', 'bash', '-c', script],
                           env=dict(os.environ, D=d, LC_ALL='C',
                                    LIBVIRT=f'{d}/sockets'),
                           capture_output=True, text=True, timeout=120 * SLOW)
        said = p.stdout + p.stderr
        with open(f'{d}/log') as f:
            log = f.read()
        same(p.returncode, 0, said + log)
        same([re.findall(r'^ - +(\S+) ', part, re.M)
              for part in re.split(r'^ Id .*\n-+\n', said, flags=re.M)[1:3]],
             [['db-1', 'web-1'], ['web-1']], said)
        same('"user":"CN=bob"' in said and '"name":"web-1"' in said, True,
             said)


if __name__ == '__main__':
    run()
