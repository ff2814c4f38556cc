# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Reads the protocol tables into objects and refuses whatever contradicts
# itself: every complaint is FILE:LINE: REASON.  README.md has the notation.
# What is made from the tables is emit.py's business.
import re
import sys

SCALARS = {  # name: (type in C, bytes on the wire, operation)
    'i32': ('int32_t', 4, 'I32'), 'u32': ('uint32_t', 4, 'U32'),
    'i64': ('int64_t', 8, 'I64'), 'u64': ('uint64_t', 8, 'U64'),
    'f64': ('double', 8, 'F64'),
    'u8': ('uint8_t', 4, 'U8'), 'u16': ('uint16_t', 4, 'U16'),
    'char': ('int8_t', 4, 'CHAR'),
    'string': ('const char *', 4, 'STRING'),
    'name': ('const char *', 4, 'NAME'),
    'opaque': ('uint8_t', 1, 'BYTES'),
    'typed_param_value': ('struct virgate_typed_param_value', 8, 'VALUE'),
}
UUID_LEN = 16
MAX_DEPTH = 6       # structures inside structures; bounds the codec's stack
STREAMS = {'read', 'write', 'both', 'sparse'}
KEYWORDS = set('''
    auto break case char const continue default do double else enum extern
    float for goto if inline int long register restrict return short signed
    sizeof static struct switch typedef union unsigned void volatile while
    asm bool catch class delete explicit export false friend mutable namespace
    new operator private protected public template this throw true try typeid
    typename using virtual wchar_t and or not xor'''.split())


class TableError(Exception):
    pass


class Field:
    """One field: kind is a SCALARS key, form one of ONE OPTIONAL LIST FIXED."""

    def __init__(self, name, kind, form, limit, limit_name, struct):
        self.name, self.kind, self.form = name, kind, form
        self.limit, self.limit_name, self.struct = limit, limit_name, struct

    def item_size(self):
        return self.struct.wire_min if self.struct else SCALARS[self.kind][1]

    def wire_min(self):
        if self.form in ('OPTIONAL', 'LIST'):
            return 4
        count = self.limit if self.form == 'FIXED' else 1
        return (count * self.item_size() + 3) // 4 * 4


class Struct:
    def __init__(self, name, c_name, fields, note):
        self.name, self.c_name, self.note = name, c_name, note
        self.fields = fields
        self.wire_min = sum(f.wire_min() for f in fields)
        self.depth = 1 + max([f.struct.depth for f in fields if f.struct],
                             default=0)


class Enum:
    def __init__(self, name, c_name, values):
        self.name, self.c_name, self.values = name, c_name, values


class Condition:
    """An argument's value that decides: test is ALWAYS SET UNSET EQUAL."""

    def __init__(self, field=None, test='ALWAYS', value=0):
        self.field, self.test, self.value = field, test, value


class Procedure:
    def __init__(self, number, name, is_event):
        self.number, self.name, self.is_event = number, name, is_event
        self.args = self.ret = self.filter = self.readonly = None
        self.permissions = []       # (object, permission, Condition)
        self.flags = ['EVENT'] if is_event else []


class Program:
    def __init__(self, name, number, version):
        self.name, self.number, self.version = name, number, version
        self.limits, self.enums, self.types = {}, [], []
        self.procedures = []


