#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what with which objects: callers of several users on one socket,
before the daemon's own driver and before a stock libvirtd."""
import contextlib
import os
import tempfile

from gateway import Behind, gateway, reply_to
from lib import *
from rawrpc import *
from rules import *

INFO, SUSPEND, RESUME, XML, ATTACH, HOSTNAME, DEFINE = 16, 34, 28, 14, 8, 59, 11
LOOKUP, CAPABILITIES, UNDEFINE, RENAME = 23, 7, 35, 358
NET_DEFINE, NET_IS_ACTIVE, LIST_NETWORKS = 41, 152, 38
SNAPSHOT, SNAPSHOT_LOOKUP = 185, 189
POOL_DEFINE, POOL_INFO, VOL_CREATE = 77, 87, 93
MINE = '22222222-2222-4222-8222-222222222222'
SCREENSHOT, UNKNOWN = 211, 9999
ADMIN = 0x06900690
NUM_ACTIVE, NUM_DEFINED, LIST_DEFINED = 51, 25, 21
INTERFACE_DEFINE = 131

RULES = '''role = runs-web operator domain:read_secure
rule = allow admin uid:0
rule = allow admin uid:1
rule = allow viewer uid:2
rule = allow operator uid:3
rule = allow operator uid:4 domain:te*
rule = allow operator uid:5 domain:web-*
rule = allow operator uid:6 domain-uuid:6695eb01-f6a4-8304-79aa-97f2502e193f
rule = deny admin uid:7 domain:test
rule = allow admin uid:7
rule = allow admin uid:8 read-only'''


def xml(name, uuid):
    return string(f'<domain type="test"><name>{name}</name><uuid>{uuid.hex()}'
                  '</uuid><memory>8192</memory><os><type>hvm</type></os>'
                  '</domain>')


def uuid_of(n):
    return bytes([n] * 16)


CALLS = [
    (INFO, domain()),
    (SUSPEND, domain()),
    (RESUME, domain()),
    (XML, domain() + u32(0)),
    (XML, domain() + u32(1)),                   # with passwords
    (ATTACH, domain() + string('<nothing/>')),
    (HOSTNAME, b''),
    (DEFINE, string('<nothing/>')),
    (SUSPEND, domain('web-1')),                 # a name that is not its own
    (RESUME, domain('nobody')),
    (LOOKUP, string('test')),
    (CAPABILITIES, b''),
]
EXPECTED = {
    1: 'yyyyyyyyyyyy',
    2: 'ynnynnynnnyy',
    3: 'yyyynnynyyyy',
    4: 'yyyynnynyyyy',
    5: 'nnnnnnynnnny',
    6: 'yyyynnynyyyy',
    7: 'nnnnnnynnnny',
    8: 'ynnynnynnnyy',
}


def answers(daemon, uid):
    with caller(daemon, uid) as conn:
        return ''.join('n' if is_denied(conn.call(proc, payload)) else 'y'
                       for proc, payload in CALLS)


def check_table(daemon):
    with caller(daemon, 0):
        for uid, want in EXPECTED.items():
            same(answers(daemon, uid), want, f'user {uid}')


test_users_procedures_and_objects, \
    test_users_procedures_and_objects_through_a_gateway = \
    before_both(check_table, RULES)


def names(conn):
    reply = conn.call(LIST_ALL_DOMAINS, u32(1) + u32(0))
    data, out = Reader(reply.payload), []
    for _ in range(data.i32()):
        out.append(data.string())
        data.skip(20)
    same(data.i32(), len(out), 'count')
    bare = Reader(conn.call(LIST_ALL_DOMAINS, u32(0) + u32(0)).payload)
    same((bare.i32(), bare.i32()), (0, len(out)), 'count without a list')
    return sorted(n.decode() if isinstance(n, bytes) else n for n in out)


def number(conn, proc):
    return Reader(conn.call(proc).payload).i32()


