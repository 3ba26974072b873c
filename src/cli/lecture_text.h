/* SPDX-License-Identifier: BSD-2-Clause */
/* The lecture as text, step by step, for someone who has never seen a convolution; with pictures where the terminal has
 * colours. No line is longer than 80 columns. */
#ifndef CLI_LECTURE_TEXT_H
#define CLI_LECTURE_TEXT_H

#include "lecture.h"
#include "lecture_pictures.h"
#include "terminal.h"

/* `path` is the image's file, or NULL: the scene. */
void lecture_text_print(const terminal *screen, const lecture_numbers *numbers, const lecture_pictures *pictures,
                        const char *path);

#endif
