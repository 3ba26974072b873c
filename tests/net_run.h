/* SPDX-License-Identifier: BSD-2-Clause */
/* A small network (net.h), finished, run once and gone; for Criterion's tests. */
#ifndef UNFURL_TESTS_NET_RUN_H
#define UNFURL_TESTS_NET_RUN_H

#include "net.h"

/* With so many threads, and one of OpenBLAS's. */
unfurl_context *net_context(size_t threads);

/* `y` gets the elements of output "y", whose number must be `count`. */
void net_run(net *n, const unfurl_tensor *inputs, size_t input_count, size_t count, void *y);

#endif
