/*
 * What ops about the heads of an attention share: where heads lie, operands, and exponentials.
 */
#ifndef TUNING_FORK_HEADS_H_
#define TUNING_FORK_HEADS_H_

#include "register-op.h"
#include "tiles.h"

#ifdef TILES

#include "op-tensors.h"
#include "team.h"

#include <atomic>
#include <cmath>

/* Where the heads of one operand lie in its tensor, in elements; the numbers of a head's token lie side by side. */
struct View {
  int64_t offset, batch, head, token;
};

/* Which weights are dropped, as `lib/engine/ops/dropout.ts` says it: by a mixed counter. `start` is of one call. */
struct Dropout {
  bool on = false;
  int32_t least = 0;
  /* What the others are multiplied by. */
  float kept = 1;
  /* Shift and factor twice, and a last shift. */
  int64_t mixing[5] = {};
  uint32_t start = 0;

  uint32_t Mixed(uint32_t x) const {
    for (int i = 0; i < 4; i += 2) x = (x ^ x >> mixing[i]) * static_cast<uint32_t>(mixing[i + 1]);
    return x ^ x >> mixing[4];
  }
};

/* Queries, keys, values, and where there is one the gradient by the result. */
struct Heads {
  int64_t batch, heads, queries, keys, size;
  View views[4];
  float scale;
  /* Most cores that share it. */
  int64_t threads;
  Dropout dropout;

  int64_t Tokens(int operand) const { return operand == 1 || operand == 2 ? keys : queries; }
};

/* One head of one image: the first tokens of its operands, and elements from one token to the next. */
struct OneHead {
  const uint16_t *of[4];
  int64_t token[4], queries, keys, size;
  float scale;
  const Dropout *dropout;
  /* How many weights there are before its own. */
  uint32_t weight;

  uint32_t Weight(int64_t query) const { return weight + static_cast<uint32_t>(query * keys); }
};

/* An op's heads from its attributes, of so many operands. */
template <int kOperands>
void *CreateHeads(TF_OpKernelConstruction *construction) {
  auto *t = new Heads();
  int64_t sizes[5] = {}, views[4 * kOperands] = {}, least = 0;
  OpAttributes attributes(construction);
  attributes.Get("sizes", &sizes);
  attributes.Get("views", &views);
  attributes.Get("scale", &t->scale);
  attributes.Get("threads", &t->threads);
  attributes.Get("kept", &t->dropout.kept);
  attributes.Get("least", &least);
  attributes.Get("mixing", &t->dropout.mixing);
  t->dropout.least = static_cast<int32_t>(least);
  t->batch = sizes[0], t->heads = sizes[1], t->queries = sizes[2], t->keys = sizes[3], t->size = sizes[4];
  for (int i = 0; i < kOperands; i++) t->views[i] = {views[4 * i], views[4 * i + 1], views[4 * i + 2], views[4 * i + 3]};
  return t;
}

/* An op of so many operands and one seed where weights are dropped. */
template <int kOperands>
bool RegisterHeads(const char *name, std::initializer_list<const char *> inputs,
                   std::initializer_list<const char *> outputs, void (*compute)(void *, TF_OpKernelContext *),
                   bool may = MayUseTiles()) {
  return Register({name,
                   inputs,
                   outputs,
                   {"S: list({int32}) >= 0", "sizes: list(int)", "views: list(int)", "scale: float", "threads: int",
                    "least: int", "kept: float", "mixing: list(int)"},
                   &CreateHeads<kOperands>,
                   compute,
                   [](void *kernel) { delete static_cast<Heads *>(kernel); }},
                  may);
}

/* One call: the operands that it holds until its end, and whether somebody had no room to compute in. */
class Operands {
 public:
  /* The status says what is wrong with one. */
  Operands(TF_OpKernelContext *context, const Heads &t, int count, TF_Status *status)
      : heads(t), dropout(t.dropout), count_(count) {
    for (int i = 0; i < count && TF_GetCode(status) == TF_OK; i++) {
      TF_GetInput(context, i, &tensors_[i], status);
      if (TF_GetCode(status) != TF_OK) return;
      const View &view = t.views[i];
      const int64_t last = view.offset + (t.batch - 1) * view.batch + (t.heads - 1) * view.head +
                           (t.Tokens(i) - 1) * view.token + t.size;
      if (last > TF_TensorElementCount(tensors_[i]))
        TF_SetStatus(status, TF_INVALID_ARGUMENT, "an operand of an attention is smaller than its view");
    }
    // A seed, where weights are dropped.
    dropout.on = TF_NumInputs(context) > count;
    if (!dropout.on || TF_GetCode(status) != TF_OK) return;
    TF_Tensor *seed = nullptr;
    TF_GetInput(context, count, &seed, status);
    if (TF_GetCode(status) != TF_OK) return;
    const auto *key = static_cast<const uint32_t *>(TF_TensorData(seed));
    if (TF_TensorElementCount(seed) == 2) dropout.start = dropout.Mixed(dropout.Mixed(key[0]) ^ key[1]);
    else TF_SetStatus(status, TF_INVALID_ARGUMENT, "the seed of an attention's dropout has not two numbers");
    TF_DeleteTensor(seed);
  }
  ~Operands() {
    for (int i = 0; i < count_; i++)
      if (tensors_[i] != nullptr) TF_DeleteTensor(tensors_[i]);
  }

