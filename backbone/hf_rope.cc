#include "backbone/hf_rope.h"

#include <fmt/format.h>

#include <optional>

#include "backbone/hf_fields.h"

namespace telora {

namespace {

double read_theta(Fields& fields) { return fields.number("rope_theta", {.min = 1, .max = 1e12}); }

RopeScaling read_llama3_scaling(Fields& rope) {
  RopeScaling scaling;
  scaling.factor = rope.number("factor", {.min = 1, .max = 1e6});
  scaling.low = rope.number("low_freq_factor", {.min = 0, .max = 1e6, .min_excluded = true});
  scaling.high = rope.number("high_freq_factor", {.min = 0, .max = 1e6, .min_excluded = true});
  if (scaling.high <= scaling.low) {
    rope.fail("high_freq_factor", fmt::format("{}", scaling.high),
              fmt::format("more than low_freq_factor {}", scaling.low));
  }
  scaling.original = static_cast<double>(
      rope.integer("original_max_position_embeddings", {.min = 1, .max = kMaxPositions}));
  return scaling;
}

// `rope` is the object rope_scaling or rope_parameters; some older files say "type".
std::optional<RopeScaling> read_scaling(Fields& rope) {
  const std::vector<std::string> types{"default", "llama3"};
  const bool old_name = !rope.has("rope_type") && rope.has("type");
  const std::string type = rope.string(old_name ? "type" : "rope_type", types);
  if (!old_name && rope.has("type") && rope.string("type", types) != type) {
    rope.fail("type", rope.string("type"), "the same as rope_type " + type);
  }
  if (type == "default") return std::nullopt;
  return read_llama3_scaling(rope);
}

// transformers 5: rope_parameters holds rope_theta and the scaling. rope_theta beside it must
// agree.
void read_rope_parameters(Fields& fields, DecoderSpec& spec) {
  Fields rope = fields.object("rope_parameters");
  spec.rope_theta = read_theta(rope);
  if (given(fields, "rope_theta") && read_theta(fields) != spec.rope_theta) {
    fields.fail("rope_theta", fmt::format("{}", read_theta(fields)),
                fmt::format("rope_parameters.rope_theta {}", spec.rope_theta));
  }
  if (given(rope, "partial_rotary_factor")) {
    rope.number("partial_rotary_factor", {.min = 1, .max = 1});
  }
  spec.rope_scaling = read_scaling(rope);
  rope.finish();
}

}  // namespace

void read_rope(Fields& fields, DecoderSpec& spec) {
  const bool old_scaling = given(fields, "rope_scaling");
  if (given(fields, "rope_parameters")) {
    if (old_scaling) {
      fields.fail("rope_scaling", "both rope_scaling and rope_parameters", "one of them");
    }
    return read_rope_parameters(fields, spec);
  }
  // The class default of transformers; configurations of the first Llama models rely on it.
  spec.rope_theta = given(fields, "rope_theta") ? read_theta(fields) : 10000;
  if (!old_scaling) return;
  Fields rope = fields.object("rope_scaling");
  spec.rope_scaling = read_scaling(rope);
  rope.finish();
}

void read_rope_by_layer_type(Fields& fields, DecoderSpec& spec) {
  if (!given(fields, "rope_parameters")) {
    read_rope(fields, spec);
    spec.local_rope_theta = fields.number("rope_local_base_freq", {.min = 1, .max = 1e12});
    return;
  }
  Fields both = fields.object("rope_parameters");
  Fields full = both.object("full_attention"), local = both.object("sliding_attention");
  spec.rope_theta = read_theta(full);
  spec.rope_scaling = read_scaling(full);
  spec.local_rope_theta = read_theta(local);
  local.string("rope_type", {"default"});
  full.finish();
  local.finish();
  both.finish();
}

}  // namespace telora
