/* SPDX-License-Identifier: BSD-2-Clause */
/* Error messages of the importer: libunfurl's own helpers are hidden inside it.
 *
 * Messages are made from the inside out: the innermost function says what is wrong, each caller puts the thing it was
 * reading in front (initializer "w": ...). Names come from the file, so the public functions clean a message before
 * they hand it out.
 */
#ifndef UNFURL_ONNX_FAIL_H
#define UNFURL_ONNX_FAIL_H

#include "unfurl/status.h"

/* Fills `error` (may be NULL) with `status` and a printf-formatted message; returns `status`. */
__attribute__((format(printf, 3, 4))) unfurl_status unfurl_onnx_fail(unfurl_error *error, unfurl_status status,
                                                                     const char *format, ...);

/* Puts a printf-formatted subject and ": " before the message of an error that was filled already; returns `status`. */
__attribute__((format(printf, 3, 4))) unfurl_status unfurl_onnx_fail_in(unfurl_error *error, unfurl_status status,
                                                                        const char *format, ...);

/* Replaces control characters in the message, so that it is one harmless line whatever the names in the file are. */
void unfurl_onnx_clean(unfurl_error *error);

#endif
