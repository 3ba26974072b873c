/* SPDX-License-Identifier: BSD-2-Clause */
/* Wisdom: what UNFURL_PLAN_MEASURE found out, to be kept for the next time.
 *
 * A context remembers which solver was fastest for each convolution that was measured in it, and every later plan of the
 * same convolution in that context takes it from there, also with UNFURL_PLAN_ESTIMATE. Wisdom is text that can be
 * kept in a file, or wherever a host keeps such things:
 *
 *     if (unfurl_wisdom_load(context, "layers.wisdom", &error) != UNFURL_OK)
 *       fprintf(stderr, "measuring anew: %s\n", error.message);
 *     ...
 *     unfurl_wisdom_save(context, "layers.wisdom", &error);
 *
 * It is good for one version of the library, one processor and instruction set, and one number of threads: other wisdom is
 * refused, and so is a text with any damage, whole and with a reason. What is taken is looked at again when it is used: a
 * solver that may not be chosen for a convolution is not. So wisdom can change how long a plan takes, but not a bit of its
 * results. A context keeps up to 4096 convolutions; the oldest make room. The activation does not matter: plans that
 * differ in nothing else share an entry.
 *
 * Thread rule: any number of threads may call these functions on one context, also beside planning and executing.
 */
#ifndef UNFURL_WISDOM_H
#define UNFURL_WISDOM_H

#include <stddef.h>

#include "unfurl/context.h"
#include "unfurl/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes all wisdom of the context as text, as snprintf does: terminated if size > 0, returns the length it needs.
 * Allocates nothing. */
UNFURL_API size_t unfurl_wisdom_export(const unfurl_context *context, char *buffer, size_t size);

/* Takes over the wisdom of an exported text, of `length` bytes; where the context has an entry for the same convolution,
 * it is replaced. Nothing is taken after an error. Statuses: INVALID_ARGUMENT (a NULL), BAD_FILE (damaged), UNSUPPORTED
 * (another library, processor, instruction set, number of threads), TOO_LARGE (more than any export), OUT_OF_MEMORY. */
UNFURL_API unfurl_status unfurl_wisdom_import(unfurl_context *context, const char *text, size_t length,
                                              unfurl_error *error);

/* The same with a file. Saving writes a new file beside `path`, syncs it and renames it: `path` is the old one or the new
 * one, never half of it. Further status: IO_ERROR. The message names the file. */
UNFURL_API unfurl_status unfurl_wisdom_save(const unfurl_context *context, const char *path, unfurl_error *error);
UNFURL_API unfurl_status unfurl_wisdom_load(unfurl_context *context, const char *path, unfurl_error *error);

/* The number of convolutions that the context knows about, for this instruction set. */
UNFURL_API size_t unfurl_wisdom_count(const unfurl_context *context);

/* Forgets all of it. */
UNFURL_API void unfurl_wisdom_forget(unfurl_context *context);

#ifdef __cplusplus
}
#endif
#endif
