/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The queue of the audit trail and the thread that writes it; see audit.h.
 * What lines say is audit-text.c's.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "common/thread.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/audit.h"
#include "daemon/systemd.h"

/* Longest line; audit-text.c makes shorter ones. */
#define LINE_MAX_LEN 8192

/* The end waits so long for a disk that does not answer. */
#define CLOSE_NS NS_PER_S

/* Lines that are missing. */
struct loss {
  uint64_t lines;
  uint64_t refusals;            /* of them, those that the queue had no room
                                   for */
};

struct audit {
  const struct log *log;
  char *path;                   /* NULL: the journal */
  pthread_t thread;
  pthread_mutex_t lock;         /* guards what follows */
  pthread_cond_t more, done;
  struct buf lines;             /* each ends in a newline */
  uint64_t count, max;          /* of lines that wait */
  struct loss lost, told;       /* lines lost; of them, said so in the trail */
  int fd;
  bool is_ending, has_ended;
  bool has_failed;              /* writing did; the log was told once */
  bool is_torn;                 /* the file ends in a part of a line */
};

static int
open_path (const char *path)
{
  return open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
               0600);
}

/* The thread --------------------------------------------------------------- */

/* Bytes that were written; errno says why they are not all. */
static size_t
write_all (int fd, const char *data, size_t len)
{
  size_t done = 0;

  while (done < len) {
    ssize_t n = write (fd, data + done, len - done);

    if (n == -1 && errno != EINTR)
      break;
    done += MAX_OF (n, 0);
  }
  return done;
}

static size_t
write_journal (char *data, size_t len)
{
  size_t done = 0;

  while (done < len) {
    char *newline = memchr (data + done, '\n', len - done);
    int result;

    *newline = '\0';
    result = systemd_journal (data + done);
    *newline = '\n';
    if (result == -1)
      break;
    done = newline + 1 - data;
  }
  return done;
}

static uint64_t
count_lines (const char *data, size_t len)
{
  uint64_t count = 0;

  for (size_t i = 0; i < len; i++)
    count += data[i] == '\n';
  return count;
}

/* What was lost is said where it is missing.  told: out, what that is, once
 * the batch is written.  Locked.
 */
static void
tell_lost (struct audit *audit, struct buf *batch, struct loss *told)
{
  char line[100];
  int len;

  *told = (struct loss) { audit->lost.lines - audit->told.lines,
                          audit->lost.refusals - audit->told.refusals };
  if (told->lines == 0)
    return;
  len = snprintf (line, sizeof line, "{\"event\":\"lost\",\"lines\":%llu,"
                  "\"refusals\":%llu}\n", (unsigned long long) told->lines,
                  (unsigned long long) told->refusals);
  if (buf_append (batch, line, len) == -1)
    *told = (struct loss) { 0 };
}

/* Take all that waits.  Locked. */
static void
take (struct audit *audit, struct buf *batch, struct loss *told)
{
  *batch = audit->lines;
  audit->lines = (struct buf) BUF_INIT;
  audit->count = 0;
  tell_lost (audit, batch, told);
}

static void
complain (struct audit *audit, int errnum)
{
  log_write (audit->log, VIRGATE_LOG_ERROR, "audit", "%s: %s; lines are lost "
             "until it can be written again",
             audit->path ? audit->path : "journal", strerror (errnum));
}

/* What came of a batch, when so many bytes of it were written.  Locked. */
static void
settle (struct audit *audit, const struct buf *batch, size_t done,
        const struct loss *told)
{
  const char *data = buf_data (batch);
  size_t len = buf_len (batch);

  if (done > 0)
    audit->is_torn = data[done - 1] != '\n';
  if (done < len) {             /* it is to be told again */
    audit->lost.lines += count_lines (data + done, len - done)
                         - (told->lines > 0);
    return;
  }
  audit->told.lines += told->lines;
  audit->told.refusals += told->refusals;
}

/* Not locked while it writes. */
static void
put_batch (struct audit *audit, struct buf *batch, const struct loss *told)
{
  bool is_torn = audit->is_torn;
  size_t len = buf_len (batch), done = 0;
  int fd = audit->fd, errnum;

  pthread_mutex_unlock (&audit->lock);
  if (audit->path == NULL)
    done = write_journal (buf_data (batch), len);
  else if (!is_torn || write_all (fd, "\n", 1) == 1) {
    is_torn = false;
    done = write_all (fd, buf_data (batch), len);
  }
  errnum = errno;
  pthread_mutex_lock (&audit->lock);
  audit->is_torn = is_torn;
  if (done < len && !audit->has_failed)
    complain (audit, errnum);
  audit->has_failed = done < len;
  settle (audit, batch, done, told);
}

