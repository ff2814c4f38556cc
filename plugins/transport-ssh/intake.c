/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The handshake with a helper: its note arrives with two descriptors, they
 * are made ours, and it is told so.  Whoever can connect to the socket can
 * say anything here, or nothing: the host's deadline ends that.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "listen.h"

void
intake_free (struct intake *intake)
{
  if (intake == NULL)
    return;
  while (intake->fd_count > 0)
    close (intake->fd[--intake->fd_count]);
  free (intake);
}

/* To the helper.  It has read nothing before, so there is room for this. */
static void
tell (const struct served *served, char code, const char *text)
{
  const struct virgate_transport *t = served->ssh->listen->unix_socket;
  const struct iovec iov[] = {
    { &code, 1 }, { (char *) text, strlen (text) },
  };

  t->ops->writev (served->helper, iov, COUNT_OF (iov), NULL);
}

static int
refuse (const struct served *served, const char *why)
{
  const struct virgate_host *host = served->ssh->host;

  tell (served, NOTE_REFUSED, why);
  return host->error (host, "a helper's connection is refused: %s", why);
}

/* Keep the first two of those that came; close the others. */
static int
take_fds (struct intake *intake)
{
  int result = 0;

  for (uint32_t i = 0; i < intake->fds.count; i++) {
    if (intake->fd_count < COUNT_OF (intake->fd))
      intake->fd[intake->fd_count++] = intake->fds.fd[i];
    else {
      close (intake->fds.fd[i]);
      result = -1;
    }
  }
  intake->fds.count = 0;
  return result;
}

/* Read what there is: 0, VIRGATE_IO_WANT_READ, or -1 after reporting. */
static int
receive (struct served *served)
{
  const struct virgate_transport *t = served->ssh->listen->unix_socket;
  const struct virgate_host *host = served->ssh->host;
  struct intake *intake = served->intake;
  struct iovec iov = { intake->data + intake->len,
                       sizeof intake->data - intake->len };
  ssize_t n = t->ops->readv (served->helper, &iov, 1, &intake->fds);

  if (n == VIRGATE_IO_WANT_READ)
    return n;
  if (n == VIRGATE_IO_ERROR && errno == EMFILE)
    return refuse (served, "virgated can take no more descriptors");
  if (n <= 0)
    return host->error (host, "a helper went away before it handed over a "
                        "connection");
  intake->len += n;
  if (take_fds (intake) == -1)
    return refuse (served, "there are more than two descriptors");
  return 0;
}

/* The note is whole, and nothing else came. */
static int
understand (struct served *served)
{
  struct intake *intake = served->intake;
  const char *why;

  if (intake->fd_count != COUNT_OF (intake->fd))
    return refuse (served, "there are fewer than two descriptors");
  served->note = malloc (sizeof *served->note);
  if (served->note == NULL)
    return refuse (served, "virgated is out of memory");
  if (note_read (intake->data, intake->len, served->note, &why) == -1
      || handed_take (&served->handed, intake->fd, &why) == -1)
    return refuse (served, why);
  return 0;
}

/* Nothing is read in the first round, which may run on the loop: what comes
 * along with a note can take its time to be closed.
 */
int
served_handshake (void *conn)
{
  struct served *served = conn;
  const char *why;
  int result;

  if (!served->is_begun) {
    served->is_begun = true;
    return VIRGATE_IO_WANT_READ;
  }
  if (served->intake == NULL)
    served->intake = calloc (1, sizeof *served->intake);
  if (served->intake == NULL)
    return refuse (served, "virgated is out of memory");
  result = receive (served);
  if (result != 0)
    return result;
  result = note_length (served->intake->data, served->intake->len, &why);
  if (result == -1)
    return refuse (served, why);
  if (result == 0 || served->intake->len < (size_t) result)
    return VIRGATE_IO_WANT_READ;
  if (understand (served) == -1)
    return -1;
  intake_free (steal_pointer (&served->intake));
  served->is_taken = true;
  tell (served, NOTE_TAKEN, "");
  return 0;
}
