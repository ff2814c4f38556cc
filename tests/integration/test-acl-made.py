#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Objects that calls make: rules are about the name and the uuid that the
hypervisor will read in a description, and about whoever has that uuid now."""
import json
import os
import struct

from lib import *
from rawrpc import *
from rules import *

CREATE, DEFINE, UNDEFINE, RESTORE, RENAME = 10, 11, 35, 54, 358
DEFINE_FLAGS, RESTORE_FLAGS, RESTORE_PARAMS = 350, 233, 441
IMAGE_XML, IMAGE_DEFINE, ATTACH = 235, 236, 2
NET_DEFINE, NET_CREATE, NET_DEFINE_FLAGS, PORT_CREATE = 41, 40, 432, 406
POOL_DEFINE, POOL_CREATE, VOL_CREATE, VOL_CREATE_FROM = 77, 76, 93, 125
IFACE_DEFINE, NWFILTER_DEFINE, BINDING_CREATE = 131, 180, 399
SECRET_DEFINE = 142
DEVICE_CREATE, DEVICE_DEFINE, DEVICE_XML = 123, 428, 114
PREPARE, PREPARE2, PREPARE3_PARAMS = 61, 108, 303
FINISH, FINISH3_PARAMS = 63, 306

X = '11111111-2222-3333-4444-555555555555'
Y = '11111111-2222-3333-4444-666666666666'
TEST = '6695eb01-f6a4-8304-79aa-97f2502e193f'
POOL_LOOKUP = 84

RULES = f'''rule = allow admin uid:0
rule = allow admin uid:5 domain:web-* network:web-* interface:web* pool:web-* \\
  vol:default-pool/web-* nwfilter:web-* nwfilter_binding:web* secret:/web/* \\
  node_device:web*
rule = allow admin uid:6 domain-uuid:{X} network-uuid:{X} network_port-uuid:{X}
rule = deny admin uid:7 domain:db-* network:db-*
rule = allow admin uid:7
rule = allow operator uid:8
rule = deny admin uid:9 domain-uuid:{Y}
rule = allow admin uid:9'''.replace('\\\n ', '')


def uuid(text):
    return bytes.fromhex(text.replace('-', ''))


def guest(name, uuid=None, more='', before=''):
    return (f'{before}<domain type="test"><name>{name}</name>'
            + (f'<uuid>{uuid}</uuid>' if uuid else '')
            + f'<memory>8192</memory><os><type>hvm</type></os>{more}</domain>')


def smbios(uuid):
    return ('<sysinfo type="smbios"><system><entry name="uuid">'
            f'{uuid}</entry></system></sysinfo>')


def network(name, uuid=None):
    return (f'<network><name>{name}</name>'
            + (f'<uuid>{uuid}</uuid>' if uuid else '') + '</network>')


def volume(name):
    return (f'<volume><name>{name}</name><capacity>1</capacity>'
            '<target><path>/x</path></target></volume>')


def define(xml):
    return DEFINE, string(xml)


def params(*pairs):
    return u32(len(pairs)) + b''.join(
        string(key) + u32(7) + string(value) for key, value in pairs)


def vol_create(proc, pool, uuid, name, source=None):
    """uuid None: the pool's own."""
    def payload(own_uuid):
        return (string(pool) + (uuid or own_uuid) + string(volume(name))
                + (string('default-pool') + string(source) + string('')
                   if source else b'') + u32(0))
    return proc, payload


def prepare2(name, xml):
    return PREPARE2, (NONE + i64(0) + (some(string(name)) if name else NONE)
                      + i64(0) + string(xml))


def prepare3(*pairs):
    return PREPARE3_PARAMS, params(*pairs) + u32(0) + u32(0)