def check_names(daemon):
    """Guests come, are renamed, go, and come back under another name."""
    one = uuid_of(0x71)
    with caller(daemon, 0) as admin, caller(daemon, 5) as web:
        assert not admin.call(DEFINE, xml('web-7', one)).error
        assert not admin.call(DEFINE, xml('db-7', uuid_of(0x72))).error
        same(names(web), ['web-7'])
        same(number(web, NUM_ACTIVE), 0)
        same(number(web, NUM_DEFINED), 1)
        reply = Reader(web.call(LIST_DEFINED, u32(100)).payload)
        same((reply.i32(), reply.string()), (1, 'web-7'))
        assert not is_denied(web.call(INFO, domain('x', one)))
        assert is_denied(web.call(INFO, domain('web-7', uuid_of(0x72))))
        assert is_denied(web.call(LOOKUP, string('db-7')))
        assert not is_denied(web.call(LOOKUP, string('web-7')))

        assert not admin.call(UNDEFINE, domain('web-7', one)).error
        assert not admin.call(DEFINE, xml('db-1', one)).error
        assert is_denied(web.call(INFO, domain('web-7', one)))
        same(names(web), [])
        assert not admin.call(UNDEFINE, domain('db-1', one)).error
        assert not admin.call(DEFINE, xml('web-1', one)).error
        assert not is_denied(web.call(INFO, domain('db-1', one)))
        same(names(web), ['web-1'])

        renamed = admin.call(RENAME, domain('web-1', one)
                             + some(string('db-9')) + u32(0))
        if not renamed.error:           # libvirt's test driver cannot
            assert is_denied(web.call(INFO, domain('web-1', one)))
            same(names(web), [])


test_guests_that_change_their_names, \
    test_guests_that_change_their_names_behind_a_gateway = \
    before_both(check_names, RULES)


def test_guests_that_others_rename():
    """Behind the daemon's back: whoever changes something is judged by today's
    name; whoever looks, soon."""
    one = uuid_of(0x74)
    with Libvirtd() as libvirtd, behind(libvirtd, RULES) as daemon, \
            caller(daemon, 5) as web, Conn(libvirtd.socket) as other:
        assert not other.call(DEFINE, xml('web-3', one)).error
        assert not is_denied(web.call(INFO, domain('x', one)))
        assert not is_denied(web.call(SUSPEND, domain('x', one)))
        for name, want in ('db-3', True), ('web-3', False), ('db-3', True):
            assert not other.call(UNDEFINE, domain('x', one)).error
            assert not other.call(DEFINE, xml(name, one)).error
            same(is_denied(web.call(SUSPEND, domain('web-3', one))), want)
            wait_until(lambda: is_denied(web.call(INFO, domain('web-3', one)))
                       == want, 10, f'what {name} may be')


def check_events(daemon):
    with caller(daemon, 0) as admin, caller(daemon, 5) as web:
        assert not web.call(REGISTER_EVENT, u32(0) + u32(0)).error
        assert not admin.call(DEFINE, xml('db-8', uuid_of(0x81))).error
        assert not admin.call(DEFINE, xml('web-8', uuid_of(0x82))).error
        event = web.receive()
        same(event.proc, LIFECYCLE_EVENT)
        data = Reader(event.payload)
        data.i32()
        same(data.string(), 'web-8')


