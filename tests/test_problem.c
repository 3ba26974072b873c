/* SPDX-License-Identifier: BSD-2-Clause */
/* Problem strings: what benchdnn reads is read, all else is refused with a place. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cli_file.h"
#include "problem.h"
#include "random.h"

static problem_spec parse(const char *text) {
  problem_spec problem;
  unfurl_error error = {0};
  cr_assert_eq(problem_parse(&problem, text, &error), UNFURL_OK, "%s: %s", text, error.message);
  return problem;
}

static void refuse(const char *text, unfurl_status expected, const char *message) {
  problem_spec problem;
  unfurl_error error = {0};
  const unfurl_status status = problem_parse(&problem, text, &error);
  cr_assert_eq(status, expected, "'%s' gave %d: %s", text, (int)status, error.message);
  cr_assert_eq(error.status, status);
  cr_assert_not_null(strstr(error.message, message), "'%s' gave '%s', not '%s'", text, error.message, message);
  problem_free(&problem);
}

Test(problem, all_fields) {
  problem_spec p = parse("g2mb3ic96ih27iw28oc256oh14ow10kh5kw3sh2sw3ph2pw1dh0dw1n\"conv2*4\"");
  const unfurl_conv_desc *d = &p.desc;
  cr_assert(d->groups == 2 && d->batch == 3 && d->ic == 96 && d->oc == 256);
  cr_assert(d->ih == 27 && d->iw == 28 && p.oh == 14 && p.ow == 10);
  cr_assert(d->kh == 5 && d->kw == 3 && d->stride_h == 2 && d->stride_w == 3);
  cr_assert(d->pad_top == 2 && d->pad_left == 1 && d->dilation_h == 1 && d->dilation_w == 2);
  cr_assert(d->pad_bottom == 2 && d->pad_right == 3);
  cr_assert_str_eq(p.name, "conv2");
  cr_assert_eq(p.repeat, 4);
  cr_assert_eq((int64_t)problem_macs(&p), INT64_C(3) * 256 * 14 * 10 * 5 * 3 * 48);
  problem_free(&p);
}

Test(problem, defaults) {
  problem_spec p = parse("ic3ih8oc4kh3");
  const unfurl_conv_desc *d = &p.desc;
  cr_assert(d->groups == 1 && d->batch == 1 && d->iw == 8 && d->kw == 3 && d->stride_h == 1 && d->stride_w == 1);
  cr_assert(d->pad_top == 0 && d->pad_bottom == 0 && d->pad_left == 0 && d->pad_right == 0);
  cr_assert(d->dilation_h == 1 && d->dilation_w == 1 && p.oh == 6 && p.ow == 6);
  cr_assert_str_eq(p.name, "");
  cr_assert_eq(p.repeat, 1);
  problem_free(&p);
}

/* Each line: the string, oh, ow, and padding top, bottom, left, right. */
Test(problem, geometry) {
  static const struct {
    const char *text;
    int64_t oh, ow, top, bottom, left, right;
  } cases[] = {
      {"ic1ih224oc1oh112kh7sh2ph3", 112, 112, 3, 2, 3, 2}, /* the last row is not needed */
      {"ic1ih227oc1oh55kh11sh4ph0", 55, 55, 0, 0, 0, 0},
      {"ic1ih28oc1oh14kh1sh2ph0", 14, 14, 0, 0, 0, 0}, /* a row of the image is not needed */
      {"ic1ih8oc1kh3ph1", 8, 8, 1, 1, 1, 1},           /* oh left out: the same on both sides */
      {"ic1ih8oc1kh3sh2ph1", 4, 4, 1, 1, 1, 1},
      {"ic1ih8oc1oh8kh3", 8, 8, 1, 1, 1, 1}, /* ph left out: from oh */
      {"ic1ih8oc1oh8kh2", 8, 8, 0, 1, 0, 1},
      {"ic1ih8oc1oh6kh3", 6, 6, 0, 0, 0, 0},
      {"ic1ih8oc1oh8kh3ph2", 8, 8, 2, 0, 2, 0},
      {"ic1ih8oc1oh8kh3ph0", 8, 8, 0, 2, 0, 2},
      {"ic1ih8oc1oh4kh3dh1ph0", 4, 4, 0, 0, 0, 0},
      {"ic1ih8iw5oc1oh6kh3ph0", 6, 3, 0, 0, 0, 0}, /* not square: ow is computed */
      {"ic1ih8iw5oc1oh6ow4kh3ph0", 6, 4, 0, 0, 0, 1},
      {"ic1ih8oc1kh3kw1ph1pw0", 8, 8, 1, 1, 0, 0},
      {"ic1ih1oc1oh1kh3ph1", 1, 1, 1, 1, 1, 1},
      {"ic1_ih8_oc1_oh6_kh3_", 6, 6, 0, 0, 0, 0},
      {"kh3oc1ih8ic1", 6, 6, 0, 0, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    problem_spec p = parse(cases[i].text);
    cr_assert(p.oh == cases[i].oh && p.ow == cases[i].ow, "%s", cases[i].text);
    cr_assert(p.desc.pad_top == cases[i].top && p.desc.pad_bottom == cases[i].bottom, "%s", cases[i].text);
    cr_assert(p.desc.pad_left == cases[i].left && p.desc.pad_right == cases[i].right, "%s", cases[i].text);
    problem_free(&p);
  }
}

Test(problem, names) {
  static const struct {
    const char *text, *name;
    size_t repeat;
  } cases[] = {
      {"ic1ih1oc1kh1n\"a\"", "a", 1},
      {"ic1ih1oc1kh1na", "a", 1}, /* the shell took the quotes */
      {"ic1ih1oc1kh1nnet:conv1*12", "net:conv1", 12},
      {"ic1ih1oc1kh1n\"ic1ih1\"", "ic1ih1", 1},
      {"ic1ih1oc1kh1n\"a b\"  ", "a b", 1},
      {"  ic1ih1oc1kh1n\"\xc3\xa9*2\"", "\xc3\xa9", 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    problem_spec p = parse(cases[i].text);
    cr_assert_str_eq(p.name, cases[i].name);
    cr_assert_eq(p.repeat, cases[i].repeat);
    cr_assert_neq(p.text[0], ' ');
    cr_assert_neq(p.text[strlen(p.text) - 1], ' ');
    problem_free(&p);
  }
}

Test(problem, malformed) {
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"", "'ic' is missing"},
      {"ic3", "'oc' is missing"},
      {"ic3oc3", "'ih' is missing"},
      {"ic3oc3ih8", "'kh' is missing"},
      {"ic3oc3iw8kw3", "'ih' is missing"},
      {"ic3ih8oc4kh3x5", "no known field at character 13, 'x5'"},
      {"ic3ih8oc4kh3 ph1", "no known field at character 13"},
      {"ic3ih8oc4kh3,", "no known field at character 13"},
      {"IC3ih8oc4kh3", "no known field at character 1"},
      {"3ic", "no known field at character 1"},
      {"icih8oc4kh3", "a number is missing at character 3"},
      {"ic3ih8oc4kh", "a number is missing at character 12"},
      {"ic-3ih8oc4kh3", "a number is missing at character 3"},
      {"ic3ih8oc4kh3ic3", "a field for the second time at character 13"},
      {"ic0ih8oc4kh3", "must not be 0 at character 3"},
      {"ic3ih8oc4kh3sh0", "must not be 0"},
      {"ic3ih8oc4kh3oh0", "must not be 0"},
      {"g0ic3ih8oc4kh3", "must not be 0"},
      {"mb0ic3ih8oc4kh3", "must not be 0"},
      {"ic1073741825ih8oc4kh3", "too large at character 3"},
      {"ic99999999999999999999999999999ih8oc4kh3", "too large at character 3"},
      {"g2ic3ih8oc4kh3", "not both multiples of g2"},
      {"g2ic4ih8oc3kh3", "not both multiples of g2"},
      {"ic3ih8oc4kh9", "larger than the padded image"},
      {"ic3ih8oc4kh3ph0oh5", "oh5 does not fit: oh6 to oh8 would"},
      {"ic3ih8oc4kh3ph0oh9", "oh9 does not fit: oh6 to oh8 would"},
      {"ic3ih8oc4kh1ph0oh9", "oh9 does not fit: oh8 would"},
      {"ic3ih8oc4kh3ph0oh6ow9", "ow9 does not fit"},
      {"ic3ih8oc4kh3n", "an empty name at character 14"},
      {"ic3ih8oc4kh3n\"\"", "an empty name"},
      {"ic3ih8oc4kh3n\"a", "a quote that is never closed at character 14"},
      {"ic3ih8oc4kh3n\"a\"b", "more after the name at character 17"},
      {"ic3ih8oc4kh3na\"b", "no character of a name"},
      {"ic3ih8oc4kh3na\tb", "no character of a name"},
      {"ic3ih8oc4kh3na*", "no repeat count"},
      {"ic3ih8oc4kh3na*0", "no repeat count"},
      {"ic3ih8oc4kh3na*b", "no repeat count"},
      {"ic3ih8oc4kh3na*2b", "no repeat count"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    refuse(cases[i].text, UNFURL_INVALID_ARGUMENT, cases[i].message);
}

Test(problem, depth) {
  static const char *const cases[] = {"ic3id8ih8oc4kh3", "ic3ih8oc4od4kh3", "ic3ih8oc4kd3kh3",
                                      "ic3ih8oc4kh3sd1", "ic3ih8oc4kh3pd0", "ic3ih8oc4kh3dd0"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) refuse(cases[i], UNFURL_UNSUPPORTED, "three-dimensional");
}

Test(problem, truncated_at_every_byte) {
  static const char text[] = "g2mb1ic96ih27iw27oc256oh27ow27kh5kw5sh1sw1ph2pw2dh0dw0n\"conv2*1\"";
  for (size_t part = 0; part < sizeof text; part++) {
    char piece[sizeof text];
    problem_spec problem;
    unfurl_error error = {0};
    memcpy(piece, text, part);
    piece[part] = '\0';
    if (problem_parse(&problem, piece, &error) != UNFURL_OK) cr_assert_neq(error.message[0], '\0');
    problem_free(&problem);
  }
}

/* Whatever is accepted makes sense: the library, which computes the result's size by itself, finds the same. */
static void check_sense(const problem_spec *p) {
  int64_t oh, ow;
  cr_assert(p->desc.ic % p->desc.groups == 0 && p->desc.oc % p->desc.groups == 0);
  cr_assert(p->oh >= 1 && p->ow >= 1 && p->repeat >= 1);
  if (unfurl_conv_output_size(&p->desc, &oh, &ow, NULL) == UNFURL_OK)
    cr_assert(oh == p->oh && ow == p->ow, "%s: the library finds oh%lld ow%lld", p->text, (long long)oh, (long long)ow);
}

Test(problem, mutations, .timeout = 60) {
  static const char start[] = "g2mb1ic96ih27iw27oc256oh27kh5kw5sh1sw1ph2pw2dh0dw0n\"conv2*1\"";
  static const char letters[] = "0123456789icohkwsdpgmbn\"*_";
  uint64_t state = 1;
  for (size_t i = 0; i < 20000; i++) {
    char text[sizeof start];
    memcpy(text, start, sizeof start);
    for (uint64_t changes = 1 + random_next(&state) % 4; changes > 0; changes--) {
      const uint64_t bits = random_next(&state);
      text[bits % (sizeof start - 1)] =
          bits & 0x10000 ? (char)(bits >> 24) : letters[(bits >> 20) % (sizeof letters - 1)];
    }
    problem_spec problem;
    unfurl_error error = {0};
    if (problem_parse(&problem, text, &error) == UNFURL_OK)
      check_sense(&problem);
    else
      cr_assert_neq(error.message[0], '\0');
    problem_free(&problem);
  }
}

static int64_t pick(uint64_t *state, int64_t least, int64_t most) {
  return least + (int64_t)(random_next(state) % (uint64_t)(most - least + 1));
}

/* Any convolution, square ones often. */
static unfurl_conv_desc random_desc(uint64_t *state) {
  unfurl_conv_desc d;
  unfurl_conv_desc_init(&d);
  const bool square = pick(state, 0, 1);
  d.groups = pick(state, 1, 3), d.batch = pick(state, 1, 3);
  d.ic = d.groups * pick(state, 1, 4), d.oc = d.groups * pick(state, 1, 4);
  d.ih = pick(state, 1, 12), d.iw = square ? d.ih : pick(state, 1, 12);
  d.kh = pick(state, 1, 5), d.kw = square ? d.kh : pick(state, 1, 5);
  d.stride_h = pick(state, 1, 3), d.stride_w = square ? d.stride_h : pick(state, 1, 3);
  d.dilation_h = pick(state, 1, 2), d.dilation_w = square ? d.dilation_h : pick(state, 1, 2);
  d.pad_top = pick(state, 0, 3), d.pad_left = square ? d.pad_top : pick(state, 0, 3);
  d.pad_bottom = pick(state, 0, (d.kh - 1) * d.dilation_h), d.pad_right = pick(state, 0, (d.kw - 1) * d.dilation_w);
  return d;
}

/* Its string means the same convolution, but for padding that no result needs. */
Test(problem, the_way_back) {
  uint64_t state = 7;
  size_t written = 0;
  for (size_t i = 0; i < 20000; i++) {
    const unfurl_conv_desc d = random_desc(&state);
    int64_t oh, ow;
    problem_spec p;
    unfurl_error error = {0};
    if (unfurl_conv_output_size(&d, &oh, &ow, NULL) != UNFURL_OK) continue;
    cr_assert_eq(problem_describe(&p, &d, "name", 3, &error), UNFURL_OK, "%s", error.message);
    const unfurl_conv_desc *q = &p.desc;
    cr_assert(q->groups == d.groups && q->batch == d.batch && q->ic == d.ic && q->oc == d.oc, "%s", p.text);
    cr_assert(q->ih == d.ih && q->iw == d.iw && q->kh == d.kh && q->kw == d.kw, "%s", p.text);
    cr_assert(q->stride_h == d.stride_h && q->stride_w == d.stride_w, "%s", p.text);
    cr_assert(q->dilation_h == d.dilation_h && q->dilation_w == d.dilation_w, "%s", p.text);
    cr_assert(q->pad_top == d.pad_top && q->pad_left == d.pad_left && p.oh == oh && p.ow == ow, "%s", p.text);
    cr_assert(q->pad_bottom <= d.pad_bottom && q->pad_right <= d.pad_right, "%s", p.text);
    cr_assert(strcmp(p.name, "name") == 0 && p.repeat == 3, "%s", p.text);
    problem_free(&p);
    written++;
  }
  cr_assert_gt(written, 10000);
}

Test(problem, names_that_are_written) {
  char longest[1000];
  unfurl_conv_desc d;
  problem_spec p;
  unfurl_conv_desc_init(&d);
  cr_assert_eq(problem_describe(&p, &d, "a\"b\n*2\xff", 1, NULL), UNFURL_OK);
  cr_assert_str_eq(p.text, "mb1ic1ih1oc1oh1kh1ph0n\"a?b?*2?*1\"");
  cr_assert_str_eq(p.name, "a?b?*2?");
  problem_free(&p);
  memset(longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  cr_assert_eq(problem_describe(&p, &d, longest, SIZE_MAX >> 40, NULL), UNFURL_OK);
  cr_assert_lt(strlen(p.name), 200);
  problem_free(&p);
  d.transposed = true;
  cr_assert_eq(problem_describe(&p, &d, "", 1, NULL), UNFURL_UNSUPPORTED);
  problem_free(&p);
}

Test(problem, files) {
  static const char text[] =
      "# comment\n\nmb1ic3ih32oc6oh28kh5ph0n\"lecture*1\"\n  \t\n  # more\r\nic1ih8oc1kh3\r\nic2ih8oc1kh3";
  cli_file file = cli_file_make();
  problem_list list = {0};
  unfurl_error error = {0};
  cli_file_set(&file, text, strlen(text));
  cr_assert_eq(problem_list_load(&list, file.path, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(list.count, 3);
  cr_assert_str_eq(list.items[0].name, "lecture");
  cr_assert_str_eq(list.items[1].text, "ic1ih8oc1kh3");
  cr_assert_eq(list.items[2].desc.ic, 2);
  problem_list_free(&list);
  cli_file_set(&file, "ic1ih8oc1kh3\n\nic1ih8oc1kz3\n", 27);
  cr_assert_eq(problem_list_load(&list, file.path, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_not_null(strstr(error.message, "line 3: no known field at character 10"), "%s", error.message);
  problem_list_free(&list);
  cr_assert_eq(problem_list_load(&list, "/nowhere", &error), UNFURL_IO_ERROR);
  problem_list_free(&list);
  cli_file_close(&file);
}
