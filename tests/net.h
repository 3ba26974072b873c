/* SPDX-License-Identifier: BSD-2-Clause */
/* Small networks in few lines. The first error is kept and later calls do nothing, so that a test asserts once; names
 * stand in one string, separated by spaces, and "-" leaves one out. It knows no test framework. */
#ifndef UNFURL_TESTS_NET_H
#define UNFURL_TESTS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unfurl/session.h"

typedef struct net {
  unfurl_model *model;
  unfurl_status status;
  unfurl_error error;
} net;

/* `options` may be NULL. */
net net_begin(const unfurl_context *context, const unfurl_model_options *options);

void net_input(net *n, const char *name, size_t rank, const int64_t *dims);
void net_typed_input(net *n, const char *name, unfurl_dtype dtype, size_t rank, const int64_t *dims);
void net_constant(net *n, const char *name, size_t rank, const int64_t *dims, const float *data);
void net_integers(net *n, const char *name, size_t count, const int64_t *data);

/* A constant of those dims with small integers (support.h), made from `seed`. */
void net_weights(net *n, const char *name, size_t rank, const int64_t *dims, uint64_t seed);

/* The same with signed numbers. */
void net_real_weights(net *n, const char *name, size_t rank, const int64_t *dims, uint64_t seed);

/* `attributes` may be NULL with count 0. The node's name is its operator and first output: "Conv of y". */
void net_node(net *n, const char *op, const char *inputs, const char *outputs);
void net_node_with(net *n, const char *op, const char *inputs, const char *outputs, size_t count,
                   const unfurl_attribute *attributes);

/* A node as tables of networks write it. */
typedef struct net_step {
  const char *op, *inputs, *output;
} net_step;

void net_output(net *n, const char *name);
void net_finish(net *n);

/* Whether the last runs of two sessions gave output `index` the same shape and the same bits. */
bool net_same_output(const unfurl_session *a, const unfurl_session *b, size_t index);

/* Attributes; the values must live until the node is added. */
unfurl_attribute attribute_int(const char *name, const int64_t *value);
unfurl_attribute attribute_float(const char *name, const float *value);
unfurl_attribute attribute_string(const char *name, const char *value);
unfurl_attribute attribute_ints(const char *name, size_t count, const int64_t *values);

#endif
