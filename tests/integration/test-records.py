#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The audit trail and the metrics: who came, who was refused, what was
changed and how it ended, for local drivers and through a gateway."""
import array
import fcntl
import json
import os
import signal
import socket
import tempfile
import termios
import threading

from gateway import Behind, error_payload, reply_to
from lib import *
from rawrpc import (AUTH_LIST, CALL, DOMAIN_XML, ERROR, HOSTNAME, LOOKUP_NAME,
                    OK, SUSPEND, Conn, domain, i64, message, string, u32)

DEFINE, VOL_UPLOAD = 11, 208

CONFIG = '''[daemon]
audit = @DIR@/audit
metrics-file = @DIR@/metrics
metrics-interval = 1
%s
[listen local]
transport = unix
path = @DIR@/sock
mode = 0700
auth = peercred
acl = ours
[listen local-ro]
transport = unix
path = @DIR@/sock-ro
mode = 0700
read-only = yes
[listen net]
transport = tcp
address = 127.0.0.1
port = 0
allow-anonymous = yes
acl = nobody
[acl nobody]
module = ip
deny = 127.0.0.1
[acl ours]
module = ip
allow = any user:root
policy = allow
%s
'''

DRIVER = '[driver test]\n'


def trail(d, **wanted):
    """Lines of the trail that have these members."""
    with open(f'{d.dir}/audit') as f:
        lines = [json.loads(line) for line in f]
    return [line for line in lines
            if all(line.get(k) == v for k, v in wanted.items())]


def soon(d, **wanted):
    return wait_until(lambda: os.path.exists(f'{d.dir}/audit')
                      and trail(d, **wanted), what=f'{wanted} in the trail')


def metrics(d):
    """Samples by name with labels, after a look at the format."""
    with open(f'{d.dir}/metrics') as f:
        text = f.read()
    samples, typed = {}, {}
    for line in text.splitlines():
        if line.startswith('# TYPE '):
            _, _, name, kind = line.split()
            same(name in typed, False, f'{name} is typed twice')
            typed[name] = kind
            continue
        if line.startswith('#'):
            continue
        m = re.fullmatch(r'(virgate_[a-z_]+)(\{([a-z]+="[^"\n]*",?)*\})? '
                         r'(-?[0-9.e+]+)', line)
        assert m, f'malformed: {line}'
        family = re.sub(r'_(bucket|sum|count)$', '', m[1])
        assert m[1] in typed or typed.get(family) == 'histogram', line
        same(m[1] + (m[2] or '') in samples, False, f'twice: {line}')
        samples[m[1] + (m[2] or '')] = float(m[4])
    return samples


def wait_metric(d, name, value):
    wait_until(lambda: os.path.exists(f'{d.dir}/metrics')
               and metrics(d).get(name) == value, what=f'{name} {value}')


def daemon(more='', driver=DRIVER):
    return Virgated(config=CONFIG % (more, driver))


def change_and_look(d):
    """What both kinds of drivers are tried with."""
    virsh(d.uri(), 'suspend test; resume test; resume test')
    virsh(d.uri(), 'list', check=0)
    virsh(d.uri_ro(), 'destroy', 'test')
    entered = soon(d, event='entered')[0]
    same((entered['user'], entered['user-vouch'], entered['methods'],
          entered['listener'], entered['uid'], entered['read-only']),
         ('root', 'kernel', ['peercred'], 'local', os.getuid(), False))
    call = soon(d, procedure='domain_suspend')[0]
    same((call['outcome'], call['user'], call['objects'][0]['kind'],
          call['objects'][0]['name'], len(call['objects'][0]['uuid'])),
         ('ok', 'root', 'domain', 'test', 36))
    same(call['milliseconds'] >= 0, True)
    failed = soon(d, outcome='failed')[0]
    same((failed['procedure'], failed['error'] > 0), ('domain_resume', True))
    denied = soon(d, outcome='denied')[0]
    same((denied['procedure'], denied['listener']),
         ('domain_destroy', 'local-ro'))
    same(soon(d, event='left')[0]['client'] > 0, True)
    same(trail(d, procedure='connect_list_all_domains'), [],
         'what changes nothing')


def test_a_local_drivers_calls():
    with daemon() as d:
        change_and_look(d)
        wait_metric(d, 'virgate_calls_total{program="remote",'
                    'procedure="domain_suspend",outcome="ok"}', 1)
        wait_metric(d, 'virgate_calls_total{program="remote",'
                    'procedure="domain_destroy",outcome="denied"}', 1)
        m = metrics(d)
        same(m['virgate_call_seconds_count{program="remote",'
               'procedure="domain_suspend"}'], 1)
        same(m['virgate_call_seconds_bucket{program="remote",'
               'procedure="domain_suspend",le="+Inf"}'], 1)
        same(m['virgate_resident_memory_bytes'] > 1e6, True)
        same(m['virgate_received_bytes_total'] > 100, True)


def test_calls_through_a_gateway():
    with Libvirtd() as behind:
        upstream = (f'[driver up]\nmodule = upstream\nupstream = '
                    f'test+unix:///default?socket={behind.socket}\n')
        with daemon(driver=upstream) as d:
            change_and_look(d)
            wait_metric(d, 'virgate_calls_total{program="remote",'
                        'procedure="domain_suspend",outcome="ok"}', 1)
            same(metrics(d)['virgate_upstream_up{section="driver up"}'], 1)
            behind.stop()
            virsh(d.uri(), 'list')
            wait_metric(d, 'virgate_upstream_up{section="driver up"}', 0)


def check_hidden(driver):
    rules = CONFIG % ('', driver + '[acl rules]\nmodule = rules\nrule = '
                      'deny viewer domain:test\nrule = allow admin\n')
    with Virgated(config=rules.replace('acl = ours', 'acl = rules')) as d:
        virsh(d.uri(), 'domuuid test')
        line = soon(d, procedure='domain_lookup_by_name')[0]
        same((line['outcome'], line['objects']),
             ('denied', [{'kind': 'domain', 'name': 'test'}]))
        assert re.search(r'lookup_by_name refused: rule = deny viewer '
                         r'domain:test \(.*:\d+, \[acl rules\]\)', d.log())


def test_who_looks_for_what_is_hidden():
    check_hidden(DRIVER)


def test_who_looks_for_what_is_hidden_behind_a_gateway():
    with Libvirtd() as behind:
        check_hidden(f'[driver up]\nmodule = upstream\nupstream = '
                     f'test+unix:///default?socket={behind.socket}\n')


def test_streams_beyond_the_limit_behind_a_gateway():
    with Behind() as behind, \
            daemon('max-client-requests = 1',
                   f'[driver up]\nmodule = upstream\nupstream = '
                   f'test+unix:///default?socket={behind.path}\n') as d, \
            Conn(d.socket) as c:
        for _ in range(2):
            reply = c.call(VOL_UPLOAD, string('p') + string('v') + string('k')
                           + i64(0) + i64(0) + u32(0))
        same(reply.error[2], 'resource busy: too many streams are open')
        soon(d, procedure='storage_vol_upload', outcome='ok')
        soon(d, procedure='storage_vol_upload', outcome='failed')


def before(behind):
    return (f'[driver up]\nmodule = upstream\nupstream = '
            f'test+unix:///default?socket={behind.path}\n')


def check_no_calls(d):
    """Messages that are no calls: one line each for the first few."""
    sent = (('domain_get_xml_desc', DOMAIN_XML, b'\xff' * 3, {}),
            ('domain_suspend', SUSPEND, b'x', {}),
            ('connect_get_hostname', HOSTNAME, u32(1), {}),
            ('remote.9999', 9999, b'', {}),
            ('remote.-1', -1, b'', {}),
            ('qemu.77', 77, b'', {'prog': 0x20008087}),
            ('program-7.1', 1, b'', {'prog': 7}),
            ('connect_get_hostname', HOSTNAME, b'', {'vers': 2}),
            ('connect_get_hostname', HOSTNAME, b'', {'status': ERROR}))
    with Conn(d.socket) as c:
        replies = [c.call(number, payload, **how)
                   for _, number, payload, how in sent]
        lines = wait_until(lambda: len(trail(d, outcome='refused'))
                           == len(sent)
                           and trail(d, outcome='refused'))
        same([line['procedure'] for line in lines],
             [name for name, *_ in sent])
        same([line['reason'] for line in lines],
             [reply.error[2] for reply in replies])
        client = lines[0]['client']
        for _ in range(1000):
            c.call(9999)
        same(c.call(HOSTNAME).error, None)
    left = soon(d, event='left', client=client)[0]
    same(left['refused-calls'], len(sent) + 1000)
    same(len(trail(d, outcome='refused')), 16)
    same(len(trail(d, event='call')), 16)
    with Conn(f'{d.dir}/sock-ro') as c:
        c.call(9999)
    same(len(soon(d, outcome='refused', listener='local-ro')), 1)
    wait_metric(d, 'virgate_calls_total{program="remote",'
                'procedure="unknown",outcome="refused"}', 1000 + 4)


def test_messages_that_are_no_calls():
    with daemon() as d:
        check_no_calls(d)


def test_messages_that_are_no_calls_behind_a_gateway():
    with Behind() as behind, daemon(driver=before(behind)) as d:
        check_no_calls(d)


def test_what_strangers_send():
    config = (CONFIG % ('', DRIVER)).replace('auth = peercred',
                                             'auth = secret')
    with tempfile.NamedTemporaryFile('w') as f, Virgated(
            config=f'{config}[auth secret]\nmodule = password\n'
            f'file = {f.name}\n') as d, Conn(d.socket, None) as c:
        for _ in range(100):
            c.send(message(HOSTNAME))
        c.call(AUTH_LIST)
        lines = soon(d, outcome='refused')
        same([line['reason'] for line in lines], ['authentication required'])
        same('user' in lines[0], False)


def test_names_that_are_not_opened():
    with daemon() as d, Conn(d.socket, None) as c:
        c.call(AUTH_LIST)
        for name in 'test:///no/file', 'qemu+ssh://host/system':
            same(c.open(name).error[0] > 0, True)
        same(c.open().error, None)
        c.call(SUSPEND, domain())
        soon(d, procedure='domain_suspend')
        same([line['outcome'] for line in trail(d, procedure='connect_open')],
             ['denied', 'failed'])
        same(trail(d, procedure='domain_suspend')[0]['driver'], 'test')


def test_calls_whose_daemon_behind_goes():
    """What became of it nobody knows; what comes later fails."""
    def go(conn, call):
        conn.shutdown(socket.SHUT_RDWR)
    with Behind() as behind, daemon(driver=before(behind)) as d, \
            Conn(d.socket) as c:
        behind.tricks[SUSPEND] = go
        for _ in range(3):
            same(c.call(SUSPEND, domain()).error[0] > 0, True)
        c.call(HOSTNAME)
        lines = wait_until(lambda: len(trail(d, event='call')) == 3
                           and trail(d, event='call'), what='three calls')
        same([(line['procedure'], line['outcome'], line['driver'],
               line['objects'][0]['name']) for line in lines],
             [('domain_suspend', outcome, 'up', 'test')
              for outcome in ('unknown', 'failed', 'failed')])
        same('error' in lines[0], False)


def test_calls_whose_client_goes():
    """A line for what was passed on, none for what had not begun."""
    with Behind() as behind, daemon('max-client-requests = 2',
                                    before(behind)) as d:
        behind.tricks[SUSPEND] = lambda conn, call: None
        with Conn(d.socket) as c:
            for serial in range(100, 104):
                c.send(message(SUSPEND, domain(), serial=serial))
            wait_until(lambda: [n for n, _ in behind.seen].count(SUSPEND)
                       == 2, what='two calls behind')
        soon(d, event='left')
        wait_until(lambda: len(trail(d, event='call')) == 2, what='two calls')
        virsh(d.uri(), 'resume', 'test')
        soon(d, procedure='domain_resume')
        same([(line['procedure'], line['outcome'])
              for line in trail(d, event='call')],
             [('domain_suspend', 'unknown')] * 2 + [('domain_resume', 'ok')])


def stays_unread(conn):
    """Nobody has read of what this one sent for some time."""
    count, seen = array.array('i', [0]), []
    for _ in range(30):
        fcntl.ioctl(conn.s, termios.TIOCOUTQ, count)
        seen.append(count[0])
        time.sleep(0.005)
    return seen[0] > 0 and seen[0] == seen[-1]


def test_calls_that_come_again_and_have_one_serial():
    """One that there is no room for yet takes no other's line."""
    go, names = threading.Event(), [f'vm{i}' for i in range(12)]

    def wait(conn, call):
        go.wait(60 * SLOW)
        conn.sendall(reply_to(call, string('behind')))

    def define(name):
        return message(DEFINE, string(f'<domain type="test"><name>{name}'
                                      f'</name>{" " * 200000}</domain>'),
                       serial=5)
    with Behind() as behind, daemon('max-client-bytes = 64M',
                                    before(behind)) as d, \
            Conn(d.socket, timeout=60 * SLOW) as c:
        behind.tricks[HOSTNAME] = wait
        c.send(message(HOSTNAME))
        wait_until(lambda: (HOSTNAME, CALL) in behind.seen, 20,
                   'a daemon behind that reads no more')
        sender = threading.Thread(target=lambda: [c.send(define(name))
                                                  for name in names])
        sender.start()
        try:
            wait_until(lambda: stays_unread(c), 20, 'no room')
        finally:
            go.set()
        for _ in range(1 + len(names)):
            same(c.receive().status, OK)
        sender.join()
        lines = wait_until(lambda: len(trail(d, event='call')) == len(names)
                           and trail(d, event='call'), what='all calls')
        same(sorted(line['objects'][0]['name'] for line in lines),
             sorted(names))


