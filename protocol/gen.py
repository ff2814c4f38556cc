#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes C out of the protocol tables.
#
#   gen.py OUTPUT TABLE...    OUTPUT is one of the names at the end of the file
#
# The result goes to standard output.  A table that contradicts itself stops
# it with FILE:LINE: REASON and status 1.
import re
import sys

import table

LICENSE = '/* SPDX-License-Identifier: LGPL-2.1-or-later'
TYPED_PARAM_KINDS = [  # name, number on the wire, member, kind
    ('INT', 1, 'i', 'int32_t'), ('UINT', 2, 'ui', 'uint32_t'),
    ('LLONG', 3, 'l', 'int64_t'), ('ULLONG', 4, 'ul', 'uint64_t'),
    ('DOUBLE', 5, 'd', 'double'), ('BOOLEAN', 6, 'b', 'int32_t'),
    ('STRING', 7, 's', 'const char *')]
SHARED_WITH = {'qemu': 'remote', 'lxc': 'remote', 'admin': 'remote'}


def program_named(reader, name):
    for program in reader.programs:
        if program.name == name:
            return program
    sys.exit(f'gen.py: no table defines program {name}')


PROGRAM_NOTE = """Numbers, limits and structures of libvirt's {} program.
 *
 * Names are libvirt's.  Strings end in NUL; where the protocol has an optional
 * value, NULL says that it is absent.  Lists are a count and a pointer, which
 * may be NULL when the count is 0; chars and opaque data are lists of bytes,
 * with an uncounted NUL behind them when they come from the wire.  A uuid is
 * 16 raw bytes.  What a call or an event handed out is one allocation: its
 * parts are never freed by themselves."""


def banner(what):
    return f'{LICENSE}\n *\n' \
           ' * Made by protocol/gen.py from the protocol tables: do not edit.' \
           f'\n * {what}\n */\n'


# Public headers

def declare(c_type, name):
    return f'{c_type}{name}' if c_type.endswith('*') else f'{c_type} {name}'


def c_item(field):
    if field.struct:
        return f'struct {field.struct.c_name}'
    return table.SCALARS[field.kind][0]


def c_member(field):
    item = c_item(field)
    if field.form == 'OPTIONAL':
        return declare(item if field.struct is None else item + ' *',
                       field.name) + ';'
    if field.form == 'FIXED':
        if field.kind == 'char':        # text: leave room for a NUL
            return f'char {field.name}[{field.limit} + 1];'
        return f'{item} {field.name}[{field.limit}];'
    if field.form == 'LIST':
        item = 'uint8_t' if field.kind == 'char' else item
        pointer = declare(item, '*val')
        return f'struct {{ uint32_t len; {pointer}; }} {field.name};'
    return declare(item, field.name) + ';'


def struct_text(struct):
    lines = [f'/* {struct.note} */', f'struct {struct.c_name} {{']
    lines += ['  ' + c_member(field) for field in struct.fields]
    return '\n'.join(lines + ['};', ''])


def typed_param_text():
    lines = ['enum virgate_typed_param_type {']
    lines += [f'  VIRGATE_TYPED_PARAM_{name} = {number},'
              for name, number, _, _ in TYPED_PARAM_KINDS]
    lines[-1] = lines[-1].rstrip(',')
    lines += ['};', '', '/* a value of one of these types */',
              'struct virgate_typed_param_value {',
              '  int32_t type;                 '
              '/* enum virgate_typed_param_type */', '  union {']
    lines += [f'    {declare(c_type, member)};'
              for _, _, member, c_type in TYPED_PARAM_KINDS]
    return '\n'.join(lines + ['  } u;', '};', ''])


def limits_text(program):
    upper = 'VIRGATE_' + program.name.upper()
    lines = [f'#define {upper}_PROGRAM 0x{program.number:08x}',
             f'#define {upper}_VERSION {program.version}', '']
    lines += [f'#define {upper}_{name} {value}'
              for name, value in program.limits.items()]
    return '\n'.join(lines + [''] * bool(program.limits))


def enum_text(c_name, pairs):
    lines = [f'enum {c_name} {{']
    lines += [f'  {name} = {value},' for name, value in pairs]
    lines[-1] = lines[-1].rstrip(',')
    return '\n'.join(lines + ['};', ''])


def procedures_text(program):
    prefix = f'virgate_{program.name}_proc'
    return enum_text(prefix, [(f'{prefix}_{proc.name}'.upper(), proc.number)
                              for proc in program.procedures])