# What is called, and who may: 5 by name, 6 by uuid, 7 all but some names, 8
# nothing of the kind, 9 all but one uuid.
CASES = [
    (define(guest('web-1')), '57'),
    (define(guest('web-1', X)), '5679'),
    (define(guest('db-1')), ''),
    (define(guest('db-1', X)), '69'),
    (define(guest('db-1', Y)), ''),
    (define(guest('other')), '7'),
    (define(guest('web-1', Y)), '57'),
    # whoever has the uuid counts as well; what has none may have any
    (define(guest('web-1', TEST)), '79'),
    (define(guest('test', TEST)), '79'),
    # alone it counts for libvirt in some places and not in others
    (define(guest('web-1', more=smbios(TEST))), ''),
    (define(guest('web-1', more=smbios(X))), ''),
    (define(guest('web-1', X, smbios(X))), '5679'),
    (define(guest('web-1', X, smbios(Y))), ''),
    # the name that is read is that of the guest itself, once, and plain
    (define(guest('db-1', more='<metadata><name>web-1</name></metadata>')), ''),
    (define(guest('web-1', more='<name>db-1</name>')), ''),
    (define(guest('<b>web-1</b>')), ''),
    (define('<domain xmlns:w="urn:w"><w:name>web-1</w:name><name>db-1</name>'
            '</domain>'), ''),
    (define(guest('web<!-- -->-1')), '57'),
    (define(guest('&e;', before='<!DOCTYPE d [<!ENTITY e "web-1">]>')), ''),
    (define(guest('web-1', before='<!DOCTYPE d SYSTEM "/dev/zero">')), ''),
    (define(guest('web-1', before='<?xml version="1.0" encoding="UTF-7"?>')),
     ''),
    (define('<domain><name>web-1</name>'), ''),
    (define('<network><name>web-1</name></network>'), ''),
    (define(guest('web-1', more='<!--' + 'x' * 1024 * 1024 + '-->')), ''),
    (define(''), ''),
    ((DEFINE_FLAGS, string(guest('web-1')) + u32(0)), '57'),
    ((CREATE, string(guest('web-2')) + u32(0)), '57'),
    ((CREATE, string(guest('db-2', X)) + u32(0)), '69'),
    # new names of old guests: 5 may not touch this one, 6 not rename it
    ((RENAME, domain() + some(string('web-3')) + u32(0)), '79'),
    ((RENAME, domain() + some(string('db-3')) + u32(0)), '9'),
    # what a file holds nobody knows, whatever a description says beside it
    ((RESTORE, string('/nowhere')), ''),
    ((RESTORE_FLAGS, string('/nowhere') + some(string(guest('web-1')))
      + u32(0)), ''),
    ((RESTORE_PARAMS, params(('file', '/nowhere'), ('dxml', guest('web-1')))
      + u32(0)), ''),
    ((IMAGE_XML, string('/nowhere') + u32(0)), ''),
    ((IMAGE_DEFINE, string('/nowhere') + string(guest('web-1')) + u32(0)), ''),
    # guests that come from elsewhere
    (prepare2(None, guest('web-1', X)), '5679'),
    (prepare2('web-1', guest('db-1', X)), '5679'),
    (prepare2('db-1', guest('web-1')), ''),
    (prepare2('web-1', guest('db-1', TEST)), '79'),
    ((PREPARE, NONE + i64(0) + some(string('web-1')) + i64(0)), '57'),
    ((PREPARE, NONE + i64(0) + NONE + i64(0)), ''),
    (prepare3(('destination_xml', guest('web-1', X))), '5679'),
    (prepare3(('destination_xml', guest('web-1')),
              ('destination_name', 'db-1')), ''),
    (prepare3(('destination_xml', guest('db-1', X)),
              ('destination_name', 'web-1')), '5679'),
    (prepare3(('destination_xml', guest('web-1')),
              ('destination_xml', guest('db-1'))), ''),
    (prepare3(('destination_name', 'web-1')), ''),
    ((FINISH, string('web-1') + u32(0) + string('') + i64(0)), '57'),
    ((FINISH, string('db-1') + u32(0) + string('') + i64(0)), ''),
    ((FINISH3_PARAMS, params(('destination_name', 'web-1')) + u32(0) + u32(0)
      + u32(0)), '57'),
    # other kinds
    ((NET_DEFINE, string(network('web-1'))), '579'),
    ((NET_DEFINE, string(network('x', X))), '679'),
    ((NET_DEFINE, string(network('db-1', Y))), '9'),
    ((NET_DEFINE, string(guest('web-1'))), '9'),
    ((NET_CREATE, string(network('web-1'))), '579'),
    ((NET_DEFINE_FLAGS, string(network('web-2')) + u32(0)), '579'),
    ((PORT_CREATE, string('default') + uuid(Y)
      + string(f'<networkport><uuid>{X}</uuid></networkport>') + u32(0)),
     '679'),
    ((POOL_DEFINE, string('<pool><name>web-1</name></pool>') + u32(0)), '579'),
    ((POOL_DEFINE, string('<pool><source><name>web-1</name></source></pool>')
      + u32(0)), '79'),
    # libvirt looks at the first name, which is none, and takes the source's
    ((POOL_DEFINE, string('<pool type="logical"><name/><name>web-1</name>'
                          '<source><name>db-1</name></source></pool>')
      + u32(0)), '79'),
    (define(f'<domain><name>web-1</name><uuid/><uuid>{X}</uuid></domain>'),
     ''),
    ((POOL_CREATE, string('<pool><name>db-1</name></pool>') + u32(0)), '79'),
    (vol_create(VOL_CREATE, 'default-pool', None, 'web-1'), '579'),
    (vol_create(VOL_CREATE, 'default-pool', None, 'db-1'), '79'),
    (vol_create(VOL_CREATE, 'x', None, 'web-1'), '79'),
    (vol_create(VOL_CREATE, 'default-pool', uuid(Y), 'web-1'), '79'),
    (vol_create(VOL_CREATE_FROM, 'default-pool', None, 'web-1', 'db-1'), '79'),
    (vol_create(VOL_CREATE_FROM, 'default-pool', None, 'web-2', 'web-1'),
     '579'),
    ((IFACE_DEFINE, string('<interface name="web0"/>') + u32(0)), '579'),
    ((IFACE_DEFINE, string('<interface name="eth0"><x name="web0"/>'
                           '</interface>') + u32(0)), '79'),
    ((NWFILTER_DEFINE, string('<filter name="web-1"/>')), '579'),
    ((NWFILTER_DEFINE, string('<filter name="no"><name>web-1</name></filter>')),
     '79'),
    ((BINDING_CREATE, string('<filterbinding><portdev name="web0"/>'
                             '</filterbinding>') + u32(0)), '579'),
    ((SECRET_DEFINE, string('<secret><usage type="volume"><volume>/web/1'
                            '</volume></usage></secret>') + u32(0)), '579'),
    ((SECRET_DEFINE, string('<secret/>') + u32(0)), '79'),
    # the host gives new devices their names; old ones have no other
    ((DEVICE_CREATE, string('<device><name>web-1</name></device>') + u32(0)),
     '79'),
    ((DEVICE_DEFINE, string('<device><name>web-1</name></device>') + u32(0)),
     '79'),
    ((DEVICE_XML, string('web0') + u32(0)), '5789'),
    ((DEVICE_XML, string('pci0') + u32(0)), '789'),
]


