#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Passwords by SASL: SCRAM and PLAIN over Unix sockets and TLS, stock and own
programs on both ends; what is refused and how it is said."""
import tempfile

from rawrpc import AUTH_LIST, SASL_INIT, SASL_START, Conn, Ended, Reader, string, u32
from sasl import *


def test_every_mechanism_from_stock_and_own_clients():
    with tempfile.TemporaryDirectory() as root:
        pki = make_pki(os.path.join(root, 'pki'))
        users = database(os.path.join(root, 'db'), alice='secret')
        login = credentials(root)
        with VirgatedSasl(f'database = {users}', pki=pki) as ours:
            count = 0
            for uri in ours.uris():
                for mech in ('', *PASSWORDS):
                    for client in CLIENTS:
                        there = with_params(uri, authfile=login,
                                            auth=mech and f'sasl.{mech}')
                        same(names(client, there), (0, ['test']), there)
                        count += 1
            same(ours.entries(), ['alice'] * count)


def test_own_client_at_libvirtd():
    with tempfile.TemporaryDirectory() as root:
        pki = make_pki(os.path.join(root, 'pki'))
        users = database(os.path.join(root, 'db'), alice='secret')
        login = credentials(root)
        conf = f'''mech_list: scram-sha-256 scram-sha-512 plain digest-md5
sasldb_path: {users}
auxprop_plugin: sasldb
pwcheck_method: auxprop
'''
        with LibvirtdSasl(conf, pki=pki) as theirs:
            for uri in theirs.uris():
                for mech in ('', *PASSWORDS, 'DIGEST-MD5'):
                    there = with_params(uri, authfile=login,
                                        auth=mech and f'sasl.{mech}')
                    same(names('virgate', there), (0, ['test']), there)
            status, said = names('virgate', with_params(
                theirs.uri(), authfile=credentials(root, password='wrong')))
            same(status != 0, True)
            assert 'authentication failed' in said, said


def test_wrong_passwords_and_unknown_users_are_told_the_same():
    with tempfile.TemporaryDirectory() as root:
        users = database(os.path.join(root, 'db'), alice='secret')
        with VirgatedSasl(f'database = {users}') as ours:
            for mech in PASSWORDS:
                said = set()
                for login in (credentials(root, password='wrong'),
                              credentials(root, 'nobody')):
                    for client in CLIENTS:
                        status, text = names(client, with_params(
                            ours.uri(), authfile=login,
                            auth=f'sasl.{mech}'))
                        assert status != 0 and 'authentication failed' in text
                        assert 'user' not in text.replace('username', ''), \
                            text
                        said.add(client + re.sub(r'[0-9a-f]{8}', '',
                                                 text.split('authfile')[0]))
                same(len(said), len(CLIENTS), said)
            same(ours.entries(), [])
            log = ours.log()
            for why in ('PLAIN by alice: ', 'SCRAM-SHA-256 by alice: ',
                        'SCRAM-SHA-512 by nobody: there is no such user'):
                assert why in log, log


def chars(data):
    """As SASL's data go over the wire."""
    return u32(0) + u32(len(data)) + b''.join(u32(b) for b in data)


def first_answer(where, mech, user):
    """The server's first message of SCRAM, and the time it took."""
    with Conn(where, open_name=None) as c:
        c.call(AUTH_LIST)
        c.call(SASL_INIT)
        said = f'n,,n={user},r=rOprNGfwEbeRWgbNEkqO'.encode()
        began = time.monotonic()
        reply = c.call(SASL_START, string(mech) + chars(said))
        took = time.monotonic() - began
    assert not reply.error, reply
    r = Reader(reply.payload)
    same((r.i32(), r.i32()), (0, 0))
    return bytes(r.i32() & 255 for _ in range(r.i32())).decode(), took


def test_nobody_finds_out_who_there_is():
    """A user who does not exist has a salt, too, always the same, and it
    takes as long to say so."""
    shape = re.compile(r'r=(\S{52}),s=([A-Za-z0-9+/]*=*),i=(\d+)$')
    with tempfile.TemporaryDirectory() as root:
        users = database(os.path.join(root, 'db'), alice='secret')
        with VirgatedSasl(f'database = {users}') as ours:
            for mech in PASSWORDS[:2]:
                salts, times = {}, {'alice': [], 'nobody': []}
                def told_apart():
                    """A busy machine can be late, never early."""
                    fast, slow = sorted(min(t) for t in times.values())
                    return slow > 2 * fast + 0.002

                for i in range(200):
                    if i > 20 and (SLOW != 1 or not told_apart()):
                        break
                    user = ('alice', 'nobody')[i % 2]
                    text, took = first_answer(ours.socket, mech, user)
                    m = shape.match(text)
                    assert m, text
                    salts.setdefault(user, set()).add(m[2])
                    same(m[3], '4096', text)
                    times[user].append(took)
                same([len(s) for s in salts.values()], [1, 1], salts)
                same(len({len(s) for (s,) in salts.values()}), 1, salts)
                assert SLOW != 1 or not told_apart(), times


def offered(where):
    with Conn(where, open_name=None) as c:
        c.call(AUTH_LIST)
        reply = c.call(SASL_INIT)
        return reply.error[2] if reply.error \
            else Reader(reply.payload).string()


