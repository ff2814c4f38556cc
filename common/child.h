/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One program, run to its end by the calling thread: it is given what it is
 * to read, what it writes is collected, and when it takes too long or writes
 * too much it is killed.  It gets the environment that it is given, the
 * descriptors 0 to 2 and no others, a session and a process group of its own;
 * the group ends with it.  No signal handler is needed and none is touched.
 */
#ifndef VIRGATE_COMMON_CHILD_H
#define VIRGATE_COMMON_CHILD_H

#include <stddef.h>
#include <stdint.h>

/* Lines of errors that are passed on, and bytes of one; the rest is read and
 * forgotten.
 */
#define CHILD_LINES_MAX 20
#define CHILD_LINE_MAX 400

enum child_end {
  CHILD_EXITED,                 /* status: what it returned */
  CHILD_KILLED,                 /* status: the signal */
  CHILD_TOO_SLOW,
  CHILD_TOO_LONG,               /* it wrote more than there was room for */
  CHILD_STOPPED,                /* stop_fd became readable */
  CHILD_FAILED                  /* not started, or lost; status: errno */
};

struct child {
  char *const *argv;            /* the first is the program's absolute path */
  char *const *envp;
  const void *in;               /* may be a secret: wipe it afterwards */
  size_t in_len;
  char *out;                    /* room for what it writes */
  size_t out_size;
  int64_t deadline;             /* monotonic nanoseconds */
  int stop_fd;                  /* -1: none */
  /* One line that it wrote to its standard error, made printable. */
  void (*said) (void *opaque, const char *line);
  void *opaque;

  size_t out_len;               /* results */
  int status;
};

/* Run it.  What it wrote until it ended counts; descendants that hold its
 * output open are not waited for.  It has always been reaped afterwards.
 */
enum child_end child_run (struct child *child);

/* The end in words, for a log line: "took too long", "was killed by signal
 * 9".
 */
void child_describe (const struct child *child, enum child_end end,
                     char *text, size_t size);

#endif /* VIRGATE_COMMON_CHILD_H */
