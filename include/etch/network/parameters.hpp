// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <bit>
#include <boost/hana/at_key.hpp>
#include <boost/hana/map.hpp>
#include <boost/hana/pair.hpp>
#include <boost/hana/string.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "etch/data/random.hpp"
#include "etch/network/parameter_table.hpp"

namespace etch {

namespace hana = boost::hana;

/// A parameter seen as `state_dict` shows it, whatever way the library stores it. `Number` is float
/// or const float; of quantised weights bf16 or int8 (multiples of the scale of their output).
template <class S, class Number> class Tensor {
 public:
  using shape = S;

  constexpr Tensor(Number* data, const ParameterInfo& info) : data_(data), info_(&info) {}

  static constexpr std::size_t size() { return S::size; }

  /// The element at the given indices, one for each axis. Indices are not checked.
  template <class... Index> constexpr Number& operator()(Index... index) const {
    static_assert(sizeof...(Index) == S::rank, "etch: one index for each axis");
    const std::size_t at[] = {static_cast<std::size_t>(index)..., 0};
    std::size_t flat = 0;
    for (std::size_t i = 0; i < S::rank; ++i) flat = flat * S::dims[i] + at[i];
    return (*this)[flat];
  }

  /// The i-th element in row-major order.
  constexpr Number& operator[](std::size_t i) const {
    if constexpr (S::rank > 1) return data_[info_->place_of(i)];
    else return data_[i];
  }

  /// Row-major, as PyTorch's `weight.flatten()`.
  constexpr void copy_from(std::span<const float, S::size> values) const
    requires(std::is_same_v<Number, float>)
  {
    for (std::size_t i = 0; i < S::size; ++i) (*this)[i] = values[i];
  }
  constexpr void copy_to(std::span<float, S::size> values) const {
    for (std::size_t i = 0; i < S::size; ++i) values[i] = (*this)[i];
  }

 private:
  Number* data_;
  const ParameterInfo* info_;
};

namespace literals {
namespace detail {
template <FixedString s, std::size_t... i> constexpr auto hana_string(std::index_sequence<i...>) {
  return hana::string<s.text[i]...>{};
}
}  // namespace detail
/// "0.weight"_k: the name of a parameter as a Hana string.
template <FixedString s> constexpr auto operator""_k() {
  return detail::hana_string<s>(std::make_index_sequence<sizeof(s.text) - 1>{});
}
}  // namespace literals

namespace detail {
template <class Net, std::size_t row, std::size_t... i>
constexpr auto parameter_key(std::index_sequence<i...>) {
  return hana::string<parameter_table<Net>[row].info.name.text[i]...>{};
}
template <class Net, std::size_t row> constexpr auto parameter_key() {
  constexpr std::size_t length = parameter_table<Net>[row].info.name.length;
  return parameter_key<Net, row>(std::make_index_sequence<length>{});
}
/// The row of the parameter of that name; the size of the table if there is none.
template <class Net> constexpr std::size_t find_parameter(std::string_view name) {
  std::size_t row = 0;
  for (const PlacedParameter& p : parameter_table<Net>) {
    if (p.info.name.view() == name) return row;
    ++row;
  }
  return row;
}
}  // namespace detail

namespace detail {
template <class Net>
inline constexpr bool all_floats = [] {
  for (const PlacedParameter& p : parameter_table<Net>) {
    if (p.info.type != NumberType::f32) return false;
  }
  return true;
}();
}  // namespace detail

template <FixedString name> struct ParameterName {};
template <bool ok, class Name> inline constexpr bool parameter_exists = ok;

/// All weights of a network: one flat block that may be copied as bytes, reduced over processes or
/// put in flash. The floats between tensors are zero.
template <class Net> struct Parameters {
  static constexpr std::size_t floats = parameter_floats_of<Net>;

  alignas(64) float data[floats == 0 ? 1 : floats] = {};

  /// The row-th parameter of `parameter_table<Net>`.
  template <std::size_t row> constexpr auto tensor() & { return view<row>(data); }
  template <std::size_t row> constexpr auto tensor() const& { return view<row>(data); }
  template <std::size_t row> constexpr auto tensor() const&& = delete;  // it would dangle

  /// parameters["0.weight"_k]; a name that does not exist does not compile.
  template <char... name> constexpr auto operator[](hana::string<name...>) & {
    return tensor<row_of<name...>()>();
  }
  template <char... name> constexpr auto operator[](hana::string<name...>) const& {
    return tensor<row_of<name...>()>();
  }
  template <char... name> constexpr auto operator[](hana::string<name...>) const&& = delete;

  /// All of them as a Hana map from names to tensors.
  constexpr auto named() & { return map(data, rows{}); }
  constexpr auto named() const& { return map(data, rows{}); }
  constexpr auto named() const&& = delete;

  /// f(info, tensor) for each parameter in order.
  template <class F> constexpr void for_each(F&& f) { visit(data, f, rows{}); }
  template <class F> constexpr void for_each(F&& f) const { visit(data, f, rows{}); }

  /// Of smaller numbers by their bits, four bytes of which may be a NaN.
  constexpr bool operator==(const Parameters& other) const {
    if constexpr (detail::all_floats<Net>) {
      return std::ranges::equal(data, other.data);
    } else {
      const auto bits = [](float x) { return std::bit_cast<std::uint32_t>(x); };
      return std::ranges::equal(data, other.data, {}, bits, bits);
    }
  }

 private:
  using rows = std::make_index_sequence<parameter_table<Net>.size()>;

  template <std::size_t row, class Float> static constexpr auto view(Float* data) {
    constexpr const PlacedParameter& p = parameter_table<Net>[row];
    constexpr Dims dims = p.info.shape;
    if constexpr (p.info.type == NumberType::f32) {
      return Tensor<ShapeFrom<dims>, Float>(data + p.offset, p.info);
    } else {
      using Small = typename detail::stored_number<p.info.type>::of;
      using Number = std::conditional_t<std::is_const_v<Float>, const Small, Small>;
      return Tensor<ShapeFrom<dims>, Number>(reinterpret_cast<Number*>(data + p.offset), p.info);
    }
  }

  template <char... name> static constexpr std::size_t row_of() {
    constexpr FixedString<sizeof...(name) + 1> text({name..., 0});
    constexpr std::size_t row = detail::find_parameter<Net>(text.view());
    static_assert(parameter_exists<(row < parameter_table<Net>.size()), ParameterName<text>>,
                  "etch: no parameter has this name");
    return row < parameter_table<Net>.size() ? row : 0;
  }

  template <class Float, std::size_t... row>
  static constexpr auto map([[maybe_unused]] Float* data, std::index_sequence<row...>) {
    return hana::make_map(
        hana::make_pair(detail::parameter_key<Net, row>(), view<row>(data))...);
  }
  template <class Float, class F, std::size_t... row>
  static constexpr void visit([[maybe_unused]] Float* data, F& f, std::index_sequence<row...>) {
    (f(parameter_table<Net>[row].info, view<row>(data)), ...);
  }
};

template <class Net> inline constexpr std::size_t parameter_bytes = sizeof(Parameters<Net>);

template <bool ok, class Net> inline constexpr bool stores_floats = ok;

namespace detail {
/// The table of a network whose weights are all floats, for who reads, draws or writes them.
template <class Net> constexpr const auto& float_rows() {
  static_assert(stores_floats<all_floats<Net>, Net>,
                "etch: quantised weights are made from floats, by quantize(parameters)");
  return parameter_table<Net>;
}

constexpr void draw(const ParameterInfo& info, Random random, float* data) {
  const auto a = static_cast<float>(info.init.a);
  for (std::size_t i = 0; i < info.shape.size(); ++i) {
    float& value = data[info.place_of(i)];
    switch (info.init.kind) {
      case Init::Kind::constant: value = a; break;
      case Init::Kind::uniform: value = random.uniform(-a, a); break;
      case Init::Kind::normal: value = random.normal(0, a); break;
    }
  }
}
}  // namespace detail

/// Draws all parameters as their layers say; the same seed gives the same bits on every machine.
template <class Net> constexpr void initialize(Parameters<Net>& parameters, std::uint64_t seed) {
  std::uint32_t row = 0;
  // A loop at run time: a hundred tensors unrolled take compilers minutes.
  for (const PlacedParameter& p : detail::float_rows<Net>()) {
    detail::draw(p.info, Random(seed, RandomUse::parameters, row++), parameters.data + p.offset);
  }
}

}  // namespace etch
