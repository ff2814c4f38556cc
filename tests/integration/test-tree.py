#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tree against its own rules: who includes whom, what files say, how
large they are, and whether every public header stands alone."""
import glob
import os
import re
import subprocess
import tempfile

from lib import *

# Which folders a folder's files may include from, besides itself.
ARROWS = {
    'include': {'include'},
    'common': {'common'},
    'protocol': {'protocol', 'common', 'include'},
    'core': {'core', 'protocol', 'common', 'include'},
    'client': {'client', 'core', 'protocol', 'common', 'include'},
    'daemon': {'daemon', 'core', 'protocol', 'common', 'include'},
    'plugins': {'common', 'include'},
}

# `virgate pki` judges certificates with the TLS module's own eyes, and `virgate
# passwd` hashes as auth-password does.
CLI_MAY_INCLUDE = {'plugins/transport-tls/creds.h': 'client/cli/pki',
                   'plugins/auth-password/users.h': 'client/cli/passwd'}


def sources(*folders, endings=('.c', '.h')):
    for folder in folders:
        for root, _, names in os.walk(os.path.join(SOURCE, folder)):
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(root, name), SOURCE)


def text(path):
    with open(os.path.join(SOURCE, path), encoding='utf-8') as f:
        return f.read()


def test_includes_follow_the_arrows():
    wrong = []
    for path in sources(*ARROWS):
        folder = path.split('/')[0]
        for name in re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]',
                               text(path), re.M):
            target = 'include' if name.startswith('virgate/') \
                else name.split('/')[0]
            if name in CLI_MAY_INCLUDE \
                    and path.startswith(CLI_MAY_INCLUDE[name]):
                continue
            if '/' in name and target in ARROWS \
                    and target not in ARROWS[folder] | {folder}:
                wrong.append(f'{path} includes {name}')
            if folder == 'plugins' and target == 'plugins' \
                    and os.path.dirname(name) != os.path.dirname(path):
                wrong.append(f'{path} includes {name}')
    same(wrong, [], 'arrows that do not exist')


def test_one_module_links_each_library():
    """GnuTLS for TLS and libssh2 are known to one plugin each."""
    owners = {'gnutls/gnutls.h': 'plugins/transport-tls',
              'libssh2.h': 'plugins/transport-ssh',
              'libxml/': ('plugins/driver-test',
                          'client/cli/cmd-domain-devices.c',
                          'daemon/describe.c'),
              'uv.h': 'daemon'}
    wrong = [f'{path}: {header}' for path in sources(*ARROWS)
             for header, owner in owners.items()
             if f'<{header}' in text(path)
             and not path.startswith(owner)
             and not (header.startswith('gnutls')
                      and path.startswith(('client/cli/pki',
                                           'plugins/auth-')))]
    same(wrong, [], 'libraries in the wrong place')


def test_every_file_says_what_it_is():
    wrong = []
    for path in sources('include', 'common', 'core', 'protocol', 'client',
                        'daemon', 'plugins', 'tests', 'bench', 'fuzz',
                        endings=('.c', '.h', '.py', '.sh')):
        head = text(path)[:1200]
        if 'SPDX-License-Identifier: LGPL-2.1-or-later' not in head[:120]:
            wrong.append(f'{path}: no SPDX line')
    same(wrong, [], 'first lines')


def test_no_file_is_about_too_much():
    wrong = [f'{path}: {text(path).count(chr(10))} lines'
             for path in sources(*ARROWS) if text(path).count('\n') > 900]
    same(wrong, [], 'large files')


def test_lines_fit():
    wrong = [f'{path}:{n}' for path in sources(*ARROWS)
             for n, line in enumerate(text(path).splitlines(), 1)
             if len(line) > 80 and 'http' not in line and '"' not in line]
    same(wrong, [], 'lines above 80 columns')


def headers():
    for folder in (SOURCE, BUILD):
        yield from sorted(glob.glob(os.path.join(folder, 'include', 'virgate',
                                                 '*.h')))


def test_headers_stand_alone_in_c_and_cxx():
    flags = ['-Wall', '-Wextra', '-Werror', '-pedantic', '-fsyntax-only',
             '-I', os.path.join(SOURCE, 'include'),
             '-I', os.path.join(BUILD, 'include')]
    seen = 0
    for header in headers():
        name = 'virgate/' + os.path.basename(header)
        for compiler, language in (('gcc', 'c'), ('g++', 'c++')):
            need(compiler)
            standard = '-std=c99' if language == 'c' else '-std=c++11'
            with tempfile.NamedTemporaryFile('w', suffix='.' + language) as f:
                f.write(f'#include <{name}>\n#include <{name}>\n'
                        'int main (void) { return 0; }\n'.replace(
                            '(void)', '(void)' if language == 'c' else '()'))
                f.flush()
                subprocess.run([compiler, standard, *flags, f.name],
                               check=True)
        seen += 1
    same(seen >= 13, True, f'{seen} public headers')


def manuals():
    for path in sources('docs', 'plugins',
                        endings=('.1', '.3', '.5', '.7', '.8')):
        yield path


def test_manuals_are_well_formed():
    need('mandoc')
    wrong = []
    for path in manuals():
        p = subprocess.run(['mandoc', '-Tlint', '-Wwarning',
                            os.path.join(SOURCE, path)],
                           capture_output=True, text=True)
        if p.returncode != 0:
            wrong.append(p.stdout)
    same(wrong, [], 'manual pages')


def test_every_module_has_its_page():
    wrong = []
    for makefile in glob.glob(os.path.join(SOURCE, 'plugins/**/Makefile.am'),
                              recursive=True):
        for name in re.findall(r'^module_LTLIBRARIES\s*\+?=\s*(\S+)\.la',
                               open(makefile).read(), re.M):
            page = os.path.join(os.path.dirname(makefile),
                                f'virgate-{name}.7')
            if not os.path.exists(page):
                wrong.append(name)
    same(wrong, [], 'modules without a manual page')


if __name__ == '__main__':
    run()
