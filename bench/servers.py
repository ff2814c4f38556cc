# SPDX-License-Identifier: LGPL-2.1-or-later
"""The three servers: how each is started, found ready, and ended.

Every server is private: its own folder, sockets and port.  libvirtd gets a
mount namespace of its own besides, in which it sees nothing of the system's
state and no driver but its built-in test driver.
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_DEADLINE_S = 20
STOP_DEADLINE_S = 10

# How virgated is started: kept in this one place.  NODE is the file that a
# slow driver call opens; the driver is told to allow exactly that one.
VIRGATED = [
    '{build}/run', 'virgated', '--config', '/dev/null',
    '--set', 'listen.local.transport=unix',
    '--set', 'listen.local.path={unix}',
    '--set', 'listen.local.mode=0600',
    '--set', 'listen.local.auth=none',
    '--set', 'listen.net.transport=tcp',
    '--set', 'listen.net.address=127.0.0.1',
    '--set', 'listen.net.port={tcp}',
    '--set', 'listen.net.auth=none',
    '--set', 'listen.net.allow-anonymous=yes',
    '--set', 'driver.test.allow-file={node}',
]

# More of it for a TLS port.
VIRGATED_TLS = [
    '--set', 'listen.tls.transport=tls',
    '--set', 'listen.tls.address=127.0.0.1',
    '--set', 'listen.tls.port={tls}',
    '--set', 'listen.tls.auth=none',
    '--set', 'listen.tls.allow-anonymous=yes',
    '--set', 'listen.tls.ca-cert={pki}/cacert.pem',
    '--set', 'listen.tls.cert={pki}/servercert.pem',
    '--set', 'listen.tls.key={pki}/serverkey.pem',
]

# The same with a TCP port that asks for a password.
VIRGATED_ASKING = [
    arg.replace('net.auth=none', 'net.auth=password') for arg in VIRGATED
] + ['--set', 'auth.password.file={dir}/passwd']

LIBVIRTD = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', '''
for dir in /run /var/lib /var/cache /var/log /etc/libvirt \
           /usr/lib*/libvirt/connection-driver \
           /usr/lib/*/libvirt/connection-driver; do
  test ! -d "$dir" || mount -t tmpfs none "$dir" || exit 1
done
exec libvirtd --listen -f "$0/libvirtd.conf" -p "$0/pid"''', '{dir}']

# The same with its storage driver; /run/bench is in memory.
LIBVIRTD_STORAGE = [arg.replace('for dir in', '''
cp /usr/lib*/libvirt/connection-driver/libvirt_driver_storage.so \
  /usr/lib/*/libvirt/connection-driver/libvirt_driver_storage.so \
  "$0" 2>/dev/null
for dir in''').replace('exec', '''
for dir in /usr/lib*/libvirt /usr/lib/*/libvirt; do
  test ! -d "$dir" || cp "$0/libvirt_driver_storage.so" \
    "$dir/connection-driver"
done
exec''') for arg in LIBVIRTD]

# Its defaults, but for where it listens and that nobody needs to log in.
LIBVIRTD_CONF = '''
unix_sock_dir = "{dir}"
auth_unix_ro = "none"
auth_unix_rw = "none"
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
listen_addr = "127.0.0.1"
tcp_port = "{tcp}"
log_outputs = "3:file:{dir}/libvirtd.log"
'''

LIBVIRTD_TLS_CONF = LIBVIRTD_CONF.replace('listen_tls = 0', '''
listen_tls = 1
auth_tls = "none"
tls_port = "{tls}"
ca_file = "{pki}/cacert.pem"
cert_file = "{pki}/servercert.pem"
key_file = "{pki}/serverkey.pem"
''')

FLOOR = ['{build}/bench/floor', '--unix={unix}', '--tcp={tcp}']

NODE_DOMAINS = 1000
NODE_DOMAIN = '''<domain type="test"><name>slow-{n}</name>
<memory>8192</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>
'''


def free_port():
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


def connects(family, address):
    with socket.socket(family) as sock:
        try:
            sock.connect(address)
        except OSError:
            return False
    return True


class Server:
    """A running server, to be used in a 'with' statement."""

    def __init__(self, argv, socket_name, **values):
        self.dir = tempfile.mkdtemp(prefix='virgate-bench-')
        self.unix = os.path.join(self.dir, socket_name)
        self.tcp = free_port()
        self.tls = free_port() if 'pki' in values else None
        self.node = os.path.join(self.dir, 'node.xml')
        self.values = dict(values, dir=self.dir, unix=self.unix,
                           tcp=self.tcp, tls=self.tls, node=self.node)
        self.argv = [arg if '$0' in arg else arg.format(**self.values)
                     for arg in argv]
        self.log = os.path.join(self.dir, 'output')

    def __enter__(self):
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = self.process.pid
        deadline = time.monotonic() + START_DEADLINE_S
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f'{" ".join(self.argv)} did not start:\n'
                                   + self.output)
            time.sleep(0.01)
        return self

    def ready(self):
        if self.tls and not connects(socket.AF_INET, ('127.0.0.1', self.tls)):
            return False
        return (connects(socket.AF_UNIX, self.unix)
                and connects(socket.AF_INET, ('127.0.0.1', self.tcp)))

    def __exit__(self, *_):
        ended = self.process.poll() is not None
        self.stop()
        if ended:
            raise RuntimeError(f'{self.argv[0]} ended by itself, status '
                               f'{self.process.returncode}:\n{self.output}')

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with open(self.log, errors='replace') as log:
            self.output = log.read()[-2000:]
        shutil.rmtree(self.dir)

    def write_node(self):
        """Write the file with many domains; returns the name to open."""
        with open(self.node, 'w') as file:
            file.write('<node>\n')
            for n in range(NODE_DOMAINS):
                file.write(NODE_DOMAIN.format(n=n))
            file.write('</node>\n')
        return f'test://{self.node}'


def libvirtd(_build, argv=LIBVIRTD):
    server = Server(argv, 'libvirt-sock')
    with open(os.path.join(server.dir, 'libvirtd.conf'), 'w') as conf:
        conf.write(LIBVIRTD_CONF.format(**server.values))
    return server


def libvirtd_asking(_build):
    server = Server(LIBVIRTD, 'libvirt-sock')
    with open(os.path.join(server.dir, 'libvirtd.conf'), 'w') as conf:
        conf.write(LIBVIRTD_CONF.replace('auth_tcp = "none"',
                                         'auth_tcp = "sasl"')
                   .format(**server.values))
    return server


def virgated_asking(build):
    server = Server(VIRGATED_ASKING, 'virgate-sock', build=build)
    subprocess.run([f'{build}/run', 'virgate', 'passwd', 'add', 'somebody',
                    '--file', os.path.join(server.dir, 'passwd'), '--stdin'],
                   input='secret\n', text=True, check=True,
                   stdout=subprocess.DEVNULL)
    return server


def virgated(build):
    return Server(VIRGATED, 'virgate-sock', build=build)


# virgated before a libvirtd, which is all that is behind it.
GATEWAY = VIRGATED[:VIRGATED.index('driver.test.allow-file={node}') - 1] + [
    '--set', 'driver.behind.module=upstream',
    '--set', 'driver.behind.upstream=remote+unix:///?socket={behind}',
]


# The cheapest gateway, in the same place.
RELAY = ['{build}/bench/relay', '--unix={unix}', '--behind={behind}']


class Gateway(Server):
    """A pair: its process is the one in front."""

    def __init__(self, argv, build, behind):
        self.behind = behind
        super().__init__(argv, 'virgate-sock', build=build,
                         behind=behind.unix)

    def __enter__(self):
        self.behind.__enter__()
        try:
            return super().__enter__()
        except BaseException:
            self.behind.stop()
            raise

    def ready(self):
        return connects(socket.AF_UNIX, self.unix)

    def __exit__(self, *exc):
        super().__exit__(*exc)
        self.behind.__exit__(*exc)


def libvirtd_storage(build):
    return libvirtd(build, LIBVIRTD_STORAGE)


def gateway(build, behind=libvirtd):
    return Gateway(GATEWAY, build, behind(build))


def relay(build, behind=libvirtd):
    return Gateway(RELAY, build, behind(build))


# 1000 rules in a file, of which the last decides, and a trail.
JUDGED = ['--set', 'daemon.audit={dir}/trail',
          '--set', 'listen.local.acl=rules',
          '--set', 'acl.rules.file={dir}/rules']
RULES = 1000


def judged(build, rule, through):
    """The first RULES - 1 are about other guests, or about other users."""
    server = Gateway([*GATEWAY, *JUDGED], build, libvirtd(build)) if through \
        else Server(VIRGATED + JUDGED, 'virgate-sock', build=build)
    with open(os.path.join(server.dir, 'rules'), 'w') as rules:
        for n in range(RULES - 1):
            rules.write(f'allow viewer domain:vm-{n}\n' if ':' in rule
                        else f'allow viewer uid:{n + 100000}\n')
        rules.write(f'{rule}\n')
    return server


def floor(build, *options):
    return Server([*FLOOR, *options], 'floor-sock', build=build)


def make_pki(build, folder):
    """A CA, and a pair for each side, of EC keys."""
    for argv in (['init', 'Bench CA'], ['server', '127.0.0.1'],
                 ['client', 'bench']):
        subprocess.run([f'{build}/run', 'virgate', 'pki', *argv, '--dir',
                        folder], check=True, stdout=subprocess.DEVNULL)


class FloorTls(Server):
    """It has no other port."""

    def ready(self):
        return connects(socket.AF_INET, ('127.0.0.1', self.tls))


def libvirtd_tls(_build, pki):
    server = Server(LIBVIRTD, 'libvirt-sock', pki=pki)
    with open(os.path.join(server.dir, 'libvirtd.conf'), 'w') as conf:
        conf.write(LIBVIRTD_TLS_CONF.format(**server.values))
    return server


def virgated_tls(build, pki):
    return Server(VIRGATED + VIRGATED_TLS, 'virgate-sock', build=build,
                  pki=pki)


def floor_tls(build, pki):
    return FloorTls(['{build}/bench/tls-floor', '--port={tls}',
                     '--pki={pki}'], 'none', build=build, pki=pki)


def missing(build, kind):
    """Why a server cannot be started here, None if it can."""
    if kind == 'libvirtd':
        if shutil.which('libvirtd') is None:
            return 'libvirtd is not installed'
        if subprocess.run(['unshare', '--mount', 'true'],
                          stderr=subprocess.DEVNULL).returncode:
            return 'no right to make a mount namespace: run as root'
    if kind == 'virgated' and not os.path.exists(f'{build}/daemon/virgated'):
        return 'virgated is not built'
    return None
