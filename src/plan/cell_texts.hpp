#pragma once
// What ids are made of: for each cell the canonical text of the keys that act on each kind of stage, as digests.
// Seeds, forget sets and the ids of earlier stages are added run by run (planner.cpp).
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "unroll/config/keys.hpp"
#include "unroll/config/settings.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {

/// SHA-256 with a memory: cells of a grid share most of their texts.
class Digests {
 public:
  const std::string& of(const std::string& text);
  void forget_all() { known_.clear(); }

 private:
  std::unordered_map<std::string, std::string> known_;
};

/// What the texts need beside the settings.
struct CellInputs {
  std::string data_hash;
  std::string init_hash;     // of init.file
  std::string order_hash;    // of order.file
  std::string hessian_hash;  // of measure.hessian = file:...
  std::int64_t total_steps = 0;
};

struct CellTexts {
  std::string pretraining;  // digest: data, model, initial weights, [pretrain]
  std::string original;     // digest: BatchNorm mode, order, [train] without its length, loss
  std::string retrain;      // text: [retrain]
  std::string run;          // digest: [unlearn], [measure], length of training
  std::string forget;       // text: [forget]
  std::string order;        // text: parts and order, seeds excluded
  std::string model;        // digest: model and threads
  std::string curvature;    // digest: what sigma depends on
  std::string shadow;       // digest: data, model, [prs]'s training; empty where no shadow model is asked for
  std::string shared;       // digest: all that M depends on but pretrain.on and F
};

class CellTextMaker {
 public:
  CellTextMaker();
  [[nodiscard]] CellTexts make(const config::Settings& cell, const CellInputs& inputs);

 private:
  using Keys = std::vector<const config::Key*>;
  Keys data_, model_, initial_model_, pretrain_, loss_, original_, retrain_, unlearn_, measure_, length_, forget_,
      order_, curvature_, seed_, shadow_, risk_;
  Digests digests_;
};

}  // namespace unroll::plan
