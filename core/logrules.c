/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Levels and places of a log that change; see logrules.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/log.h"
#include "core/logrules.h"

#define FILTERS_MAX 64

struct filter {
  int level;
  char *part;
};

struct log_rules {
  pthread_mutex_t lock;         /* guards what follows; nothing is taken
                                   while it is held */
  int level;                    /* without a filter */
  struct filter filters[FILTERS_MAX];
  unsigned count;
  char *path;                   /* of the file; NULL: standard error */
  int first_fd;                 /* that the log began with */
  bool first_is_journal;
  int file_fd;                  /* for files: never closed while the log is
                                   used, so that no writer misses; -1 */
};

/* Levels ------------------------------------------------------------------ */

static int
level_of_digit (char digit)
{
  switch (digit) {
  case '1': return VIRGATE_LOG_DEBUG;
  case '2': return VIRGATE_LOG_INFO;
  case '3': return VIRGATE_LOG_NOTICE;
  case '4': return VIRGATE_LOG_ERROR;
  }
  return -1;
}

static int
digit_of_level (int level)
{
  return level >= VIRGATE_LOG_DEBUG ? 1 : level >= VIRGATE_LOG_INFO ? 2
         : level >= VIRGATE_LOG_WARNING ? 3 : 4;
}

/* Lines of up to this level may be wanted by somebody.  Locked. */
static void
set_bound (struct log *log)
{
  const struct log_rules *rules = log->rules;
  int level = rules->level;

  for (unsigned i = 0; i < rules->count; i++)
    level = MAX_OF (level, rules->filters[i].level);
  atomic_store (&log->level, level);
}

static bool
is_meant (const struct filter *filter, const char *who)
{
  return strpbrk (filter->part, "*?[") ? fnmatch (filter->part, who, 0) == 0
                                       : strstr (who, filter->part) != NULL;
}

bool
log_rules_want (struct log_rules *rules, int level, const char *who)
{
  LOCK_FOR_SCOPE (&rules->lock);

  for (unsigned i = rules->count; who && i-- > 0;)
    if (is_meant (&rules->filters[i], who))
      return level <= rules->filters[i].level;
  return level <= rules->level;
}

void
log_rules_set_level (struct log *log, int level)
{
  LOCK_FOR_SCOPE (&log->rules->lock);

  log->rules->level = level;
  set_bound (log);
}

/* Filters ----------------------------------------------------------------- */

static void
drop_filters (struct filter *filters, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    free (filters[i].part);
}

/* One word; 0 or -1. */
static int
parse_filter (struct filter *filter, const char *word,
              struct virgate_error *err)
{
  const char *part = word[0] && word[1] == ':' ? word + 2 : "";

  part += *part == '+';         /* libvirt's wish for stack traces */
  filter->level = level_of_digit (word[0]);
  if (filter->level == -1 || *part == '\0')
    return error_text (err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_CONF,
                       "log filter '%s' is not like '1:listen public': a "
                       "level from 1 to 4, and part of a section's name",
                       word);
  filter->part = strdup (part);
  return filter->part ? 0 : error_set (err, VIRGATE_ERR_NO_MEMORY,
                                       VIRGATE_FROM_CONF, NULL);
}

static int
parse_filters (struct filter *filters, unsigned *count, char *text,
               struct virgate_error *err)
{
  char *save = NULL;

  for (char *word = strtok_r (text, " \t", &save); word;
       word = strtok_r (NULL, " \t", &save)) {
    if (*count == FILTERS_MAX)
      return error_text (err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_CONF,
                         "more than %d log filters", FILTERS_MAX);
    if (parse_filter (&filters[*count], word, err) == -1)
      return -1;
    ++*count;
  }
  return 0;
}

int
log_rules_set_filters (struct log *log, const char *text,
                       struct virgate_error *err)
{
  CLEANUP_FREE char *copy = strdup (text ? text : "");
  struct filter filters[FILTERS_MAX];
  struct log_rules *rules = log->rules;
  unsigned count = 0;

  if (copy == NULL)
    return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
  if (parse_filters (filters, &count, copy, err) == -1) {
    drop_filters (filters, count);
    return -1;
  }
  LOCK_FOR_SCOPE (&rules->lock);
  drop_filters (rules->filters, rules->count);
  memcpy (rules->filters, filters, count * sizeof filters[0]);
  rules->count = count;
  set_bound (log);
  return 0;
}

