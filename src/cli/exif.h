/* SPDX-License-Identifier: BSD-2-Clause */
/* The one thing that pixels need from Exif data: which way up the camera was held.
 *
 * Exif data is a TIFF file without picture: a byte order, the place of a table, and in the table 12 bytes an entry:
 * tag, type, count and value. Anything that is not so, anywhere, means "upright": a photograph with strange Exif data
 * is still a photograph.
 */
#ifndef CLI_EXIF_H
#define CLI_EXIF_H

#include <stddef.h>

/* The orientation, 1 (upright) to 8, of the TIFF data in `bytes`. */
unsigned exif_orientation(const unsigned char *bytes, size_t size);

#endif