static void *
audit_main (void *opaque)
{
  struct audit *audit = opaque;

  pthread_mutex_lock (&audit->lock);
  while (audit->count > 0 || !audit->is_ending) {
    CLEANUP (buf_free) struct buf batch = BUF_INIT;
    struct loss told;

    if (audit->count == 0) {
      pthread_cond_wait (&audit->more, &audit->lock);
      continue;
    }
    take (audit, &batch, &told);
    put_batch (audit, &batch, &told);
  }
  audit->has_ended = true;
  pthread_cond_signal (&audit->done);
  pthread_mutex_unlock (&audit->lock);
  return NULL;
}

/* The others --------------------------------------------------------------- */

void
audit_put (struct audit *audit, const char *line, size_t len, bool is_refusal)
{
  LOCK_FOR_SCOPE (&audit->lock);
  uint64_t max = is_refusal ? audit->max / 2 : audit->max;

  if (audit->count >= max || len > LINE_MAX_LEN
      || buf_append (&audit->lines, line, len) == -1) {
    audit->lost.lines++;
    audit->lost.refusals += is_refusal;
    return;
  }
  if (audit->count++ == 0)
    pthread_cond_signal (&audit->more);
}

void
audit_lose (struct audit *audit)
{
  LOCK_FOR_SCOPE (&audit->lock);
  audit->lost.lines++;
}

uint64_t
audit_lost (struct audit *audit)
{
  LOCK_FOR_SCOPE (&audit->lock);
  return audit->lost.lines;
}

void
audit_reopen (struct audit *audit)
{
  int fd = audit->path ? open_path (audit->path) : -1;
  struct stat st;

  if (audit->path == NULL)
    return;
  if (fd == -1) {
    complain (audit, errno);
    return;
  }
  /* The thread may be writing: its descriptor's number stays. */
  if (dup3 (fd, audit->fd, O_CLOEXEC) == -1)
    complain (audit, errno);
  pthread_mutex_lock (&audit->lock);
  if (fstat (fd, &st) == 0 && st.st_size == 0)
    audit->is_torn = false;
  pthread_mutex_unlock (&audit->lock);
  close (fd);
}

static void
audit_free (struct audit *audit)
{
  if (audit->fd != -1)
    close (audit->fd);
  buf_free (&audit->lines);
  pthread_mutex_destroy (&audit->lock);
  pthread_cond_destroy (&audit->more);
  pthread_cond_destroy (&audit->done);
  free (audit->path);
  free (audit);
}

struct audit *
audit_open (const char *where, uint64_t queue, const struct log *log,
            struct virgate_error *err)
{
  struct audit *audit = calloc (1, sizeof *audit);
  pthread_condattr_t clock;

  if (audit == NULL) {
    error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
    return NULL;
  }
  pthread_mutex_init (&audit->lock, NULL);
  pthread_cond_init (&audit->more, NULL);
  pthread_condattr_init (&clock);
  pthread_condattr_setclock (&clock, CLOCK_MONOTONIC);
  pthread_cond_init (&audit->done, &clock);
  pthread_condattr_destroy (&clock);
  audit->log = log;
  audit->max = queue;
  audit->fd = -1;
  if (strcmp (where, "journal") != 0) {
    audit->path = strdup (where);
    audit->fd = audit->path ? open_path (where) : -1;
  }
  if ((audit->path == NULL || audit->fd != -1)
      && thread_start (&audit->thread, NULL, audit_main, audit) == 0)
    return audit;
  error_system (err, errno, VIRGATE_FROM_CONF, "audit %s", where);
  audit_free (audit);
  return NULL;
}

void
audit_close (struct audit *audit)
{
  int64_t at = now_ns () + CLOSE_NS;
  const struct timespec until = { at / NS_PER_S, at % NS_PER_S };
  bool has_ended;

  if (audit == NULL)
    return;
  pthread_mutex_lock (&audit->lock);
  audit->is_ending = true;
  pthread_cond_signal (&audit->more);
  while (!audit->has_ended
         && pthread_cond_timedwait (&audit->done, &audit->lock, &until) == 0)
    ;
  has_ended = audit->has_ended;
  pthread_mutex_unlock (&audit->lock);
  if (!has_ended) {
    log_write (audit->log, VIRGATE_LOG_ERROR, "audit", "the trail could not "
               "be written to its end");
    return;                     /* the thread still has it */
  }
  pthread_join (audit->thread, NULL);
  audit_free (audit);
}
