/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asking what only other threads may look at: a call goes from loop to loop,
 * or to the main thread; see admin.h.
 */
#include "config.h"

#include <stdlib.h>

#include "daemon/admin.h"
#include "daemon/call.h"
#include "daemon/server.h"
#include "daemon/session.h"

struct trip {
  struct mail mail;
  struct admin_tour tour;
  unsigned next;                /* loop */
  int (*fn) (struct virgate_call *call);
};

static int
no_memory (struct virgate_call *call)
{
  return call_service_error (call, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_ADMIN,
                             NULL);
}

static void
deliver_trip (struct mail *mail)
{
  struct trip *trip = container_of (mail, struct trip, mail);
  struct admin_tour *tour = &trip->tour;
  struct server *server = admin_server_of (tour->call);
  struct loop *here = &server->loops[trip->next++];
  int result;

  if (!tour->visit (tour, here) && trip->next < server->loop_count
      && !server->is_stopping) {
    loop_post (&server->loops[trip->next], &trip->mail);
    return;
  }
  result = tour->finish (tour);
  call_service_done (tour->call, result);
  free (trip);
}

int
admin_tour_start (const struct admin_tour *tour)
{
  struct trip *trip = calloc (1, sizeof *trip);

  if (trip == NULL)
    return no_memory (tour->call);
  trip->tour = *tour;
  trip->mail.deliver = deliver_trip;
  loop_post (&admin_server_of (tour->call)->loops[0], &trip->mail);
  return VIRGATE_LATER;
}

static void
deliver_main (struct mail *mail)
{
  struct trip *trip = container_of (mail, struct trip, mail);
  struct virgate_call *call = trip->tour.call;
  int result = trip->fn (call);

  free (trip);
  call_service_done (call, result);
}

int
admin_on_main (struct virgate_call *call,
               int (*fn) (struct virgate_call *call))
{
  struct trip *trip = calloc (1, sizeof *trip);

  if (trip == NULL)
    return no_memory (call);
  trip->tour.call = call;
  trip->fn = fn;
  trip->mail.deliver = deliver_main;
  loop_post (&admin_server_of (call)->loops[0], &trip->mail);
  return VIRGATE_LATER;
}
