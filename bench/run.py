#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measure virgated beside libvirtd and the floor, libvirgate beside libvirt.so.

The same work runs on all three in turn, again and again; each ratio is taken
within one repetition, and the table shows medians.  A repetition during which
other processes used too much of the machine is thrown away and done again.
BENCHMARKING.md explains how to read the table.
"""
import argparse
import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import rows
import servers
from rows import FLOOR, HEADINGS, OURS, ROWS, THEIRS, WORKS

OTHERS_MAX = 0.15       # of the machine, during one repetition
ATTEMPTS = 2            # times the repetitions wanted, before noise is accepted
CLIENT_TIMEOUT_S = 180
TICK_S = 1 / os.sysconf('SC_CLK_TCK')
KINDS = {THEIRS: 'libvirtd', OURS: 'virgated', FLOOR: 'floor'}


def process_cpu_s(pid):
    """CPU seconds of all of a process's threads, the ended ones too."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0


def machine_busy_s(cpus):
    """CPU seconds that were not idle, on some processors, since boot."""
    busy = 0
    with open('/proc/stat') as stat:
        for line in stat:
            name, *ticks = line.split()
            if name[:3] == 'cpu' and name[3:].isdigit() \
                    and int(name[3:]) in cpus:
                user, nice, system, _, _, irq, softirq, steal = \
                    map(int, ticks[:8])
                busy += user + nice + system + irq + softirq + steal
    return busy * TICK_S


class Bench:
    """What the works use; one cell at a time."""

    def __init__(self, args):
        self.build = os.path.abspath(args.build)
        self.quick = args.quick
        self.seconds = 0.3 if args.quick else 1
        self.cpus = os.sched_getaffinity(0)
        self.pids = set()
        self.others = 0
        self.pki = None

    def scaled(self, count):
        return count // 8 if self.quick else count

    @contextlib.contextmanager
    def pinned(self, wanted):
        """Keep the server and its client on one core."""
        every = os.sched_getaffinity(0)
        try:
            if wanted:
                self.cpus = {max(every)}
                os.sched_setaffinity(0, self.cpus)
            yield
        finally:
            self.cpus = every
            os.sched_setaffinity(0, every)

    @contextlib.contextmanager
    def server(self, role, *floor_options, asking=False):
        """asking: its TCP port wants to know who one is."""
        kind = KINDS[role]
        options = floor_options if kind == 'floor' else ()
        start = getattr(servers, kind + '_asking' if asking else kind)
        with start(self.build, *options) as server, \
                self.counted(server, False):
            yield server

    @contextlib.contextmanager
    def behind(self, role, storage=False):
        """libvirtd by itself, behind virgated, or behind the cheapest."""
        libvirtd = servers.libvirtd_storage if storage else servers.libvirtd
        fronts = {OURS: servers.gateway, FLOOR: servers.relay}
        with fronts[role](self.build, libvirtd) if role in fronts \
                else libvirtd(self.build) as server, \
                self.counted(server, role in fronts):
            yield server

    @contextlib.contextmanager
    def judged(self, rule, through):
        with servers.judged(self.build, rule, through) as server, \
                self.counted(server, through):
            yield server

    @contextlib.contextmanager
    def counted(self, server, is_front):
        """Its processor time, and that of what is behind it, is ours."""
        pids = {server.pid} | ({server.behind.pid} if is_front else set())
        self.pids |= pids
        try:
            yield
        finally:
            self.pids -= pids

    def our_cpu_s(self):
        return sum(os.times()[:4]) + sum(map(process_cpu_s, self.pids))

    def watched(self, work):
        """What work() returns, with an eye on others' share meanwhile."""
        start, ours, busy = (time.monotonic(), self.our_cpu_s(),
                             machine_busy_s(self.cpus))
        result = work()
        others = machine_busy_s(self.cpus) - busy - (self.our_cpu_s() - ours)
        available = (time.monotonic() - start) * len(self.cpus)
        self.others = max(self.others, others / available)
        return result

    def here(self, work, *args):
        """A client that is part of this program."""
        return self.watched(lambda: work(*args))

    def client(self, argv):
        """Run a client to its end; returns the figures that it printed."""
        done = self.watched(lambda: subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=CLIENT_TIMEOUT_S))
        if done.returncode:
            raise RuntimeError(f'{" ".join(argv)}: {done.stderr.strip()}')
        return {name: float(value) for name, value
                in (line.split() for line in done.stdout.splitlines())}

    def load_argv(self, server, transport, **options):
        options.setdefault('seconds', self.seconds)
        address = {'unix': server.unix, 'tcp': server.tcp}[transport]
        return [f'{self.build}/bench/load', f'--{transport}={address}',
                f'--server={server.pid}',
                *(f'--{name}={value}' for name, value in options.items())]

    def load(self, server, transport, **options):
        return self.client(self.load_argv(server, transport, **options))

    @contextlib.contextmanager
    def tls_server(self, role):
        """A server with a TLS port, and its certificates."""
        if self.pki is None:
            self.pki = tempfile.TemporaryDirectory(prefix='virgate-bench-')
            servers.make_pki(self.build, self.pki.name)
        with getattr(servers, KINDS[role] + '_tls')(self.build,
                                                    self.pki.name) as server:
            self.pids.add(server.pid)
            try:
                yield server
            finally:
                self.pids.discard(server.pid)

    def tls_argv(self, server, **options):
        options.setdefault('seconds', self.seconds)
        return [f'{self.build}/bench/tls-load', f'--port={server.tls}',
                f'--pki={self.pki.name}', f'--server={server.pid}',
                *(f'--{name}={value}' for name, value in options.items())]

    def tls_load(self, server, **options):
        return self.client(self.tls_argv(server, **options))

    @contextlib.contextmanager
    def background(self, server, **options):
        """Another raw client at work on the same server."""
        make = self.tls_argv if server.tls else self.load_argv
        where = () if server.tls else ('unix',)
        argv = make(server, *where, seconds=CLIENT_TIMEOUT_S, **options)
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            self.pids.add(process.pid)
            try:
                process.stdout.readline()
                yield
                if process.poll() is not None:
                    raise RuntimeError(f'{" ".join(argv)}: ended early')
            finally:
                self.pids.discard(process.pid)
                process.kill()

    def library(self, role, server, threads):
        """A client library's loop; its scheme and place are libvirt's."""
        program = {THEIRS: 'libvirt-client', OURS: 'virgate-client'}[role]
        return self.client([
            f'{self.build}/run', f'{self.build}/bench/{program}',
            f'--seconds={self.seconds}',
            f'--threads={threads}',
            f'--uri=test+unix:///default?socket={server.unix}'])


