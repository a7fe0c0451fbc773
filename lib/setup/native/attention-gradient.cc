/*
 * The op TuningForkAttentionGradient, for processors with AMX: the gradients of softmax(s q kT) v by q, k and v, in bfloat16.
 */
#include "attention-head-gradient.h"

#ifdef TILES

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

/* Some of the heads. */
void SomeHeads(void *what, int part, int parts) {
  const auto &call = *static_cast<GradientsOfHeads<uint16_t> *>(what);
  const Heads &t = call.operands.heads;
  static thread_local Scratch scratch;
  char *at = scratch.Of(GradientBuffers::Bytes(t.queries, t.keys, t.size));
  if (at == nullptr) {
    call.operands.failed = true;
    return;
  }
  const GradientBuffers buffers(t.queries, t.keys, t.size, Parts(at));
  const Tiles tiles;
  const int64_t all = t.batch * t.heads;
  for (int64_t i = all * part / parts; i < all * (part + 1) / parts; i++) {
    const auto to = [&](int of) { return GradientTokens{call.gradients[of] + i * t.Tokens(of) * t.size, t.size}; };
    HeadGradients(call.operands.Head(i / t.heads, i % t.heads), {to(0), to(1), to(2)}, buffers, [](int64_t, float *) {},
                  [](int64_t, const uint16_t *) {});
  }
}

#pragma GCC pop_options

const bool registered =
    RegisterHeads<4>("TuningForkAttentionGradient", {"q: bfloat16", "k: bfloat16", "v: bfloat16", "dy: bfloat16", "seed: S"},
                     {"dq: bfloat16", "dk: bfloat16", "dv: bfloat16"}, &ComputeGradients<uint16_t, TF_BFLOAT16, &SomeHeads>);

}  // namespace

#endif
