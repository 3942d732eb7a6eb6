#pragma once
// What one forget set's gradient says about the verification error to come, gathered while M trains (METHODS, "read
// this first" 4; plain SGD). With g_s the forgotten gradient of a touched step s at w_0, eta_s its rate and
// S_t = sum of eta over steps before t:
//   one_hvp        || H [sum_s eta_s (S_T - S_{s+1}) g_s] - sum_s eta_s (H_{B_s} - H_{B_s without F}) (w_s - w_0) ||,
//                  every Hessian at w_0; for one batch at step k this is eta^2 ||(T - 1 - k) H g* + H_{x*} sum_{j<k}
//                  g_j||
// Why the sum: step k takes eta g*(w_k) from M, and g*(w_k) = g* - eta H_{x*} sum_{j<k} g_j. So with equal batches the
// place of the skipped step does not matter, as it must be.
//   one_hvp_first  eta^2 (T - 1) ||H g*||, as if the first touched step were step 0
// H is of the loss at step 0 (with loss.gamma_decay later ones differ), H_{B_s} and g_s of that at step s.
#include <optional>

#include "execute/curvature_track.hpp"
#include "unroll/unlearn/forgotten_gradient.hpp"

namespace unroll::execute {

class ForkEstimates {
 public:
  ForkEstimates(std::shared_ptr<unlearn::ForgottenGradient> gradient, const model::State& start, bool one_hvp);

  /// rates_after: S_{s+1} of the touched step; track: for products with the Hessian at w_0.
  void before_step(const unlearn::Touch& touch, const model::State& original, double rates_after,
                   const CurvatureTrack& track);

  [[nodiscard]] std::int64_t num_touches() const { return num_touches_; }
  [[nodiscard]] std::int64_t first_step() const { return first_step_; }
  /// eta_k ||g*|| of the first touched step k: g* at w_0, and at w_k (for the growth bound; NaN where the track keeps
  /// no sizes).
  [[nodiscard]] double eta_gradient_norm() const { return eta_norm_at_start_; }
  [[nodiscard]] double eta_gradient_norm_at_step() const { return eta_norm_at_step_; }

  /// rates: S_T. at_start: the method takes its gradients at w_0; else where M met them, and the second sum, which is
  /// what they differ by, is left out. NaN when not asked for; 0 before F was seen.
  [[nodiscard]] double one_hvp(double rates, const CurvatureTrack& track, bool at_start) const;
  /// What it has gathered so far, for a checkpoint.
  void transfer(Archive& archive);
  /// ||H g*|| of the first touched step, computed once.
  [[nodiscard]] double hessian_gradient_norm(const CurvatureTrack& track);

 private:
  [[nodiscard]] learn::Hessian hessian_at_start(const CurvatureTrack& track) const;

  std::shared_ptr<unlearn::ForgottenGradient> gradient_;
  model::State start_;
  bool one_hvp_;
  std::int64_t num_touches_ = 0, first_step_ = 0;
  double eta_norm_at_start_ = 0, eta_norm_at_step_ = record::kUndefined;
  torch::Tensor sum_, late_sum_, position_;  // double [P]
  torch::Tensor first_gradient_;
  std::optional<double> hessian_gradient_norm_;
};

}  // namespace unroll::execute
