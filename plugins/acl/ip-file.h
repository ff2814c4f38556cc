/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files with one entry of an address list on each line.
 */
#ifndef VIRGATE_ACL_IP_FILE_H
#define VIRGATE_ACL_IP_FILE_H

#include "ip-table.h"

/* Bytes of one file. */
#define IP_FILE_MAX (128 * 1024 * 1024)

/* Collect the entries of a text.
 *
 * text    LEN bytes; comments begin with '#' or ';'
 * source  kept with each entry
 * line    out: of the first error
 * why     gets the complaint about that line
 *
 * Returns 0, or -1 with whatever came before collected.
 */
int ip_file_parse (struct ip_builder *builder, const char *text, size_t len,
                   uint16_t source, uint32_t *line, char *why, size_t size);

/* The same with a regular file that not everybody can write.  why gets
 * "FILE:LINE: complaint".
 */
int ip_file_read (struct ip_builder *builder, const char *path,
                  uint16_t source, char *why, size_t size);

#endif /* VIRGATE_ACL_IP_FILE_H */
