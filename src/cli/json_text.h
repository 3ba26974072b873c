/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON strings from text that may be anything: file names and labels need not be UTF-8. */
#ifndef CLI_JSON_TEXT_H
#define CLI_JSON_TEXT_H

#include <jansson.h>

/* A JSON string; if `text` is not UTF-8, its bytes beyond ASCII become '?'. NULL when out of memory. */
json_t *json_text(const char *text);

/* A JSON number; null for NaN and infinities, which JSON does not have. NULL when out of memory. */
json_t *json_number(double number);

#endif
