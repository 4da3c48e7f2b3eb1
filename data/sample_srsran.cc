#include <nlohmann/json.hpp>

#include "data/sample.h"
#include "data/sample_composer.h"

namespace telora::sample {

namespace {

// Modules of a generic software base station, not of one code base.
constexpr Fact kModules[] = {
    {"repeats segments reported missing by the peer", "RLC AM"},
    {"keeps packets until the peer has acknowledged them", "RLC AM"},
    {"segments packets but never repeats them", "RLC UM"},
    {"serves delay-critical bearers without acknowledgements", "RLC UM"},
    {"passes packets on without any header of its own", "RLC TM"},
    {"forwards paging messages unchanged", "RLC TM"},
    {"decides which UE gets which resource blocks", "scheduler"},
    {"picks modulation and code rate for each grant", "scheduler"},
    {"ciphers packets and protects their integrity", "PDCP"},
    {"compresses packet headers", "PDCP"},
    {"sorts packets of QoS flows into radio bearers", "SDAP"},
    {"adds the QoS flow identity to uplink packets", "SDAP"},
    {"encodes transport blocks with LDPC", "upper PHY"},
    {"fills the resource grid with modulated symbols", "upper PHY"},
    {"turns the resource grid into OFDM samples", "lower PHY"},
    {"adds the cyclic prefix to each symbol", "lower PHY"},
};

constexpr Fact kStacks[] = {
    {"sets up the connection to the AMF", "NGAP"},
    {"brings NAS messages to the core", "NGAP"},
    {"carries RRC messages between CU and DU", "F1AP"},
    {"creates UE contexts in the DU", "F1AP"},
    {"creates bearer contexts in the CU user plane", "E1AP"},
    {"links the CU control and user planes", "E1AP"},
    {"prepares handovers between neighbouring gNBs", "XnAP"},
    {"retrieves a UE context from the last serving gNB", "XnAP"},
    {"answers subscriptions of the near-real-time RIC", "E2AP"},
    {"connects the base station to xApps", "E2AP"},
    {"tunnels user packets towards the UPF", "GTP-U"},
    {"marks user packets with a tunnel endpoint identifier", "GTP-U"},
};

constexpr Fact kUtilities[] = {
    {"hands tasks to a fixed set of workers", "thread pool"},
    {"spreads symbol processing over processor cores", "thread pool"},
    {"supplies packet memory without allocating on the fast path", "buffer pool"},
    {"recycles packet memory after transmission", "buffer pool"},
    {"saves traffic so that Wireshark can open it", "PCAP writer"},
    {"records MAC frames in a capture file", "PCAP writer"},
    {"writes time-stamped text about each layer", "logger"},
    {"filters messages by severity level", "logger"},
    {"starts an action when a deadline has passed", "timer"},
    {"fires when a response stays away too long", "timer"},
    {"replaces a neighbouring layer in a unit test", "mock"},
    {"records the calls a tested class makes", "mock"},
};

constexpr Fact kTransports[] = {
    {"NGAP signalling", "SCTP"},
    {"F1AP signalling", "SCTP"},
    {"GTP-U tunnels on N3", "UDP"},
    {"user data on F1-U", "UDP"},
    {"HTTP/2 requests between core functions", "TCP"},
    {"NETCONF sessions over SSH", "TCP"},
    {"open fronthaul frames without IP", "Ethernet"},
    {"eCPRI frames without IP", "Ethernet"},
};

constexpr Fact kInterfaces[] = {
    {"sends baseband samples to a USRP", "UHD"},
    {"drives Ettus radios over USB or network", "UHD"},
    {"lets base station and UE exchange samples without radios", "ZeroMQ"},
    {"replaces the radio by sockets on one computer", "ZeroMQ"},
    {"separates MAC and PHY by slot messages", "FAPI"},
    {"lets the MAC ask the PHY for transmissions in a slot", "FAPI"},
    {"moves Ethernet frames past the kernel", "DPDK"},
    {"polls network cards from user space", "DPDK"},
};

constexpr std::string_view kModuleForward[] = {
    "Which module of a software base station {key}?",
    "In the radio stack, the part that {key} is called",
    "This part {key}. Name it.",
    "A developer reads code that {key}. Which module is it?",
    "Find the owner of this task: it {key}.",
};
constexpr std::string_view kModuleInverse[] = {
    "What does {value} do in the stack?",
    "Which statement fits {value}? It",
};

constexpr std::string_view kStackForward[] = {
    "Which protocol of the gNB {key}?",
    "The protocol module that {key} implements",
    "A gNB log shows code that {key}. Which protocol is at work?",
    "It {key}: which network protocol?",
    "Software that {key} needs an encoder for",
};
constexpr std::string_view kStackInverse[] = {
    "What does {value} do in a gNB?",
    "Choose what fits {value}: it",
};

constexpr std::string_view kUtilityForward[] = {
    "Which software building block {key}?",
    "A helper class {key}. What kind is it?",
    "The building block that {key} is the",
    "It {key}. Which utility is described?",
    "To get something that {key}, a programmer adds a",
};
constexpr std::string_view kUtilityInverse[] = {
    "What is the use of a {value} in base station software? It",
};

constexpr std::string_view kTransportForward[] = {
    "What comes next below {key} in the stack?",
    "The usual transport for {key} is",
    "A program hands {key} to which of these first?",
    "To receive {key}, a program opens a socket for",
    "A test tool imitates {key}. What does it build on?",
};
constexpr std::string_view kTransportInverse[] = {
    "What rides directly on {value}?",
    "Choose the direct user of {value} as transport.",
};

constexpr std::string_view kInterfaceForward[] = {
    "Which library or interface {key}?",
    "The name of the one that {key} is",
    "It {key}: which of these?",
    "An SDR project wants something that {key}. What does it link?",
    "Software that {key} is built on",
};
constexpr std::string_view kInterfaceInverse[] = {
    "Why does a radio project use {value}? Because it",
    "Describe {value} in a few words: it",
};

constexpr Relation kRelations[] = {
    {"modules", kModules, kModuleForward, kModuleInverse},
    {"protocols", kStacks, kStackForward, kStackInverse},
    {"utilities", kUtilities, kUtilityForward, kUtilityInverse},
    {"transport", kTransports, kTransportForward, kTransportInverse},
    {"interfaces", kInterfaces, kInterfaceForward, kInterfaceInverse},
};

}  // namespace

std::vector<std::string> srsran_rows() {
  RandomStream random(stream_key(42, "sample/srsranbench"));
  std::vector<std::string> rows;
  for (const Item& item : compose(kRelations, 4, random)) {
    rows.push_back(letter_row(item, true).dump());
  }
  return rows;
}

}  // namespace telora::sample
