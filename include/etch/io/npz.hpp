// SPDX-License-Identifier: BSL-1.0
/// Weights as numpy.savez writes them, one array for each key of PyTorch's `state_dict`:
///
///     numpy.savez("digits.npz", **{k: v.numpy() for k, v in net.state_dict().items()})
///     net.load_state_dict({k: torch.tensor(v) for k, v in numpy.load("digits.npz").items()})
///
/// Compressed files (numpy.savez_compressed) need CMake's target etch::zlib; see io/zip.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "etch/data/file.hpp"
#include "etch/io/npy.hpp"
#include "etch/io/tensor_file.hpp"
#include "etch/io/zip.hpp"

namespace etch {

namespace detail {

/// The arrays of an archive, as their first bytes describe them. Their numbers stay packed: a small
/// file can hold any number of zeros.
template <bool zlib>
Result<std::vector<FileTensor>> npz_tensors(const std::vector<ZipEntry>& entries) {
  constexpr std::string_view suffix = ".npy";
  std::vector<FileTensor> tensors;
  std::string store;
  for (const ZipEntry& entry : entries) {
    if (!entry.name.ends_with(suffix)) {
      return Error{"no .npz file: it holds '" + shown(entry.name) + "', which is no .npy file"};
    }
    const Result<std::string_view> head = unpack<zlib>(entry, npy_head_bytes, store);
    if (!head) return head.error();
    Result<FileTensor> tensor = parse_npy_head(*head, entry.size);
    if (!tensor) return Error{"'" + shown(entry.name) + "': " + tensor.error().message};
    tensor->name = entry.name.substr(0, entry.name.size() - suffix.size());
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

/// Only arrays that have the shape of a tensor of the network are unpacked as a whole.
template <bool zlib>
Result<void> load_npz(std::span<const PlacedParameter> wanted, float* parameters,
                      std::string_view bytes, const KeyNames& names) {
  const Result<std::vector<ZipEntry>> entries = read_zip(bytes);
  if (!entries) return entries.error();
  Result<std::vector<FileTensor>> tensors = npz_tensors<zlib>(*entries);
  if (!tensors) return tensors.error();
  const Result<std::vector<Match>> matches = matched(wanted, *tensors, names);
  if (!matches) return matches.error();
  std::deque<std::string> store;
  for (const Match& match : *matches) {
    const ZipEntry& entry = (*entries)[match.tensor];
    const auto unpacked = unpack<zlib>(entry, entry.size, store.emplace_back());
    if (!unpacked) return unpacked.error();
    FileTensor& tensor = (*tensors)[match.tensor];
    tensor.bytes = numbers_of_npy(*unpacked, tensor);
  }
  return fill(*matches, *tensors, parameters);
}

inline std::string npz_bytes(std::span<const PlacedParameter> rows, const float* data,
                             const KeyNames& names) {
  ZipWriter zip;
  for (const auto& [name, row] : state_entries(rows, names)) {
    std::string array = row == nullptr ? npy_header("<i8", {})
                                       : npy_header("<f4", file_shape(row->info.shape));
    if (row == nullptr) append_little_endian(array, 0, 8);
    else append_tensor(array, *row, data);
    zip.add(name + ".npy", array);
  }
  return std::move(zip).finish();
}

}  // namespace detail

/// The weights in the bytes of an .npz file; `name` stands for the file in errors. Numbers of 16,
/// 32 and 64 bits (<f2, <f4, <f8) are converted, doubles beyond the range of float to infinity; key
/// and shape must be those of the network, except that the counts of batches of PyTorch's batch
/// norms are passed over; `names` are for classes with members: see io/key_names.hpp. Errors, all
/// of which leave the parameters as they were: "name: ..." if the bytes are no such file, or a list
/// of every missing, surplus and misshaped tensor.
template <class Net, bool zlib = detail::with_zlib>
Result<void> parse_npz(std::string_view bytes, const std::string& name,
                       Parameters<Net>& parameters, const KeyNames& names = {}) {
  return detail::with_path(
      name, detail::load_npz<zlib>(detail::float_rows<Net>(), parameters.data, bytes, names));
}

/// `parse_npz` of a file. Errors: as there, or "path: cannot be opened: ...".
template <class Net, bool zlib = detail::with_zlib>
Result<void> read_npz(const std::string& path, Parameters<Net>& parameters,
                      const KeyNames& names = {}) {
  return parse_file(path, [&](std::string_view bytes, const std::string& name) {
    return parse_npz<Net, zlib>(bytes, name, parameters, names);
  });
}

/// The bytes that `write_npz` writes. Requires `names` that it does not refuse.
template <class Net>
std::string npz_bytes(const Parameters<Net>& parameters, const KeyNames& names = {}) {
  static_assert(tensor_floats<Net> < (std::size_t{1} << 29) && parameter_table<Net>.size() < 30000,
                "etch: an .npz file of these weights would need the zip64 format");
  return detail::npz_bytes(detail::float_rows<Net>(), parameters.data, names);
}

/// Writes all weights and buffers as <f4, bit by bit and not compressed, under other `names` if
/// wanted. Error: "path: ..." with the reason.
template <class Net>
Result<void> write_npz(const Parameters<Net>& parameters, const std::string& path,
                       const KeyNames& names = {}) {
  const Result<void> fit = detail::check_key_names(parameter_table<Net>, names, path);
  if (!fit) return fit;
  return write_file(path, npz_bytes(parameters, names));
}

}  // namespace etch
