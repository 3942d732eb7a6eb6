#include "cell_texts.hpp"

#include <initializer_list>
#include <span>
#include <string_view>

#include "unroll/base/sha256.hpp"

namespace unroll::plan {
namespace {

std::vector<const config::Key*> keys_of(std::initializer_list<std::string_view> names) {
  return config::select_keys(std::span(names.begin(), names.size()));
}

}  // namespace

const std::string& Digests::of(const std::string& text) {
  auto& digest = known_[text];
  if (digest.empty()) {
    digest = sha256(text);
  }
  return digest;
}

CellTextMaker::CellTextMaker()
    : data_(keys_of({"data.dataset", "data.features", "data.mean", "data.std"})),
      model_(keys_of({"model.", "run.threads"})),
      initial_model_(keys_of({"model.arch", "model.hidden", "model.activation", "model.dtype", "run.threads"})),
      pretrain_(keys_of({"pretrain.epochs", "pretrain.lr", "pretrain.batch", "pretrain.momentum",
                         "pretrain.weight_decay", "pretrain.loss"})),
      loss_(keys_of({"loss.kind", "loss.gamma", "loss.sd"})),
      original_(keys_of({"model.batchnorm", "model.batchnorm_steps", "order.kind", "train.lr", "train.batch",
                         "train.momentum", "train.weight_decay", "train.schedule", "train.schedule_every",
                         "train.schedule_factor", "loss."})),
      retrain_(keys_of({"train.l2_in", "retrain."})),
      unlearn_(keys_of({"unlearn."})),
      measure_(keys_of({"train.l2_in", "measure.every", "measure.steps", "measure.sigma", "measure.sigma_every",
                        "measure.sigma_mode", "measure.lanczos_steps", "measure.lanczos_tolerance",
                        "measure.warm_start", "measure.power_iterations", "measure.power_tolerance", "measure.one_hvp",
                        "measure.outputs", "measure.eval_rows", "measure.layers"})),
      length_(keys_of({"train.epochs", "train.steps"})),
      forget_(keys_of({"forget."})),
      order_(keys_of({"order.kind", "train.batch"})),
      curvature_(keys_of({"train.l2_in", "measure.every", "measure.steps", "measure.sigma", "measure.sigma_every",
                          "measure.sigma_mode", "measure.lanczos_steps", "measure.lanczos_tolerance",
                          "measure.warm_start", "measure.power_iterations", "measure.power_tolerance"})),
      seed_(keys_of({"seed."})),
      shadow_(
          keys_of({"prs.shadow", "prs.epochs", "prs.lr", "prs.batch", "prs.momentum", "prs.weight_decay", "prs.loss"})),
      risk_(keys_of({"prs.scores", "prs.bins", "prs.statistics"})) {}

CellTexts CellTextMaker::make(const config::Settings& cell, const CellInputs& inputs) {
  const auto text = [&](const Keys& keys) { return config::canonical_text(cell, keys); };
  const bool pretrains = cell.pretrain.on != config::PretrainOn::none;
  const bool is_split = cell.pretrain.on == config::PretrainOn::split;
  const bool uses_loss = pretrains && cell.pretrain.loss == config::PretrainLoss::train;
  const bool is_cosine = cell.train.schedule == config::Schedule::cosine;
  const bool uses_hessian_file = !inputs.hessian_hash.empty();

  const bool has_shadow = config::find_key("prs.lr")->acts.holds(cell);
  const bool shadow_uses_loss = has_shadow && cell.prs.loss == config::PretrainLoss::train;

  CellTexts texts;
  const std::string parts =
      is_split ? "rows=split " + config::find_key("pretrain.fraction")->canonical(cell) + '\n' : "rows=all\n";
  const std::string start = "data=" + inputs.data_hash + '\n' + text(data_) + text(initial_model_) +
                            "init=" + inputs.init_hash + '\n' + text(pretrain_) + (uses_loss ? text(loss_) : "");
  const std::string original = text(original_) + "order=" + inputs.order_hash + '\n' +
                               (is_cosine ? "total=" + std::to_string(inputs.total_steps) + '\n' : "");
  const std::string hessian = uses_hessian_file
                                  ? "hessian=" + inputs.hessian_hash + '\n'
                                  : "hessian=" + config::find_key("measure.hessian")->canonical(cell) + '\n';
  const bool needs_hessian = config::find_key("measure.hessian")->acts.holds(cell);
  texts.pretraining = digests_.of(start + parts);
  texts.original = digests_.of(original);
  texts.retrain = text(retrain_);
  texts.shadow = has_shadow ? digests_.of("data=" + inputs.data_hash + '\n' + text(data_) + text(initial_model_) +
                                          text(shadow_) + (shadow_uses_loss ? text(loss_) : ""))
                            : "";
  texts.run = digests_.of((has_shadow ? text(risk_) : "") + text(unlearn_) + text(measure_) +
                          (needs_hessian ? hessian : "") + text(length_));
  texts.forget = text(forget_);
  texts.order = parts + text(order_) + inputs.order_hash + inputs.data_hash;
  texts.model = digests_.of(text(model_));
  texts.curvature = digests_.of(text(curvature_) + hessian + text(length_));
  texts.shared = digests_.of(start + original + text(seed_));
  return texts;
}

}  // namespace unroll::plan
