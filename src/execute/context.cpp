#include "unroll/execute/context.hpp"

#include "unroll/base/error.hpp"
#include "unroll/config/keys.hpp"
#include "unroll/hdf5/arrays.hpp"

namespace unroll::execute {

std::shared_ptr<const dataset::DataSet> Context::set_of(std::size_t cell_index) {
  const auto description = plan_.description_of_cell[cell_index];
  auto& set = sets_[description];
  if (!set) {
    set = replaced_ ? replaced_ : std::make_shared<const dataset::DataSet>(dataset::load(cell(cell_index).data));
    if (!replaced_ && set->description.content_hash != plan_.descriptions[description]->content_hash) {
      throw Error("the data changed while the study was starting: data.path = " + cell(cell_index).data.path);
    }
  }
  return set;
}

std::shared_ptr<const dataset::TermWeights> Context::terms_of(const plan::Pretraining& pretraining,
                                                              const dataset::DataSet& set) const {
  if (!set.holds_counts) {
    return nullptr;
  }
  return std::make_shared<const dataset::TermWeights>(
      cell(pretraining.cell).data.features == config::TextFeatures::tfidf
          ? dataset::inverse_document_frequencies(set, *plan_.pretrain_rows(pretraining))
          : dataset::equal_weights(set));
}

std::shared_ptr<const data::ResidentData> Context::data(const plan::Pretraining& pretraining) {
  const auto dtype = cell(pretraining.cell).model.dtype;
  const auto fit = plan_.feature_fit(pretraining);
  auto& resident = data_[{plan_.description_of_cell[pretraining.cell], dtype}];
  if (!resident.data || resident.fit != fit) {
    resident = {};  // frees what the last fit kept, unless a model still reads it
    const auto set = set_of(pretraining.cell);
    resident = {fit, std::make_shared<const data::ResidentData>(set, dtype, dataset::kKeptBytes, device_,
                                                                terms_of(pretraining, *set))};
  }
  return resident.data;
}

std::shared_ptr<const data::ResidentData> Context::data(const plan::Tree& tree) {
  return data(plan_.pretrainings[tree.pretraining]);
}

std::shared_ptr<const model::Network> Context::network(std::size_t cell_index) {
  const auto& settings = cell(cell_index);
  const auto& description = plan_.description(cell_index);
  constexpr std::string_view kModel[] = {"model."};
  const std::string key =
      config::canonical_text(settings, kModel) + "/" + std::to_string(plan_.description_of_cell[cell_index]);
  auto& network = networks_[key];
  if (!network) {
    network = model::make_network(settings.model, description.shape, description.num_classes);
  }
  return network;
}

std::int64_t Context::max_lanes(std::size_t cell_index) const { return plan::max_lanes(cell(cell_index)); }

model::State Context::initial_state(std::size_t cell_index, std::uint64_t seed) {
  const auto& settings = cell(cell_index);
  const auto dtype = data::scalar_type(settings.model.dtype);
  const auto& layout = network(cell_index)->layout();
  if (settings.init.file.empty()) {
    return model::initial_state(layout, seed, dtype);
  }
  auto loaded = model::from_arrays(layout, hdf5::read_arrays(settings.init.file), dtype, settings.init.file);
  if (!loaded.has_buffers && settings.model.batchnorm == config::BatchNormMode::frozen &&
      (settings.pretrain.on == config::PretrainOn::none || settings.pretrain.epochs == 0)) {
    throw UsageError(
        settings.init.file +
        ": holds no BatchNorm statistics, and model.batchnorm = frozen needs w_0's; use train, or pretrain");
  }
  return loaded.state;
}

}  // namespace unroll::execute
