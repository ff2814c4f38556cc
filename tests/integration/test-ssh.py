#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ssh that works: ways to stock and own daemons, keys and agents, what the
user's ssh config says, jump hosts, and one connection for all."""
import array
import contextlib
import random
import re
import socket
import threading

from ssh import *

USER = 'root'
CONFIRM, PASSPHRASE, PASSWORD, ECHO, NOECHO = '8', '5', '3', '6', '7'


def uri(server, query='', host='127.0.0.1', path='/default'):
    return f'test+ssh://{USER}@{host}:{server.port}{path}?{query}'


@contextlib.contextmanager
def setup(**sshd):
    """A libvirtd, an sshd that leads to it, and a home that knows both."""
    with Libvirtd() as daemon, Home() as home:
        sshd.setdefault('authorized', public(home.key()))
        with Sshd(libvirt=daemon.dir, **sshd) as server:
            home.know(server)
            yield home, server


def logins(server):
    return len(re.findall(r'^Accepted \S+ for ', server.log(), re.M))


def openssh(home):
    """ssh finds the user's home by itself; ours must be named."""
    return (f'backend=openssh&keyfile={home.path(".ssh/id_ed25519")}'
            f'&known_hosts={home.path(".ssh/known_hosts")}')


# Ways

def test_each_way_to_a_stock_libvirtd():
    with setup() as (home, server):
        for query in ('', 'proxy=native', 'proxy=netcat', 'netcat=nc',
                      'socket=/run/libvirt/libvirt-sock',
                      'socket=/var/run/libvirt/libvirt-sock&proxy=netcat',
                      'mode=legacy'):
            works(connect(home, uri(server, query)))
        for scheme in 'libssh2', 'libssh':
            works(connect(home, uri(server).replace('ssh:', scheme + ':')))


def test_ways_that_are_left_when_others_are_missing():
    for programs, config in (({}, ''),
                             (('nc',), 'AllowStreamLocalForwarding no'),
                             (('virt-ssh-helper',), '')):
        with setup(programs=programs, config=config) as (home, server):
            works(connect(home, uri(server)))


def test_virgated():
    with Virgated() as daemon, Home() as home, \
            Sshd(public(home.key()), libvirt=daemon.dir) as server:
        home.know(server)
        for more in '', '&proxy=netcat', '&' + openssh(home):
            works(connect(home, uri(server, 'socket=/run/libvirt/sock'
                                    + more)))


def test_read_only_connections_take_the_read_only_socket():
    with setup() as (home, server):
        for query in '', 'proxy=netcat', 'socket=/run/libvirt/libvirt-sock-ro':
            rc, _, err = command(RUN, 'virgate', '--readonly', '-c',
                                 uri(server, query), 'destroy', 'test',
                                 env=home.environment())
            assert rc != 0 and 'read only' in err.lower().replace('-', ' '), \
                err


def test_noise_of_a_profile_is_passed_over():
    with setup(profile='echo Welcome; printf "no newline, and \\\\a bell"; '
                       'echo >&2 and errors\n') as (home, server):
        for query in '', 'proxy=netcat', openssh(home):
            works(connect(home, uri(server, query)))


def test_a_command_that_is_forced_on_the_account():
    """It gives no mark, and the daemon's first byte tells that it works."""
    with setup(config='ForceCommand virt-ssh-helper test:///default') \
            as (home, server):
        for query in '', openssh(home):
            works(connect(home, *[uri(server, query)] * 2), 2)


def test_a_far_side_that_takes_long_to_begin():
    """Longer than it is waited for; by then our first message is sent."""
    with setup(profile='sleep 3.3\n') as (home, server):
        for query in '', openssh(home):
            works(connect(home, uri(server, query)))


# Logging in

KEYS = [('ed25519',), ('ecdsa', '-b', '256'), ('ecdsa', '-b', '384'),
        ('ecdsa', '-b', '521'), ('ecdsa', '-m', 'PEM')]


