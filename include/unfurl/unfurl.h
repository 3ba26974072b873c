/* SPDX-License-Identifier: BSD-2-Clause */
/* unfurl: convolution lowered to a matrix product. This header includes all the others.
 *
 * A ladder, from one layer to whole networks:
 *
 *     conv.h      one convolution: describe, plan, execute          im2col.h   the patch matrix itself
 *     model.h     a network as a graph of operators                 session.h  runs it
 *     onnx.h      reads a model from an ONNX file (library libunfurl-onnx)
 *     wisdom.h    keeps what was measured for the next time
 *
 * and what they stand on: status.h, context.h, tensor.h, blas.h, cpu.h.
 */
#ifndef UNFURL_UNFURL_H
#define UNFURL_UNFURL_H

#include "unfurl/blas.h"
#include "unfurl/context.h"
#include "unfurl/conv.h"
#include "unfurl/cpu.h"
#include "unfurl/im2col.h"
#include "unfurl/model.h"
#include "unfurl/onnx.h"
#include "unfurl/session.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"
#include "unfurl/wisdom.h"

#endif
