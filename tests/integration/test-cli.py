#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virgate and virsh give the same answers on stock libvirtds; every command
speaks JSON; exit codes say what they promise; the manual knows every command
and option."""
import json
import re
import shlex
import tempfile

from cli import Worlds, virgate
from lib import *

DOMAIN = '''<domain type='test'>
  <name>two</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <memory unit='KiB'>2097152</memory>
  <vcpu>2</vcpu>
  <os><type>hvm</type></os>
</domain>
'''
NETWORK = '''<network>
  <name>net2</name>
  <uuid>11111111-2222-3333-4444-666666666666</uuid>
  <forward mode='nat'/>
  <bridge name='virbr9'/>
  <mac address='52:54:00:11:22:33'/>
  <ip address='192.168.123.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.123.2' end='192.168.123.254'/></dhcp>
  </ip>
</network>
'''

# Given to both, in this order, each to a world of its own.
COMMANDS = '''
hostname
capabilities
nodeinfo
nodecpumap
nodecpumap --pretty
nodecpustats
nodememstats
freecell
freecell --all
freecell --cellno 1
freecell 1
sysinfo
maxvcpus
maxvcpus --type test
cpu-models x86_64
domcapabilities
list
list --all
list --all --title
list --uuid
list --name
list --id
list --uuid --name
list --inactive
list --state-paused --all
list --persistent
list --table
dominfo test
dominfo --domain test
dominfo --domain=test
dominfo 1
dominfo 6695eb01-f6a4-8304-79aa-97f2502e193f
dominfo 6695eb01f6a4830479aa97f2502e193f
dominfo nosuch
dominfo 77
domstate test
domstate test --reason
domid test
domname 1
domname test
domuuid test
domuuid 1
dumpxml test
dumpxml test --inactive --security-info
dumpxml 1 --migratable
vcpucount test
vcpucount test --maximum --live
vcpucount test --current
vcpuinfo test
vcpuinfo test --pretty
vcpupin test
vcpupin test 1
vcpupin test 7
vcpupin test 0 0-3,5
vcpupin test 0
vcpupin test 0 0-7,^2
vcpupin test 0
vcpupin test 1 r
vcpupin test
domstats
domstats test --state --vcpu
domstats --list-inactive
domstats nosuch
dommemstat test
domblklist test
domblklist test --details
domblklist test --inactive
domiflist test
domdisplay test
desc test
desc test hello there
desc test
desc test --title "A title"
desc test --title
list --title
metadata test http://x
metadata test http://x --set "<a/>" --key k
metadata test http://x
metadata test http://x --remove
metadata test http://x
schedinfo test
schedinfo test --set weight=51
schedinfo test --weight 60
net-list
net-list --all
net-list --inactive
net-list --name
net-list --uuid
net-info default
net-info dd8fe884-6c02-601e-7551-cca97df1c5df
net-info nosuch
net-dumpxml default
net-uuid default
net-name default
net-name dd8fe884-6c02-601e-7551-cca97df1c5df
net-dhcp-leases default
event --list
net-event --list
domblkinfo test vda
domblkinfo test nosuch
domblkstat test vda
domblkstat test vda --human
domblkstat test
domifstat test testnet0
domifstat test nosuch
domcontrol test
domhostname test
domtime test --pretty
suspend test
domstate test --reason
suspend test
list --state-paused
resume test
resume test
reset test
reboot test
define @DIR@/two.xml
define @DIR@/nosuch.xml
define @DIR@/bad.xml
list --all
dominfo two
start two
start two
start nosuch
autostart two
autostart two --disable
list --autostart --all
destroy two
destroy two
destroy two --graceful
setmem two 1048576 --config
setmaxmem two 4G --config
setmem two 512MiB --config
dumpxml two
setvcpus two 1 --config
dominfo two
vcpuinfo two
vcpucount two
vcpupin two
domrename two three
dominfo three
managedsave three
managedsave-remove three
undefine three
undefine three
create @DIR@/two.xml
create @DIR@/two.xml
list --transient
undefine two
destroy two
list --all
net-define @DIR@/net2.xml
net-list --all
net-start net2
net-start net2
net-info net2
net-autostart net2
net-autostart net2 --disable
net-update net2 add ip-dhcp-host "@HOST@" --live
net-update net2 delete ip-dhcp-host "@HOST@"
net-update net2 modify bridge "<x/>" --live
net-dumpxml net2
net-destroy net2
net-destroy net2
net-dumpxml net2 --inactive
net-undefine net2
net-undefine net2
net-create @DIR@/net2.xml
net-list --transient
net-destroy net2
shutdown test
shutdown test
domstate test --reason
list --all
start test --paused
domstate test
reboot test --mode acpi,agent
screenshot nosuch @DIR@/shot
attach-device test @DIR@/disk.xml
attach-device test @DIR@/disk.xml --persistent
attach-device test @DIR@/disk.xml --current
detach-device test @DIR@/disk.xml
update-device test @DIR@/disk.xml --live
update-device nosuch @DIR@/disk.xml
restore @DIR@/nosuch
send-key test 1 2
send-key test KEY_LEFTCTRL KEY_C
pwd
echo a 'b c'
echo --shell a 'b c' "it's"
echo --xml '<"a&b">'
'''

DISK = """<disk type='file' device='disk'>
  <source file='/guest/second'/><target dev='vdb'/>
