// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/log/log.hpp"
#include "runtime/rest/http.hpp"

// What the CLI needs to look into the log; Kafka Connect has no such paths, so ours stand apart
// below /sluice.
//   GET /sluice/topics                     {"topics":[{name,id,partitions,internal,records}]}
//   GET /sluice/topics/{topic} {name,id,internal,configs,partitions:[{partition,start,end}]} PUT
//   /sluice/topics/{topic}             ?partitions=1, body: configs as a flat object; 201, or 409
//   if there is one DELETE /sluice/topics/{topic}          204; its records and the offsets
//   committed for it go as well GET /sluice/topics/{topic}/records
//   ?partition=0&offset=0&limit=100&wait_ms=0
//                                          {"records":[{partition,offset,timestamp,key,value,headers}],"next_offset"}
// Keys and values that are no UTF-8 come as key_base64, value_base64. Only durable records are
// shown.
namespace sluice::rest {

Response list_topics(log::Log& log);
Response describe_topic(log::Log& log, const std::string& topic);
Response create_topic(log::Log& log, const std::string& topic, const Request& request);
Response delete_topic(log::Log& log, const std::string& topic);
Response read_records(log::Log& log, const std::string& topic, const Request& request);

}  // namespace sluice::rest
