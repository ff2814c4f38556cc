#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QEMU guest behind virgated: stock libvirtd with its QEMU driver, driven by
stock clients directly and through virgated, which runs as an ordinary user
where it can.  What clients are told must be the same."""
import hashlib
import os
import re
import signal
import subprocess
import threading

from gateway import *
from lib import *

MIB = 1 << 20
UUID = '11111111-1111-4111-8111-111111111111'
GUEST = f'''<domain type='qemu'><name>g1</name><uuid>{UUID}</uuid>
<memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><bios useserial='yes'/></os>
<features><acpi/></features>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<controller type='usb' model='none'/>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
<source file='@DIR@/disk.qcow2'/><target dev='vda' bus='virtio'/></disk>
<serial type='pty'/><video><model type='vga'/></video>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/>
</channel><memballoon model='virtio'/></devices></domain>'''


class LibvirtdQemu(Libvirtd):
    """A private libvirtd with all of its drivers; guests run as root in its
    mount namespace, by which they are found at the end."""

    SCRIPT = '''
set -e
mkdir -p /run/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt \\
  /etc/libvirt
for d in run lib cache logs etc/qemu/networks lib/qemu; do mkdir -p "$D/$d"
done
test ! -d /etc/libvirt/nwfilter || cp -r /etc/libvirt/nwfilter "$D/etc/"
cat > "$D/etc/qemu.conf" << X
user = "root"
group = "root"
stdio_handler = "file"
cgroup_controllers = []
security_driver = "none"
namespaces = []
seccomp_sandbox = 0
X
mount --bind "$D/run" /run/libvirt
mount --bind "$D/lib" /var/lib/libvirt
mount --bind "$D/cache" /var/cache/libvirt
mount --bind "$D/logs" /var/log/libvirt
mount --bind "$D/etc" /etc/libvirt
exec libvirtd -f "$D/libvirtd.conf" -p "$D/pid" $LISTEN
'''

    def __init__(self):
        super().__init__(config='unix_sock_rw_perms = "0777"\n'
                         'unix_sock_ro_perms = "0777"\n')
        os.chmod(self.dir, 0o755)

    def start(self):
        need('qemu-system-x86_64', 'qemu-img', 'virsh')
        super().start()
        self.namespace = os.stat(
            f'/proc/{self.process.pid}/ns/mnt').st_ino
        wait_until(lambda: virsh(self.uri('/system', 'qemu'), 'list')[0] == 0,
                   60, 'the QEMU driver')

    def guests(self):
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                if int(pid) != self.process.pid and os.stat(
                        f'/proc/{pid}/ns/mnt').st_ino == self.namespace:
                    yield int(pid)
            except OSError:
                pass

    def stop(self, number=signal.SIGTERM, seconds=10):
        if not self.is_running():
            return
        for pid in self.guests():
            os.kill(pid, signal.SIGKILL)
        super().stop(number, seconds)


def ordinary_user(d):
    """How to run a program as nobody, where that may read the build tree."""
    argv = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups',
            '--no-new-privs']
    command(RUN, 'true', check=0)       # makes the folder of modules
    if os.getuid() == 0 and command(*argv, RUN, 'virgated', '--version')[0] \
            == 0:
        os.chown(d.dir, 65534, 65534)
        d.wrapper = argv
    return d


def before(behind, more='', listeners=LISTENERS):
    return ordinary_user(gateway(behind.socket, more,
                                 listeners.replace('0700', '0777')
                                 .replace('auth = none', 'auth = none\n'
                                          'allow-anonymous = yes')))


# What differs from one run to the next on the same daemon.
VOLATILE = [(r"(?m)^(.*(time|cpu|Id|ID|pid|balloon|dirtyrate|vm\.|\.rd|\.wr|"
             r"\.fl|allocation|physical|rss|usable|unused|available|"
             r"disk_caches|last-update)[^\n]*)$", '<line>'),
            (r'/dev/pts/\d+', '<pty>'), (r"vnet\d+", '<nic>'),
            (r'"id":"libvirt-\d+"', '<id>'), (r'domain-\d+-', 'domain-N-'),
            (r' at \d[0-9.:-]*[^\n]*', ' at <time>'),
            (r"id='\d+'", "id=N"), (r' \d+   ', ' N   '),
            (r'\d{4}-\d\d-\d\d [0-9:]{8}', '<date>')]


class Story:
    """Commands and what they told."""

    def __init__(self, uri, folder):
        self.uri, self.folder, self.told = uri, folder, []
        with open(os.path.join(folder, 'g1.xml'), 'w') as f:
            f.write(GUEST.replace('@DIR@', folder))
        for name, size in (('disk.qcow2', '16M'), ('more.qcow2', '8M')):
            command('qemu-img', 'create', '-q', '-f', 'qcow2',
                    os.path.join(folder, name), size, check=0)

    def v(self, *argv, **kw):
        for _ in range(3):
            try:
                code, out, err = command('virsh', '-q', '-c', self.uri, *argv,
                                         cwd=self.folder, timeout=40, **kw)
                break
            except subprocess.TimeoutExpired:   # virsh 9.0 may hang itself
                code, out, err = 'hung', '', ''
        text = f'{" ".join(argv)}: {code} {out} {err}'
        text = text.replace(self.folder, 'FOLDER').replace(self.uri, 'URI')
        for pattern, put in VOLATILE:
            text = re.sub(pattern, put, text)
        self.told.append(text)
        return code, out


def life(s):
    for line in ('define g1.xml', 'list --all', 'start g1', 'domstate g1',
                 'dominfo g1', 'domstats g1', 'dumpxml g1 --xpath //disk',
                 'suspend g1', 'domstate g1 --reason', 'resume g1',
                 'reset g1', 'qemu-monitor-command g1 --hmp info status',
                 'qemu-monitor-command g1 {"execute":"nonsense"}',
                 'qemu-agent-command g1 {"execute":"guest-ping"}',
                 'guestinfo g1', 'vcpupin g1', 'domjobinfo g1',
                 'attach-disk g1 FOLDER/more.qcow2 vdb --subdriver qcow2',
                 'domblklist g1', 'detach-disk g1 vdb',
                 'setmem g1 60M', 'screenshot g1 FOLDER/shot',
                 'snapshot-create-as g1 s1', 'snapshot-list g1',
                 'snapshot-revert g1 s1', 'snapshot-delete g1 s1',
                 'blockcopy g1 vda FOLDER/copy.qcow2 --wait --pivot '
                 '--transient-job --format qcow2',
                 'dump g1 FOLDER/core --memory-only',
                 'managedsave g1', 'list --all --managed-save', 'start g1',
                 'migrate g1 qemu+unix:///system?socket=/nowhere',
                 'destroy g1', 'undefine g1 --managed-save', 'list --all'):
        s.v(*line.replace('FOLDER', s.folder).split())
    with open(os.path.join(s.folder, 'shot'), 'rb') as f:
        s.told.append(f.read(15))
    for name in ('core', 'shot', 'copy.qcow2'):
        os.remove(os.path.join(s.folder, name))


def volumes(s, size=24 * MIB):
    pool = os.path.join(s.folder, 'pool')
    os.mkdir(pool)
    data = os.urandom(size // 2) + bytes(size // 2)
    with open(os.path.join(s.folder, 'in'), 'wb') as f:
        f.write(data)
    s.v('pool-create-as', 'p1', 'dir', '--target', pool)
    for sparse in ((), ('--sparse',)):
        s.v('vol-create-as', 'p1', 'v1', str(size), '--format', 'raw')
        s.v('vol-upload', 'v1', 'in', 'p1', *sparse)
        s.v('vol-download', 'v1', 'out', 'p1', *sparse)
        with open(os.path.join(s.folder, 'out'), 'rb') as f:
            s.told.append(hashlib.sha256(f.read()).digest()
                          == hashlib.sha256(data).digest())
        s.v('vol-delete', 'v1', 'p1')
    s.v('vol-upload', 'nosuch', 'in', 'p1')
    s.v('pool-destroy', 'p1')
    subprocess.run(['rm', '-r', pool, os.path.join(s.folder, 'out')],
                   check=True)


def descriptors_in(s):
    with open(os.path.join(s.folder, 'g1.xml')) as f:
        fd = f.fileno()
        s.v('create', 'g1.xml', '--pass-fds', '4711')
        code, out, err = command(
            'sh', '-c', f'exec virsh -q -c "{s.uri}" create g1.xml '
            f'--pass-fds 9 9< g1.xml', cwd=s.folder)
        s.told.append((code, re.sub(r'\d', 'N', out), err))
    s.v('destroy', 'g1')


def console(s):
    """Bytes go to the guest's port and come from it; the monitor stands for
    a guest that reads and writes it."""
    import libvirt
    libvirt.registerErrorHandler(lambda ctx, err: None, None)
    s.v('create', 'g1.xml')
    conn = libvirt.open(s.uri)
    dom = conn.lookupByName('g1')
    stream = conn.newStream(0)
    dom.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)

    def hmp(command):
        import libvirt_qemu
        return libvirt_qemu.qemuMonitorCommand(dom, command, 1)
    got = b''
    while b'SeaBIOS' not in got:
        got += stream.recv(4096)
    dom.suspend()                       # nobody else reads the port now
    hmp('o /b 0x3f8 0x5a')
    while b'Z' not in got[-8:]:
        got += stream.recv(4096)
    for _ in range(32):
        hmp('i /b 0x3f8')
    stream.send(b'A')
    s.told.append(bool(wait_until(lambda: '= 0x41' in hmp('i /b 0x3f8'), 20,
                                  'a byte to arrive')))
    stream.abort()
    dom.destroy()
    conn.close()


def events(s):
    with open(os.path.join(s.folder, 'events'), 'w+') as out:
        p = subprocess.Popen(
            ['virsh', '-k', '0', '-c', s.uri, 'event', '--loop', '--event',
             'lifecycle', '--timeout', '60'], stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, LIBVIRT_LOG_FILTERS='1:rpc.netclient',
                     LIBVIRT_LOG_OUTPUTS='1:stderr'))

        def text():
            out.seek(0)
            return out.read()
        try:
            wait_until(lambda: re.search(r'MSG_RX: .*proc=316 type=1 ',
                                         text()), 20, 'registration')
            for line in ('define g1.xml', 'start g1', 'suspend g1',
                         'resume g1', 'destroy g1', 'undefine g1'):
                s.v(*line.split())
            wait_until(lambda: text().count('\nevent ') >= 7
                       or text().count('event \'lifecycle\'') >= 7, 20,
                       'events')
            s.told.append(sorted(l for l in text().splitlines()
                                 if l.startswith('event ')))
        finally:
            p.terminate()
            p.wait()


def told_by(uri, folder, chapters):
    story = Story(uri, folder)
    for chapter in chapters:
        chapter(story)
    return story.told


def compare(behind, d, uri, chapters):
    folder = os.path.join(behind.dir, 'work')
    os.makedirs(folder, exist_ok=True)
    want = told_by(behind.uri('/system', 'qemu'), folder, chapters)
    got = told_by(uri, folder, chapters)
    for ours, theirs in zip(got, want):
        same(ours, theirs)
    same(len(got), len(want))


def test_a_guest_is_the_same():
    with LibvirtdQemu() as behind, before(behind) as d:
        compare(behind, d, d.uri('/system', 'qemu'),
                (life, events, console, descriptors_in))


def test_volumes_are_the_same():
    with LibvirtdQemu() as behind, before(behind) as d:
        compare(behind, d, d.uri('/system', 'qemu'), (volumes,))


if __name__ == '__main__':
    run()
