// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "runtime/record/converter.hpp"

// The makers behind make_converter and make_header_converter. `config` is parsed and valid.
namespace sluice::record {

const config::ConfigDef& json_converter_config();
std::unique_ptr<Converter> make_json_converter(const config::ConfigMap& config);

const config::ConfigDef& string_converter_config();
std::unique_ptr<Converter> make_string_converter();

const config::ConfigDef& plain_converter_config();  // only converter.type
std::unique_ptr<Converter> make_byte_array_converter();
std::unique_ptr<Converter> make_boolean_converter();
// `type` is SLUICE_INT16 .. SLUICE_FLOAT64 (not INT8).
std::unique_ptr<Converter> make_number_converter(uint8_t type);

std::unique_ptr<HeaderConverter> make_simple_header_converter();
// Any Converter for headers: topic and name of the header do not matter to it.
std::unique_ptr<HeaderConverter> wrap_as_header_converter(std::unique_ptr<Converter> converter);

// Kafka's ConverterConfig: converter.type.
config::ConfigDef converter_base_config();

}  // namespace sluice::record
