#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The protocol tables against libvirt's own encoder and decoder.

What virsh, virt-admin and libvirtd say to each other, and what libvirt's
client library sends for nearly every call that it has, decodes with our
tables and is encoded again to the same bytes; and the library understands
results and events that were made from our tables.
"""
import inspect
import os
import tempfile

from lib import *
from protocol_peer import Recorder, TableServer, Values

GOLDEN = os.path.join(BUILD, 'tests', 'unit', 'test-protocol-golden')

VIRSH = '''
version
nodeinfo
nodecpustats
nodememstats
capabilities
list --all
dominfo test
domstate test --reason
vcpuinfo test
vcpucount test
vcpupin test
schedinfo test
domblklist test
domiflist test
domifaddr test
domifstat test eth0
domstats
dumpxml test
domfsinfo test
autostart test
suspend test
resume test
setmem test 1G
desc test hello
destroy test
start test
snapshot-create-as test s1 first
snapshot-list test --tree
snapshot-delete test s1
checkpoint-create-as test c1
checkpoint-list test
net-list --all
net-dumpxml default
net-destroy default
net-start default
iface-list --all
pool-list --all --details
pool-dumpxml default-pool
vol-create-as default-pool v1 1M
vol-info v1 --pool default-pool
vol-delete v1 --pool default-pool
nodedev-list --tree
secret-list
nwfilter-list
cpu-models x86_64
dominfo nosuch
'''

VIRT_ADMIN = '''
srv-list
srv-threadpool-info libvirtd
srv-threadpool-set libvirtd --max-workers 21
srv-clients-info libvirtd
client-list libvirtd
client-disconnect libvirtd 77
srv-update-tls libvirtd
'''


def check_records(folder, records):
    """Our codec reads every recorded payload and writes the same bytes."""
    path = os.path.join(folder, 'records')
    with open(path, 'w') as file:
        file.write('\n'.join(records.lines) + '\n')
    if not os.path.exists(GOLDEN):
        raise Skip('tests/unit/test-protocol-golden is not built')
    command(GOLDEN, path, check=0)


def test_what_virsh_and_libvirtd_say():
    need('virsh', 'virt-admin')
    with Libvirtd() as server:
        socket = os.path.join(server.dir, 'recorder')
        recorder = Recorder(socket, server.socket)
        command('virsh', '-c', f'test+unix:///default?socket={socket}',
                stdin=VIRSH)
        admin = os.path.join(server.dir, 'admin-recorder')
        admin_recorder = Recorder(
            admin, os.path.join(server.dir, 'libvirt-admin-sock'))
        command('virt-admin', '-c', f'libvirtd:///system?socket={admin}',
                stdin=VIRT_ADMIN)
        check_records(server.dir, recorder.records)
        check_records(server.dir, admin_recorder.records)
        same(len(recorder.records.procedures('ret')) > 60, True,
             recorder.records.procedures('ret'))
        same(len(admin_recorder.records.procedures('args')) > 8, True,
             admin_recorder.records.procedures('args'))


# Everything that libvirt's client library can call

CLASSES = ('virConnect virDomain virNetwork virNetworkPort virInterface '
           'virStoragePool virStorageVol virNodeDevice virSecret virNWFilter '
           'virNWFilterBinding virDomainSnapshot virDomainCheckpoint').split()
UUID = bytes(range(16))
PARAMETERS = {
    'params': None, 'uuid': UUID, 'uuidstr': '00010203-0405-0607-0809-'
    '0a0b0c0d0e0f', 'cpumap': (True,), 'vcpumap': '0', 'keys': ['key'],
    'mountpoints': ['/'], 'keycodes': [1], 'xmlCPUs': ['<cpu/>'],
    'pages': [4], 'cb': None, 'opaque': None, 'value': b'secret',
    'time': {'seconds': 1, 'nseconds': 1}, 'total': False, 'fd': 0,
    'files': [0], 'interval': 5, 'types': 1,
}
NUMBERS = set('''action algorithm autostart bandwidth cacheSize callbackID
    capacity cellCount cellNum codeset command count cpuNum downtime
    dumpformat duration eventID flags holdtime id idx iothread_id
    iothread_val length maxCells memory minimum nkeycodes nvcpus offset
    parentIndex period pid_value screen seconds section signum size source
    start startCell state stats target threshold timeout type usageType
    vcpu'''.split())
# They end the connection, wait for data, or want a second hypervisor.
NOT_CALLED = {'close', 'registerCloseCallback', 'unregisterCloseCallback',
              'getURI'}


class Sweep:
    """Calls every method of every class with plausible arguments."""

    def __init__(self, libvirt, uri, typed):
        self.libvirt, self.typed = libvirt, typed
        self.conn, self.other = libvirt.open(uri), libvirt.open(uri)
        self.trouble = []
        dom = self.conn.lookupByName('a')
        net = self.conn.networkLookupByName('a')
        pool = self.conn.storagePoolLookupByName('a')
        self.objects = {
            'virConnect': self.conn, 'virDomain': dom, 'virNetwork': net,
            'virNetworkPort': net.portLookupByUUID(UUID),
            'virInterface': self.conn.interfaceLookupByName('a'),
            'virStoragePool': pool,
            'virStorageVol': pool.storageVolLookupByName('a'),
            'virNodeDevice': self.conn.nodeDeviceLookupByName('a'),
            'virSecret': self.conn.secretLookupByUUID(UUID),
            'virNWFilter': self.conn.nwfilterLookupByName('a'),
            'virNWFilterBinding':
                self.conn.nwfilterBindingLookupByPortDev('a'),
            'virDomainSnapshot': dom.snapshotLookupByName('a'),
            'virDomainCheckpoint': dom.checkpointLookupByName('a'),
        }

    def value(self, method, name):
        by_name = {'dconn': self.other, 'dom': self.objects['virDomain'],
                   'net': self.objects['virNetwork'],
                   'pool': self.objects['virStoragePool'],
                   'dev': self.objects['virNodeDevice'],
                   'secret': self.objects['virSecret'],
                   'clonevol': self.objects['virStorageVol'],
                   'snap': self.objects['virDomainSnapshot'],
                   'doms': [self.objects['virDomain']]}
        if name in ('st', 'stream'):
            return self.conn.newStream()
        if name == 'params':
            return {'a-name': {1: 1, 2: 1, 3: 1, 4: 1, 5: 1.5, 6: True,
                               7: 'text'}[self.typed]}
        if name == 'pages' and method.__name__ == 'allocPages':
            return {4: 1}
        if name in by_name:
            return by_name[name]
        if name in NUMBERS:
            return 0 if name in ('flags', 'eventID', 'type') else 1
        return PARAMETERS.get(name, 'text')

    def call(self, name, method, flags=None):
        parameters = inspect.signature(method).parameters
        arguments = [self.value(method, p) for p in parameters]
        if flags is not None:
            if 'flags' not in parameters:
                return
            arguments[list(parameters).index('flags')] = flags
        try:
            method(*arguments)
        except self.libvirt.libvirtError as error:
            message = str(error)
            if 'decode' in message or 'encode' in message or \
                    'closed' in message or 'larger' in message:
                self.trouble.append(f'{name}: {message}')
        except (TypeError, ValueError, OverflowError, AttributeError,
                KeyError, NotImplementedError, SystemError):
            pass                # not what this method takes

    def run(self):
        for class_name in CLASSES:
            obj = self.objects[class_name]
            for name in sorted(vars(type(obj))):
                if name.startswith('_') or name in NOT_CALLED:
                    continue
                method = getattr(obj, name)
                if not callable(method):
                    continue
                for flags in (None, 1, 2):
                    self.call(f'{class_name}.{name}', method, flags)


def import_libvirt():
    os.environ['LIBVIRT_LOG_OUTPUTS'] = '4:file:/dev/null'
    try:
        import libvirt
        import libvirt_qemu
        import libvirt_lxc
    except ImportError as error:
        raise Skip(f'no python module {error.name}')
    libvirt.registerErrorHandler(lambda *_: None, None)
    return libvirt, libvirt_qemu, libvirt_lxc


def test_what_the_client_library_sends_and_understands():
    libvirt, qemu, lxc = import_libvirt()
    with tempfile.TemporaryDirectory() as folder:
        server = TableServer(os.path.join(folder, 'socket'))
        uri = f'test+unix:///default?socket={server.path}'
        trouble = []
        for typed in range(1, 8):
            server.values = Values(typed, present=typed % 2 == 1)
            sweep = Sweep(libvirt, uri, typed)
            sweep.run()
            dom = sweep.objects['virDomain']
            qemu.qemuMonitorCommand(dom, 'text', 0)
            qemu.qemuAttach(sweep.conn, 1, 0)
            sweep.call('qemuAgentCommand', lambda text:
                       qemu.qemuAgentCommand(dom, text, 1, 0))
            sweep.call('lxcOpenNamespace', lambda text:
                       lxc.lxcOpenNamespace(dom, 0))
            trouble += sweep.trouble
        same(sorted(set(trouble)), [], 'what the library did not understand')
        sent = server.records.procedures('args')
        check_records(folder, server.records)
        print(f'     {len(sent)} procedures called')
        same(len(sent) > 330, True, len(sent))


# Event id of the library's interface: the procedure that tells of it.
EVENTS = {0: 318, 1: 319, 2: 320, 3: 321, 4: 322, 5: 323, 6: 324, 7: 325,
          8: 326, 9: 327, 10: 328, 11: 329, 12: 330, 13: 331, 14: 332,
          15: 333, 16: 339, 17: 346, 18: 348, 19: 354, 20: 359, 21: 363,
          22: 367, 23: 379, 24: 385, 25: 423, 26: 438}


def test_events_that_the_client_library_understands():
    libvirt, _, _ = import_libvirt()
    libvirt.virEventRegisterDefaultImpl()
    with tempfile.TemporaryDirectory() as folder:
        server = TableServer(os.path.join(folder, 'socket'))
        conn = libvirt.open(f'test+unix:///default?socket={server.path}')
        seen = {}
        for event in EVENTS:
            conn.domainEventRegisterAny(
                None, event, lambda *args: seen.update({args[-1]: args}),
                event)
        for event, number in EVENTS.items():
            server.send_event(number, server.callbacks[event])
        timer = libvirt.virEventAddTimeout(20, lambda *_: None, None)

        def told():
            libvirt.virEventRunDefaultImpl()
            return len(seen) == len(EVENTS)
        try:
            wait_until(told, 10, 'all events')
        finally:
            same(sorted(seen), sorted(EVENTS), 'events that arrived')
        libvirt.virEventRemoveTimeout(timer)
        for args in seen.values():
            same((args[1].name(), args[1].UUID()), ('a-name', UUID))
        same(seen[0][2:4], (1, 1), 'lifecycle')
        same(seen[13][2], 1, 'balloon')


if __name__ == '__main__':
    run()