def test_keys_of_every_type_with_and_without_passphrase():
    with Libvirtd() as daemon, Home() as home:
        keys = []
        for n, (kind, *more) in enumerate(KEYS):
            for secret in '', 'open sesame':
                name = f'key{n}{"s" if secret else ""}'
                keys.append((home.key(name, kind, secret, *more), secret))
        with Sshd(''.join(public(k) + '\n' for k, _ in keys),
                  libvirt=daemon.dir) as server:
            home.know(server)
            for key, secret in keys:
                said = works(connect(home, uri(server, f'keyfile={key}'),
                                     answers=[secret] if secret else []))
                same([kind for kind, _ in said.asked],
                     [PASSPHRASE] if secret else [], key)


def test_a_passphrase_may_be_mistyped_once():
    with Libvirtd() as daemon, Home() as home:
        key = home.key('id_ed25519', 'ed25519', 'open sesame')
        with Sshd(public(key), libvirt=daemon.dir) as server:
            home.know(server)
            works(connect(home, uri(server), answers=['typo', 'open sesame']))


def test_agent():
    with Libvirtd() as daemon, Home() as home:
        keys = [home.key('a', 'ed25519', 'locked'), home.key('b', 'ecdsa'),
                home.key('c', 'rsa')]
        others = [home.key(f'other{n}') for n in range(8)]
        command('ssh-keygen', '-p', '-q', '-P', 'locked', '-N', '', '-f',
                keys[0], check=0)
        with Agent(*keys) as agent, Agent(*others, keys[0]) as full:
            env = {'SSH_AUTH_SOCK': agent.socket}
            for key in keys[:2]:
                with Sshd(public(key), libvirt=daemon.dir) as server:
                    home.know(server)
                    works(connect(home, uri(server), **env))
                    home.write(f'Host *\nIdentityAgent {agent.socket}\n',
                               '.ssh', 'config')
                    works(connect(home, uri(server)))
                    home.write('', '.ssh', 'config')
            # Servers count attempts: a key that is named goes first.
            with Sshd(public(keys[0]), libvirt=daemon.dir) as server:
                home.know(server)
                works(connect(home, uri(server, f'keyfile={keys[0]}'),
                              SSH_AUTH_SOCK=full.socket))
                fails(connect(home, uri(server), SSH_AUTH_SOCK=full.socket),
                      'Too many authentication failures', 'IdentitiesOnly')
                home.write(f'IdentityFile {keys[0]}\nIdentitiesOnly yes\n',
                           '.ssh', 'config')
                works(connect(home, uri(server), SSH_AUTH_SOCK=full.socket))


def test_password():
    with setup(authorized='', password='swordfish') as (home, server):
        said = works(connect(home, uri(server, 'sshauth=password'),
                             answers=['swordfish']))
        same(said.asked, [[PASSWORD, "root@127.0.0.1's password: "]])
        works(connect(home, uri(server), answers=['typo', 'swordfish']))
        # A key that is named is tried first, and nothing is lost with it.
        key = home.key('other')
        works(connect(home, uri(server, f'keyfile={key}'),
                      answers=['swordfish']))
        with Agent(key) as agent:
            works(connect(home, uri(server, f'keyfile={key}'),
                          answers=['swordfish'], SSH_AUTH_SOCK=agent.socket))


PAM_QUESTIONS = '''
#include <stdlib.h>
#include <string.h>
#include <security/pam_modules.h>
#include <security/pam_appl.h>

int
pam_sm_authenticate (pam_handle_t *pam, int flags, int argc, const char **argv)
{
  struct pam_message cat = { PAM_PROMPT_ECHO_ON, "Your cat's name: " };
  struct pam_message pin = { PAM_PROMPT_ECHO_OFF, "PIN: " };
  const struct pam_message *all[] = { &cat, &pin };
  struct pam_response *said = NULL;
  const struct pam_conv *conv;

  if (pam_get_item (pam, PAM_CONV, (const void **) &conv) != PAM_SUCCESS
      || conv->conv (2, all, &said, conv->appdata_ptr) != PAM_SUCCESS || !said)
    return PAM_AUTH_ERR;
  return said[0].resp && strcmp (said[0].resp, "Tom") == 0 && said[1].resp
         && strcmp (said[1].resp, "1234") == 0 ? PAM_SUCCESS : PAM_AUTH_ERR;
}

int
pam_sm_setcred (pam_handle_t *pam, int flags, int argc, const char **argv)
{
  return PAM_SUCCESS;
}
'''