def test_networks_and_pools_that_lie():
    """libvirt's test driver goes by their names, and others by the uuid."""
    rules = (f'rule = allow admin uid:0\nrule = allow admin uid:2 '
             f'network:mine pool:mine\nrule = allow admin uid:3 '
             f'network-uuid:{MINE} pool-uuid:{MINE}\nrule = allow viewer '
             'uid:4 pool:default-pool\nrule = allow admin uid:4 '
             'vol:default-pool/*')
    uuid = uuid_bytes(MINE)
    volume = '<volume><name>v</name><capacity>1</capacity></volume>'
    with Libvirtd() as libvirtd, behind(libvirtd, rules) as daemon, \
            caller(daemon, 0) as admin:
        for call in ((NET_DEFINE, string('<network><name>mine</name><uuid>'
                                         f'{MINE}</uuid></network>')),
                     (POOL_DEFINE, string('<pool type="dir"><name>mine</name>'
                                          f'<uuid>{MINE}</uuid><target><path>'
                                          '/x</path></target></pool>')
                      + u32(0))):
            assert not admin.call(*call).error
        for uid in 2, 3:
            with caller(daemon, uid) as c:
                for proc, other in ((NET_IS_ACTIVE, 'default'),
                                    (POOL_INFO, 'default-pool')):
                    for name, no in (other, True), ('mine', False), \
                            (other, True):
                        same(is_denied(c.call(proc, string(name) + uuid)), no,
                             f'{uid} {proc} {name}')
        with caller(daemon, 4) as c:
            for pool, no in ((string('default-pool') + uuid, True),
                             (string('mine') + uuid, True),
                             (pool_of(c), False)):
                same(is_denied(c.call(VOL_CREATE, pool + string(volume)
                                      + u32(0))), no)


def test_snapshots_go_by_their_guest():
    snapshot = '<domainsnapshot><name>s</name></domainsnapshot>'
    with Libvirtd() as libvirtd, behind(
            libvirtd, 'rule = allow admin uid:0\nrule = allow viewer uid:2 '
            'domain:te*\nrule = allow viewer uid:3 domain:s') as daemon, \
            caller(daemon, 0) as admin:
        assert not admin.call(SNAPSHOT, domain() + string(snapshot)
                              + u32(0)).error
        for uid, want in (0, False), (2, False), (3, True):
            with caller(daemon, uid) as c:
                reply = c.call(SNAPSHOT_LOOKUP, domain() + string('s')
                               + u32(0))
                same((is_denied(reply), bool(reply.error)), (want, want), uid)
        said = [line for line in daemon.log().splitlines() if 'refused' in line]
        assert 'no rule gives domain:read ([acl rules])' in said[-1], said


def test_old_lists_are_filtered_by_uuid_as_well():
    with Libvirtd() as libvirtd, behind(
            libvirtd, 'rule = allow admin uid:0\nrule = allow viewer uid:2 '
            f'network-uuid:{NET}\nrule = deny viewer uid:3 network-uuid:'
            f'{NET}\nrule = allow viewer uid:3') as daemon:
        for uid, want in (0, ['default']), (2, ['default']), (3, []):
            with caller(daemon, uid) as c:
                reply = Reader(c.call(LIST_NETWORKS, u32(10)).payload)
                same([reply.string() for _ in range(reply.i32())], want, uid)


OLDER = [                               # a count, its list, what both take
    (111, 112, NONE, u32(0)),           # node devices
    (126, 127, b'', b''),               # interfaces
    (137, 138, b'', b''),               # those that are not active
]


def check_older(conn, want):
    """Clients ask for as many as they were told there are; it is those that
    they see, wherever in the list these stand."""
    for (count, ask, before, after), names in zip(OLDER, want):
        number = Reader(conn.call(count, before + after).payload).i32()
        same(number, len(names), f'count {count}')
        for most in range(number + 2):
            reply = Reader(conn.call(ask, before + u32(most) + after).payload)
            same([reply.string() for _ in range(reply.i32())], names[:most],
                 f'{most} of list {ask}')


def test_old_lists_are_as_long_as_was_counted():
    with Libvirtd() as libvirtd, behind(
            libvirtd, 'rule = allow admin uid:0\nrule = allow viewer uid:2 '
            'node_device:computer interface:eth1 interface:b*') as daemon, \
            caller(daemon, 0) as admin, caller(daemon, 2) as conn:
        for name in 'a1', 'b1', 'a2', 'b2', 'a3':
            same(admin.call(INTERFACE_DEFINE, string(
                f'<interface type="ethernet" name="{name}"/>')
                + u32(0)).error, None)
        reply = Reader(admin.call(138, u32(10)).payload)
        order = [reply.string() for _ in range(reply.i32())]
        same(len(order), 5)
        check_older(conn, [['computer'], ['eth1'],
                           [name for name in order if name[0] == 'b']])


