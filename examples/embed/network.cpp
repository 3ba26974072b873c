// SPDX-License-Identifier: BSD-2-Clause
// Embedding a network, from C++: loads an ONNX file and runs it on batches of two sizes.
//
//     c++ network.cpp $(pkg-config --cflags --libs unfurl-onnx) -o network && ./network ../fashion_mnist/lenet5.onnx
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <vector>

#include <unfurl/unfurl.h>

namespace {

// Turns a failed call into an exception that carries its message.
void check(unfurl_status status, const unfurl_error &error) {
  if (status != UNFURL_OK) throw std::runtime_error(error.message);
}

// The library's destroy functions take a pointer to the pointer.
template <typename T, void destroy(T **)> struct Destroy {
  void operator()(T *object) const {
    destroy(&object);
  }
};
using Context = std::unique_ptr<unfurl_context, Destroy<unfurl_context, unfurl_context_destroy>>;
using Model = std::unique_ptr<unfurl_model, Destroy<unfurl_model, unfurl_model_destroy>>;
using Session = std::unique_ptr<unfurl_session, Destroy<unfurl_session, unfurl_session_destroy>>;

// Runs the network on `batch` images of its input's size, filled with a ramp, and prints the first image's best class.
void run(const Model &model, const Session &session, int64_t batch) {
  unfurl_error error;
  unfurl_tensor input;
  check(unfurl_model_input_shape(model.get(), 0, &input, &error), error);
  for (size_t i = 0; i < input.rank; i++)
    if (input.dims[i] == -1) input.dims[i] = i == 0 ? batch : 1;
  size_t count;
  check(unfurl_tensor_elements(&input, &count, &error), error);
  std::vector<float> pixels(count);
  for (size_t i = 0; i < count; i++) pixels[i] = static_cast<float>(i % 1024) / 1024;
  input.data = pixels.data();

  check(unfurl_session_run(session.get(), &input, 1, &error), error);
  const unfurl_tensor *output = unfurl_session_output(session.get(), 0);
  const float *scores = static_cast<const float *>(output->data);
  const auto classes = output->dims[output->rank - 1];
  int64_t best = 0;
  for (int64_t i = 1; i < classes; i++)
    if (scores[i] > scores[best]) best = i;
  std::printf("batch %lld: %lld x %lld scores, best class %lld (%.3f)\n", static_cast<long long>(batch),
              static_cast<long long>(output->dims[0]), static_cast<long long>(classes), static_cast<long long>(best),
              static_cast<double>(scores[best]));
}

} // namespace

int main(int argc, char **argv) try {
  if (argc != 2) throw std::runtime_error("usage: network MODEL.onnx");
  unfurl_error error;

  unfurl_context_options options;
  unfurl_context_options_init(&options);
  options.threads = 2;
  unfurl_context *context = nullptr;
  check(unfurl_context_create(&options, &context, &error), error);
  const Context context_owner(context);

  unfurl_model *model = nullptr;
  check(unfurl_onnx_load_file(context, argv[1], &model, &error), error);
  const Model model_owner(model);

  unfurl_session *session = nullptr;
  check(unfurl_session_create(model, nullptr, &session, &error), error);
  const Session session_owner(session);

  run(model_owner, session_owner, 1);
  run(model_owner, session_owner, 16);
  return EXIT_SUCCESS;
} catch (const std::exception &exception) {
  std::fprintf(stderr, "network: %s\n", exception.what());
  return EXIT_FAILURE;
}