def program_header(reader, name):
    program = program_named(reader, name)
    guard = f'VIRGATE_{name.upper()}_H'
    include = f'#include <virgate/{SHARED_WITH[name]}.h>' \
        if name in SHARED_WITH else '#include <stdint.h>'
    parts = [banner(PROGRAM_NOTE.format(name)),
             f'#ifndef {guard}\n#define {guard}\n\n{include}\n',
             limits_text(program), procedures_text(program)]
    for enum in program.enums:
        upper = f'VIRGATE_{name.upper()}_' + enum.name.upper()
        upper = re.sub('_TYPE$', '', upper)
        parts.append(enum_text(enum.c_name, [
            (f'{upper}_{key}', value) for key, value in enum.values]))
    if name == 'remote':
        parts.append(typed_param_text())
    parts += [struct_text(struct) for struct in program.types]
    return '\n'.join(parts + [f'#endif /* {guard} */'])


# Typed client functions

def stubs(reader):
    """(program, procedure, C name) of everything that a client can call."""
    for program in reader.programs:
        for proc in program.procedures:
            if not proc.is_event:
                yield program, proc, f'virgate_{program.name}_{proc.name}'


def stub_text(proc, name):
    params = ['struct virgate_conn *conn']
    if proc.args:
        params.append(f'const struct {name}_args *args')
    if proc.ret:
        params.append(f'struct {name}_ret **ret')
    return f'VIRGATE_PUBLIC int\n{name}\n  (' + \
        ',\n   '.join(params) + ');\n'


def calls_header(reader):
    programs = [p.name for p in reader.programs
                if any(not proc.is_event for proc in p.procedures)]
    includes = '\n'.join(f'#include <virgate/{name}.h>'
                         for name in ['client'] + programs)
    parts = [banner('One typed function for each procedure: as virgate_call '
                    'in client.h.'),
             '#ifndef VIRGATE_CALLS_H\n#define VIRGATE_CALLS_H\n\n'
             f'{includes}\n\n#ifdef __cplusplus\nextern "C" {{\n#endif\n']
    parts += [stub_text(proc, name) for _, proc, name in stubs(reader)]
    parts.append('#ifdef __cplusplus\n}\n#endif\n\n'
                 '#endif /* VIRGATE_CALLS_H */')
    return '\n'.join(parts)


STUB_MACROS = '''#include "config.h"

#include <virgate/calls.h>

/* Which of arguments and result a procedure has: neither, one, both. */
#define STUB_00(name, program, number)                                  \\
  int name (struct virgate_conn *conn)                                  \\
  { return virgate_call (conn, program, number, NULL, NULL); }
#define STUB_10(name, program, number)                                  \\
  int name (struct virgate_conn *conn, const struct name##_args *args)  \\
  { return virgate_call (conn, program, number, args, NULL); }
#define STUB_01(name, program, number)                                  \\
  int name (struct virgate_conn *conn, struct name##_ret **ret)         \\
  { return virgate_call (conn, program, number, NULL, (void **) ret); }
#define STUB_11(name, program, number)                                  \\
  int name (struct virgate_conn *conn, const struct name##_args *args,  \\
            struct name##_ret **ret)                                    \\
  { return virgate_call (conn, program, number, args, (void **) ret); }
'''


def stubs_source(reader):
    parts = [banner("The bodies of libvirgate's typed functions."),
             STUB_MACROS]
    parts += [f'STUB_{bool(proc.args):d}{bool(proc.ret):d} ({name}, '
              f'0x{program.number:08x}, {proc.number})'
              for program, proc, name in stubs(reader)]
    return '\n'.join(parts)


def symbols(reader):
    return '\n'.join(f'    {name};' for _, _, name in stubs(reader))


# Tables for the codec and for dispatch

