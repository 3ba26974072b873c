/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cases of kernel_check.c are made of: buffers against pages that can't be accessed, data, epilogues, and the
 * comparison of results. */
#ifndef UNFURL_TESTS_KERNEL_DATA_H
#define UNFURL_TESTS_KERNEL_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "gemm/epilogue.h"
#include "kernel_variants.h"
#include "support.h"

/* Begins a case of a variant: what is being checked, so that a fault in a kernel can be told too. */
void kernel_case_begin(const char *variant);
__attribute__((format(printf, 1, 2))) void kernel_case_says(const char *format, ...);

/* A kernel is given each of these once with its end, and once (`before`) with its beginning at such a page. */
typedef enum place { SRC, SRC_AT, WEIGHTS, BIAS, RESIDUAL, DST, DST_AT, PLACES } place;
enum { BUFFER_BYTES = 1 << 20 };

void fences_make(void);
void fences_free(void);

/* Where `bytes` bytes lie in a place. */
void *put(place p, size_t bytes, bool before);

/* Numbers of a kind that is drawn too, the same for both sides of the fence. */
void fill(rng *r, place p, size_t count);

/* One of the numbers. */
size_t some(rng *r, const size_t *from, size_t count);

/* bias and residual say whether there is one; place_epilogue says where. */
typedef struct epilogue_choice {
  bool bias, residual;
  unfurl_epilogue epilogue;
} epilogue_choice;

epilogue_choice choose_epilogue(rng *r);
unfurl_epilogue place_epilogue(const epilogue_choice *choice, size_t cols, size_t dst_count, bool before);

/* A place for what dst must be: it and dst are filled with what no kernel writes. */
float *expect(float *dst, size_t count);

/* Whether dst is what it must be; tells if not. */
bool compare(const float *dst, const float *expected, size_t count);

/* Checks of kernel_check_activate.c, _max_pool.c, _planar.c, _grouped.c and _winograd.c: each returns the number of
 * cases. */
size_t check_activations(const kernel_variant *variant, size_t rounds, size_t *failures);
size_t check_max_pools(const kernel_variant *variant, size_t rounds, size_t *failures);
size_t check_planars(const kernel_variant *variant, size_t rounds, size_t *failures);
size_t check_groupeds(const kernel_variant *variant, size_t rounds, size_t *failures);
size_t check_winograds(const kernel_variant *variant, size_t rounds, size_t *failures);

#endif