def why_not(bench, work, role):
    """Why a cell cannot be measured here, None if it can."""
    needed = work.server or role
    reason = servers.missing(bench.build, KINDS[needed])
    program = {THEIRS: 'libvirt-client', OURS: 'virgate-client'}.get(role)
    if reason is None and work.table == 'clients' and program \
            and not os.path.exists(f'{bench.build}/bench/{program}'):
        return f'{program} is not built'
    return reason


def repetition(bench, work, roles):
    """Measure every column once: {role: figures}, and the others' share."""
    bench.others = 0
    cells = {role: work.measure(bench, role, **work.args) for role in roles}
    return {role: cell for role, cell in cells.items() if cell}, bench.others


def measure(bench, name, wanted, notes):
    """The quietest repetitions of a work, and whether all were quiet."""
    work = WORKS[name]
    roles = []
    for role in (THEIRS, OURS, FLOOR):
        reason = why_not(bench, work, role)
        if reason:
            notes.add(reason)
        else:
            roles.append(role)
    done = []
    while roles and len(done) < wanted * ATTEMPTS:
        done.append(repetition(bench, work, roles))
        roles.append(roles.pop(0))
        if sum(others <= OTHERS_MAX for _, others in done) == wanted:
            break
    done.sort(key=lambda each: each[1])
    kept = done[:wanted]
    return kept, all(others <= OTHERS_MAX for _, others in kept)


def ratio_of(kept, figure, above, below):
    """The median of the ratios within the repetitions."""
    ratios = [cells[above][figure] / cells[below][figure]
              for cells, _ in kept
              if above in cells and below in cells and cells[below][figure]]
    return statistics.median(ratios) if ratios else None


def summarize(row, kept, quiet):
    result = {'key': row.key, 'title': row.title.strip(), 'unit': row.unit,
              'quiet': quiet, 'others': [others for _, others in kept]}
    for role in (THEIRS, OURS, FLOOR):
        values = [cells[role][row.figure] for cells, _ in kept
                  if role in cells]
        result[role] = values
        result[f'{role}_median'] = \
            statistics.median(values) if values else None
    result['vs_theirs'] = ratio_of(kept, row.figure, OURS, THEIRS)
    result['vs_floor'] = ratio_of(kept, row.figure, OURS, FLOOR)
    result['floor_vs_theirs'] = ratio_of(kept, row.figure, FLOOR, THEIRS)
    result['targets'] = [
        judge(result, column, sense, bound)
        for column, sense, bound in row.targets]
    return result


def judge(result, column, sense, bound):
    value = result[f'{OURS}_median'] if column == 'self' \
        else result[f'vs_{column}']
    floor = result['floor_vs_theirs'] if column == THEIRS else None
    return {'against': column, 'sense': sense, 'bound': bound,
            'value': value, 'met': holds(value, sense, bound),
            'floor_met': holds(floor, sense, bound)}


def holds(value, sense, bound):
    if value is None:
        return None
    return value <= bound if sense == '<=' else value >= bound


# The table

def number(value, unit=''):
    if value is None:
        return '-'
    if abs(value) >= 1000:
        text = f'{value:,.0f}'.replace(',', ' ')
    elif abs(value) >= 100:
        text = f'{value:.0f}'
    else:
        text = f'{value:.3g}' if abs(value) >= 0.01 else f'{value:.2f}'
    return f'{text} {unit}'.strip()


