/* SPDX-License-Identifier: BSD-2-Clause */
/* Status codes and error messages.
 *
 * Every function that can fail returns an unfurl_status and fills a caller-owned unfurl_error with a sentence that
 * says what was wrong with what. The error belongs to the call, never to a shared object, so threads do not mix
 * theirs up. Pass NULL where the status is enough.
 *
 *     unfurl_error error;
 *     if (unfurl_conv_plan_create(context, &desc, &plan, &error) != UNFURL_OK)
 *       fprintf(stderr, "%s\n", error.message);
 *
 * unfurl_error is the one public struct without a size field: it is written by the library only, and it will not grow.
 */
#ifndef UNFURL_STATUS_H
#define UNFURL_STATUS_H

#include <stddef.h>

#if defined(__GNUC__)
#define UNFURL_API __attribute__((visibility("default")))
#else
#define UNFURL_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum unfurl_status {
  UNFURL_OK = 0,           /* done */
  UNFURL_INVALID_ARGUMENT, /* an argument, a field or an attribute has a value that means nothing */
  UNFURL_UNSUPPORTED,      /* well formed, but nothing here computes it */
  UNFURL_TOO_LARGE,        /* a size overflows, or exceeds a limit that was set */
  UNFURL_OUT_OF_MEMORY,    /* the allocator returned NULL */
  UNFURL_IO_ERROR,         /* a file could not be opened or read */
  UNFURL_BAD_FILE,         /* a file was read, and is damaged or not of its format */
  UNFURL_BLAS_ERROR        /* the BLAS gives wrong results on this machine (self-test) */
} unfurl_status;

typedef struct unfurl_error {
  unfurl_status status; /* the same as the value returned */
  char message[508];    /* one sentence without newline, empty after UNFURL_OK; always terminated */
} unfurl_error;

/* A constant, lower-case phrase for `status` ("out of memory"); never NULL, also for unknown values. */
UNFURL_API const char *unfurl_status_string(unfurl_status status);

/* The version of the library that is linked, "major.minor.patch". */
UNFURL_API const char *unfurl_version(void);

#ifdef __cplusplus
}
#endif
#endif
