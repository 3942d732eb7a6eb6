#pragma once
// What every item of work needs: the plan, its data on this rank and the networks, made once for each distinct cell.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "unroll/data/resident.hpp"
#include "unroll/model/network.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::execute {

class Context {
 public:
  explicit Context(const plan::Plan& plan, torch::Device device = torch::kCPU) : plan_(plan), device_(device) {}

  [[nodiscard]] const plan::Plan& plan() const { return plan_; }
  /// Where models train; w_0 and what is measured may be in host memory.
  [[nodiscard]] torch::Device device() const { return device_; }
  [[nodiscard]] const config::Settings& cell(std::size_t index) const { return plan_.cells[index]; }
  /// What the models of a pretraining or tree see: the data set of its cell, read at its first use and shared by all
  /// that name the same, with its features fitted on the rows that pretrain. Of several fits only the last is kept
  /// here.
  [[nodiscard]] std::shared_ptr<const data::ResidentData> data(const plan::Pretraining& pretraining);
  [[nodiscard]] std::shared_ptr<const data::ResidentData> data(const plan::Tree& tree);
  [[nodiscard]] std::shared_ptr<const model::Network> network(std::size_t cell);
  /// Lanes that one call folds at most: run.lanes, or 64 for networks that fold and 1 for those that do not on CPUs.
  [[nodiscard]] std::int64_t max_lanes(std::size_t cell) const;
  /// w_0 before any pretraining: init.file or the default initialisation. UsageError for a file that does not fit.
  [[nodiscard]] model::State initial_state(std::size_t cell, std::uint64_t seed);
  /// Tests put their own data in the place of what [data] names.
  void use_data(std::shared_ptr<const dataset::DataSet> set) { replaced_ = std::move(set); }

 private:
  struct Resident {
    std::string fit;  // plan::Plan::feature_fit
    std::shared_ptr<const data::ResidentData> data;
  };
  [[nodiscard]] std::shared_ptr<const dataset::DataSet> set_of(std::size_t cell);
  [[nodiscard]] std::shared_ptr<const dataset::TermWeights> terms_of(const plan::Pretraining& pretraining,
                                                                     const dataset::DataSet& set) const;

  const plan::Plan& plan_;
  torch::Device device_;
  std::shared_ptr<const dataset::DataSet> replaced_;
  std::map<std::size_t, std::shared_ptr<const dataset::DataSet>> sets_;  // by description
  std::map<std::pair<std::size_t, config::Dtype>, Resident> data_;
  std::map<std::string, std::shared_ptr<const model::Network>> networks_;
};

/// Called between steps; cheap (schedule::Scheduler::poll). Throws Stopped (stop.hpp) when the study is to end.
using Poll = std::function<void()>;

}  // namespace unroll::execute