class Tables:
    """The C source of all descriptors, written top to bottom."""

    def __init__(self, reader):
        self.reader, self.lines = reader, []
        pairs = [(obj, permission)
                 for obj, permissions in reader.objects.items()
                 for permission in permissions]
        self.permission_id = {pair: n for n, pair in enumerate(pairs)}

    def add(self, *lines):
        self.lines += lines

    def field(self, struct, field):
        operation = table.SCALARS[field.kind][2] if not field.struct \
            else 'STRUCT'
        item = f'&t_{field.struct.c_name}' if field.struct else 'NULL'
        limit = field.limit
        if field.form != 'FIXED' and operation in ('STRING', 'NAME') and \
                field.form != 'LIST':
            limit = 0
        self.add(f'  F ({struct.c_name}, {field.name}, {operation}, '
                 f'{field.form}, {limit}, {item}),')

    def struct(self, struct):
        self.add(f'static const struct xdr_field f_{struct.c_name}[] = {{')
        for field in struct.fields:
            self.field(struct, field)
        self.add('};', f'T ({struct.c_name}, {struct.wire_min})', '')

    def condition(self, condition, args):
        if condition is None:
            return 'NEVER'
        if condition.field is None:
            return 'ALWAYS'
        index = [f.name for f in args.fields].index(condition.field)
        return f'{{ PROC_IF_{condition.test}, {index}, {condition.value} }}'

    def permission(self, obj, permission, condition='ALWAYS'):
        number = self.permission_id[(obj, permission)]
        return f'{{ {{ "{obj}", "{permission}" }}, {number}, {condition} }}'

    def permissions(self, program, proc):
        name = f'p_{program.name}_{proc.name}'
        if proc.permissions:
            self.add(f'static const struct proc_permission {name}[] = {{')
            for obj, permission, condition in proc.permissions:
                text = self.condition(condition, proc.args)
                self.add(f'  {self.permission(obj, permission, text)},')
            self.add('};')
        if proc.filter:
            self.add(f'static const struct proc_permission {name}_filter =',
                     f'  {self.permission(*proc.filter)};')

    def row(self, program, proc):
        permissions = f'p_{program.name}_{proc.name}'
        flags = ' | '.join('PROC_' + flag for flag in proc.flags) or '0'
        args = f'&t_{proc.args.c_name}' if proc.args else 'NULL'
        ret = f'&t_{proc.ret.c_name}' if proc.ret else 'NULL'
        self.add(
            f'  {{ "{proc.name}", {proc.number}, {flags},',
            f'    {args}, {ret},',
            f'    {permissions if proc.permissions else "NULL"}, '
            f'{len(proc.permissions)},',
            f'    {"&" + permissions + "_filter" if proc.filter else "NULL"},'
            f' {self.condition(proc.readonly, proc.args)} }},')

    def program(self, program):
        for struct in program.types:
            self.struct(struct)
        for proc in program.procedures:
            self.permissions(program, proc)
        self.add(f'static const struct proc_row r_{program.name}[] = {{')
        for proc in program.procedures:
            self.row(program, proc)
        self.add('};', '')

    def text(self):
        includes = [f'#include <virgate/{name}.h>' for name in
                    ('remote', 'qemu', 'lxc', 'admin')]
        self.add(banner('Descriptors of all types and procedures.'),
                 '#include "config.h"', '', *includes, '',
                 '#include "protocol/descriptors.h"', '')
        for program in self.reader.programs:
            self.program(program)
        self.add('const struct proc_program proc_programs[] = {')
        for p in self.reader.programs:
            self.add(f'  {{ "{p.name}", 0x{p.number:08x}, {p.version}, '
                     f'{len(p.procedures)}, r_{p.name} }},')
        self.add('};', '', 'const size_t proc_program_count =',
                 '  sizeof proc_programs / sizeof proc_programs[0];', '')
        self.add('const struct proc_permission proc_permissions[] = {')
        for pair in self.permission_id:
            self.add(f'  {self.permission(*pair)},')
        self.add('};', '', 'const size_t proc_permission_count =',
                 '  sizeof proc_permissions / sizeof proc_permissions[0];')
        self.add('', 'const struct proc_flag proc_flag_values[] = {',
                 *(f'  {{ "{name}", {value} }},'
                   for name, value in self.reader.flags.items()), '};',
                 '', 'const size_t proc_flag_count =',
                 '  sizeof proc_flag_values / sizeof proc_flag_values[0];')
        self.add('', 'const struct xdr_type *const xdr_remote_error_type =',
                 '  &t_virgate_remote_error;', '',
                 'const struct xdr_type *const xdr_types[] = {')
        for program in self.reader.programs:
            self.add(*(f'  &t_{s.c_name},' for s in program.types))
        self.add('};', '', 'const size_t xdr_type_count =',
                 '  sizeof xdr_types / sizeof xdr_types[0];')
        return '\n'.join(self.lines)


OUTPUTS = {
    'remote.h': lambda reader: program_header(reader, 'remote'),
    'qemu.h': lambda reader: program_header(reader, 'qemu'),
    'lxc.h': lambda reader: program_header(reader, 'lxc'),
    'admin.h': lambda reader: program_header(reader, 'admin'),
    'keepalive.h': lambda reader: program_header(reader, 'keepalive'),
    'calls.h': calls_header,
    'stubs.c': stubs_source,
    'symbols': symbols,
    'tables.c': lambda reader: Tables(reader).text(),
    'check': lambda reader: 'ok',
}


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in OUTPUTS:
        sys.exit('usage: gen.py OUTPUT TABLE...\noutputs: ' +
                 ' '.join(OUTPUTS))
    print(OUTPUTS[sys.argv[1]](table.read_or_exit(sys.argv[2:])))


if __name__ == '__main__':
    main()
