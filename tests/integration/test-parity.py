#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same client, the same commands, on stock libvirtd and on virgated: what
it prints and how it exits must be the same.

docs/differences.md names what differs on purpose; nothing of that is here.
"""
import os
import re
import subprocess
import tempfile
import threading

from lib import *

GUEST = '''<domain type='test'><name>d1</name>
<uuid>11111111-1111-4111-8111-111111111111</uuid>
<memory>65536</memory><vcpu>2</vcpu><os><type>hvm</type></os>
<devices><disk type='file'><source file='/x'/><target dev='vda'/></disk>
<interface type='network'><mac address='52:54:00:00:00:01'/>
<source network='default'/></interface></devices></domain>'''

NETWORK = '''<network><name>n1</name>
<uuid>22222222-2222-4222-8222-222222222222</uuid><bridge name='virbr9'/>
<mac address='52:54:00:00:00:09'/><forward mode='nat'/>
<ip address='10.9.0.1' netmask='255.255.255.0'/></network>'''

# One session of virsh each; d.xml and n.xml are in its folder.
SESSIONS = {
    'host': 'uri; hostname; nodeinfo; capabilities; maxvcpus; freecell; '
            'nodecpumap; nodecpustats; cpu-models x86_64',
    'lists': 'list; list --all; list --all --uuid; list --inactive --name; '
             'define d.xml; list --all --title; list --state-running; '
             'list --all --persistent --autostart; list --all --no-autostart',
    'names': 'domid test; domuuid test; domname 1; domid nosuch; domname 77; '
             'domuuid 99',
    'information': 'domstate test --reason; dumpxml test; vcpucount test; '
                   'domiflist test; domblklist test; domcontrol test; '
                   'dommemstat test; schedinfo test; memtune test',
    'life': 'define d.xml; start d1; start d1; suspend d1; suspend d1; '
            'resume d1; resume d1; shutdown d1; shutdown d1; start d1; '
            'reboot d1; reset d1; destroy d1; destroy d1; undefine d1; '
            'undefine d1; list --all',
    'transient': 'create d.xml; create d.xml; undefine d1; dominfo nosuch; '
                 'destroy d1; list --all',
    'autostart': 'define d.xml; autostart d1; list --all --autostart; '
                 'autostart d1 --disable; autostart nosuch',
    'definition': 'define d.xml; dumpxml d1; dumpxml d1 --inactive; start d1; '
                  'dumpxml d1 --inactive; domrename d1 d2; destroy d1; '
                  'domrename d1 d2; dumpxml d2 --xpath //name',
    'memory': 'define d.xml; setmaxmem d1 131072 --config; '
              'setmem d1 100000 --config; start d1; setmem d1 4096; '
              'setmaxmem d1 131072; setmem d1 999999999; dommemstat d1',
    'vcpus': 'define d.xml; setvcpus d1 1 --config; setvcpus d1 9 --config; '
             'vcpucount d1; vcpupin d1; emulatorpin d1; start d1; '
             'setvcpus d1 1; vcpucount d1 --current --live',
    'saving': 'define d.xml; start d1; managedsave d1; domstate d1 --reason; '
              'start d1; managedsave-remove d1; list --all',
    'description': 'desc test; desc test --title --new-desc hello; '
                   'desc test --title; desc test --new-desc text --live; '
                   'metadata test http://x.example/ --key k --set <a/>; '
                   'metadata test http://x.example/; dumpxml test',
    'networks': 'net-list --all; net-info default; net-dumpxml default; '
                'net-define n.xml; net-list --all; net-start n1; '
                'net-start n1; net-destroy n1; net-destroy n1; '
                'net-autostart n1; net-list --all --autostart; net-name '
                '22222222-2222-4222-8222-222222222222; net-uuid n1; '
                'net-undefine n1; net-undefine n1; net-info nosuch',
    'network-changes': 'net-define n.xml; net-start n1; net-update n1 '
                       'add-last ip-dhcp-range '
                       '"<range start=\'10.9.0.10\' end=\'10.9.0.20\'/>" '
                       '--live --config; net-dumpxml n1; '
                       'net-dumpxml n1 --inactive; net-dhcp-leases n1',
    'statistics': 'domstats --raw --state --balloon --block --interface; '
                  'domblkstat test vda; domifstat test testnet0; '
                  'domblkinfo test vda',
    'not-there': 'attach-device test d.xml; blockpull test vda; '
                 'migrate test qemu:///system; domfsinfo nosuch; '
                 'secret-list; nwfilter-list',
    'mistakes': 'define n.xml; net-define d.xml; create nosuchfile.xml; '
                'dumpxml; start nosuch; setmem test -1',
}

# What is not the same twice on one daemon either.
VOLATILE = [(r'(?m)^(\S+ ([rt]x_\w+|errs)) \d+$', r'\1 N'),
            (r'(?m)^(.*(rd|wr|fl|rx|tx|balloon)[._]\w+[= ])\d+ *$', r'\1N'),
            (r'(?m)^(CPU time: *|  cpu\.time=|.*cpu_time).*$', r'\1'),
            (r'(?m)^((user|system|idle|iowait|cpu)[^0-9\n]*)[0-9.]+ *$',
             r'\1N')]


def session(uri, commands):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (('d.xml', GUEST), ('n.xml', NETWORK)):
            with open(os.path.join(folder, name), 'w') as f:
                f.write(text)
        code, out, err = command('virsh', '-c', uri, commands, cwd=folder)
    text = f'{out}\n{err}\nexit {code}'.replace(folder, 'FOLDER')
    text = text.replace(uri, 'URI')
    for pattern, put in VOLATILE:
        text = re.sub(pattern, put, text)
    return text


def test_sessions_are_the_same():
    wrong = []
    with Libvirtd() as oracle, Virgated() as subject:
        for name, commands in SESSIONS.items():
            # One command that fails ends a session: each starts afresh.
            for some in (commands, *commands.split('; ')):
                want = session(oracle.uri(), some)
                got = session(subject.uri(), some)
                if got != want:
                    wrong.append(f'{name}: {some}\n--- libvirtd\n{want}\n'
                                 f'--- virgated\n{got}')
    assert not wrong, '\n'.join(wrong)


def test_read_only_is_the_same():
    with Libvirtd() as oracle, Virgated() as subject:
        for some in ('list --all', 'dumpxml test --xpath //name',
                     'destroy test', 'net-destroy default', 'define d.xml',
                     'net-define n.xml', 'setmem test 1', 'domrename test x',
                     'dumpxml test --security-info'):
            same(session(subject.uri_ro(), some),
                 session(oracle.uri_ro(), some), some)


def watch(uri, what, commands, lines):
    """virsh waits for events while another one acts; its output."""
    keep = subprocess.Popen(['virsh', '-c', uri], stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL)
    with tempfile.TemporaryFile('w+') as out:
        p = subprocess.Popen(['virsh', '-k', '0', '-c', uri, what, '--loop',
                              '--timeout', '30', '--event', 'lifecycle'],
                             stdout=out, stderr=subprocess.STDOUT,
                             env=dict(os.environ,
                                      LIBVIRT_LOG_FILTERS='1:rpc.netclient',
                                      LIBVIRT_LOG_OUTPUTS='1:stderr'))

        def text():
            out.seek(0)
            return out.read()
        try:
            wait_until(lambda: re.search(r'MSG_RX: .*proc=(316|313) type=1 ',
                                         text()), 20, 'registration')
            session(uri, commands)
            return wait_until(lambda: (lambda e: e if len(e) >= lines else
                                       None)([l for l in text().splitlines()
                                              if l.startswith('event ')]),
                              20, f'{lines} events')
        finally:
            p.terminate()
            p.wait()
            keep.communicate()


def test_events_are_the_same():
    acts = {
        ('event', 8): 'define d.xml; start d1; suspend d1; resume d1; '
                      'shutdown d1; start d1; destroy d1; undefine d1',
        ('net-event', 4): 'net-define n.xml; net-start n1; net-destroy n1; '
                          'net-undefine n1',
    }
    with Libvirtd() as oracle, Virgated() as subject:
        for (what, lines), commands in acts.items():
            same(watch(subject.uri(), what, commands, lines),
                 watch(oracle.uri(), what, commands, lines), what)


def test_a_hundred_clients_at_once():
    with Virgated() as d:
        answers = []
        def one():
            answers.append(virsh(d.uri(), 'list --all; net-list --all')[1])
        keep = subprocess.Popen(['virsh', '-c', d.uri()],
                                stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL)
        threads = [threading.Thread(target=one) for _ in range(100)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        keep.communicate()
        same(len(answers), 100)
        same(len(set(answers)), 1, 'different answers')
        assert 'test' in answers[0] and 'default' in answers[0]


def test_python_and_c_interfaces():
    """python3-libvirt on top of libvirt.so: objects, errors, events."""
    import libvirt
    libvirt.registerErrorHandler(lambda ctx, err: None, None)

    def story(uri):
        told = []
        c = libvirt.open(uri)
        d = c.defineXML(GUEST)
        told.append((d.name(), d.UUIDString(), d.isActive(), d.state()))
        d.create()
        told.append((d.ID(), d.info()[:4], d.maxMemory(), d.maxVcpus()))
        for call in (lambda: c.lookupByName('nosuch'),
                     lambda: c.lookupByID(4711), d.create,
                     lambda: d.setMemoryFlags(1, 1 << 20),
                     lambda: c.defineXML('<domain/>'),
                     lambda: c.defineXML('no xml'),
                     lambda: d.attachDevice('<disk/>'),
                     lambda: c.networkLookupByName('nosuch')):
            try:
                call()
                told.append('no error')
            except libvirt.libvirtError as e:
                told.append((e.get_error_code(), e.get_error_domain(),
                             e.get_error_message(), e.get_error_level(),
                             e.get_str1(), e.get_str2(), e.get_int1()))
        told.append(d.XMLDesc(0))
        d.destroy()
        d.undefine()
        told.append(sorted(n.name() for n in c.listAllNetworks()))
        told.append((c.getType(), c.getHostname(), c.isSecure(),
                     c.isEncrypted(), c.getInfo()))
        c.close()
        return told
    with Libvirtd() as oracle, Virgated() as subject:
        for got, want in zip(story(subject.uri()), story(oracle.uri())):
            same(got, want)


if __name__ == '__main__':
    run()
