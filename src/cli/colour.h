/* SPDX-License-Identifier: BSD-2-Clause */
/* Pixels from one number of channels to another: 1 (grey), 3 (RGB), or from 4 (CMYK as Adobe's JPEG files have it). */
#ifndef CLI_COLOUR_H
#define CLI_COLOUR_H

#include <stddef.h>

/* to[count][to_channels] from from[count][from_channels]; `to` may be `from`. */
void colour_convert(unsigned char *to, size_t to_channels, const unsigned char *from, size_t from_channels,
                    size_t count);

#endif