def check_table(daemon):
    conns = {uid: caller(daemon, uid) for uid in (0, 5, 6, 7, 8, 9)}
    pool = conns[0].call(POOL_LOOKUP, string('default-pool'))
    for (proc, payload), want in CASES:
        if callable(payload):
            if pool.error:              # a driver without pools
                continue
            payload = payload(pool.payload[-16:])
        got = ''.join(str(uid) for uid in (5, 6, 7, 8, 9)
                      if not is_denied(conns[uid].call(proc, payload)))
        same(got, want, f'{proc}: {payload[:200]}')
        for name in 'web-1', 'web-2', 'db-1', 'db-2', 'other':
            lookup = conns[0].call(LOOKUP_NAME, string(name))
            if not lookup.error:        # gone, for the next case
                conns[0].call(DOMAIN_DESTROY, lookup.payload)
                conns[0].call(UNDEFINE, lookup.payload)
    # a process of the host's, which may be any guest
    same([uid for uid in conns if not is_denied(
          conns[uid].call(ATTACH, u32(1) + u32(0), prog=QEMU))], [0])
    for conn in conns.values():
        conn.close()


test_who_may_make_what, test_who_may_make_what_behind_a_gateway = \
    before_both(check_table, RULES)

# Of these the description is the first argument.
DESCRIBED = {
    CREATE: 'domain_create_xml', DEFINE: 'domain_define_xml',
    DEFINE_FLAGS: 'domain_define_xml_flags', NET_DEFINE: 'network_define_xml',
    NET_CREATE: 'network_create_xml',
    NET_DEFINE_FLAGS: 'network_define_xml_flags',
    POOL_DEFINE: 'storage_pool_define_xml',
    POOL_CREATE: 'storage_pool_create_xml',
    IFACE_DEFINE: 'interface_define_xml', NWFILTER_DEFINE: '180',
    BINDING_CREATE: 'nwfilter_binding_create_xml',
    SECRET_DEFINE: 'remote.142',
}


