#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QEMU guest behind virgated: stock libvirtd with its QEMU driver, driven by
stock clients directly and through virgated, which runs as an ordinary user
where it can.  What clients are told must be the same."""
import atexit
import functools
import hashlib
import os
import re
import subprocess

from gateway import LISTENERS
from lib import *
from qemu import *
from rawrpc import HOSTNAME, Conn, domain

MIB = 1 << 20
NIC = """<interface type='user'><mac address='52:54:00:00:00:01'/>
<model type='usb-net'/></interface>"""


def life(s):
    with open(s.path('nic.xml'), 'w') as f:
        f.write(NIC)
    s.virsh('''define g1.xml
        list --all
        start g1
        start g1
        domstate g1
        dominfo g1
        domstats g1
        dumpxml g1 --xpath //disk
        suspend g1
        domstate g1 --reason
        resume g1''')
    s.wait_for_firmware()
    s.virsh('''reset g1
        domuuid g1
        domdisplay g1
        ttyconsole g1
        vcpucount g1
        vcpupin g1
        schedinfo g1
        domjobinfo g1
        domfsinfo g1
        domhostname g1
        domifaddr g1 --source agent
        domtime g1
        guestinfo g1
        set-user-password g1 root secret
        setmem g1 60M
        send-key g1 KEY_A
        screenshot g1 FOLDER/shot
        desc g1 something --live
        desc g1
        metadata g1 http://example.com/x --key x --set <a/>
        metadata g1 http://example.com/x
        metadata g1 http://example.com/y
        domstate nonsense''')
    with open(s.path('shot'), 'rb') as f:
        s.told.append(f.read(15))


def monitor(s):
    s.virsh('''qemu-monitor-command g1 --hmp info status
        qemu-monitor-command g1 \'{"execute":"query-status"}\'
        qemu-monitor-command g1 \'{"execute":"nonsense"}\'
        qemu-monitor-command g1 nonsense
        qemu-agent-command g1 \'{"execute":"guest-ping"}\'''')


def devices(s):
    s.wait_for_firmware(2)              # it was reset
    s.virsh('''attach-disk g1 FOLDER/more.qcow2 sda --subdriver qcow2
        attach-disk g1 FOLDER/more.qcow2 sda --subdriver qcow2
        attach-disk g1 FOLDER/nosuch.qcow2 sdb
        domblklist g1 --details
        domblkinfo g1 sda
        domblkerror g1
        blkdeviotune g1 sda --total-bytes-sec 1000000
        blkdeviotune g1 sda
        blockresize g1 sda 12M
        detach-disk g1 sda''')
    s.wait_for_no('sda')
    s.virsh('''detach-disk g1 sda
        domblklist g1
        attach-device g1 nic.xml
        domiflist g1
        domif-setlink g1 52:54:00:00:00:01 down
        domif-getlink g1 52:54:00:00:00:01
        detach-device g1 nic.xml''')
    s.wait_for_no('52:54:00')
    s.virsh('''detach-device g1 nic.xml
        domiflist g1''')


def snapshots(s):
    s.virsh('''snapshot-create-as g1 s1
        snapshot-create-as g1 s1
        snapshot-list g1
        snapshot-revert g1 s1
        snapshot-revert g1 s9
        snapshot-delete g1 s1
        snapshot-create-as g1 e1 --disk-only --diskspec vda,file=FOLDER/e1
        snapshot-list g1 --disk-only --name
        domblklist g1
        blockcommit g1 vda --active --pivot --wait
        domblklist g1
        snapshot-delete g1 e1 --metadata
        blockcopy g1 vda FOLDER/copy --wait --pivot --transient-job
        domblklist g1
        blockjob g1 vda
        blockcopy g1 vdz FOLDER/copy''')


def saved(s):
    """Not by virsh 9.0, which may wait for itself for ever in these."""
    import libvirt
    conn = libvirt.open(s.uri)
    dom = conn.lookupByName('g1')
    memory = libvirt.VIR_DUMP_MEMORY_ONLY
    for what, function, *args in (
            ('dump', dom.coreDump, s.path('core'), memory),
            ('bad dump', dom.coreDump, '/nowhere/core', memory),
            ('save', dom.save, s.path('saved')),
            ('save what is off', dom.save, s.path('saved')),
            ('info', conn.saveImageGetXMLDesc, s.path('nosuch')),
            ('restore', conn.restore, s.path('saved')),
            ('restore again', conn.restore, s.path('saved')),
            ('managed save', dom.managedSave),
            ('has one', dom.hasManagedSaveImage),
            ('start', dom.create),
            ('has one', dom.hasManagedSaveImage),
            ('migrate', dom.migrateToURI, 'qemu+unix:///system?socket=/no',
             libvirt.VIR_MIGRATE_LIVE)):
        s.attempt(what, function, *args)
    conn.close()
    s.virsh('''domstate g1
        destroy g1
        undefine g1 --managed-save
        list --all''')
    for name in 'core', 'saved', 'shot', 'copy', 'e1':
        if os.path.exists(s.path(name)):
            s.told.append(name)
            os.remove(s.path(name))


def volumes(s):
    """Data of which half are holes, with and without those."""
    size = 24 * MIB
    os.mkdir(s.path('pool'))
    data = os.urandom(size // 2) + bytes(size // 2)
    with open(s.path('in'), 'wb') as f:
        f.write(data)
    s.virsh('pool-create-as p1 dir --target FOLDER/pool')
    for sparse in '', '--sparse':
        s.virsh(f'''vol-create-as p1 v1 {size} --format raw
            vol-upload v1 in p1 {sparse}
            vol-download v1 out p1 {sparse}
            vol-upload v1 in p1 --offset {size - 4096} --length 4096 {sparse}
            vol-wipe v1 p1
            vol-delete v1 p1''')
        with open(s.path('out'), 'rb') as f:
            s.told.append(hashlib.sha256(f.read()).digest()
                          == hashlib.sha256(data).digest())
    s.virsh('''vol-upload nosuch in p1
        vol-download nosuch out p1
        pool-destroy p1''')
    os.rmdir(s.path('pool'))


def descriptors_in(s):
    s.virsh('create g1.xml --pass-fds 4711')
    with open(s.path('g1.xml')) as f:
        os.dup2(f.fileno(), 200)            # a number that both print
    s.virsh('''create g1.xml --pass-fds 200
        destroy g1''', pass_fds=(200,))
    os.close(200)


def console(s):
    """Bytes go to the guest's port and come from it; the monitor stands for
    a guest that reads and writes it."""
    import libvirt
    import libvirt_qemu
    s.virsh('create g1.xml --paused')   # nobody else is at the port
    libvirt.virEventRegisterDefaultImpl()   # a stream that waits needs it
    conn = libvirt.open(s.uri)
    dom = conn.lookupByName('g1')
    stream = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
    dom.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)

    def hmp(command):
        return libvirt_qemu.qemuMonitorCommand(dom, command, 1)

    def written():
        hmp('o /b 0x3f8 0x5a')          # lost until QEMU sees a reader
        got = stream.recv(4096)         # what came before the answer; or -2
        return got != -2 and b'Z' in got
    wait_until(written, 30, 'a byte from the port')
    for _ in range(32):
        hmp('i /b 0x3f8')
    stream.send(b'A')
    s.told.append(bool(wait_until(lambda: '= 0x41' in hmp('i /b 0x3f8'), 20,
                                  'a byte to arrive')))
    stream.abort()
    s.attempt('no such port', dom.openConsole, 'nosuch', conn.newStream(0))
    dom.destroy()
    conn.close()


class Watcher:
    """A virsh that prints events, once its registrations are answered."""

    def __init__(self, s, procedure, count, *argv):
        self.out = open(s.path('events'), 'w+')
        self.process = subprocess.Popen(
            ['virsh', '-k', '0', '-c', s.uri, *argv, '--loop', '--timeout',
             '600'], stdout=self.out, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=dict(os.environ, LC_ALL='C',
                     LIBVIRT_LOG_FILTERS='1:rpc.netclient',
                     LIBVIRT_LOG_OUTPUTS='1:stderr'))
        wait_until(lambda: len(re.findall(
            rf'MSG_RX: .*proc={procedure} type=1 ', self.text())) >= count,
            30, 'registration')

    def text(self):
        self.out.seek(0)
        return self.out.read()

    def events(self, last):
        """What came until this did."""
        wait_until(lambda: re.search(f'^event .*{last}', self.text(), re.M),
                   30, last)
        self.process.terminate()
        self.process.wait()
        return sorted(line for line in self.text().splitlines()
                      if line.startswith('event '))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        self.out.close()


def events(s):
    """Of all kinds, and the monitor's."""
    count = len(command('virsh', '-c', s.uri, 'event', '--list',
                        check=0)[1].split())
    with Watcher(s, 316, count, 'event', '--all') as watcher:
        s.virsh('''define g1.xml
            start g1
            suspend g1
            resume g1''')
        s.wait_for_firmware()
        s.virsh('''attach-disk g1 FOLDER/more.qcow2 sda --subdriver qcow2
            detach-disk g1 sda''')
        s.wait_for_no('sda')
        s.virsh('''desc g1 other --live
            blockcopy g1 vda FOLDER/copy --wait --pivot --transient-job
            destroy g1
            undefine g1''')
        s.tell('\n'.join(watcher.events('Undefined')))
    os.remove(s.path('copy'))
    s.virsh('create g1.xml')
    with Watcher(s, 4, 1, '-q', 'qemu-monitor-event', 'g1', '--event',
                 'STOP') as watcher:
        s.virsh('suspend g1')
        s.tell('\n'.join(watcher.events('STOP')))
    s.virsh('destroy g1')