test_events_about_others_are_not_sent, \
    test_events_about_others_are_not_sent_through_a_gateway = \
    before_both(check_events, RULES)


def test_a_file_is_read_again_and_a_wrong_one_is_not():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'rules')
        replace(path, '# nothing yet\nallow viewer uid:2\n')
        with own(f'file = {path}') as daemon, caller(daemon, 2) as conn:
            assert is_denied(conn.call(SUSPEND, domain()))
            replace(path, 'role mine operator\nallow mine uid:2\n')
            wait_until(lambda: not is_denied(conn.call(SUSPEND, domain())),
                       20, 'new rules')
            replace(path, 'allow nonsense uid:2\n')
            wait_until(lambda: 'rules:1: ' in daemon.log(), 20, 'a complaint')
            assert not is_denied(conn.call(RESUME, domain()))
            replace(path, 'allow admin uid:3\n')
            wait_until(lambda: is_denied(conn.call(RESUME, domain())),
                       20, 'no rule')


def test_who_only_reads_by_new_rules_administers_nothing():
    """Administrators' calls need no permission, but may change something."""
    def set_filters(conn):
        return conn.call(17, NONE + u32(0), prog=ADMIN)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'rules')
        replace(path, 'allow admin uid:2\n')
        listener = (LISTENER % f'file = {path}').replace(
            'mode =', 'service = admin\nmode =')
        with Virgated(config=listener + DRIVER) as daemon, \
                caller(daemon, 2, open_name=None) as conn:
            conn.call(AUTH_LIST)
            same(conn.call(1, u32(0), prog=ADMIN).error, None)
            same(set_filters(conn).error, None)
            replace(path, 'read-only uid:2\nallow admin uid:2\n')
            wait_until(lambda: is_denied(set_filters(conn)), 20, 'new rules')
            same(conn.call(15, u32(0), prog=ADMIN).error, None)


def check_open_streams(make):
    """A stream that is open when its permission goes ends with it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'rules')

        def write(text):
            replace(path, 'role looks viewer domain:screenshot\n' + text)

        write('allow looks uid:2 domain:test\nallow looks uid:3 domain:test\n'
              'allow viewer\n')
        with make(f'file = {path}') as daemon, \
                caller(daemon, 2) as streaming, caller(daemon, 2) as idle, \
                caller(daemon, 3) as other:
            for conn in streaming, other:
                reply = conn.call(SCREENSHOT, domain() + u32(0) + u32(0))
                same(reply.error, None, str(reply))
            write('allow looks uid:3 domain:test\nallow viewer\n')
            wait_until(lambda: 'not allowed any more' in daemon.log(), 20,
                       'the end of a stream')
            with contextlib.suppress(Ended):
                for _ in range(1000):   # what was sent before
                    streaming.receive()
                raise AssertionError('the connection goes on')
            same(idle.call(INFO, domain()).error, None)
            assert is_denied(idle.call(SCREENSHOT,
                                       domain() + u32(0) + u32(0)))
            same(daemon.log().count('not allowed any more'), 1, daemon.log())


def test_streams_end_when_their_permission_does():
    check_open_streams(own)


def test_streams_end_when_their_permission_does_behind_a_gateway():
    with Libvirtd() as libvirtd:
        check_open_streams(lambda rules: behind(libvirtd, rules))


NET = 'dd8fe884-6c02-601e-7551-cca97df1c5df'
ALL_KINDS = f'''role = keeper operator domain:read_secure
rule = allow admin uid:0
rule = allow viewer uid:2
rule = allow keeper uid:3 domain:test network:default interface:eth1 \\
  pool:default-pool vol:default-pool/web-* nwfilter:web nwfilter_binding:web0 \\
  secret:/web node_device:pci_1 network-uuid:{NET} network_port-uuid:{NET}
rule = deny admin uid:4 domain:test network:d* interface:eth1 pool:* \\
  vol:default-pool/* nwfilter:web nwfilter_binding:web0 secret:/web \\
  node_device:pci_1 network_port-uuid:{NET}
rule = allow admin uid:4
rule = allow admin uid:5 read-only
rule = read-only uid:6
rule = allow admin uid:6'''.replace('\\\n ', '')


def pool_of(conn):
    """libvirt's test pool, as arguments have it."""
    return conn.call(84, string('default-pool')).payload