def test_keyboard_interactive_asks_what_the_server_asks():
    need('gcc')
    with tempfile.TemporaryDirectory() as folder:
        module = os.path.join(folder, 'pam_questions.so')
        command('gcc', '-shared', '-fPIC', '-x', 'c', '-', '-o', module,
                stdin=PAM_QUESTIONS, check=0)
        with setup(authorized='', pam=f'''auth required {module}
account required pam_permit.so
session required pam_permit.so
''') as (home, server):
            query = uri(server, 'sshauth=keyboard-interactive')
            said = works(connect(home, query, answers=['Tom', '1234']))
            same([kind for kind, _ in said.asked], [ECHO, NOECHO])
            same([text.strip() for _, text in said.asked],
                 ["Your cat's name:", 'PIN:'])
            works(connect(home, query, answers=['Tim', '0', 'Tom', '1234']))
            fails(connect(home, query, answers=['Tom', '1'] * 5),
                  'the answers are wrong')
            fails(connect(home, query), 'there is nobody to ask')


def test_a_server_that_wants_two_ways():
    with setup(password='swordfish',
               config='AuthenticationMethods publickey,password') \
            as (home, server):
        said = works(connect(home, uri(server), answers=['swordfish']))
        same([kind for kind, _ in said.asked], [PASSWORD])


# The user's ssh config

def test_alias_port_user_and_identity_of_the_ssh_config():
    with setup() as (home, server):
        home.key('special')
        os.rename(home.path('.ssh', 'id_ed25519'), home.path('.ssh', 'mine'))
        os.rename(home.path('.ssh', 'id_ed25519.pub'),
                  home.path('.ssh', 'mine.pub'))
        home.write(f'''
Host other
    Port 1
Host la? !lax
    HostName 127.0.0.1
    Port {server.port}
    User {USER}
    IdentityFile ~/.ssh/%r-is-not-there
    IdentityFile ~/.ssh/mine
Host *
    User nobody
    Port 2
''', '.ssh', 'config')
        works(connect(home, 'test+ssh://lab/default'))
        fails(connect(home, 'test+ssh://lax/default'), 'lax')
        home.write('Include more/*.conf\n', '.ssh', 'config')
        home.write(f'Match originalhost lab user {USER}\nHostName 127.0.0.1\n'
                   f'Port {server.port}\nIdentityFile ~/.ssh/mine\n',
                   '.ssh', 'more', 'a.conf')
        works(connect(home, f'test+ssh://{USER}@lab/default'))


def test_keys_of_client_conf():
    with setup() as (home, server):
        home.write(f'[transport ssh lab]\nssh-config = {home.path("mine")}\n'
                   'proxy = netcat\n', '.config', 'virgate', 'client.conf')
        home.write(f'HostName 127.0.0.1\nPort {server.port}\nUser {USER}\n',
                   'mine')
        rc, out, err = command(RUN, 'virgate', '-c', 'test+ssh://lab/default',
                               'list', '--name', env=home.environment())
        same((rc, out.split()), (0, ['test']), err)


def test_jump_hosts():
    """ssh inside ssh inside ssh; each hop checks its own key."""
    with setup() as (home, server), \
            Sshd(public(home.key()), programs=()) as first, \
            Sshd(public(home.key()), programs=()) as second:
        home.know(server, first, second)
        jump = f'{USER}@127.0.0.1:{first.port}'
        works(connect(home, uri(server, f'proxy_jump={jump}')))
        works(connect(home, uri(server, f'proxy_jump={jump},'
                                f'{USER}@127.0.0.1:{second.port}')))
        same((logins(first), logins(second), logins(server)), (2, 1, 2))
        home.write(f'''Host gate
HostName 127.0.0.1
Port {first.port}
User {USER}
Host lab
HostName 127.0.0.1
Port {server.port}
User {USER}
ProxyJump gate
''', '.ssh', 'config')
        works(connect(home, *['test+ssh://lab/default'] * 3), 3)
        same((logins(first), logins(server)), (3, 3))