class Reader:
    """All tables; types, flags and objects are shared by all programs."""

    def __init__(self):
        self.programs, self.objects, self.flags = [], {}, {}
        self.types, self.used = {}, set()
        self.where = '?'

    def fail(self, reason):
        raise TableError(f'{self.where}: {reason}')

    def read(self, path):
        self.program = None
        with open(path, encoding='utf-8') as lines:
            for count, line in enumerate(lines, 1):
                self.where = f'{path}:{count}'
                line = line.strip()
                if line and not line.startswith('#'):
                    self.line(line)
        if self.program is None:
            self.fail('no program line')
        self.check_unused(self.program)

    def line(self, line):
        word, _, rest = line.partition(' ')
        handler = getattr(self, 'read_' + word, None)
        if handler is None:
            self.fail(f'unknown word {word!r}')
        if self.program is None and word != 'program':
            self.fail('the program line must come first')
        handler(rest)

    def number(self, text):
        try:
            return int(text, 0)
        except ValueError:
            self.fail(f'{text!r} is not a number')

    def words(self, rest, least, most=None):
        words = rest.split()
        if len(words) < least or len(words) > (most or least):
            self.fail('wrong number of words')
        return words

    def define(self, table, name, value):
        if name in table:
            self.fail(f'{name} is defined twice')
        table[name] = value

    def read_program(self, rest):
        if self.program:
            self.fail('second program line')
        name, number, version = self.words(rest, 3)
        number = self.number(number)
        for other in self.programs:
            if name == other.name or number == other.number:
                self.fail(f'program {name} is defined twice')
        self.program = Program(name, number, self.number(version))
        self.programs.append(self.program)

    def read_limit(self, rest):
        name, value = self.words(rest, 2)
        value = self.number(value)
        if not 0 < value < 1 << 32:
            self.fail(f'limit {name} is out of range')
        self.define(self.program.limits, name, value)

    def read_flag(self, rest):
        name, value = self.words(rest, 2)
        self.define(self.flags, name, self.number(value))

    def read_object(self, rest):
        name, *permissions = self.words(rest, 2, 99)
        if len(set(permissions)) != len(permissions):
            self.fail(f'a permission of {name} is defined twice')
        self.define(self.objects, name, permissions)

    def read_enum(self, rest):
        name, *pairs = self.words(rest, 2, 99)
        values = [(key, self.number(value)) for key, _, value in
                  (pair.partition('=') for pair in pairs)]
        enum = Enum(name, f'virgate_{self.program.name}_{name}', values)
        self.define(self.types, name, enum)
        self.program.enums.append(enum)

    def read_type(self, rest):
        name, _, fields = rest.partition(' ')
        if name in SCALARS or name == 'uuid':
            self.fail(f'{name} is defined twice')
        prefix = '' if self.program.name == 'remote' else \
            self.program.name + '_'
        self.struct(name, f'virgate_{prefix}{name}', fields,
                    f'{self.program.name}, part of what follows')

    def struct(self, name, c_name, text, note):
        fields = [self.field(word) for word in text.split()]
        if not fields:
            self.fail(f'{name} has no fields')
        names = [field.name for field in fields]
        if len(set(names)) != len(names):
            self.fail(f'a field of {name} is defined twice')
        struct = Struct(name, c_name, fields, note)
        if struct.depth > MAX_DEPTH:
            self.fail(f'{name} nests deeper than {MAX_DEPTH}')
        self.define(self.types, name, struct)
        self.program.types.append(struct)
        return struct

    def field(self, word):
        match = re.fullmatch(
            r'(\w+):(\w+)(\?|<(\w+)>|\[(\w+)\])?', word)
        if not match:
            self.fail(f'cannot read field {word!r}')
        name, kind, form, most, fixed = match.groups()
        if name in KEYWORDS:
            self.fail(f'field name {name} is a keyword')
        limit_name = most or fixed
        limit = self.limit(limit_name) if limit_name else 0
        if kind == 'uuid':
            if form:
                self.fail('a uuid is neither optional nor a list')
            return Field(name, 'opaque', 'FIXED', UUID_LEN, None, None)
        struct = None
        if kind not in SCALARS:
            struct = self.types.get(kind) or self.fail(f'unknown type {kind}')
            if isinstance(struct, Enum):
                kind, struct = 'i32', None
        form = {None: 'ONE', '?': 'OPTIONAL'}.get(form) or \
            ('LIST' if most else 'FIXED')
        self.check_form(kind, form, struct)
        return Field(name, kind, form, limit, limit_name, struct)

    def check_form(self, kind, form, struct):
        if kind == 'opaque' and form in ('ONE', 'OPTIONAL'):
            self.fail('opaque needs a length')
        if form == 'OPTIONAL' and not struct and \
                kind not in ('string', 'name'):
            self.fail(f'an optional {kind} is not supported')
        if form == 'FIXED' and kind not in ('opaque', 'char'):
            self.fail(f'a fixed array of {kind} is not supported')

    def limit(self, name):
        if name.isdigit():
            return int(name)
        if name not in self.program.limits:
            self.fail(f'unknown limit {name}')
        self.used.add((self.program.name, name))
        return self.program.limits[name]

    def check_unused(self, program):
        for name in program.limits:
            if (program.name, name) not in self.used and name != 'STRING_MAX':
                self.fail(f'limit {name} is never used')

    # Procedures

    def read_call(self, rest):
        match = re.fullmatch(r'(\d+) (\w+) \((.*?)\) \((.*?)\)(.*)', rest)
        if not match:
            self.fail('a call is NUMBER NAME (FIELDS) (FIELDS) WORDS')
        number, name, args, ret, words = match.groups()
        proc = self.procedure(int(number), name, False)
        if args:
            proc.args = self.payload(proc, '_args', args)
        if ret:
            proc.ret = self.payload(proc, '_ret', ret)
        self.attributes(proc, words.split())

    def read_event(self, rest):
        match = re.fullmatch(r'(\d+) (\w+) \((.*?)\)', rest)
        if not match:
            self.fail('an event is NUMBER NAME (FIELDS)')
        number, name, fields = match.groups()
        proc = self.procedure(int(number), name, True)
        if fields:
            proc.args = self.payload(proc, '_msg', fields)

    def procedure(self, number, name, is_event):
        program = self.program
        if number != len(program.procedures) + 1:
            self.fail(f'number {number} does not follow '
                      f'{len(program.procedures)}')
        if any(other.name == name for other in program.procedures):
            self.fail(f'{name} is defined twice')
        proc = Procedure(number, name, is_event)
        program.procedures.append(proc)
        return proc

    def payload(self, proc, suffix, text):
        prefix = f'virgate_{self.program.name}_'
        name = proc.name + suffix
        key = name if self.program.name == 'remote' else \
            f'{self.program.name}.{name}'
        what = {'_args': 'arguments', '_ret': 'result',
                '_msg': 'event'}[suffix]
        return self.struct(key, prefix + name, text,
                           f'{self.program.name} {proc.number}, {what}')

    def attributes(self, proc, words):
        seen = set()
        for word in words:
            key, _, value = word.partition('=')
            handler = getattr(self, 'attribute_' + key, None)
            if handler is None:
                self.fail(f'unknown word {key!r}')
            if key in seen:
                self.fail(f'{key} is given twice')
            seen.add(key)
            handler(proc, value)
        if 'allow' not in seen:
            self.fail('allow= is missing')

    def permission(self, text):
        obj, _, permission = text.partition(':')
        if permission not in self.objects.get(obj, ()):
            self.fail(f'unknown permission {text}')
        return obj, permission

    def condition(self, proc, text):
        """The condition in braces, for example {flags&A|B} or {!flags&A}."""
        match = re.fullmatch(r'\{(!?)(\w+)([&=])([\w|]+)\}', text)
        if not match:
            self.fail(f'cannot read condition {text}')
        negated, name, operator, values = match.groups()
        fields = {f.name: f for f in proc.args.fields} if proc.args else {}
        if name not in fields or fields[name].form != 'ONE' or \
                fields[name].kind not in ('i32', 'u32', 'u64'):
            self.fail(f'no number {name} among the arguments')
        bits = 0
        for flag in values.split('|'):
            if flag not in self.flags:
                self.fail(f'unknown flag {flag}')
            bits |= self.flags[flag]
        test = 'EQUAL' if operator == '=' else 'UNSET' if negated else 'SET'
        return Condition(name, test, bits)

    def attribute_allow(self, proc, value):
        if value == 'none':
            return
        for item in value.split(','):
            text, brace, condition = item.partition('{')
            proc.permissions.append(self.permission(text) + (
                self.condition(proc, brace + condition) if brace
                else Condition(),))

    def attribute_filter(self, proc, value):
        proc.filter = self.permission(value)

    def attribute_stream(self, proc, value):
        for word in value.split(','):
            if word not in STREAMS:
                self.fail(f'unknown stream {word!r}')
            proc.flags += ['STREAM_READ', 'STREAM_WRITE'] \
                if word == 'both' else ['STREAM_' + word.upper()]

    def attribute_fds(self, proc, value):
        for word in value.split(','):
            if word not in ('in', 'out'):
                self.fail(f'unknown direction {word!r}')
            proc.flags.append('FDS_' + word.upper())

    def attribute_fast(self, proc, value):
        proc.flags.append('FAST')

    def attribute_noauth(self, proc, value):
        proc.flags.append('NO_AUTH')

    def attribute_secret(self, proc, value):
        proc.flags.append('SECRET')

    def attribute_readonly(self, proc, value):
        if not value.startswith('no'):
            self.fail('readonly= takes no, or no with a condition')
        proc.readonly = self.condition(proc, value[2:]) if value[2:] \
            else Condition()


def read_tables(paths):
    reader = Reader()
    for path in paths:
        reader.read(path)
    return reader


def read_or_exit(paths):
    try:
        return read_tables(paths)
    except (TableError, OSError) as error:
        sys.exit(str(error))