def network(conn):
    return conn.call(46, string('default')).payload


def vol(name):
    return string('default-pool') + string(name) + string('')


def secret(usage):
    return bytes(16) + u32(1) + string(usage)


# A procedure, its arguments (a function, if they need to know somebody), and
# what --explain is told of it.
SAME = [
    ('connect_get_hostname', 59, b'', ''),
    ('connect_get_capabilities', 7, b'', ''),
    ('connect_list_all_domains', 273, u32(1) + u32(0), ''),
    ('connect_find_storage_pool_sources', 75, string('x') + NONE + u32(0), ''),
    ('auth_list', 66, b'', ''),
    ('domain_get_info', 16, domain(), 'domain=test'),
    ('domain_suspend', 34, domain(), 'domain=test'),
    ('domain_get_xml_desc', 14, domain() + u32(0), 'domain=test'),
    ('domain_get_xml_desc', 14, domain() + u32(1),
     'domain=test flags=VIR_DOMAIN_XML_SECURE'),
    ('domain_get_xml_desc', 14, domain() + u32(8),
     'domain=test flags=VIR_DOMAIN_XML_MIGRATABLE|2'),
    ('domain_reboot', 27, domain() + u32(2),
     'domain=test flags=VIR_DOMAIN_REBOOT_GUEST_AGENT'),
    ('domain_attach_device_flags', 160, domain() + string('<x/>') + u32(1),
     'domain=test flags=0x1'),
    ('domain_interface_addresses', 353, domain() + u32(0) + u32(0),
     'domain=test'),
    ('domain_interface_addresses', 353, domain() + u32(1) + u32(0),
     'domain=test source=VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT'),
    ('domain_snapshot_create_xml', 185, domain() + string('<x/>') + u32(64),
     'domain=test flags=64'),
    ('domain_snapshot_get_xml_desc', 186, string('s') + domain() + u32(1),
     'domain=test flags=1'),
    ('domain_define_xml', 11, string('<domain><name>test</name></domain>'),
     'domain=test'),
    ('network_get_xml_desc', 43, lambda c: network(c) + u32(0),
     f'network=default network-uuid={NET}'),
    ('network_destroy', 42, network, f'network=default network-uuid={NET}'),
    ('network_port_get_xml_desc', 409,
     lambda c: network(c) + uuid_bytes(NET) + u32(0),
     f'network_port-uuid={NET}'),
    ('network_port_delete', 410,
     lambda c: network(c) + uuid_of(7) + u32(0),
     'network_port-uuid=' + uuid_of(7).hex()),
    ('interface_get_xml_desc', 130, string('eth1') + string('') + u32(0),
     'interface=eth1'),
    ('interface_create', 133, string('eth2') + string('') + u32(0),
     'interface=eth2'),
    ('storage_pool_get_info', 87, pool_of, 'pool=default-pool'),
    ('storage_pool_refresh', 83, lambda c: pool_of(c) + u32(0),
     'storage_pool=default-pool'),
    ('storage_vol_get_info', 98, vol('web-1'), 'vol=default-pool/web-1'),
    ('storage_vol_delete', 94, vol('db-1') + u32(0),
     'storage_vol=default-pool/db-1'),
    ('node_device_get_xml_desc', 114, string('pci_1') + u32(0),
     'node_device=pci_1'),
    ('node_device_reset', 120, string('pci_2'), 'node_device=pci_2'),
    ('nwfilter_define_xml', 180, string('<filter name="web"/>'),
     'nwfilter=web'),
    ('nwfilter_binding_get_xml_desc', 398,
     string('web0') + string('web') + u32(0), 'nwfilter_binding=web0'),
    ('nwfilter_binding_delete', 400, string('web1') + string('web'),
     'nwfilter_binding=web1'),
    ('secret_define_xml', 142, string(
        '<secret><usage type="volume"><volume>/web</volume></usage></secret>')
     + u32(0), 'secret=/web'),
    ('secret_define_xml', 142, string(
        '<secret><usage type="volume"><volume>/db</volume></usage></secret>')
     + u32(0), 'secret=/db'),
]