# Host keys

def test_an_unknown_host_is_asked_about_and_remembered():
    with setup() as (home, server):
        home.write('# mine, without a newline', '.ssh', 'known_hosts')
        fails(connect(home, uri(server)), 'is not known')
        fails(connect(home, uri(server), answers=['no']), 'not agreed')
        same(home.read('.ssh', 'known_hosts'), '# mine, without a newline')
        said = works(connect(home, uri(server), answers=['yes']))
        same(said.asked[0][0], CONFIRM)
        assert 'SHA256:' in said.asked[0][1], said.asked
        same(home.read('.ssh', 'known_hosts').split('\n')[1:],
             [f'[127.0.0.1]:{server.port} {server.host_key()}', ''])
        works(connect(home, uri(server)))
        # What was written is good for ssh itself.
        command('ssh', '-F', 'none', '-o', 'StrictHostKeyChecking=yes', '-o',
                f'UserKnownHostsFile={home.path(".ssh/known_hosts")}', '-i',
                home.key(), '-p', str(server.port), f'{USER}@127.0.0.1',
                'true', check=0)


def test_known_hosts_parameters():
    with setup() as (home, server):
        home.write('', '.ssh', 'known_hosts')
        own = home.path('new', 'folder', 'known')
        query = f'known_hosts={own}'
        fails(connect(home, uri(server, query)), 'is not known')
        works(connect(home, uri(server, 'known_hosts_verify=ignore')))
        works(connect(home, uri(server, 'no_verify=1')))
        works(connect(home, uri(server, query + '&known_hosts_verify=auto')))
        works(connect(home, uri(server, query)))
        same(home.read('.ssh', 'known_hosts'), '')
        fails(connect(home, uri(server)), 'is not known')
        home.write(home.read('new', 'folder', 'known'), '.config', 'libvirt',
                   'known_hosts')
        works(connect(home, uri(server)))


def test_every_form_of_line_in_known_hosts():
    with setup(host_keys=('ed25519', 'ecdsa')) as (home, server):
        name, key = f'[127.0.0.1]:{server.port}', server.host_key()
        wrong = public(home.key('wrong'))
        known = home.path('.ssh', 'known_hosts')
        lines = {
            'plain': f'{name} {key}\n',
            'several names': f'a,{name},b {key} comment\n',
            'patterns': f'[127.0.0.*]:*,!*.example.com {key}\n',
            'without a port': f'127.0.0.1 {key}\n',
            'other type only': f'{name} {server.host_key("ecdsa")}\n',
            'both, and others': f'x {wrong}\n{server.known_hosts()}',
            'one of two is right': f'{name} {wrong}\n{name} {key}\n',
        }
        for what, text in lines.items():
            home.write(text, '.ssh', 'known_hosts')
            said = connect(home, uri(server))
            assert said.up, f'{what}: {said.text}'
        home.write(server.known_hosts(), '.ssh', 'known_hosts')
        command('ssh-keygen', '-H', '-f', known, check=0)
        assert '127.0.0.1' not in home.read('.ssh', 'known_hosts')
        works(connect(home, uri(server)))
        home.write(f'{name},!{name} {key}\n', '.ssh', 'known_hosts')
        fails(connect(home, uri(server)), 'is not known')
        home.write(f'@cert-authority * {key}\n', '.ssh', 'known_hosts')
        fails(connect(home, uri(server)), 'certificate authority',
              'backend=openssh')


def test_host_key_alias():
    with setup() as (home, server):
        home.write(f'lab-key {server.host_key()}\n', '.ssh', 'known_hosts')
        home.write('HostKeyAlias lab-key\n', '.ssh', 'config')
        works(connect(home, uri(server)))


# Sharing

def linger(home, seconds):
    home.write(f'[transport ssh]\nlinger = {seconds}\n', '.config', 'virgate',
               'client.conf')


