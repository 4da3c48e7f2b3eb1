#include <nlohmann/json.hpp>

#include "data/sample.h"
#include "data/sample_composer.h"

namespace telora::sample {

namespace {

constexpr Fact kPlatforms[] = {
    {"SMO",
     {"fault and configuration management of the whole RAN", "orchestrating the RAN's life cycle"}},
    {"non-real-time RIC", {"running rApps", "control loops slower than one second"}},
    {"near-real-time RIC",
     {"hosting xApps", "control loops between ten milliseconds and one second"}},
    {"O-Cloud",
     {"offering compute nodes to virtual functions", "pooling servers and accelerators"}},
};
constexpr std::string_view kPlatformForward[] = {
    "Which O-RAN element is in charge of {key}?",
    "{key}: assign this to an O-RAN element.",
    "For {key}, O-RAN foresees the",
    "Where in an O-RAN deployment does one find {key}?",
    "A vendor builds software for {key}. What is it part of?",
    "Complete: the ____ is the place for {key}.",
};
constexpr std::string_view kPlatformInverse[] = {
    "Which duty has the {value}?",
    "The {value} is known for",
};

constexpr Fact kNodes[] = {
    {"O-CU control plane", {"running the RRC protocol", "the signalling side of PDCP"}},
    {"O-CU user plane", {"SDAP towards the core", "ciphering user packets in PDCP"}},
    {"O-DU", {"scheduling of radio resources", "RLC and high-PHY processing"}},
    {"O-RU", {"low-PHY processing at the antenna", "conversion between radio and digital signals"}},
};
constexpr std::string_view kNodeForward[] = {
    "Which node of the disaggregated RAN does {key}?",
    "{key}: which node is meant?",
    "In O-RAN, the node for {key} is the",
    "An alarm concerns {key}. Where did it start?",
    "Name the RAN node behind {key}.",
    "To speed up {key}, one would tune the",
};
constexpr std::string_view kNodeInverse[] = {
    "What does the {value} do?",
    "Typical work of the {value} is",
};

constexpr Fact kInterfaces[] = {
    {"A1", {"policies for the near-real-time RIC", "enrichment information for xApps"}},
    {"E2", {"subscriptions of xApps to O-DU reports", "near-real-time control of the O-CU"}},
    {"O1", {"fault reports from the O-DU to the SMO", "performance files collected by the SMO"}},
    {"O2", {"management of the O-Cloud by the SMO", "deployment of cloud workloads"}},
};
constexpr std::string_view kInterfaceForward[] = {
    "Which interface of O-RAN is made for {key}?",
    "{key}: over which interface?",
    "Name the interface that carries {key}.",
    "An engineer traces {key}. Which interface should be tapped?",
    "In O-RAN, the interface meant for {key} is",
    "Without ____ there would be no {key}.",
};
constexpr std::string_view kInterfaceInverse[] = {
    "What passes over {value} in O-RAN?",
    "An example for {value} traffic is",
};

constexpr Fact kPlanes[] = {
    {"C-plane",
     {"beamforming commands for the next slot",
      "section descriptions with scheduling instructions"}},
    {"U-plane", {"IQ samples of the radio signal", "compressed frequency-domain data"}},
    {"S-plane", {"PTP timing messages", "clock synchronisation of O-DU and O-RU"}},
    {"M-plane", {"software updates of the O-RU", "NETCONF configuration of the radio"}},
};
constexpr std::string_view kPlaneForward[] = {
    "On the open fronthaul, which plane is responsible for {key}?",
    "{key}: which fronthaul plane?",
    "Between O-DU and O-RU, the plane for {key} is the",
    "Pick the plane of the 7-2x fronthaul for {key}.",
    "A fronthaul test looks at {key}. Which plane does it exercise?",
    "The ____ of the fronthaul holds {key}.",
};
constexpr std::string_view kPlaneInverse[] = {
    "What is carried on the {value}?",
    "Give an example of {value} traffic.",
};

constexpr Fact kServiceModels[] = {
    {"E2SM-KPM", {"periodic performance counters", "counts of throughput and delay per cell"}},
    {"E2SM-RC", {"steering a UE's handover", "changing radio bearer parameters of a UE"}},
    {"E2SM-NI",
     {"copies of messages on network interfaces", "exposure of X2 or NG message contents"}},
    {"E2SM-CCC",
     {"changes of the cell-level configuration", "reading and writing node configuration"}},
};
constexpr std::string_view kModelForward[] = {
    "Which E2 service model supports {key}?",
    "An xApp needs {key}. Which service model does it use?",
    "{key}: choose the E2 service model.",
    "The service model written for {key} is",
    "For {key} over E2, the node must announce",
    "Complete: ____ defines {key}.",
};
constexpr std::string_view kModelInverse[] = {
    "What is {value} for?",
    "{value} stands for",
};

constexpr Fact kGroups[] = {
    {"WG2", {"the A1 interface", "rApps and their R1 services"}},
    {"WG3", {"the E2 interface", "xApps and their platform"}},
    {"WG4", {"the open fronthaul", "the lower-layer split of O-DU and O-RU"}},
    {"WG6", {"cloudification", "the O2 interface and orchestration"}},
};
constexpr std::string_view kGroupForward[] = {
    "Which O-RAN ALLIANCE working group deals with {key}?",
    "{key}: which working group of the alliance?",
    "A contribution on {key} goes to",
    "The specifications on {key} come from",
    "Within the O-RAN ALLIANCE, the group for {key} is",
    "Experts in {key} meet in",
};
constexpr std::string_view kGroupInverse[] = {
    "{value} writes about",
    "Field of {value}?",
};

constexpr Relation kRelations[] = {
    {"medium", kPlatforms, kPlatformForward, kPlatformInverse},
    {"medium", kNodes, kNodeForward, kNodeInverse},
    {"easy", kInterfaces, kInterfaceForward, kInterfaceInverse},
    {"easy", kPlanes, kPlaneForward, kPlaneInverse},
    {"hard", kServiceModels, kModelForward, kModelInverse},
    {"hard", kGroups, kGroupForward, kGroupInverse},
};

}  // namespace

std::vector<std::string> oran_rows() {
  RandomStream random(stream_key(42, "sample/oranbench"));
  std::vector<std::string> rows;
  for (const Item& item : compose(kRelations, random)) {
    nlohmann::ordered_json row = letter_row(item, true);
    row["difficulty"] = item.relation->title;
    rows.push_back(row.dump());
  }
  return rows;
}

}  // namespace telora::sample
