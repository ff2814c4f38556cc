#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The generator stops, with file and line, at every table that contradicts
# itself, and what it makes of a small good one is as it should be.
import os
import subprocess
import sys
import tempfile
import unittest

PROTOCOL = os.path.join(os.environ.get('top_srcdir', '../..'), 'protocol')
GOOD = '''program remote 0x20008086 1
limit LIST_MAX 4
object domain getattr read
flag VIR_SECRET 1
type domain name:name uuid:uuid id:i32
call 1 look (name:name flags:u32) (dom:domain?) allow=domain:read{flags&VIR_SECRET} fast
call 2 list () (doms:domain<LIST_MAX>) allow=none filter=domain:getattr
event 3 gone (dom:domain why:i32)
'''


def generate(output, text, more=''):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 't.table')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text + more)
        result = subprocess.run(
            [sys.executable, '-B', os.path.join(PROTOCOL, 'gen.py'), output,
             path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            universal_newlines=True, check=False)
        return result.returncode, result.stdout, \
            result.stderr.replace(path, 't')


class Refusals(unittest.TestCase):
    def refuses(self, more, reason, line=9):
        status, _, errors = generate('check', GOOD, more)
        self.assertEqual(status, 1)
        self.assertEqual(errors.strip(), f't:{line}: {reason}')

    def call(self, fields, words='allow=none', ret=''):
        return f'call 4 new ({fields}) ({ret}) {words}\n'

    def test_unknown_word(self):
        self.refuses('cal 4 new () ()\n', "unknown word 'cal'")

    def test_unknown_type(self):
        self.refuses(self.call('a:doman'), 'unknown type doman')

    def test_type_used_before_its_definition(self):
        self.refuses('type a b:c\n', 'unknown type c')

    def test_duplicate_number(self):
        self.refuses('call 3 new () () allow=none\n',
                     'number 3 does not follow 3')

    def test_gap(self):
        self.refuses('call 5 new () () allow=none\n',
                     'number 5 does not follow 3')

    def test_duplicate_name(self):
        self.refuses('call 4 list () () allow=none\n',
                     'list is defined twice')

    def test_duplicate_type(self):
        self.refuses('type domain a:i32\n', 'domain is defined twice')
        self.refuses('type i32 a:u32\n', 'i32 is defined twice')

    def test_duplicate_field(self):
        self.refuses('type a b:i32 b:u32\n',
                     'a field of a is defined twice')

    def test_type_without_fields(self):
        self.refuses('type a\n', 'a has no fields')

    def test_keyword_as_field(self):
        self.refuses('type a class:i32\n', 'field name class is a keyword')

    def test_unknown_limit(self):
        self.refuses('type a b:i32<MANY>\n', 'unknown limit MANY')

    def test_unused_limit(self):
        self.refuses('limit MANY 7\n', 'limit MANY is never used')

    def test_limit_out_of_range(self):
        self.refuses('limit MANY 0\n', 'limit MANY is out of range')
        self.refuses('limit MANY 4294967296\n',
                     'limit MANY is out of range')

    def test_not_a_number(self):
        self.refuses('limit MANY some\n', "'some' is not a number")

    def test_unsupported_forms(self):
        self.refuses('type a b:i32?\n',
                     'an optional i32 is not supported')
        self.refuses('type a b:i32[4]\n',
                     'a fixed array of i32 is not supported')
        self.refuses('type a b:opaque\n', 'opaque needs a length')
        self.refuses('type a b:uuid?\n',
                     'a uuid is neither optional nor a list')
        self.refuses('type a b=i32\n', "cannot read field 'b=i32'")

    def test_unknown_permission(self):
        self.refuses(self.call('', 'allow=domain:fly'),
                     'unknown permission domain:fly')
        self.refuses(self.call('', 'allow=dragon:read'),
                     'unknown permission dragon:read')
        self.refuses(self.call('', 'allow=none filter=domain:fly'),
                     'unknown permission domain:fly')

    def test_permission_is_needed(self):
        self.refuses(self.call('', 'fast'), 'allow= is missing')

    def test_unknown_attribute(self):
        self.refuses(self.call('', 'allow=none quick'),
                     "unknown word 'quick'")
        self.refuses(self.call('', 'allow=none allow=none'),
                     'allow is given twice')
        self.refuses(self.call('', 'allow=none stream=up'),
                     "unknown stream 'up'")
        self.refuses(self.call('', 'allow=none fds=up'),
                     "unknown direction 'up'")
        self.refuses(self.call('', 'allow=none readonly=yes'),
                     'readonly= takes no, or no with a condition')

    def test_conditions(self):
        self.refuses(self.call('', 'allow=domain:read{flags&VIR_SECRET}'),
                     'no number flags among the arguments')
        self.refuses(self.call('a:string', 'allow=none readonly=no{a=VIR_SECRET}'),
                     'no number a among the arguments')
        self.refuses(self.call('a:u32', 'allow=none readonly=no{a=VIR_X}'),
                     'unknown flag VIR_X')
        self.refuses(self.call('a:u32', 'allow=none readonly=no{a}'),
                     'cannot read condition {a}')

    def test_depth(self):
        deep = ''.join(f'type t{n} a:{"i32" if n == 0 else f"t{n - 1}"}\n'
                       for n in range(7))
        self.refuses(deep, 't6 nests deeper than 6', 15)

    def test_program_comes_first_and_once(self):
        status, _, errors = generate('check', 'limit A 1\n')
        self.assertEqual((status, errors.strip()),
                         (1, 't:1: the program line must come first'))
        self.refuses('program other 1 1\n', 'second program line')

    def test_malformed_procedures(self):
        self.refuses('call 4 new ()\n',
                     'a call is NUMBER NAME (FIELDS) (FIELDS) WORDS')
        self.refuses('event 4 new () allow=none\n',
                     'an event is NUMBER NAME (FIELDS)')


class Results(unittest.TestCase):
    def makes(self, output, *pieces):
        status, text, errors = generate(output, GOOD)
        self.assertEqual((status, errors), (0, ''))
        for piece in pieces:
            self.assertIn(piece, text)

    def test_header(self):
        self.makes('remote.h',
                   '#define VIRGATE_REMOTE_PROGRAM 0x20008086',
                   '#define VIRGATE_REMOTE_LIST_MAX 4',
                   'VIRGATE_REMOTE_PROC_GONE = 3',
                   'struct virgate_domain {\n  const char *name;\n'
                   '  uint8_t uuid[16];\n  int32_t id;\n};',
                   'struct virgate_remote_look_ret {\n'
                   '  struct virgate_domain *dom;\n};',
                   'struct { uint32_t len; struct virgate_domain *val; } '
                   'doms;',
                   'struct virgate_remote_gone_msg {')

    def test_stubs(self):
        self.makes('stubs.c',
                   'STUB_11 (virgate_remote_look, 0x20008086, 1)',
                   'STUB_01 (virgate_remote_list, 0x20008086, 2)')
        _, text, _ = generate('stubs.c', GOOD)
        self.assertNotIn('gone', text)

    def test_symbols(self):
        _, text, _ = generate('symbols', GOOD)
        self.assertEqual(text.split(), ['virgate_remote_look;',
                                        'virgate_remote_list;'])

    def test_real_tables(self):
        tables = [os.path.join(PROTOCOL, name + '.table') for name in
                  ('remote', 'qemu', 'lxc', 'admin', 'keepalive')]
        subprocess.run([sys.executable, '-B',
                        os.path.join(PROTOCOL, 'gen.py'), 'check'] + tables,
                       check=True, stdout=subprocess.DEVNULL)


if __name__ == '__main__':
    unittest.main()