def test_replies_that_are_none_and_errors():
    answers = [lambda call: reply_to(call, error_payload(), status=ERROR),
               lambda call: reply_to(call, b'abc')]
    with Behind() as behind, daemon(driver=before(behind)) as d, \
            Conn(d.socket) as c:
        behind.tricks[SUSPEND] = lambda conn, call: conn.sendall(
            answers.pop(0)(call))
        for _ in range(2):
            same(c.call(SUSPEND, domain()).error[0] > 0, True)
        wait_until(lambda: len(trail(d, event='call')) == 2, what='two calls')
        same([line['outcome'] for line in trail(d, event='call')],
             ['failed', 'unknown'])


def test_metrics_follow_no_link():
    with tempfile.TemporaryDirectory() as folder:
        other = os.path.join(folder, 'other')
        with open(other, 'w') as f:
            f.write('precious')
        os.symlink(other, os.path.join(folder, 'm.new'))
        config = (CONFIG % ('', DRIVER)).replace('@DIR@/metrics',
                                                 f'{folder}/m')
        with Virgated(config=config):
            wait_until(lambda: os.path.exists(f'{folder}/m'),
                       what='metrics')
            same(os.path.islink(f'{folder}/m'), False)
        with open(other) as f:
            same(f.read(), 'precious')


