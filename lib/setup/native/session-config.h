/*
 * Read before the binding's own sources, so that a graph can say which threads run it.
 *
 * The binding opens every graph with TensorFlow's default options. Here a file `session.config` beside the
 * graph, a serialized ConfigProto, is taken for its options; without that file all stays as it was.
 */
#ifndef TUNING_FORK_SESSION_CONFIG_H_
#define TUNING_FORK_SESSION_CONFIG_H_

#include <fstream>
#include <iterator>
#include <string>

#include "tensorflow/c/c_api.h"

inline TF_Session *ConfiguredSession(TF_SessionOptions *options, const TF_Buffer *run_options,
                                     const char *folder, const char *const *tags, int tag_count,
                                     TF_Graph *graph, TF_Buffer *meta_graph, TF_Status *status) {
  std::ifstream file(std::string(folder) + "/session.config", std::ios::binary);
  if (file) {
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    TF_SetConfig(options, bytes.data(), bytes.size(), status);
    if (TF_GetCode(status) != TF_OK) return nullptr;
  }
  return TF_LoadSessionFromSavedModel(options, run_options, folder, tags, tag_count, graph, meta_graph,
                                      status);
}

#define TF_LoadSessionFromSavedModel ConfiguredSession

#endif  // TUNING_FORK_SESSION_CONFIG_H_