def test_one_ssh_connection_for_all():
    with setup() as (home, server):
        linger(home, 300)
        said = works(connect(home, *[uri(server)] * 6), 6)
        same(logins(server), 1)
        same(said.threads, [2], 'the one that lingers')
        linger(home, 0)
        said = works(connect(home, *[uri(server)] * 6,
                             options=['--parallel']), 6)
        same((logins(server), said.threads), (2, [1]))


def test_linger():
    with setup() as (home, server):
        linger(home, 300)
        works(connect(home, *[uri(server)] * 3, options=['--close']), 3)
        same(logins(server), 1)
        linger(home, 0)
        works(connect(home, *[uri(server)] * 3, options=['--close']), 3)
        same(logins(server), 4)


def test_not_shared_with_who_checks_less():
    with setup() as (home, server):
        works(connect(home, uri(server, 'no_verify=1'), uri(server)), 2)
        same(logins(server), 2)


def test_a_server_with_few_sessions_gets_more_connections():
    with setup(config='MaxSessions 2') as (home, server):
        works(connect(home, *[uri(server)] * 5), 5)
        same(logins(server), 3)


# Bytes

class Numbers:
    """Sends and wants a row of numbers on a Unix socket, with stalls."""

    def __init__(self, path, total):
        self.total, self.wrong = total, []
        self.random = random.Random(1)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @staticmethod
    def row(at, count):
        first = at // 8
        data = array.array('Q', range(first, (at + count + 7) // 8))
        return data.tobytes()[at - first * 8:at - first * 8 + count]

    def stall(self):
        if self.random.random() < 0.01:
            time.sleep(self.random.random() * 0.02)

    def send(self, conn):
        at = 0
        while at < self.total:
            count = min(self.random.randrange(1, 300000), self.total - at)
            conn.sendall(self.row(at, count))
            at += count
            self.stall()

    def serve(self):
        conn, _ = self.listener.accept()
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        sender = threading.Thread(target=self.send, args=[conn], daemon=True)
        sender.start()
        at = 0
        while at < self.total:
            data = conn.recv(self.random.randrange(1, 200000))
            if data == b'' or data != self.row(at, len(data)):
                self.wrong.append(at)
                break
            at += len(data)
            self.stall()
        sender.join()
        conn.close()


def test_no_byte_is_lost_between_stalls_and_new_keys():
    """VIRGATE_SSH_MIB=1024 for a long run."""
    mib = int(os.environ.get('VIRGATE_SSH_MIB', '16'))
    program = os.path.join(BUILD, 'tests', 'integration', 'ssh-bytes')
    for config in '', 'RekeyLimit 4M\n':
        with Home() as home, tempfile.TemporaryDirectory() as folder, \
                Sshd(public(home.key()), config=config, libvirt=folder) \
                as server:
            home.know(server)
            far = Numbers(os.path.join(folder, 'sock'), mib << 20)
            command(RUN, program, uri(server, 'socket=/run/libvirt/sock'),
                    str(mib), '7', check=0, env=home.environment(),
                    timeout=60 + 2 * mib)
            far.thread.join(20 * SLOW)
            same((far.thread.is_alive(), far.wrong), (False, []), config)


# The other backend

def test_the_systems_ssh():
    with setup() as (home, server):
        key, known = home.key('rsa', 'rsa'), home.path('.ssh', 'known_hosts')
        with open(server.path('authorized_keys'), 'a') as f:
            f.write(public(key) + '\n')
        query = f'backend=openssh&keyfile={key}&known_hosts={known}'
        for more in ('', '&proxy=native', '&proxy=netcat', '&no_tty=1',
                     '&command=/usr/bin/ssh', '&sshauth=privkey',
                     '&no_verify=1', '&known_hosts_verify=auto',
                     '&socket=/run/libvirt/libvirt-sock'):
            works(connect(home, uri(server, query + more)))


def test_no_process_of_ssh_stays():
    with setup() as (home, server):
        works(connect(home, *[uri(server, openssh(home))] * 2), 2)
        wait_until(lambda: server.log().count('Disconnected from user') >= 2,
                   what='the end of both')


if __name__ == '__main__':
    run()
