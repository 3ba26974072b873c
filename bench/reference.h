/* SPDX-License-Identifier: BSD-2-Clause */
/* What the result should be, by unfurl's naive loop: of the first and the last image of a batch only, as it is slow. */
#ifndef BENCH_REFERENCE_H
#define BENCH_REFERENCE_H

#include "measure_data.h"
#include "problem.h"
#include "unfurl/context.h"
#include "unfurl/status.h"

/* Fills these images of data->reference. */
unfurl_status reference_make(const unfurl_context *context, const problem_spec *problem, measure_data *data,
                             unfurl_error *error);

/* |dst - reference| / |reference| over these images. NaN if dst has a NaN there. */
double reference_error(const problem_spec *problem, const measure_data *data);

#endif