  /* A head of an image: its first token. */
  template <class T = uint16_t>
  const T *At(int operand, int64_t image, int64_t head) const {
    const View &view = heads.views[operand];
    return static_cast<const T *>(TF_TensorData(tensors_[operand])) + view.offset + image * view.batch +
           head * view.head;
  }

  /* How many weights there are before those of a query. */
  uint32_t Weight(int64_t image, int64_t head, int64_t query) const {
    return static_cast<uint32_t>(((image * heads.heads + head) * heads.queries + query) * heads.keys);
  }

  /* A head of an image, whose operands are in bfloat16. */
  OneHead Head(int64_t image, int64_t head) const {
    OneHead one = {{}, {}, heads.queries, heads.keys, heads.size, heads.scale, &dropout, Weight(image, head, 0)};
    for (int i = 0; i < count_; i++) one.of[i] = At(i, image, head), one.token[i] = heads.views[i].token;
    return one;
  }

  const Heads &heads;
  Dropout dropout;
  std::atomic<bool> failed{false};

 private:
  int count_;
  TF_Tensor *tensors_[4] = {};
};

/* A call of an op of queries, keys and values: `share(operands, y, threads)` computes its result, `[batch, queries, heads x size]`. */
template <class T, class Share>
void ComputeHeads(void *kernel, TF_OpKernelContext *context, TF_DataType type, Share share) {
  const Heads &t = *static_cast<const Heads *>(kernel);
  TF_Status *status = TF_NewStatus();
  Operands operands(context, t, 3, status);
  TF_Tensor *y = nullptr;
  if (TF_GetCode(status) == TF_OK) {
    const int64_t shape[] = {t.batch, t.queries, t.heads * t.size};
    y = TF_AllocateOutput(context, 0, type, shape, 3, sizeof(T) * shape[0] * shape[1] * shape[2], status);
  }
  if (TF_GetCode(status) == TF_OK) {
    share(operands, static_cast<T *>(TF_TensorData(y)), static_cast<int>(t.threads));
    if (operands.failed) TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "an attention has no room to compute in");
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  if (y != nullptr) TF_DeleteTensor(y);
  TF_DeleteStatus(status);
}

/* What the parts of a call share whose results are gradients by queries, keys and values: of each head side by side. */
template <class T>
struct GradientsOfHeads {
  Operands &operands;
  T *gradients[3];
};

/* A call of an op of queries, keys, values and the gradient by their result; `part` computes some of its heads. */
template <class T, TF_DataType kType, Team::Work part>
void ComputeGradients(void *kernel, TF_OpKernelContext *context) {
  const Heads &t = *static_cast<const Heads *>(kernel);
  TF_Status *status = TF_NewStatus();
  Operands operands(context, t, 4, status);
  TF_Tensor *gradients[3] = {};
  for (int i = 0; i < 3 && TF_GetCode(status) == TF_OK; i++) {
    const int64_t shape[] = {t.batch, t.heads, t.Tokens(i), t.size};
    gradients[i] = TF_AllocateOutput(context, i, kType, shape, 4, sizeof(T) * shape[0] * shape[1] * shape[2] * shape[3], status);
  }
  if (TF_GetCode(status) == TF_OK) {
    GradientsOfHeads<T> call{operands, {}};
    for (int i = 0; i < 3; i++) call.gradients[i] = static_cast<T *>(TF_TensorData(gradients[i]));
    Team::Share(t.threads, t.batch * t.heads, part, &call);
    if (operands.failed)
      TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "the gradients of an attention have no room to be computed in");
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  for (TF_Tensor *gradient : gradients)
    if (gradient != nullptr) TF_DeleteTensor(gradient);
  TF_DeleteStatus(status);
}

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

/* Which of 16 weights from one on stay. */
inline __mmask16 Stay(const Dropout &dropout, uint32_t from) {
  const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const auto shifted = [&](__m512i x, int64_t by) { return _mm512_srl_epi32(x, _mm_cvtsi64_si128(by)); };
  __m512i x = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int32_t>(from + dropout.start)), lanes);
  for (int i = 0; i < 4; i += 2)
    x = _mm512_mullo_epi32(_mm512_xor_si512(x, shifted(x, dropout.mixing[i])),
                           _mm512_set1_epi32(static_cast<int32_t>(dropout.mixing[i + 1])));
  x = _mm512_xor_si512(x, shifted(x, dropout.mixing[4]));
  return _mm512_cmpge_epi32_mask(x, _mm512_set1_epi32(dropout.least));
}

/* 32 tokens of a head side by side, zeros where there are none; of 16 tokens or fewer the first 16 rows. */
inline void CopyTokens(const uint16_t *from, int64_t stride, int64_t tokens, int64_t size, uint16_t *to) {
  const int64_t width = Padded(size);
  for (int64_t i = 0; i < (tokens > kTile ? kPairs : kTile); i++)
    for (int64_t c = 0; c < width; c += kPairs)
      _mm512_store_si512(to + i * width + c,
                         _mm512_maskz_loadu_epi16(i < tokens ? FirstOf(size - c) : 0, from + i * stride + c));
}

/* 2^x to 1e-4, a twentieth of bfloat16's step, by a polynomial around the nearest whole number. A NaN stays one. */
inline __m512 PowerOfTwo(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-126.f), x);
  const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(x, whole);
  __m512 p = _mm512_set1_ps(0.0551716682f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.242611122f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.693260986f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.999928074f));
  return _mm512_scalef_ps(p, whole);
}

#pragma GCC pop_options

#endif
#endif  // TUNING_FORK_HEADS_H_
