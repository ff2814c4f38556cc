/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One line of text for each event, to a descriptor or to a function.  Levels
 * are syslog's (host.h).  There is no global log: whoever writes was given
 * one, and a NULL log swallows everything.
 */
#ifndef VIRGATE_CORE_LOG_H
#define VIRGATE_CORE_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <virgate/host.h>

/* Longer lines are cut, and end in "...". */
#define LOG_LINE_MAX 2048

struct log {
  _Atomic int level;            /* lines above it are dropped; any thread */
  _Atomic int fd;               /* -1: to sink only */
  atomic_bool journal;          /* "<4>" in front instead of time and level */
  struct log_rules *rules;      /* logrules.h; NULL: level is all there is */
  void (*sink) (void *opaque, int level, const char *line); /* or NULL */
  void *opaque;
};

/* Write to a descriptor (borrowed).  When it is the journal's stream, as
 * JOURNAL_STREAM says, lines carry the journal's priorities.
 */
void log_init (struct log *log, int fd, int level);

/* Write one line: "2026-01-31T12:00:00.123Z warning listen public: text", in
 * a single write.  Control characters and invalid UTF-8 in the text come out
 * as \xNN, so that a peer cannot forge lines.  who may be NULL.  Any thread.
 */
void log_write (const struct log *log, int level, const char *who,
                const char *fmt, ...) VIRGATE_PRINTF (4, 5);
void log_vwrite (const struct log *log, int level, const char *who,
                 const char *fmt, va_list args) VIRGATE_PRINTF (4, 0);

/* Would a line of this level be written? */
static inline bool
log_wants (const struct log *log, int level)
{
  return log && level <= atomic_load_explicit (&log->level,
                                               memory_order_relaxed);
}

/* "error", "warning", "notice", "info", "debug"; -1 for another word. */
int log_level_from_name (const char *name);

/* Copy text with what is unprintable escaped; always ends in NUL, and in
 * "..." when it was cut.  Returns the length written.
 */
size_t log_escape (char *to, size_t size, const char *text);

#endif /* VIRGATE_CORE_LOG_H */