@functools.cache
def libvirtd():
    """One for all tests: asking QEMU what it can do takes its time."""
    behind = LibvirtdQemu()
    atexit.register(behind.__exit__)
    return behind.__enter__()


def test_a_guest_is_the_same():
    behind = libvirtd()
    with before(behind) as d:
        compare(behind.uri('/system', 'qemu'), d.uri('/system', 'qemu'),
                os.path.join(behind.dir, 'work'),
                (life, monitor, devices, snapshots, saved, events, console,
                 descriptors_in, volumes))


def test_a_gigabyte_there_and_back():
    part, times = os.urandom(16 * MIB), 64
    with before(libvirtd()) as d:
        folder = os.path.join(libvirtd().dir, 'gigabyte')
        os.mkdir(folder)
        uri, hashed = d.uri('/system', 'qemu'), hashlib.sha256()
        path, back = f'{folder}/in', f'{folder}/out'
        with open(path, 'wb') as f:
            for i in range(times):
                hashed.update(part[i:] + part[:i])
                f.write(part[i:] + part[:i])
        virsh(uri, f"""pool-create-as p1 dir --target {folder}
            vol-create-as p1 v1 {times * 16}M --format raw
            vol-upload v1 {path} p1""", check=0, timeout=240)
        os.remove(path)
        virsh(uri, f"""vol-download v1 {back} p1
            vol-delete v1 p1
            pool-destroy p1""", check=0, timeout=240)
        with open(back, 'rb') as f:
            same(hashlib.file_digest(f, 'sha256').hexdigest(),
                 hashed.hexdigest())


def test_procedures_that_are_newer_than_the_daemon_or_the_tables():
    """The daemon's own words, where calls come to it; those that no table has
    come to it only if the config says so."""
    def answers(where):
        with Conn(where, 'qemu:///system') as c:
            return [(c.call(n, domain('g1')), c.call(HOSTNAME).status)
                    for n in (444, 445, 453, 460, 100000)]

    def told(replies):
        return [(reply.status, reply.error, after)
                for reply, after in replies]
    behind = libvirtd()
    want = told(answers(behind.socket))
    for config in 'unknown-procedures = allow', '':
        with before(behind, config) as d:
            same(told(answers(d.socket)), want)


if __name__ == '__main__':
    run()