def uuid_bytes(text):
    return bytes.fromhex(text.replace('-', ''))


def test_explain_says_what_happens_with_all_kinds():
    wrong = []
    with Libvirtd() as libvirtd, behind(libvirtd, ALL_KINDS) as daemon, \
            caller(daemon, 0) as admin:
        for uid in 2, 3, 4, 5, 6:
            with caller(daemon, uid) as conn:
                for name, proc, payload, words in SAME:
                    if callable(payload):
                        payload = payload(admin)
                    reply = conn.call(proc, payload)
                    code, out = explain(daemon.dir,
                                        f'uid={uid} call={name} {words}')
                    if code != is_refused(reply):
                        wrong.append((uid, name, words, reply, out))
    same(wrong, [])


def test_explain_of_procedures_that_no_table_has():
    """They can be called where a driver passes them on, by those who may
    change the host."""
    rules = ('rule = allow admin uid:0\nrule = allow operator uid:2\n'
             'rule = read-only uid:3\nrule = allow admin uid:3')
    allow = 'unknown-procedures = allow\n'
    for more, may in [('', ''), (allow, '0'), (allow + 'users = x y', ''),
                      (allow + 'listeners = local', '0'),
                      (allow + 'listeners = other', '')]:
        with Behind() as far, gateway(far.path, more, LISTENER % rules) as d:
            far.tricks[UNKNOWN] = lambda conn, call: conn.sendall(
                reply_to(call))
            if may or not more:         # somebody else's driver serves nobody
                for uid in 0, 2, 3:
                    with caller(d, uid) as conn:
                        same(conn.call(UNKNOWN).status == OK, str(uid) in may,
                             f'{more} {uid}')
            for uid in 0, 2, 3:
                for name in str(UNKNOWN), f'remote.{UNKNOWN}':
                    code, out = explain(d.dir, f'uid={uid} call={name}')
                    same(code, int(str(uid) not in may), out)
                    assert 'permissions: connect:write' in out, out
                    same('passed on by: [driver behind]' in out,
                         may != '' and uid != 3, out)