def send_nonsense(d):
    """Arguments that are none, for all procedures, by a client that has
    opened nothing yet and by one that has."""
    for name in None, 'test:///default':
        with Conn(d.socket, open_name=name) as c:
            if name is None:
                c.call(AUTH_LIST)
            for number in range(1, 460):
                reply = c.call(number, b'\xff\xff\xff')
                same(reply.status, ERROR, number)
    with Conn(d.socket) as c:
        same(c.call(HOSTNAME).status, OK)
    same([line['procedure'] for line in trail(d, event='call')
          if line['outcome'] == 'failed'], [])


def test_nonsense():
    with daemon() as d:
        send_nonsense(d)


def test_nonsense_before_a_gateway():
    with Behind() as peer, \
            daemon(driver=f'[driver up]\nmodule = upstream\n'
                   f'upstream = remote+unix:///?socket={peer.path}\n') as d:
        send_nonsense(d)


def count_refused(driver):
    """Calls that are none by the tables are counted like others."""
    with daemon(driver=driver) as d, Conn(d.socket) as c:
        before = metrics(d) if os.path.exists(f'{d.dir}/metrics') else {}
        same(before.get('virgate_calls_total{program="remote",'
                        'procedure="unknown",outcome="refused"}'), None)
        c.call(9999)
        c.call(9999)
        c.call(LOOKUP_NAME, b'\xff')
        for name, count in ('unknown', 2), ('domain_lookup_by_name', 1):
            wait_metric(d, f'virgate_calls_total{{program="remote",'
                        f'procedure="{name}",outcome="refused"}}', count)


