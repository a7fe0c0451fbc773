/*
 * quietly(f): call f while the process's standard error goes to /dev/null.
 *
 * TensorFlow's library writes two lines of its own when it is loaded, before any of its log settings
 * can apply; they would stand above the output of every command. JavaScript cannot redirect a
 * descriptor, so this does. An error that f throws still arrives.
 */
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

static napi_value quietly(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value function, global, result = NULL;
  napi_get_cb_info(env, info, &count, &function, NULL, NULL);
  napi_get_global(env, &global);
  int kept = dup(STDERR_FILENO);
  int nowhere = open("/dev/null", O_WRONLY);
  if (kept >= 0 && nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  napi_call_function(env, global, function, 0, NULL, &result);
  if (kept >= 0 && nowhere >= 0) dup2(kept, STDERR_FILENO);
  if (kept >= 0) close(kept);
  if (nowhere >= 0) close(nowhere);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "quietly", NAPI_AUTO_LENGTH, quietly, NULL, &function);
  napi_set_named_property(env, exports, "quietly", function);
  return exports;
}