def test_nothing_is_offered_where_others_can_listen():
    with tempfile.TemporaryDirectory() as root:
        users = database(os.path.join(root, 'db'), alice='secret')
        login = credentials(root)
        with VirgatedSasl(f'database = {users}') as ours:
            same(offered(ours.socket), ','.join(PASSWORDS))
            for client in CLIENTS:
                status, said = names(client, with_params(ours.uri_tcp(),
                                                         authfile=login))
                same(status != 0, True, said)
            same(ours.entries(), [])
            assert 'at least 56 bits of protection' in ours.log(), ours.log()
            # Nor does asking for it help.
            with Conn(ours.port, open_name=None) as c:
                c.call(AUTH_LIST)
                try:
                    reply = c.call(SASL_START, string('PLAIN')
                                   + chars(b'\0alice\0secret'))
                    assert reply.error, reply
                except Ended:
                    pass


def test_only_named_mechanisms():
    with tempfile.TemporaryDirectory() as root:
        users = database(os.path.join(root, 'db'), alice='secret')
        login = credentials(root)
        with VirgatedSasl(f'database = {users}\nmechanisms = DIGEST-MD5 '
                          'scram-sha-256') as ours:
            same(sorted(offered(ours.socket).split(',')),
                 ['DIGEST-MD5', 'SCRAM-SHA-256'])
            there = with_params(ours.uri(), authfile=login,
                                auth='sasl.DIGEST-MD5')
            for client in CLIENTS:
                same(names(client, there), (0, ['test']), client)
            for client in CLIENTS:
                status, said = names(client, with_params(
                    ours.uri(), authfile=login, auth='sasl.PLAIN'))
                assert status != 0 and 'PLAIN' in said, said


def test_digest_md5_protects_what_follows_on_tcp():
    """It has a layer, too: weak, and only for those who name it."""
    with tempfile.TemporaryDirectory() as root:
        users = database(os.path.join(root, 'db'), alice='secret')
        login = credentials(root)
        conf = (f'mech_list: digest-md5 scram-sha-256\nsasldb_path: {users}\n'
                'auxprop_plugin: sasldb\npwcheck_method: auxprop\n')
        with LibvirtdSasl(conf) as theirs, VirgatedSasl(
                f'database = {users}\nmechanisms = DIGEST-MD5 SCRAM-SHA-256',
                env=old_ciphers(root)) as ours:
            for server in theirs, ours:
                for client in CLIENTS:
                    same(names(client, with_params(
                        server.uri_tcp(), authfile=login,
                        auth='sasl.DIGEST-MD5'), old_ciphers(root)),
                        (0, ['test']))
                status, said = names('virgate', with_params(
                    server.uri_tcp(), authfile=login))
                same(status != 0, True, said)
                for text in ('the server offers DIGEST-MD5',
                             'has plugins for', 'at least 56 bits',
                             'auth=sasl.DIGEST-MD5 in the URI'):
                    assert text in said, said


def test_users_groups_and_realms():
    with tempfile.TemporaryDirectory() as root:
        users = database(os.path.join(root, 'db'), alice='secret',
                         bob='secret', carol='secret')
        database(users, realm='elsewhere', dave='secret')
        listeners = '''[listen realm]
transport = unix
path = @DIR@/realm
mode = 0777
auth = far
[auth far]
module = sasl
'''
        with VirgatedSasl(
                f'database = {users}\nusers = ali* b?b\n'
                'group = operators a*\ngroup = people *',
                more=f'{listeners}database = {users}\nrealm = elsewhere'
                ) as ours:
            for who, status in ('alice', 0), ('bob', 0), ('carol', 1):
                got = names('virsh', with_params(
                    ours.uri(), authfile=credentials(root, who)))
                same(got[0], status, got)
            same(ours.entries(), ['alice', 'bob'])
            assert re.search('carol is not in users of', ours.log())
            got = names('virsh', with_params(
                f'test+unix:///default?socket={ours.dir}/realm',
                authfile=credentials(root, 'dave')))
            same(got, (0, ['test']))
            same(ours.entries()[-1], 'dave@elsewhere')


def start_error(section):
    """What virgated says of a section that it does not take."""
    daemon = VirgatedSasl(section)
    try:
        with daemon:
            raise AssertionError(f'it started with {section}')
    except AssertionError as e:
        return str(e)


def test_what_a_section_cannot_say():
    for section, text in (
            ('mechanisms = NO-SUCH', 'no plugin for NO-SUCH here; it has '
             'plugins for'),
            ('group = operators', 'write NAME, then a value'),
            ('min-ssf = 40', 'min-ssf'),
            ('[auth two]\nmodule = sasl\napp-name = other\n[listen x]\n'
             'transport = unix\npath = @DIR@/x\nauth = two',
             'reads one config file in a process')):
        said = start_error(section)
        assert text in said, said


def test_cyrus_has_a_config_file_of_its_own():
    """What no key says comes from there, but for the list of mechanisms."""
    with tempfile.TemporaryDirectory() as root:
        users = database(os.path.join(root, 'db'), alice='secret')
        with open(os.path.join(root, 'mine.conf'), 'w') as f:
            f.write(f'sasldb_path: {users}\nauxprop_plugin: sasldb\n'
                    'mech_list: DIGEST-MD5\n')
        with VirgatedSasl('app-name = mine',
                          env={'SASL_CONF_PATH': root}) as ours:
            same(offered(ours.socket), ','.join(PASSWORDS))
            same(names('virsh', with_params(
                ours.uri(), authfile=credentials(root))), (0, ['test']))


run()