def test_explain_of_calls():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'virgated.conf')
        with open(path, 'w') as f:
            f.write((LISTENER % RULES).replace('@DIR@', folder) + DRIVER)
        code, out = explain(folder,
                            'uid=5 call=domain_destroy domain=web-1')
        assert code == 0 and 'allowed: rule = allow operator uid:5' in out, out
        assert f'{path}:' in out, out
        code, out = explain(folder, 'uid=5 call=domain_destroy domain=db-1')
        assert code == 1 and 'no rule gives domain:stop' in out, out
        code, out = explain(folder, 'uid=5 call=domain_rename domain=web-1 '
                            'domain=db-1')
        assert code == 1 and 'no rule gives domain:write' in out, out
        code, out = explain(folder, 'uid=3 call=domain_get_xml_desc domain=x '
                            'flags=VIR_DOMAIN_XML_SECURE')
        assert code == 1 and 'domain:read, domain:read_secure' in out, out
        same(explain(folder, 'uid=5 call=12 domain=web-1')[1].split('\n')[-2:],
             explain(folder, 'uid=5 call=domain_destroy domain=web-1')[1]
             .split('\n')[-2:])
        for question, text in [
                ('call=nonsense', "no procedure 'nonsense'"),
                ('call=remote.nonsense', 'no procedure'),
                ('call=other.1', 'no procedure'),
                ('call=107', 'no procedure'),          # an event
                ('call=2147483648', 'no procedure'),
                ('call=admin.connect_list_servers', 'does not serve'),
                ('call=admin.9999', 'does not serve'),
                ('call=domain_destroy flags=1', 'has no argument flags'),
                ('call=domain_destroy network=x', 'no permission on a network'),
                ('call=domain_restore domain=web-1', 'may be any: leave it'),
                ('call=node_device_create_xml node_device=x', 'leave it out'),
                ('call=domain_reboot flags=x', 'neither a number nor a flag'),
                ('call=domain_reboot flags=', 'not KEY=VALUE'),
                ('call=domain_reboot flags=0x100000000', '32 bits'),
                ('call=domain_destroy domain-uuid=12', 'no uuid'),
                ('call=domain_destroy ' + 'domain=x ' * 9, 'more objects')]:
            code, out = explain(folder, 'uid=2 ' + question)
            assert code == 2 and text in out, out


def test_mistakes_are_named():
    for line, text in [
            ('rule = allow', 'without a role'),
            ('rule = maybe viewer', 'write allow, deny or read-only'),
            ('rule = allow nobody', "'nobody' is no role"),
            ('role = x domain:fly', "no permission 'domain:fly'"),
            ('role = viewer *:*', 'already'),
            ('rule = allow viewer domain-uuid:12', 'no uuid'),
            (f'rule = deny admin vol-uuid:{NET}', 'has no uuid'),
            ('rule = allow viewer network_port:x', 'has no name'),
            ('rule = allow viewer colour:red', "'colour' is no key"),
            ('rule = read-only viewer', 'conditions only'),
            ('policy = perhaps', 'none of deny')]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'virgated.conf')
            with open(path, 'w') as f:
                f.write((LISTENER % line).replace('@DIR@', folder) + DRIVER)
            code, _, err = command(RUN, 'virgated', '--config', path,
                                   '--check')
            assert code != 0 and text in err, (line, err)
            assert f'{path}:' in err, err


def test_rules_that_can_never_match_are_told_of():
    rules = '''rule = deny viewer listener:lcoal
        rule = allow viewer transport:tls
        rule = allow viewer method:peercred listener:lo*
        file = @DIR@/more'''
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'virgated.conf')
        with open(path, 'w') as f:
            f.write((LISTENER % rules).replace('        ', '')
                    .replace('@DIR@', folder) + DRIVER)
        with open(os.path.join(folder, 'more'), 'w') as f:
            f.write('\nallow viewer method:peer\n' * 20)
        code, _, err = command(RUN, 'virgated', '--config', path, '--check')
        same(code, 0, err)
        for text in (
                "virgated.conf:13: listener:lcoal is the name of no listener: "
                "the rule never matches: did you mean 'local'?",
                "virgated.conf:14: transport:tls is no listener's transport: "
                "the rule never matches\n",
                'more:2: method:peer is no method that a listener asks for'):
            assert text in err, (text, err)
        same(err.count('never matches'), 10, err)
        same(err.count('are not told'), 1, err)
        assert 'virgated.conf:15' not in err, err


def test_refused_calls_do_not_fill_the_log():
    with own('role = connects connect:*\nrule = allow connects uid:0') as d, \
            Conn(d.socket) as c:
        for _ in range(300):
            same(c.call(SUSPEND, domain()).error[0], 88)
        same(100 <= d.log().count('domain_suspend refused') < 200, True,
             d.log())
        # What is missing is said as soon as there may be another line.
        wait_until(lambda: c.call(SUSPEND, domain()).status == ERROR
                   and 'earlier refusals of calls of its address are not in '
                   'the log' in d.log(), what='what is missing')


run()