def test_calls_that_are_none_are_counted():
    count_refused(DRIVER)


def test_calls_that_are_none_are_counted_before_a_gateway():
    with Behind() as peer:
        count_refused(f'[driver up]\nmodule = upstream\n'
                      f'upstream = remote+unix:///?socket={peer.path}\n')


def test_whoever_may_enter_the_folder_may_read_metrics():
    old = os.umask(0o077)
    try:
        with daemon() as d:
            wait_until(lambda: os.path.exists(f'{d.dir}/metrics'),
                       what='metrics')
            same(os.stat(f'{d.dir}/metrics').st_mode & 0o777, 0o644)
            same(os.stat(f'{d.dir}/audit').st_mode & 0o777, 0o600)
    finally:
        os.umask(old)


def test_metrics_stay_where_they_were_at_start():
    """The log says that another place needs a restart."""
    with daemon() as d:
        path = f'{d.dir}/virgated.conf'
        with open(path) as f:
            text = f.read()
        with open(path, 'w') as f:
            f.write(text.replace(f'{d.dir}/metrics', f'{d.dir}/others'))
        d.process.send_signal(signal.SIGHUP)
        wait_until(lambda: 'reload: done' in d.log(), what='a reload')
        same('restart needed' in d.log(), True, d.log())
        began = os.stat(f'{d.dir}/metrics').st_mtime_ns
        wait_until(lambda: os.stat(f'{d.dir}/metrics').st_mtime_ns != began,
                   what='metrics')
        same(os.path.exists(f'{d.dir}/others'), False)


