/* SPDX-License-Identifier: BSD-2-Clause */
/* How a function of the program fails: as the library's do, with an unfurl_error that the caller owns.
 *
 * `return fault_set(error, UNFURL_BAD_FILE, "...")` is the whole of it. Messages do not name the file: whoever opened
 * it puts its name in front.
 */
#ifndef CLI_FAULT_H
#define CLI_FAULT_H

#include "unfurl/status.h"

/* Fills `error` (may be NULL); returns `status`. */
__attribute__((format(printf, 3, 4))) unfurl_status fault_set(unfurl_error *error, unfurl_status status,
                                                              const char *format, ...);

/* The same with "what: " and what errno means. */
unfurl_status fault_errno(unfurl_error *error, const char *what);

unfurl_status fault_memory(unfurl_error *error);

#endif