def test_explain_reads_descriptions():
    """What --explain says of files is what the table says of calls."""
    def may(uid, question):
        return explain(daemon.dir, f'uid={uid} {question}')[0] == 0

    with own(RULES) as daemon:
        path = os.path.join(daemon.dir, 'x.xml')
        cases = [(DESCRIBED[proc], Reader(payload).string(), '', want)
                 for (proc, payload), want in CASES if proc in DESCRIBED]
        cases += [('storage_vol_create_xml', volume(name), f'pool={pool}',
                   '579' if (pool, name) == ('default-pool', 'web-1') else '79')
                  for pool in ('default-pool', 'other')
                  for name in ('web-1', 'db-1')]
        for name, xml, words, want in cases:
            with open(path, 'w') as f:
                f.write(xml)
            if f'<uuid>{TEST}' in xml:
                words += f' domain=test domain-uuid={TEST}'
            got = ''.join(str(uid) for uid in (5, 6, 7, 9)
                          if may(uid, f'call={name} xml={path} {words}'))
            same(got, want, f'{name} {words}: {xml[:200]}')
        for question, text in [
                (f'call=domain_destroy xml={path}', 'takes no description'),
                (f'call=9999 xml={path}', 'takes no description'),
                (f'call=domain_define_xml xml={path}x', 'No such file'),
                (f'call=domain_define_xml xml={daemon.dir}', 'directory')]:
            code, said = explain(daemon.dir, f'uid=5 {question}')
            assert code == 2 and text in said, said


def check_redefining(daemon):
    """Guests of others are neither taken over nor renamed."""
    with caller(daemon, 0) as admin, caller(daemon, 5) as web:
        assert not admin.call(*define(guest('db-1', Y))).error
        assert is_denied(web.call(*define(guest('web-1', Y))))
        assert is_denied(web.call(*define(guest('db-1', Y))))
        reply = web.call(*define(guest('db-1', X)))
        assert is_denied(reply), reply
        assert not web.call(*define(guest('web-1', X))).error
        assert not web.call(*define(guest('web-1', X))).error
        reply = web.call(*define(guest('web-2', X)))
        assert reply.error and not is_denied(reply), reply
        assert is_denied(web.call(RENAME, domain('web-1', uuid(X), -1)
                                  + some(string('db-2')) + u32(0)))
        reply = web.call(RENAME, domain('web-1', uuid(X), -1)
                         + some(string('web-2')) + u32(0))
        assert not is_denied(reply), reply


test_others_guests_stay_theirs, \
    test_others_guests_stay_theirs_behind_a_gateway = \
    before_both(check_redefining, RULES)


ODD = [
    guest('plain'), guest('plain', X), guest(' blank '), guest('a&amp;b'),
    guest('a&#38;lt;b'), guest('a<!-- -->b<?p i?>c'), guest('<![CDATA[a<b]]>'),
    guest('a', '1111 1111-22223333-4444-5555-5555-5555'),
    guest('a', f' {X}\n'), guest('a', X.upper()), guest('a', more=smbios(X)),
    guest('a', X, smbios(X)), guest('a', X, '<name/>'), guest('é'),
    guest('a', before='<?xml version="1.0" encoding="ascii"?>'),
    guest('a', before='<!-- <name>b</name> -->\n'),
    guest('&#x61;&#xe9;'),
    '<domain type="test"><x:name xmlns:x="u">a</x:name><name>b</name>'
    '<memory>1</memory><os><type>hvm</type></os></domain>',
    '<x:domain xmlns:x="u" type="test"><name>b</name>'
    '<memory>1</memory><os><type>hvm</type></os></x:domain>',
    # in which virgated reads nothing
    guest('a', before='<!DOCTYPE d [<!ENTITY e "b">]>'),
    guest('&e;', before='<!DOCTYPE d [<!ENTITY e "b">]>'),
    guest('\N{LATIN SMALL LETTER E WITH ACUTE}',
          before='<?xml version="1.0" encoding="ISO-8859-1"?>'),
    guest('a', more='<name>b</name>'), guest('a<b>c</b>'),
]


def test_what_is_read_is_what_libvirt_reads():
    """The trail has what was judged, libvirt's answer what it did."""
    read = 0
    with Libvirtd() as libvirtd, \
            behind(libvirtd, RULES, more='[daemon]\naudit = @DIR@/trail\n') \
            as daemon, caller(daemon, 0) as admin:
        path = os.path.join(daemon.dir, 'trail')
        for n, xml in enumerate(ODD):
            reply = admin.call(*define(xml))
            wait_until(lambda: os.path.exists(path) and open(path).read()
                       .count('"domain_define_xml"') == n + 1, 10, 'the trail')
            if reply.error:
                continue
            done = Reader(reply.payload)
            name = done.string()
            number = done.data[done.at:done.at + 16]
            admin.call(UNDEFINE, reply.payload)
            lines = [json.loads(line) for line in open(path)]
            line = [line for line in lines
                    if line.get('procedure') == 'domain_define_xml'][-1]
            for seen in line.get('objects', []):
                read += 1
                same(seen['name'], name, xml)
                if 'uuid' in seen:
                    same(uuid(seen['uuid']), number, xml)
    assert read >= 15, f'only {read} of {len(ODD)} were compared'


run()