char *
log_rules_filters (const struct log *log, unsigned *count)
{
  struct log_rules *rules = log->rules;
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream (&text, &size);

  if (out == NULL)
    return NULL;
  LOCK_FOR_SCOPE (&rules->lock);
  for (unsigned i = 0; i < rules->count; i++)
    fprintf (out, "%s%d:%s", i ? " " : "",
             digit_of_level (rules->filters[i].level), rules->filters[i].part);
  *count = rules->count;
  fclose (out);
  return text;
}

/* Places ------------------------------------------------------------------ */

/* Let the log write to this file.  Who writes at this moment still has the
 * descriptor's number, so the number stays.  Locked.
 */
static int
take_file (struct log *log, int fd)
{
  struct log_rules *rules = log->rules;

  if (rules->file_fd == -1)
    rules->file_fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  else if (dup3 (fd, rules->file_fd, O_CLOEXEC) == -1)
    return -1;
  if (rules->file_fd == -1)
    return -1;
  atomic_store (&log->journal, false);
  atomic_store (&log->fd, rules->file_fd);
  return 0;
}

static int
set_file (struct log *log, const char *path, struct virgate_error *err)
{
  CLEANUP_FREE char *copy = strdup (path);
  CLEANUP_CLOSE int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC
                               | O_NOCTTY | O_NONBLOCK, 0600);

  if (copy == NULL)
    return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
  if (fd == -1 || take_file (log, fd) == -1)
    return error_system (err, errno, VIRGATE_FROM_CONF, "log to %s", path);
  free (log->rules->path);
  log->rules->path = steal_pointer (&copy);
  return 0;
}

static void
set_first (struct log *log)
{
  struct log_rules *rules = log->rules;

  free (steal_pointer (&rules->path));
  atomic_store (&log->fd, rules->first_fd);
  atomic_store (&log->journal, rules->first_is_journal);
}

int
log_rules_set_output (struct log *log, const char *text,
                      struct virgate_error *err)
{
  struct log_rules *rules = log->rules;
  int level = text && text[0] ? level_of_digit (text[0]) : -1;
  const char *where = level != -1 && text[1] == ':' ? text + 2 : "";
  bool is_file = strncmp (where, "file:/", 6) == 0;

  if ((!is_file && strcmp (where, "stderr") != 0) || strpbrk (where, " \t"))
    return error_text (err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_CONF,
                       "log output '%s' is not one of LEVEL:stderr and "
                       "LEVEL:file:/PATH", text ? text : "");
  LOCK_FOR_SCOPE (&rules->lock);
  if (is_file && set_file (log, where + strlen ("file:"), err) == -1)
    return -1;
  if (!is_file)
    set_first (log);
  rules->level = level;
  set_bound (log);
  return 0;
}

char *
log_rules_output (const struct log *log)
{
  struct log_rules *rules = log->rules;
  char *text;

  LOCK_FOR_SCOPE (&rules->lock);
  if (asprintf (&text, "%d:%s%s", digit_of_level (rules->level),
                rules->path ? "file:" : "stderr",
                rules->path ? rules->path : "") == -1)
    return NULL;
  return text;
}

/* All of it --------------------------------------------------------------- */

struct log_rules *
log_rules_new (struct log *log)
{
  struct log_rules *rules = calloc (1, sizeof *rules);

  if (rules == NULL)
    return NULL;
  pthread_mutex_init (&rules->lock, NULL);
  rules->level = log->level;
  rules->first_fd = log->fd;
  rules->first_is_journal = log->journal;
  rules->file_fd = -1;
  log->rules = rules;
  return rules;
}

void
log_rules_free (struct log *log)
{
  struct log_rules *rules = log->rules;

  if (rules == NULL)
    return;
  log->rules = NULL;
  log->fd = rules->first_fd;
  log->journal = rules->first_is_journal;
  if (rules->file_fd != -1)
    close (rules->file_fd);
  drop_filters (rules->filters, rules->count);
  free (rules->path);
  pthread_mutex_destroy (&rules->lock);
  free (rules);
}