def test_refusals():
    with daemon() as d:
        port = int(re.search(r'ready listen net tcp \S+:(\d+)',
                             d.log()).group(1))
        with socket.create_connection(('127.0.0.1', port)) as s:
            s.settimeout(10 * SLOW)
            same(s.recv(1), b'')
        line = soon(d, event='refused')[0]
        same((line['listener'], line['address'],
              'deny = 127.0.0.1' in line['reason']),
             ('net', '127.0.0.1', True), line)
        wait_metric(d, 'virgate_refused_total{reason="acl-address"}', 1)


def test_who_makes_room_is_refused():
    with daemon('max-unopened = 2\nlocal-reserve = 0') as d:
        conns = [Conn(d.socket, open_name=None) for _ in range(5)]
        wait_metric(d, 'virgate_refused_total{reason="no-room"}', 3)
        wait_metric(d, 'virgate_connections_unopened', 2)
        for c in conns:
            c.close()


def test_secrets_and_payloads_are_not_in_it():
    with daemon() as d, tempfile.NamedTemporaryFile('w') as f:
        f.write("<domain type='test'><name>x</name><memory>1024</memory>"
                "<os><type>hvm</type></os><devices><graphics type='vnc' "
                "passwd='gu3ssme'/></devices></domain>")
        f.flush()
        virsh(d.uri(), 'define', f.name, check=0)
        same(soon(d, procedure='domain_define_xml') != [], True)
        with open(f'{d.dir}/audit') as trail_file:
            same('gu3ssme' in trail_file.read(), False)
        same(os.stat(f'{d.dir}/audit').st_mode & 0o777, 0o600)


def test_a_file_that_was_moved_is_opened_again():
    with daemon() as d:
        virsh(d.uri(), 'suspend', 'test', check=0)
        soon(d, procedure='domain_suspend')
        os.rename(f'{d.dir}/audit', f'{d.dir}/audit.1')
        d.process.send_signal(signal.SIGHUP)
        wait_until(lambda: os.path.exists(f'{d.dir}/audit'))
        virsh(d.uri(), 'suspend', 'test', check=0)
        soon(d, procedure='domain_suspend')


def test_what_cannot_be_written_is_counted():
    """A pipe that nobody reads is a disk that does not answer."""
    path = tempfile.mktemp(prefix='virgate-test-')
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR)
    try:
        config = (CONFIG % ('audit-queue = 16', DRIVER)).replace(
            'audit = @DIR@/audit', f'audit = {path}')
        with Virgated(config=config) as d:
            script = 'suspend test; resume test; ' * 400
            virsh(d.uri(), script, check=0)
            wait_until(lambda: os.path.exists(f'{d.dir}/metrics') and
                       metrics(d).get('virgate_audit_lost_total', 0) > 100,
                       what='lost lines')
            text, end = b'', time.monotonic() + 20 * SLOW
            while b'"event":"lost"' not in text:
                assert time.monotonic() < end, text[-500:]
                text += os.read(fd, 65536)
                virsh(d.uri(), 'suspend test; resume test', check=0)
    finally:
        os.close(fd)
        os.unlink(path)


def test_a_trail_that_cannot_be_opened_stops_the_start():
    with tempfile.TemporaryDirectory() as folder:
        for value, words in ((f'{folder}/no/where', 'No such file'),
                             ('nonsense', 'none of none, journal')):
            status, _, err = command(
                RUN, 'virgated', '--set', f'daemon.audit={value}', '--set',
                f'listen.local.path={folder}/sock', '--set',
                'listen.local.mode=0700')
            same((status, words in err), (1, True), err)


if __name__ == '__main__':
    run()
