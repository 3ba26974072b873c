/* SPDX-License-Identifier: BSD-2-Clause */
/* How a function fails: one call fills the caller's error and gives the status to return. */
#ifndef UNFURL_BASE_STATUS_H
#define UNFURL_BASE_STATUS_H

#include "unfurl/status.h"

/* Fills `error` (may be NULL) with `status` and a printf-formatted message; returns `status`. */
__attribute__((format(printf, 3, 4))) unfurl_status unfurl_fail(unfurl_error *error, unfurl_status status,
                                                                const char *format, ...);

/* Clears `error` (may be NULL); returns UNFURL_OK. */
unfurl_status unfurl_succeed(unfurl_error *error);

/* unfurl_fail for memory: says what could not be allocated. */
unfurl_status unfurl_fail_memory(unfurl_error *error, const char *what);

/* Puts "subject: " before the message of an error that was filled already; returns its status. */
unfurl_status unfurl_fail_in(unfurl_error *error, unfurl_status status, const char *subject);

#endif
