// SPDX-License-Identifier: BSL-1.0
/// Tensors of a network are named by the positions of layers, those of a class of PyTorch by its
/// members. Pairs of both names lead from one to the other, in files with keys:
///
///     self.lstm = nn.LSTM(3, 32, batch_first=True)                              # Python
///     self.head = nn.Linear(32, 2)            # forward: self.head(self.lstm(x)[0][:, -1])
///
///     using Net = etch::Network<etch::Input<100, 3>, etch::LSTM<32>, etch::Select<0, -1>,
///                               etch::Linear<2>>;
///     etch::read_safetensors("net.safetensors", parameters, {{"0", "lstm"}, {"2", "head"}});
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "etch/network/parameter_table.hpp"

namespace etch {

/// What begins with `network`, a name or its first parts up to a dot, begins with `file` in a file:
/// {"0", "lstm"} makes "0.weight_hh_l0" the key "lstm.weight_hh_l0". An empty name stands for the
/// whole of the network or file: {"", "net"} of a Sequential in a member, {"0", ""} of a module of
/// PyTorch that is the first layer here.
struct KeyName {
  std::string network;
  std::string file;
};

/// Of several that fit, the longest holds; where none does, the name is the key.
///
/// Several pairs of one `network` are for tied weights, which a state_dict has under each of their
/// names: {{"leg", "0"}, {"leg", "2"}} for nn.Sequential(leg, nn.Tanh(), leg), which here has
/// Share<"leg", Linear<n>> twice. A file must have all of the keys, with the same numbers; all are
/// written.
using KeyNames = std::vector<KeyName>;

namespace detail {

constexpr bool is_prefix(std::string_view prefix, std::string_view name) {
  return prefix.empty() || name == prefix ||
         (name.starts_with(prefix) && name[prefix.size()] == '.');
}

/// More than one of tied weights.
inline std::vector<std::string> keys_in_file(std::string_view name, const KeyNames& names) {
  const KeyName* best = nullptr;
  for (const KeyName& rule : names) {
    if (!is_prefix(rule.network, name)) continue;
    if (best == nullptr || rule.network.size() > best->network.size()) best = &rule;
  }
  if (best == nullptr) return {std::string(name)};
  std::string_view rest = name.substr(best->network.size());
  if (rest.starts_with('.')) rest.remove_prefix(1);
  std::vector<std::string> keys;
  for (const KeyName& rule : names) {
    if (rule.network != best->network) continue;
    const bool both = !rule.file.empty() && !rest.empty();
    keys.push_back(std::string(rule.file).append(both ? "." : "").append(rest));
  }
  return keys;
}

/// A line for each pair that names nothing, and for each key that would be there twice.
inline std::string misnamed(std::span<const PlacedParameter> rows, const KeyNames& names) {
  std::string lines;
  for (const KeyName& rule : names) {
    bool found = false;
    for (const PlacedParameter& row : rows) {
      found = found || is_prefix(rule.network, row.info.name.view());
    }
    if (!found) lines += "\n  not in the network: " + rule.network;
  }
  std::set<std::string> keys;
  for (const PlacedParameter& row : rows) {
    for (const std::string& key : keys_in_file(row.info.name.view(), names)) {
      if (!keys.insert(key).second) lines += "\n  two tensors of one name: " + key;
    }
  }
  return lines;
}

}  // namespace detail

}  // namespace etch
