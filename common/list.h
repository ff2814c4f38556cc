/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A doubly linked list whose links live inside the listed structures, so
 * that insertion and removal never allocate.  The head is a link as well.
 */
#ifndef VIRGATE_COMMON_LIST_H
#define VIRGATE_COMMON_LIST_H

#include <stdbool.h>
#include "common/mem.h"

struct list {
  struct list *next, *prev;
};

static inline void
list_init (struct list *head)
{
  head->next = head->prev = head;
}

static inline bool
list_is_empty (const struct list *head)
{
  return head->next == head;
}

static inline void
list_append (struct list *head, struct list *item)
{
  item->prev = head->prev;
  item->next = head;
  head->prev->next = item;
  head->prev = item;
}

/* Remove an item; removing it again does nothing. */
static inline void
list_remove (struct list *item)
{
  item->prev->next = item->next;
  item->next->prev = item->prev;
  list_init (item);
}

#define list_item(link, type, member) container_of (link, type, member)

/* Walk a list; the current item may be removed by the body. */
#define list_for_each(pos, head)                                        \
  for (struct list *pos = (head)->next, *pos##_next = pos->next;        \
       pos != (head); pos = pos##_next, pos##_next = pos->next)

#endif /* VIRGATE_COMMON_LIST_H */
