/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Log lines; see log.h.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "core/log.h"
#include "core/logrules.h"
#include "core/utf8.h"

static const char *const level_names[] = {
  [VIRGATE_LOG_ERROR] = "error",
  [VIRGATE_LOG_WARNING] = "warning",
  [VIRGATE_LOG_NOTICE] = "notice",
  [VIRGATE_LOG_INFO] = "info",
  [VIRGATE_LOG_DEBUG] = "debug",
};

int
log_level_from_name (const char *name)
{
  for (size_t i = VIRGATE_LOG_ERROR; i < COUNT_OF (level_names); i++)
    if (strcmp (name, level_names[i]) == 0)
      return i;
  return -1;
}

static const char *
log_level_name (int level)
{
  if (level < VIRGATE_LOG_ERROR)
    return level_names[VIRGATE_LOG_ERROR];
  return level_names[MIN_OF (level, VIRGATE_LOG_DEBUG)];
}

/* JOURNAL_STREAM is "DEVICE:INODE" of the stream that was given to us; the
 * descriptor may have been redirected since.
 */
static bool
is_journal (int fd)
{
  const char *stream = getenv ("JOURNAL_STREAM");
  unsigned long long dev, ino;
  struct stat st;

  return stream && sscanf (stream, "%llu:%llu", &dev, &ino) == 2
         && fstat (fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void
log_init (struct log *log, int fd, int level)
{
  *log = (struct log) {
    .level = level, .fd = fd, .journal = fd >= 0 && is_journal (fd),
  };
}

size_t
log_escape (char *to, size_t size, const char *text)
{
  const size_t ellipsis = sizeof "...";
  size_t used = 0, mark = 0;

  while (*text) {
    size_t len = utf8_printable (text);
    size_t need = len ? len : sizeof "\\xNN" - 1;

    if (used + need >= size) {
      used = mark;
      if (size >= ellipsis)
        used += stpcpy (to + used, "...") - (to + used);
      break;
    }
    if (len)
      memcpy (to + used, text, len);
    else
      snprintf (to + used, size - used, "\\x%02x", (unsigned char) *text);
    used += need;
    text += len ? len : 1;
    if (used + ellipsis <= size)
      mark = used;
  }
  to[used] = '\0';
  return used;
}

/* What comes before the text: priority, or time and level. */
static size_t
put_head (char *line, size_t size, bool journal, int level, const char *who)
{
  char when[sizeof "2026-01-31T12:00:00"];
  struct timespec now;
  struct tm tm;
  int len;

  if (journal)
    len = snprintf (line, size, "<%d>", level);
  else {
    clock_gettime (CLOCK_REALTIME, &now);
    strftime (when, sizeof when, "%Y-%m-%dT%H:%M:%S",
              gmtime_r (&now.tv_sec, &tm));
    len = snprintf (line, size, "%s.%03ldZ %s ", when, now.tv_nsec / 1000000,
                    log_level_name (level));
  }
  if (who) {
    len += log_escape (line + len, size - len - 2, who);
    len += snprintf (line + len, size - len, ": ");
  }
  return len;
}

static void
write_line (int fd, const char *line, size_t len)
{
  ssize_t n;

  do
    n = write (fd, line, len);
  while (n == -1 && errno == EINTR);
}

void
log_vwrite (const struct log *log, int level, const char *who,
            const char *fmt, va_list args)
{
  char text[LOG_LINE_MAX], line[LOG_LINE_MAX + 1];
  int saved_errno = errno;
  size_t len;

  if (!log_wants (log, level)
      || (log->rules && !log_rules_want (log->rules, level, who)))
    return;
  vsnprintf (text, sizeof text, fmt, args);
  if (log->sink) {
    log_escape (line, LOG_LINE_MAX, text);
    log->sink (log->opaque, level, line);
  }
  if (log->fd >= 0) {
    len = put_head (line, LOG_LINE_MAX / 2, log->journal, level, who);
    len += log_escape (line + len, LOG_LINE_MAX - len, text);
    line[len++] = '\n';
    write_line (log->fd, line, len);
  }
  errno = saved_errno;
}

void
log_write (const struct log *log, int level, const char *who,
           const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  log_vwrite (log, level, who, fmt, args);
  va_end (args);
}