def target_text(target, headings):
    column = target['against']
    name = '' if column == 'self' else '/' + headings[column] + ' '
    return f'{name}{target["sense"]} {target["bound"]:g}'


def verdict(result):
    mets = [target['met'] for target in result['targets']]
    if not mets:
        return ''
    if None in mets:
        return '-'
    if all(mets):
        return 'yes'
    beyond = any(target['met'] is False and target['floor_met'] is False
                 for target in result['targets'])
    return 'NO *' if beyond else 'NO'


def line_of(row, result, headings):
    unit = row.unit
    noisy = '' if result['quiet'] else ' ~'
    return [row.title + noisy, number(result['theirs_median'], unit),
            number(result['ours_median'], unit),
            number(result['floor_median'], unit),
            number(result['vs_theirs']), number(result['vs_floor']),
            number(result['floor_vs_theirs']),
            ', '.join(target_text(target, headings)
                      for target in result['targets']),
            verdict(result)]


def print_table(table, results):
    headings = HEADINGS[table]
    theirs, ours, floor = headings[THEIRS], headings[OURS], headings[FLOOR]
    head = ['', theirs, ours, floor, f'/{theirs}', f'/{floor}',
            f'{floor}/{theirs}', 'target', 'met']
    lines = [head] + [line_of(row, results[row.key], headings)
                      for row in ROWS if row.key in results
                      and WORKS[row.work].table == table]
    if len(lines) == 1:
        return
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        cells = [text.ljust(width) if i in (0, 7) else text.rjust(width)
                 for i, (text, width) in enumerate(zip(line, widths))]
        print('  '.join(cells).rstrip())
    print()


def machine():
    with open('/proc/cpuinfo') as cpuinfo:
        models = [line.split(':')[1].strip() for line in cpuinfo
                  if line.startswith('model name')]
    return {'cpus': len(os.sched_getaffinity(0)),
            'cpu': models[0] if models else platform.machine(),
            'kernel': platform.release(), 'load': os.getloadavg()}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('rows', nargs='*', metavar='ROW', default=[],
                        help='only these rows (a wrong name lists them all)')
    parser.add_argument('--build', default='.', metavar='DIR',
                        help='the build directory (default: this one)')
    parser.add_argument('--only', nargs='+', metavar='ROW', default=[],
                        help='the same')
    parser.add_argument('--reps', type=int, default=0,
                        help='repetitions to keep (default: 3, quick: 1)')
    parser.add_argument('--quick', action='store_true',
                        help='short runs, to see that all of it works')
    parser.add_argument('--json', metavar='FILE',
                        help='write every figure to a file')
    return parser.parse_args()


def choose(only):
    keys = {row.key for row in ROWS}
    wrong = [key for key in only if key not in keys]
    if wrong:
        sys.exit(f'no such row: {" ".join(wrong)}\nrows: '
                 + ' '.join(row.key for row in ROWS))
    return [row for row in ROWS if not only or row.key in only]


def measure_all(bench, chosen, reps):
    """{row key: result}; a work that fails costs its own rows only."""
    results, notes, failed = {}, set(), []
    for name in dict.fromkeys(row.work for row in chosen):
        print(f'{name} …', file=sys.stderr, flush=True)
        try:
            kept, quiet = measure(bench, name, reps, notes)
        except (RuntimeError, subprocess.TimeoutExpired, OSError) as error:
            failed.append(f'{name}: {error}')
            continue
        except (KeyboardInterrupt, SystemExit):
            failed.append(f'{name} and what follows: interrupted')
            break
        for row in chosen:
            if row.work == name:
                results[row.key] = summarize(row, kept, quiet)
    return results, sorted(notes), failed


def main():
    args = arguments()
    # Told to end: end the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = choose(args.rows + args.only)
    reps = args.reps or (1 if args.quick else 3)
    facts = dict(machine(), reps=reps, quick=args.quick)
    results, notes, failed = measure_all(Bench(args), chosen, reps)
    print(f'{facts["cpus"]} CPUs ({facts["cpu"]}), Linux {facts["kernel"]}, '
          f'{reps} repetitions; columns 2-4 are medians, the ratios medians '
          'of each repetition\'s.\n')
    for table in HEADINGS:
        print_table(table, results)
    if any(not result['quiet'] for result in results.values()):
        print(f'~ other processes had over {OTHERS_MAX:.0%} of the machine '
              'in some of the repetitions shown')
    if any(verdict(result).endswith('*') for result in results.values()):
        print('* the floor itself does not meet it on this machine')
    for note in notes + failed:
        print('not measured:', note)
    if args.json:
        with open(args.json, 'w') as file:
            json.dump({'machine': facts, 'rows': list(results.values()),
                       'not_measured': notes, 'failed': failed}, file,
                      indent=1)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