</disk>"""
HOST = "<host mac='00:11:22:33:44:55' ip='192.168.123.5'/>"

# Left out because they differ on purpose: uri and version name this library;
# domifaddr is lined up by its content.


def write_files(directory):
    for name, content in (('two.xml', DOMAIN), ('net2.xml', NETWORK),
                          ('disk.xml', DISK), ('bad.xml', '<domain')):
        with open(os.path.join(directory, name), 'w') as f:
            f.write(content)
    os.close(os.open(os.path.join(directory, 'passwd'), os.O_CREAT, 0o600))


def normal(text):
    """What cannot be the same twice: the time that the host has been up."""
    text = re.sub(r'\d+\.\ds\b', 'TIME', text)
    text = re.sub(r'\b\d{9,}\b', 'NUMBER', text)
    text = re.sub(r'(last_update|available|rss) \d+', r'\1 NUMBER', text)
    text = re.sub(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d', 'WHEN', text)
    return text.strip('\n')


def test_answers_are_those_of_virsh():
    need('virsh')
    wrong = []
    with Worlds(2) as (one, other), tempfile.TemporaryDirectory() as files:
        write_files(files)
        for line in COMMANDS.strip().split('\n'):
            words = shlex.split(line.replace('@DIR@', files)
                                .replace('@HOST@', HOST))
            rc1, out1, err1 = command('virsh', '-c', one.uri(), *words)
            rc2, out2, err2 = virgate('-c', other.uri(), *words)
            last = err1.strip().split('\n')[-1].replace('error: ', '', 1)
            if normal(out1) != normal(out2) or rc1 != rc2:
                wrong.append(f'{line}\nvirsh {rc1}: {out1}{err1}\n'
                             f'virgate {rc2}: {out2}{err2}')
            elif rc1 and last.lower() not in err2.lower():
                # the server's message, or virsh's own words
                wrong.append(f'{line}\nvirsh: {err1}virgate: {err2}')
    same('\n'.join(wrong), '', 'different answers')


def test_wrong_command_lines_are_refused_before_connecting():
    nowhere = 'test+unix:///default?socket=/nonexistent/socket'
    for line, text in (
            ('dominfo', "command 'dominfo' requires <domain>"),
            ('dominfo test extra', "unexpected argument 'extra'"),
            ('list --foo', "command 'list' has no option --foo"),
            ('domfoo', "unknown command: 'domfoo'"),
            ('dumpxml test --inactive=1', 'option --inactive takes no value'),
            ('dominfo --domain', 'option --domain needs a value'),
            ('dominfo a --domain b', 'option --domain was given twice'),
            ('setmem a x', "option --size: 'x' is not a size"),
            ('setmem a 1Q', "option --size: '1Q' is not a size"),
            ('setvcpus a -1', "option --count: '-1' is not a number"),
            ('setmem a 1 --live --current',
             'options --current and --live are mutually exclusive'),
            ('"dominfo \'a"', 'missing closing quote')):
        rc, out, err = virgate('-c', nowhere, *shlex.split(line))
        same((rc, out), (2, ''), f'{line}: {err}')
        same(err.split('\n')[0], 'virgate: error: ' + text, line)
    same(virgate('--timeout', 'x', 'list')[0], 2)
    same(virgate('--nosuch')[0], 2)


def test_exit_codes():
    with Worlds() as (daemon,):
        uri = daemon.uri()
        same(virgate('-c', uri, 'list')[0], 0)
        same(virgate('-c', uri, 'dominfo', 'nosuch')[0], 1)
        same(virgate('-c', uri, 'dominfo')[0], 2)
        same(virgate('-c', uri, 'event', '--event', 'lifecycle', '--timeout',
                     '1')[0], 4)
        same(virgate('-c', uri, 'dominfo nosuch; list')[0], 0)
        same(virgate('-c', uri, 'list; dominfo nosuch')[0], 1)
        with open('/dev/full', 'w') as full:
            p = subprocess.run([RUN, 'virgate', '-c', uri, 'list'],
                               stdout=full, stderr=subprocess.PIPE)
            same(p.returncode, 1, 'no room for the output')
    same(virgate('-c', uri, 'list')[0], 3, 'nobody listens any more')
    same(virgate('-c', 'nonsense', 'list')[0], 3)


def test_read_only():
    with Worlds() as (daemon,):
        rc, out, err = virgate('-c', daemon.uri(), '-r', 'suspend', 'test')
        same(rc, 1)
        same('read only access' in err, True, err)
        same(virgate('-c', daemon.uri_ro(), 'list')[0], 0)


# Arguments with which each command can be tried for its JSON.
ARGUMENTS = {
    'attach-device': 'nosuch @DIR@/two.xml',
    'detach-device': 'nosuch @DIR@/two.xml',
    'update-device': 'nosuch @DIR@/two.xml', 'edit': 'nosuch',
    'net-edit': 'nosuch', 'autostart': 'test', 'console': 'test',
    'create': '@DIR@/two.xml',
    'define': '@DIR@/two.xml', 'desc': 'test', 'destroy': 'two',
    'domid': 'test', 'domname': '1', 'domrename': 'nosuch x',
    'domuuid': 'test', 'dump': 'nosuch @DIR@/core', 'dumpxml': 'test',
    'managedsave': 'nosuch', 'managedsave-remove': 'test',
    'metadata': 'test http://x', 'reboot': 'nosuch', 'rename': 'nosuch x',
    'reset': 'nosuch', 'restore': '@DIR@/nosuch', 'resume': 'test',
    'save': 'nosuch @DIR@/save', 'schedinfo': 'test',
    'screenshot': 'nosuch @DIR@/shot', 'send-key': 'nosuch 1',
    'setmaxmem': 'test 8G --config', 'setmem': 'test 2G',
    'setvcpus': 'test 2 --config', 'shutdown': 'nosuch', 'start': 'test',
    'suspend': 'test', 'undefine': 'nosuch', 'vcpucount': 'test',
    'vcpuinfo': 'test', 'vcpupin': 'test', 'domblkinfo': 'test vda',
    'domblklist': 'test --details', 'domblkstat': 'test vda',
    'domcontrol': 'test', 'domdisplay': 'test', 'domhostname': 'test',
    'domifaddr': 'test', 'domiflist': 'test', 'domifstat': 'test testnet0',
    'dominfo': 'test', 'dommemstat': 'test', 'domstate': 'test --reason',
    'domstats': '', 'domtime': 'test', 'list': '--all --title',
    'event': '--list', 'capabilities': '', 'cpu-models': 'x86_64',
    'domcapabilities': '', 'freecell': '--all', 'hostname': '',
    'maxvcpus': '', 'nodecpumap': '', 'nodecpustats': '', 'nodeinfo': '',
    'nodememstats': '', 'ping': '--count 2', 'sysinfo': '', 'uri': '',
    'version': '', 'net-autostart': 'default', 'net-create': '@DIR@/net2.xml',
    'net-define': '@DIR@/net2.xml', 'net-destroy': 'net2',
    'net-dhcp-leases': 'default', 'net-dumpxml': 'default',
    'net-event': '--list', 'net-info': 'default', 'net-list': '--all',
    'net-name': 'dd8fe884-6c02-601e-7551-cca97df1c5df', 'net-start': 'nosuch',
    'net-undefine': 'nosuch', 'net-update': 'nosuch add ip <x/>',
    'net-uuid': 'default', 'call': 'connect_get_lib_version', 'cd': '/',
    'connect': '@URI@', 'echo': 'a', 'exit': '', 'help': '',
    'passwd': 'list --file @DIR@/passwd',
    'pki': 'init --force --dir @DIR@/pki', 'pwd': '', 'quit': ''}


def commands():
    return json.loads(virgate('--json', 'help', check=0)[1])


def test_edit():
    """What the editor leaves is defined, if it changed and nobody else did."""
    with Worlds() as (daemon,), tempfile.TemporaryDirectory() as files:
        def edit(editor, *args):
            return virgate('-c', daemon.uri(), *args,
                           env={'TMPDIR': files, 'VISUAL': editor})
        same(edit('true', 'edit', 'test')[:2],
             (0, "Domain 'test' XML configuration not changed.\n"))
        same(edit('sed -i s/8388608/4194304/', 'edit', 'test')[:2],
             (0, "Domain 'test' XML configuration edited.\n"))
        out = virgate('-c', daemon.uri(), 'dumpxml', 'test', '--inactive')[1]
        same('4194304' in out, True, out)
        same(edit('sed -i s/virbr0/virbr5/', 'net-edit', 'default')[:2],
             (0, 'Network default XML configuration edited.\n'))
        same(edit('false', 'edit', 'test')[0], 1)
        same(os.listdir(files), [])
        rc, out, err = edit('sed -i s/name/nmae/', 'edit', 'test')
        same((rc, len(os.listdir(files))), (1, 1))
        same(f'your text is in {files}/' in err, True, err)


def test_virgated_gives_the_same_answers():
    with Worlds() as (stock,), Virgated() as own, \
            tempfile.TemporaryDirectory() as files:
        write_files(files)
        import libvirt
        keeper = libvirt.open(own.uri())
        wrong = []
        for line in COMMANDS.strip().split('\n'):
            words = shlex.split(line.replace('@DIR@', files)
                                .replace('@HOST@', HOST))
            rc1, out1, err1 = virgate('-c', stock.uri(), *words)
            rc2, out2, err2 = virgate('-c', own.uri(), *words)
            if (rc1, normal(out1), err1) != (rc2, normal(out2), err2):
                wrong.append(f'{line}\nlibvirtd {rc1}: {out1}{err1}\n'
                             f'virgated {rc2}: {out2}{err2}')
        keeper.close()
        same('\n'.join(wrong), '', 'different answers')


def test_every_command_speaks_json():
    same(sorted(ARGUMENTS), sorted(c['name'] for c in commands()),
         'commands that are tried')
    with Worlds() as (daemon,), tempfile.TemporaryDirectory() as files:
        write_files(files)
        uris = ['-c', daemon.uri()]
        for several in (uris, uris + uris):
            for name, args in ARGUMENTS.items():
                args = args.replace('@DIR@', files).replace('@URI@',
                                                            daemon.uri())
                words = [name, *shlex.split(args)]
                if name == 'connect':   # as a word of its own: test-connect
                    words = [f'connect {args}']
                rc, out, err = virgate('--json', *several, *words)
                if rc == 2 and 'one host only' in err:
                    continue
                value = json.loads(out) if out.strip() else {}
                if several == uris and rc:
                    same(sorted(value['error'])[-1], 'message', name)
                elif rc:
                    for row in value:
                        same('host' in row, True, f'{name}: {out}')


def test_json_says_what_the_table_says():
    with Worlds() as (daemon,):
        out = virgate('--json', '-c', daemon.uri(), 'list', '--all')[1]
        same(json.loads(out), [{'id': 1, 'name': 'test', 'state': 'running'}])
        out = virgate('--json', '-c', daemon.uri(), 'dominfo', 'test')[1]
        info = json.loads(out)
        same((info['id'], info['max_memory_kib'], info['autostart']),
             (1, 8388608, False))
        rc, out, err = virgate('--json', '-c', daemon.uri(), 'dominfo', 'x')
        error = json.loads(out)['error']
        same((rc, error['code'], error['level']), (1, 42, 2))
        same(error['message'] in err, True, err)
        out = virgate('--json', '-c', daemon.uri(), 'call',
                      'domain_lookup_by_name', '{"name": "test"}')[1]
        same(json.loads(out)['result']['dom']['name'], 'test')


def test_manual_knows_every_command_and_option():
    with open(os.path.join(SOURCE, 'docs', 'virgate.1')) as f:
        text = f.read()
    part = text.split('.Sh COMMANDS\n')[1].split('.Sh ')[0]
    manual = {}
    for name, rest in re.findall(r'^\.It Cm (\S+)(.*\n(?:\.Op.*\n)*)',
                                 part, re.M):
        manual[name] = sorted(re.findall(r'Fl -(\S+)', rest) +
                              re.findall(r'Ar ([a-z-]+)',
                                         re.sub(r'Fl -\S+ Ar \S+', '', rest)))
    table = {}
    names = [row['name'] for row in commands()]
    texts = virgate(';'.join('help ' + name for name in names), check=0)[1]
    for name, text in zip(names, texts.split('  NAME\n')[1:]):
        options = text.split('OPTIONS\n')[1] if 'OPTIONS' in text else ''
        table[name] = sorted(re.findall(
            r'^    (?:\[?--|<)([a-z-]+)', options, re.M))
    same(manual, table, 'commands and options in the manual and in the table')


def test_manual_knows_every_global_option():
    with open(os.path.join(SOURCE, 'docs', 'virgate.1')) as f:
        text = f.read().split('.Sh COMMANDS')[0].split('.It Fl c')[1]
    manual = {'connect'} | set(re.findall(r'^\.It Fl (?:\w , )?-(\S+)', text,
                                          re.M))
    options = virgate('--help')[1].split('\n\n')[1]
    told = set(re.findall(r'--([a-z-]+)', options))
    same(sorted(manual), sorted(told))
    with open(os.path.join(SOURCE, 'client', 'cli', 'completions',
                           'virgate')) as f:
        words = re.search(r'compgen -W "([^"]*)"', f.read()).group(1)
    same(sorted(words.replace('--', '').split()), sorted(told))


def test_completion_comes_from_the_table():
    with Worlds() as (daemon,):
        def complete(*words):
            return virgate('-c', daemon.uri(), 'complete', '--',
                           *words)[1].split()
        same(complete('domi'), ['domid', 'domifaddr', 'domiflist',
                                'domifstat', 'dominfo'])
        same(complete('dominfo', ''), ['test'])
        same(complete('dominfo', 'test', ''), [])
        same(complete('dominfo', '--'), ['--domain'])
        same(complete('net-info', 'd'), ['default'])
        same(complete('start', 'test', '--pa'), ['--paused'])
        same(complete('help', 'net-un'), ['net-undefine'])
        same(complete('call', 'domain_get_vcpu_'),
             ['domain_get_vcpu_pin_info'])
        same(complete('event', '--event', 'life'), ['lifecycle'])


def test_bash_completion():
    need('bash')
    script = os.path.join(SOURCE, 'client', 'cli', 'completions', 'virgate')
    with Worlds() as (daemon,):
        def complete(*words):
            line = ' '.join(shlex.quote(w) for w in words)
            out = command(RUN, 'bash', '-c', f'''. {script}
COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _virgate
printf '%s\\n' "${{COMPREPLY[@]}}"''', check=0)[1]
            return out.split()
        same(complete('virgate', 'nodei'), ['nodeinfo'])
        same(complete('virgate', '-c', daemon.uri(), 'dominfo', ''), ['test'])
        same(complete('virgate', '--module-d'), ['--module-dir'])


def test_modules_are_listed():
    # GCC 12's LeakSanitizer can crash with many libraries loaded late.
    env = {'ASAN_OPTIONS': 'detect_leaks=0'}
    out = virgate('--list-modules', check=0, env=env)[1]
    same('transport' in out and 'unix' in out, True, out)
    rows = json.loads(virgate('--json', '--list-modules', check=0,
                              env=env)[1])
    same('unix' in [row['name'] for row in rows], True, rows)
    out = virgate('--module-help', 'transport-unix', check=0)[1]
    same('path' in out, True, out)
    same(virgate('--module-help', 'transport-nosuch')[0], 1)


if __name__ == '__main__':
    run()
