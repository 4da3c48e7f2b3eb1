#pragma once

#include "backbone/decoder_spec.h"
#include "core/document.h"

namespace telora {

// Rope base and scaling of a config.json into `spec`: rope_theta and rope_scaling, or the object
// rope_parameters of transformers 5. Types other than default and llama3 are refused.
void read_rope(Fields& fields, DecoderSpec& spec);

// The same for models whose local layers have a base of their own: rope_theta, rope_scaling and
// rope_local_base_freq, or rope_parameters with one object for each type of layer.
void read_rope_by_layer_type(Fields& fields, DecoderSpec& spec);

}  // namespace telora
