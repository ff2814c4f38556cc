# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests with QEMU guests share: a stock libvirtd with its QEMU driver, a
guest (software emulation, firmware only), virgated as an ordinary user before
it, and clients whose words are compared."""
import os
import re
import signal
import subprocess

from gateway import LISTENERS, gateway
from lib import *

UUID = '11111111-1111-4111-8111-111111111111'
# Disks and cards can be removed from SCSI and USB without help from a guest,
# unless the firmware is just reading them.
GUEST = f'''<domain type='qemu'><name>g1</name><uuid>{UUID}</uuid>
<memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><bios useserial='yes'/></os>
<features><acpi/></features>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<controller type='usb' model='qemu-xhci'/>
<controller type='scsi' model='virtio-scsi'/>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
<source file='@DIR@/disk.qcow2'/><target dev='vda' bus='virtio'/></disk>
<serial type='pty'><log file='@DIR@/port' append='off'/></serial>
<video><model type='vga'/></video>
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
            (r'/dev/pts/\d+', '<pty>'), (r'vnet\d+', '<nic>'),
            (r'"id":"libvirt-\d+"', '<id>'), (r'domain-\d+-', 'domain-N-'),
            (r' at \d[0-9.:-]*[^\n]*', ' at <time>'),
            (r"id='\d+'", 'id=N'), (r' \d+   ', ' N   '),
            (r'(\[ *|: )[\d.]+ ?%\]?', r'\1N %'),
            (r'\d{4}-\d\d-\d\d [0-9:]{8}', '<date>')]


class Story:
    """Commands to one daemon, and what they told."""

    def __init__(self, uri, folder):
        self.uri, self.folder, self.told = uri, folder, []
        with open(os.path.join(folder, 'g1.xml'), 'w') as f:
            f.write(GUEST.replace('@DIR@', folder))
        for name, size in (('disk.qcow2', '16M'), ('more.qcow2', '8M')):
            command('qemu-img', 'create', '-q', '-f', 'qcow2',
                    os.path.join(folder, name), size, check=0)

    def tell(self, text):
        for old, new in ((self.folder, 'FOLDER'), (self.uri, 'URI')):
            text = text.replace(old, new)
        for pattern, put in VOLATILE:
            text = re.sub(pattern, put, text)
        self.told.append(text)

    def virsh(self, lines, **kw):
        """All of them in one process; each may fail."""
        lines = lines.replace('FOLDER', self.folder).split('\n')
        script = '\n'.join("echo '+ %s'\n%s" % (
            line.strip().replace("'", "'\\''"), line.strip())
            for line in lines)
        p = subprocess.run(['virsh', '-q', '-c', self.uri, script],
                           cwd=self.folder, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, timeout=120 * SLOW,
                           env=dict(os.environ, LC_ALL='C'), **kw)
        self.tell(f'{p.stdout}{p.returncode}')

    def wait_for_firmware(self, boots=1):
        """It tells on the port that it looked at all disks."""
        def looked():
            with open(self.path('port'), errors='replace') as port:
                return port.read().count('No bootable device') >= boots
        wait_until(looked, 60, 'the firmware')

    def wait_for_no(self, word):
        """libvirtd waits for a device to go, but not for long."""
        wait_until(lambda: word not in command(
            'virsh', '-c', self.uri, 'dumpxml', 'g1', check=0)[1], 30,
            f'{word} to be gone')

    def attempt(self, what, function, *args):
        """A call of python-libvirt's."""
        import libvirt
        libvirt.registerErrorHandler(lambda context, error: None, None)
        try:
            self.tell(f'{what}: {function(*args)}')
        except libvirt.libvirtError as e:
            self.tell(f'{what}: {e.get_error_code()} '
                      f'{e.get_error_domain()} {e}')

    def path(self, name):
        return os.path.join(self.folder, name)


def told_by(uri, folder, chapters):
    story = Story(uri, folder)
    for chapter in chapters:
        chapter(story)
    return story.told


def compare(direct, through, folder, chapters):
    """What a guest's life looks like directly and through another."""
    os.makedirs(folder, exist_ok=True)
    want = told_by(direct, folder, chapters)
    got = told_by(through, folder, chapters)
    for ours, theirs in zip(got, want):
        same(ours, theirs)
    same(len(got), len(want))
