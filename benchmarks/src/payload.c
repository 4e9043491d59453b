#include "payload.h"

const char *const payload_type = "feature.used";
const char *const payload_name = "build";
const char *const payload_target = "x86_64-unknown-linux-gnu";
const char *const payload_compiler = "swift-6.3.1-release";
const char *const payload_method = "GET";
const char *const payload_status = "200";
